package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/shells"
)

// The bounds of one connection. The API bounds what a handler writes; streams have taken their connection over from the
// server before any of these could end them.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = time.Minute
	writeTimeout      = 2 * time.Minute
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

const (
	// answerLimit is how long requests that are being answered may take once the program ends.
	answerLimit = 8 * time.Second
	// stopLimit is how long everything together may take then.
	stopLimit = 14 * time.Second
)

// errUnfinished reports that something still runs although the time to stop is over.
var errUnfinished = fmt.Errorf("not everything ended within %s", stopLimit)

// server serves the API and runs the monitor.
type server struct {
	pulse    *shells.Pulse
	http     *http.Server
	listener net.Listener
	notify   func(ctx context.Context, message string)
	secure   bool
}

// listen takes the address, so that what is in the way of that is known before anything runs.
func listen(ctx context.Context, p *shells.Pulse, getenv func(string) string) (*server, error) {
	s := &server{pulse: p, secure: p.Listen.TLSCert != ""}
	s.http = &http.Server{
		Handler:           p.Handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(handshakeQuietly{p.Log.Handler()}, slog.LevelWarn),
	}
	if s.secure {
		cert, err := loadCertificate(p.Listen.TLSCert, p.Listen.TLSKey, p.Log, time.Now())
		if err != nil {
			return nil, err
		}
		s.http.TLSConfig = cert.config()
	}
	s.notify = func(ctx context.Context, message string) {
		if err := notify(ctx, getenv("NOTIFY_SOCKET"), message); err != nil {
			p.Log.Warn("the service manager was not told", "message", message, "err", err)
		}
	}
	listener, err := listenBounded(ctx, p.Listen.Address, maxConnections)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", p.Listen.Address, reason(err))
	}
	s.listener = listener
	return s, nil
}

// reason is what was in the way of listening, without the address again.
func reason(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// url is how a person on this machine reaches the server.
func (s *server) url() string { return localURL(s.listener.Addr().String(), s.secure) }

// curl begins a command that asks the server; a path completes it.
func (s *server) curl() string {
	command := "curl "
	if s.secure {
		command += "-k "
	}
	if s.pulse.Guarded {
		command += `-H "X-API-Token: $API_TOKEN" `
	}
	return command + s.url()
}

// serve runs everything until ctx ends or something cannot go on, and then ends it in order.
func (s *server) serve(ctx context.Context) error {
	s.announce()
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	var wg sync.WaitGroup
	wg.Go(func() { ended <- s.pulse.Monitor.Run(running) })
	wg.Go(func() { ended <- s.accept() })
	s.notify(ctx, notifyReady)

	var failure error
	select {
	case <-ctx.Done():
	case failure = <-ended: // neither ends by itself unless it failed
	}
	s.pulse.Log.Info("stopping")
	stopping, release := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer release()
	s.notify(stopping, notifyStopping)
	cancel()
	return errors.Join(failure, s.stop(stopping, &wg))
}

// accept serves connections until the server is shut down.
func (s *server) accept() error {
	var err error
	if s.secure {
		err = s.http.ServeTLS(s.listener, "", "")
	} else {
		err = s.http.Serve(s.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// stop ends the streams and the requests, and waits for everything that runs.
func (s *server) stop(ctx context.Context, wg *sync.WaitGroup) error {
	answering, release := context.WithTimeout(ctx, answerLimit)
	defer release()
	if err := s.pulse.API.Close(answering); err != nil {
		s.pulse.Log.Warn("not every stream ended in order", "err", err)
	}
	if err := s.http.Shutdown(answering); err != nil {
		s.pulse.Log.Warn("requests were cut off", "err", err)
		_ = s.http.Close() // it can only tell of connections that are gone
	}
	done := make(chan struct{})
	go func() { // waited for below, or until the process ends right after
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		s.pulse.Log.Info("stopped")
		return nil
	case <-ctx.Done():
		return errUnfinished
	}
}

// announce logs what a person wants to know at the start.
func (s *server) announce() {
	log := s.pulse.Log
	log.Info("Pulse starts", "version", build().Number)
	log.Info("keeping data", "store", s.pulse.Store, "key", s.pulse.Key, "role", string(s.pulse.Role))
	log.Info("listening", "address", s.listener.Addr().String(), "url", s.url())
	if s.pulse.Role == pulse.RolePoller {
		return // what it answers is open either way
	}
	if s.pulse.Guarded {
		log.Info("the API needs the token in API_TOKEN")
		return
	}
	log.Warn("the API is open: whoever reaches this address can read everything and change the configuration; " +
		"set API_TOKEN to close it")
}

// localURL is the URL of an address as this machine reaches it: one that stands for all of its addresses becomes
// localhost.
func localURL(address string, secure bool) string {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return scheme + "://" + address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
