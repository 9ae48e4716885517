package proxmox

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"sync"
	"time"
)

// trustState is what a client holds certificates against. Learning adds to it while connections are being judged.
type trustState struct {
	mu      sync.Mutex
	given   Fingerprint
	verify  Verify
	roots   *x509.CertPool // nil: the system's
	pin     Fingerprint
	ca      *x509.CertPool // nil: not learned
	members map[string]Fingerprint
	offered map[string]offer // by base URL: what was seen last
}

// offer is the certificate an address offered last, and why it was accepted.
type offer struct {
	fingerprint Fingerprint
	by          TrustedBy
}

func newTrustState(t Trust) *trustState {
	s := &trustState{
		given: t.Fingerprint, verify: t.Verify, roots: t.Roots, pin: t.Pinned,
		members: map[string]Fingerprint{}, offered: map[string]offer{},
	}
	s.learn(t.Known, t.CA)
	return s
}

// learn takes over what a trusted member said about the others. Nil parts leave what was known.
func (t *trustState) learn(members []Member, ca []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if members != nil {
		t.members = make(map[string]Fingerprint, len(members))
	}
	for _, m := range members {
		t.members[m.Name] = m.Fingerprint
	}
	if pool := authorities(ca); pool != nil {
		t.ca = pool
	}
}

// authorities reads the CA certificates of a PEM text; nil when there is none.
func authorities(text []byte) *x509.CertPool {
	var pool *x509.CertPool
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return pool
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !cert.IsCA {
			continue
		}
		if pool == nil {
			pool = x509.NewCertPool()
		}
		pool.AddCert(cert)
	}
}

// needsFirstContact tells that the configured address must be looked at before a credential may be sent.
func (t *trustState) needsFirstContact() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.given.IsZero() && t.verify == VerifyAuto && t.pin.IsZero()
}

func (t *trustState) setPin(fp Fingerprint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pin = fp
}

func (t *trustState) offer(base string) offer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.offered[base]
}

// judge decides about the certificates a member offered. It runs in every handshake, before anything is sent.
func (t *trustState) judge(at *endpoint, state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return &CertificateError{Address: at.base, Reason: errors.New("no certificate was offered")}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	chain := state.PeerCertificates
	by, err := t.decide(at, chain)
	t.offered[at.base] = offer{fingerprint: FingerprintOf(chain[0]), by: by}
	return err
}

func (t *trustState) decide(at *endpoint, chain []*x509.Certificate) (TrustedBy, error) {
	offered := FingerprintOf(chain[0])
	switch {
	case !t.given.IsZero() && at.preferred:
		if offered == t.given {
			return TrustedByFingerprint, nil
		}
		return "", &CertificateError{Address: at.base, Offered: offered, Expected: t.given}
	case t.given.IsZero() && t.verify == VerifyOff:
		return TrustedByNobody, nil
	case t.namedByCluster(at, offered):
		return TrustedByCluster, nil
	case !t.given.IsZero():
		return "", t.refuse(at, offered, errUnnamed)
	}
	unverified := verifyChain(chain, t.roots, at.host())
	if unverified == nil {
		return TrustedBySystem, nil
	}
	if t.verify == VerifySystem {
		return "", &CertificateError{Address: at.base, Offered: offered, Reason: unverified}
	}
	if at.preferred && offered == t.pin {
		return TrustedByPin, nil
	}
	if t.ca != nil && verifyChain(chain, t.ca, "") == nil && t.namesMember(at, chain[0]) {
		return TrustedByCluster, nil
	}
	return "", t.refuse(at, offered, unverified)
}

var errUnnamed = errors.New("no trusted member of the cluster has named it")

// namedByCluster reports whether a trusted member named this certificate. The configured address may be any member, so
// any of their certificates will do there, unless the system's authorities were asked for.
func (t *trustState) namedByCluster(at *endpoint, offered Fingerprint) bool {
	if !at.preferred {
		named := t.members[at.name]
		return !named.IsZero() && named == offered
	}
	if t.verify == VerifySystem {
		return false
	}
	for _, named := range t.members {
		if named == offered {
			return true
		}
	}
	return false
}

func (t *trustState) refuse(at *endpoint, offered Fingerprint, reason error) error {
	expected := t.pin
	if !at.preferred {
		expected = t.members[at.name]
	}
	return &CertificateError{Address: at.base, Offered: offered, Expected: expected, Reason: reason}
}

// namesMember keeps a certificate of the cluster's authority to what it was made for: it must name the address or a
// member, as far as members are known.
func (t *trustState) namesMember(at *endpoint, cert *x509.Certificate) bool {
	if len(t.members) == 0 || cert.VerifyHostname(at.host()) == nil {
		return true
	}
	if _, ok := t.members[cert.Subject.CommonName]; ok {
		return true
	}
	for _, name := range cert.DNSNames {
		if _, ok := t.members[name]; ok {
			return true
		}
	}
	return false
}

// verifyChain checks a chain against roots (nil: the system's) and the host name. With an empty host only the chain
// counts, whatever the certificate was made for.
func verifyChain(chain []*x509.Certificate, roots *x509.CertPool, host string) error {
	opts := x509.VerifyOptions{
		Roots: roots, DNSName: host, Intermediates: x509.NewCertPool(), CurrentTime: time.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, cert := range chain[1:] {
		opts.Intermediates.AddCert(cert)
	}
	if host == "" {
		opts.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	}
	_, err := chain[0].Verify(opts)
	return err
}

// host is the name or address without brackets and port.
func (e *endpoint) host() string {
	u, err := url.Parse(e.base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
