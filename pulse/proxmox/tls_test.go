package proxmox

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// authority signs certificates as a cluster does for its members.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

var serials atomic.Int64

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serials.Add(1)), Subject: pkix.Name{CommonName: "Proxmox Virtual Environment"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue signs a certificate for a node; hosts are its other names.
func (a *authority) issue(t testing.TB, node string, hosts ...string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serials.Add(1)), Subject: pkix.Name{CommonName: node}, DNSNames: []string{node},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// host is a server whose certificate can be changed while it runs, and which counts what it was sent.
type host struct {
	*httptest.Server
	cert        atomic.Pointer[tls.Certificate]
	requests    atomic.Int32
	credentials atomic.Int32
}

func newHost(t testing.TB, cert *tls.Certificate, h http.Handler) *host {
	t.Helper()
	s := &host{}
	s.cert.Store(cert)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" || r.Method == http.MethodPost {
			s.credentials.Add(1)
		}
		w.Header().Set("Connection", "close")
		h.ServeHTTP(w, r)
	}))
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*s.cert.Load()}, MinVersion: tls.VersionTLS12}, nil
	}}
	s.Config.ErrorLog = discardLog
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *host) fingerprint() Fingerprint { return FingerprintOf(s.cert.Load().Leaf) }

func trusting(t testing.TB, s *host, trust Trust) *Client {
	t.Helper()
	c, err := New(Options{Kind: PVE, Address: s.URL, Credential: testToken(), Trust: trust})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func pool(a *authority) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func refused(t *testing.T, s *host, c *Client) *CertificateError {
	t.Helper()
	before := s.credentials.Load()
	_, _, err := c.Version(t.Context())
	require.ErrorIs(t, err, ErrTLS)
	var e *CertificateError
	require.ErrorAs(t, err, &e)
	require.Equal(t, s.fingerprint(), e.Offered)
	require.Contains(t, err.Error(), e.Offered.String())
	require.Equal(t, before, s.credentials.Load(), "no credential may reach a server that is not trusted")
	return e
}

func accepted(t *testing.T, c *Client, by TrustedBy) {
	t.Helper()
	_, meta, err := c.Version(t.Context())
	require.NoError(t, err)
	require.Equal(t, by, c.trust.offer(meta.Member).by)
}

// TestGivenFingerprintIsExclusive: neither the system nor the cluster's authority can stand in for it.
func TestGivenFingerprintIsExclusive(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := newHost(t, ca.issue(t, "pve-a", "127.0.0.1"), jsonReply(versionBody))
	accepted(t, trusting(t, s, Trust{Fingerprint: s.fingerprint()}), TrustedByFingerprint)
	wrong := Fingerprint{1}
	pins := 0
	e := refused(t, s, trusting(t, s, Trust{
		Fingerprint: wrong, Roots: pool(ca), CA: ca.pem, Known: []Member{{Name: "pve-a", Fingerprint: s.fingerprint()}}, Verify: VerifyOff,
		Pin: func(context.Context, string, Fingerprint) (Fingerprint, error) { pins++; return s.fingerprint(), nil },
	}))
	require.Equal(t, wrong, e.Expected)
	require.Contains(t, e.Error(), wrong.String(), "one sentence names both")
	require.Zero(t, pins)
}

func TestVerifySystem(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := newHost(t, ca.issue(t, "pve-a", "127.0.0.1"), jsonReply(versionBody))
	accepted(t, trusting(t, s, Trust{Verify: VerifySystem, Roots: pool(ca)}), TrustedBySystem)
	e := refused(t, s, trusting(t, s, Trust{Verify: VerifySystem, Roots: pool(newAuthority(t)), CA: ca.pem, Pinned: s.fingerprint(), Known: []Member{{Name: "pve-a", Fingerprint: s.fingerprint()}}}))
	require.True(t, e.Expected.IsZero())
	require.ErrorAs(t, e.Reason, new(x509.UnknownAuthorityError))
	s.cert.Store(ca.issue(t, "pve-a", "192.0.2.1"))
	require.ErrorAs(t, refused(t, s, trusting(t, s, Trust{Verify: VerifySystem, Roots: pool(ca)})).Reason, new(x509.HostnameError))
}

func TestVerifyOff(t *testing.T) {
	t.Parallel()
	s := newHost(t, newAuthority(t).issue(t, "pve-a"), jsonReply(versionBody))
	c := trusting(t, s, Trust{Verify: VerifyOff})
	accepted(t, c, TrustedByNobody)
	require.EqualValues(t, 1, s.requests.Load(), "no first contact is needed")
}

// TestFirstContactPinsBeforeAnyCredential: the certificate is looked at without one, stored, and compared ever after.
func TestFirstContactPinsBeforeAnyCredential(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := newHost(t, ca.issue(t, "pve-a"), jsonReply(versionBody))
	var mu sync.Mutex
	stored := map[string]Fingerprint{}
	pin := func(_ context.Context, address string, offered Fingerprint) (Fingerprint, error) {
		mu.Lock()
		defer mu.Unlock()
		require.Zero(t, s.credentials.Load())
		if old, ok := stored[address]; ok {
			return old, nil
		}
		stored[address] = offered
		return offered, nil
	}
	c := trusting(t, s, Trust{Pin: pin})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			_, _, err := c.Version(t.Context())
			require.NoError(t, err)
		})
	}
	wg.Wait()
	require.Equal(t, map[string]Fingerprint{s.URL: s.fingerprint()}, stored)
	require.EqualValues(t, 5, s.requests.Load(), "one first contact for all")
	accepted(t, c, TrustedByPin)

	old := s.fingerprint()
	s.cert.Store(ca.issue(t, "pve-a"))
	require.Equal(t, old, refused(t, s, c).Expected)
	s.credentials.Store(0)
	require.Equal(t, old, refused(t, s, trusting(t, s, Trust{Pin: pin})).Expected, "the stored pin counts, not what is offered now")
	require.Equal(t, old, refused(t, s, trusting(t, s, Trust{Pinned: old, Pin: pin})).Expected)
	accepted(t, trusting(t, s, Trust{Pinned: s.fingerprint()}), TrustedByPin)
}

