package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// checkCertificateEvery is how often the files of the certificate are looked at, and only when a client connects.
const checkCertificateEvery = 10 * time.Second

// certificate serves a certificate from two files and reads them again when they change, so that a renewal needs no
// restart. Files that cannot be used leave the former certificate in place.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	stamps  [2]stamp
	checked time.Time
}

// stamp tells whether a file changed.
type stamp struct {
	modified  time.Time
	sizeBytes int64
}

// loadCertificate reads the files for the first time.
func loadCertificate(certFile, keyFile string, log *slog.Logger, now time.Time) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, checked: now}
	stamps, err := c.look()
	if err != nil {
		return nil, fmt.Errorf("cannot read the TLS certificate: %w", err)
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	c.stamps = stamps
	return c, nil
}

// at returns the certificate to show at a time.
func (c *certificate) at(now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.checked) < checkCertificateEvery {
		return c.current
	}
	c.checked = now
	stamps, err := c.look()
	if err == nil && stamps == c.stamps {
		return c.current
	}
	if err == nil {
		err = c.load()
	}
	if err != nil {
		c.log.Warn("the changed TLS certificate cannot be used; the former one stays", "err", err)
		return c.current
	}
	c.stamps = stamps
	c.log.Info("TLS certificate changed", "file", c.certFile)
	return c.current
}

func (c *certificate) look() ([2]stamp, error) {
	var stamps [2]stamp
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return stamps, err
		}
		stamps[i] = stamp{modified: info.ModTime(), sizeBytes: info.Size()}
	}
	return stamps, nil
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("cannot use the TLS certificate %s with the key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current = &pair
	return nil
}

// config returns what a server needs.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.at(time.Now()), nil
		},
	}
}
