package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pemFiles writes a new certificate and its key, and returns their names.
func pemFiles(t *testing.T, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(t, certFile, "CERTIFICATE", der)
	writePEM(t, keyFile, "PRIVATE KEY", keyDER)
	return certFile, keyFile
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func TestCertificateFollowsItsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	certFile, keyFile := pemFiles(t, dir, "first")
	c, err := loadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler), now)
	require.NoError(t, err)
	shown := func() string { return c.at(now).Leaf.Subject.CommonName }
	require.Equal(t, "first", shown())

	pemFiles(t, dir, "second, with a longer name")
	require.Equal(t, "first", shown(), "the files are looked at now and then only")
	now = now.Add(checkCertificateEvery)
	require.Equal(t, "second, with a longer name", shown())

	require.NoError(t, os.WriteFile(certFile, []byte("half a certif"), 0o600))
	now = now.Add(checkCertificateEvery)
	require.Equal(t, "second, with a longer name", shown(), "what cannot be used changes nothing")

	require.NoError(t, os.Remove(keyFile))
	now = now.Add(checkCertificateEvery)
	require.Equal(t, "second, with a longer name", shown())

	pemFiles(t, dir, "third")
	now = now.Add(checkCertificateEvery)
	require.Equal(t, "third", shown())
}

func TestCertificateAndKeyMustBelongTogether(t *testing.T) {
	t.Parallel()
	certFile, _ := pemFiles(t, t.TempDir(), "one")
	_, keyFile := pemFiles(t, t.TempDir(), "another")
	_, err := loadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler), time.Now())
	require.EqualError(t, err, "cannot use the TLS certificate "+certFile+" with the key "+keyFile+
		": tls: private key does not match public key")
}