func TestPinThatCannotBeStoredStopsTheCall(t *testing.T) {
	t.Parallel()
	s := newHost(t, newAuthority(t).issue(t, "pve-a"), jsonReply(versionBody))
	full := errors.New("disk full")
	c := trusting(t, s, Trust{Pin: func(context.Context, string, Fingerprint) (Fingerprint, error) { return Fingerprint{}, full }})
	_, _, err := c.Version(t.Context())
	require.ErrorIs(t, err, full)
	require.Zero(t, s.credentials.Load())
}

// TestFirstContactFindsOutAWebServer: it must not be sent a credential just to learn that it is none of Proxmox's.
func TestFirstContactFindsOutAWebServer(t *testing.T) {
	t.Parallel()
	pinned := false
	s := newHost(t, newAuthority(t).issue(t, "www"), http.NotFoundHandler())
	c := trusting(t, s, Trust{Pin: func(context.Context, string, Fingerprint) (Fingerprint, error) {
		pinned = true
		return Fingerprint{}, nil
	}})
	_, _, err := c.Version(t.Context())
	require.ErrorIs(t, err, ErrNotProxmox)
	require.Zero(t, s.credentials.Load())
	require.False(t, pinned)
}

// TestCertificateTheSystemTrustsIsPinnedToo: otherwise anyone could later offer one that nobody vouches for and be
// taken for a first contact.
func TestCertificateTheSystemTrustsIsPinnedToo(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := newHost(t, ca.issue(t, "pve-a", "127.0.0.1"), jsonReply(versionBody))
	c := trusting(t, s, Trust{Roots: pool(ca)})
	accepted(t, c, TrustedBySystem)
	s.cert.Store(ca.issue(t, "pve-a", "127.0.0.1"))
	accepted(t, c, TrustedBySystem)
	s.cert.Store(newAuthority(t).issue(t, "pve-a", "127.0.0.1"))
	_ = refused(t, s, c)
}

// TestRenewedCertificateUnderTheClustersAuthority is accepted once that authority was learned, for members only.
func TestRenewedCertificateUnderTheClustersAuthority(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	known := []Member{{Name: "pve-a"}, {Name: "pve-b"}}
	s := newHost(t, ca.issue(t, "pve-a"), jsonReply(versionBody))
	pinned := s.fingerprint()
	s.cert.Store(ca.issue(t, "pve-a"))
	_ = refused(t, s, trusting(t, s, Trust{Pinned: pinned, Known: known}))
	accepted(t, trusting(t, s, Trust{Pinned: pinned, Known: known, CA: ca.pem}), TrustedByCluster)
	accepted(t, trusting(t, s, Trust{Pinned: pinned, CA: ca.pem}), TrustedByCluster)
	s.cert.Store(ca.issue(t, "pve-x", "127.0.0.1"))
	accepted(t, trusting(t, s, Trust{Pinned: pinned, Known: known, CA: ca.pem}), TrustedByCluster)
	s.cert.Store(ca.issue(t, "pve-x"))
	_ = refused(t, s, trusting(t, s, Trust{Pinned: pinned, Known: known, CA: ca.pem}))
	s.cert.Store(newAuthority(t).issue(t, "pve-a"))
	_ = refused(t, s, trusting(t, s, Trust{Pinned: pinned, Known: known, CA: ca.pem}))
	_ = refused(t, s, trusting(t, s, Trust{Pinned: pinned, Known: known, CA: []byte("no PEM at all")}))
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Load().Certificate[0]})
	_ = refused(t, s, trusting(t, s, Trust{Pinned: pinned, CA: leaf}))
}

