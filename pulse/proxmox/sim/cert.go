package sim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"time"
)

// authority is a cluster's certificate authority, as /etc/pve/pve-root-ca.pem.
type authority struct {
	chance chance
	from   time.Time
	leaf   *certificate // its own certificate
	issued int64
}

// certificate is one that a server shows, with its key.
type certificate struct {
	parsed *x509.Certificate
	key    crypto.Signer
}

// steadySigner signs without randomness, so that a seed gives the same
// certificates and pins survive a restart of the simulation.
type steadySigner struct{ key *ecdsa.PrivateKey }

// Public implements crypto.Signer.
func (s steadySigner) Public() crypto.PublicKey { return s.key.Public() }

// Sign implements crypto.Signer with the deterministic scheme of RFC 6979.
func (s steadySigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.key.Sign(nil, digest, opts)
}

// newKey derives a P-256 key.
func newKey(c chance) (steadySigner, error) {
	for i := uint64(0); ; i++ {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), c.of(i).bytes(32))
		if err == nil {
			return steadySigner{key}, nil
		}
		if i == 100 {
			return steadySigner{}, fmt.Errorf("derive key: %w", err)
		}
	}
}

// newAuthority makes an authority that is valid for ten years.
func newAuthority(c chance, now time.Time) (*authority, error) {
	key, err := newKey(c.named("ca key"))
	if err != nil {
		return nil, err
	}
	from := time.Date(now.UTC().Year()-1, time.January, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(c.named("ca serial").bytes(16)),
		Subject: pkix.Name{
			CommonName:         "Proxmox Virtual Environment",
			OrganizationalUnit: []string{c.named("ca unit").uuid()},
			Organization:       []string{"PVE Cluster Manager CA"},
		},
		NotBefore:             from,
		NotAfter:              from.AddDate(10, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	leaf, err := sign(template, template, key, key)
	if err != nil {
		return nil, err
	}
	return &authority{chance: c, from: from, leaf: leaf}, nil
}

// issue makes a node certificate that is valid for the node's name and address.
// Each call has another key and serial number.
func (a *authority) issue(name, address string) (*certificate, error) {
	a.issued++
	key, err := newKey(a.chance.named(name).of(uint64(a.issued)))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.issued),
		Subject: pkix.Name{
			OrganizationalUnit: []string{"PVE Cluster Node"},
			Organization:       []string{"Proxmox Virtual Environment"},
			CommonName:         name,
		},
		NotBefore:             a.from,
		NotAfter:              a.from.AddDate(4, 0, 0),
		BasicConstraintsValid: true,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:              []string{"localhost", name},
		IPAddresses:           addresses(address),
	}
	return sign(template, a.leaf.parsed, key, a.leaf.key)
}

// addresses are the loopback addresses and the node's own.
func addresses(own string) []net.IP {
	out := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if ip := net.ParseIP(own); ip != nil && !ip.Equal(out[0]) {
		out = append(out, ip)
	}
	return out
}

// selfSigned makes the certificate that a PBS gives itself, and that a node
// shows after its certificate was replaced by a foreign one.
func selfSigned(c chance, name, organisation, address string, now time.Time) (*certificate, error) {
	key, err := newKey(c.named("key"))
	if err != nil {
		return nil, err
	}
	from := time.Date(now.UTC().Year()-1, time.January, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(c.named("serial").bytes(16)),
		Subject:               pkix.Name{Organization: []string{organisation}, CommonName: name},
		NotBefore:             from,
		NotAfter:              from.AddDate(10, 0, 0),
		BasicConstraintsValid: true,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:              []string{"localhost", name},
		IPAddresses:           addresses(address),
	}
	return sign(template, template, key, key)
}

func sign(template, parent *x509.Certificate, key, parentKey crypto.Signer) (*certificate, error) {
	der, err := x509.CreateCertificate(nil, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, fmt.Errorf("create certificate of %s: %w", template.Subject.CommonName, err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse certificate of %s: %w", template.Subject.CommonName, err)
	}
	return &certificate{parsed: parsed, key: key}, nil
}

// fingerprint is the SHA-256 as Proxmox prints it: upper-case colon hex.
func (c *certificate) fingerprint() string {
	sum := sha256.Sum256(c.parsed.Raw)
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	pairs := make([]string, 0, len(sum))
	for i := 0; i < len(digits); i += 2 {
		pairs = append(pairs, digits[i:i+2])
	}
	return strings.Join(pairs, ":")
}

// pem is the certificate as a file.
func (c *certificate) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.parsed.Raw}))
}

// tls is the certificate as a server shows it, without its authority, as
// pveproxy does.
func (c *certificate) tls() *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{c.parsed.Raw}, PrivateKey: c.key, Leaf: c.parsed}
}
