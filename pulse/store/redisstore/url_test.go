package redisstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestURLSaysWhereAndHow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		address, user, password, prefix string
		database                        int
		secure                          bool
	}{
		"redis://":                               {address: "localhost:6379"},
		"redis://redis.example":                  {address: "redis.example:6379"},
		"redis://redis.example:1/":               {address: "redis.example:1"},
		"redis://:pw@redis.example/3":            {address: "redis.example:6379", password: "pw", database: 3},
		"redis://me:p%40w%2F@[::1]:7/0":          {address: "[::1]:7", user: "me", password: "p@w/"},
		"redis://redis.example?prefix=a.b:c-d_1": {address: "redis.example:6379", prefix: "a.b:c-d_1"},
		"rediss://redis.example":                 {address: "redis.example:6379", secure: true},
	}
	for text, want := range tests {
		got, err := parseURL(text)
		require.NoError(t, err, text)
		if want.prefix == "" {
			want.prefix = defaultPrefix
		}
		require.Equal(t, want.prefix, got.prefix, text)
		o := got.options
		require.Equal(t, []string{want.address}, o.Addrs, text)
		require.Equal(t, [2]string{want.user, want.password}, [2]string{o.Username, o.Password}, text)
		require.Equal(t, want.database, o.DB, text)
		require.Equal(t, want.secure, o.TLSConfig != nil, text)
	}
}

func TestBadURLIsRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	missing := url.QueryEscape(filepath.Join(t.TempDir(), "missing.pem"))
	for text, says := range map[string]string{
		"":                                                         "must begin with redis://",
		"plugh@host":                                               "must begin with redis://",
		"http://:plugh@host":                                       "must begin with redis://",
		"unix:///run/redis.sock":                                   "must begin with redis://",
		"redis:plugh":                                              "malformed",
		"redis://:plugh/x@host":                                    "malformed",
		"redis://me:1/plugh@host/0":                                "malformed",
		"redis://me:1?plugh@host/0":                                "malformed",
		"redis://me:1#plugh@host/0":                                "malformed",
		"redis://:plugh%zz@host":                                   "malformed",
		"redis://:plugh@host:port":                                 "malformed",
		"redis://:plugh@host/0?prefix=%zz":                         "malformed",
		"redis://:plugh@host/ten":                                  "must name the database by its number",
		"redis://:plugh@host/-1":                                   "must name the database by its number",
		"redis://:plugh@host/1/2":                                  "must name the database by its number",
		"redis://:plugh@host?pool_size=9":                          `unknown parameter "pool_size"`,
		"redis://:plugh@host?prefix=a&prefix=":                     "prefix twice",
		"redis://:plugh@host?prefix=":                              "must have a prefix",
		"redis://:plugh@host?prefix={x}":                           "must have a prefix",
		"redis://:plugh@host?insecure=true":                        "rediss://",
		"redis://:plugh@host?ca=x":                                 "rediss://",
		"rediss://:plugh@host?insecure=maybe":                      "insecure=true",
		"rediss://:plugh@host?cert=x":                              "both cert and key",
		"rediss://:plugh@host?key=x":                               "both cert and key",
		"rediss://:plugh@host?ca=" + missing:                       "missing.pem",
		"rediss://:plugh@host?cert=" + missing + "&key=" + missing: "missing.pem",
	} {
		_, err := Open(t.Context(), text)
		require.ErrorContains(t, err, says, text)
		require.ErrorContains(t, err, "the Redis URL ", text)
		require.NotContains(t, err.Error(), "plugh", text)
	}
}

func TestURLSaysHowToTrust(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, junk := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "junk.pem")
	writeCertificate(t, cert, key)
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o600))
	query := url.Values{"ca": {cert}, "cert": {cert}, "key": {key}, "servername": {"inside"}}
	got, err := parseURL("rediss://host?" + query.Encode())
	require.NoError(t, err)
	c := got.options.TLSConfig
	require.Equal(t, "inside", c.ServerName)
	require.NotNil(t, c.RootCAs)
	require.Len(t, c.Certificates, 1)
	require.False(t, c.InsecureSkipVerify)

	got, err = parseURL("rediss://host?insecure=true")
	require.NoError(t, err)
	require.Equal(t, "host", got.options.TLSConfig.ServerName)
	require.True(t, got.options.TLSConfig.InsecureSkipVerify)

	_, err = parseURL("rediss://host?ca=" + url.QueryEscape(junk))
	require.ErrorContains(t, err, "without a certificate")
}

// writeCertificate makes a certificate that signed itself.
func writeCertificate(t *testing.T, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

func FuzzParseURL(f *testing.F) {
	f.Add("redis://me:secret@host:6379/0?prefix=x")
	f.Add("rediss://host?servername=a&insecure=1")
	f.Fuzz(func(t *testing.T, text string) {
		if u, err := url.Parse(text); err == nil && (u.Query().Has("ca") || u.Query().Has("cert")) {
			t.Skip("it would read a file")
		}
		got, err := parseURL(text)
		if err != nil {
			return
		}
		require.Regexp(t, prefixPattern, got.prefix)
		require.Len(t, got.options.Addrs, 1)
		require.GreaterOrEqual(t, got.options.DB, 0)
	})
}