// TestCertificateNamedByAnotherMember: a custom certificate that was renewed is learned from the rest of the cluster.
func TestCertificateNamedByAnotherMember(t *testing.T) {
	t.Parallel()
	s := newHost(t, newAuthority(t).issue(t, "pve-a"), jsonReply(versionBody))
	known := []Member{{Name: "pve-a", Fingerprint: s.fingerprint()}}
	accepted(t, trusting(t, s, Trust{Pinned: Fingerprint{1}, Known: known}), TrustedByCluster)
}

// TestMemberCertificates: a learned address is never a first contact.
func TestMemberCertificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := newHost(t, ca.issue(t, "pve-b"), jsonReply(versionBody))
	down := httptest.NewTLSServer(http.NotFoundHandler())
	address := down.URL
	down.Close()
	try := func(trust Trust, fp Fingerprint) (TrustedBy, error) {
		trust.Known = []Member{{Name: "pve-b", Address: s.URL, Fingerprint: fp}}
		c, err := New(Options{Kind: PVE, Address: address, Credential: testToken(), Trust: trust})
		require.NoError(t, err)
		defer c.Close()
		if trust.Fingerprint.IsZero() && trust.Verify == VerifyAuto {
			c.trust.setPin(Fingerprint{9})
		}
		_, _, err = c.Version(t.Context())
		return c.trust.offer(s.URL).by, err
	}
	good := s.fingerprint()
	for name, tt := range map[string]struct {
		trust Trust
		fp    Fingerprint
		by    TrustedBy
	}{
		"named":                             {Trust{}, good, TrustedByCluster},
		"named, pinned elsewhere":           {Trust{Fingerprint: Fingerprint{7}}, good, TrustedByCluster},
		"named, system":                     {Trust{Verify: VerifySystem}, good, TrustedByCluster},
		"named otherwise":                   {Trust{}, Fingerprint{1}, ""},
		"not named":                         {Trust{}, Fingerprint{}, ""},
		"named otherwise, signed":           {Trust{CA: ca.pem}, Fingerprint{1}, TrustedByCluster},
		"named otherwise, pinned elsewhere": {Trust{Fingerprint: Fingerprint{7}, CA: ca.pem}, Fingerprint{1}, ""},
		"not named, pinned elsewhere":       {Trust{Fingerprint: Fingerprint{7}, CA: ca.pem}, Fingerprint{}, ""},
		"the pin of the configured address": {Trust{Fingerprint: good}, Fingerprint{}, ""},
		"off":                               {Trust{Verify: VerifyOff}, Fingerprint{1}, TrustedByNobody},
	} {
		s.credentials.Store(0)
		by, err := try(tt.trust, tt.fp)
		require.Equal(t, tt.by, by, name)
		require.Equal(t, tt.by == "", err != nil, name)
		require.Equal(t, tt.by != "", s.credentials.Load() > 0, name)
	}
}

// TestNoHTTP2IsOffered: PVE knows 1.1 only.
func TestNoHTTP2IsOffered(t *testing.T) {
	t.Parallel()
	var offered atomic.Value
	s := httptest.NewUnstartedServer(jsonReply(versionBody))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		offered.Store(len(h.SupportedProtos))
		return nil, nil //nolint:nilnil // nil means the server's own
	}}
	s.StartTLS()
	t.Cleanup(s.Close)
	_, _, err := newClient(t, s).Version(t.Context())
	require.NoError(t, err)
	require.Equal(t, 0, offered.Load())
}

// newHostAt is newHost on a listener of the test's choice.
func newHostAt(t testing.TB, l net.Listener, cert *tls.Certificate, h http.Handler) *host {
	t.Helper()
	s := newHost(t, cert, h)
	handler := s.Config.Handler
	s.Close()
	again := httptest.NewUnstartedServer(handler)
	require.NoError(t, again.Listener.Close())
	again.Listener = l
	again.TLS = s.TLS.Clone()
	again.TLS.Certificates = nil
	again.Config.ErrorLog = discardLog
	again.StartTLS()
	t.Cleanup(again.Close)
	s.Server = again
	return s
}
