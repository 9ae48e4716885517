package redisstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/proxpulse/proxpulse/pulse/store"
)

const (
	// quietTime is after what silence the connection for hints is tried, and how long the answer may take.
	quietTime = 3 * time.Second
	// Between attempts to connect again.
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

// hearer receives what is published.
type hearer struct {
	mu      sync.Mutex
	settled chan struct{} // closed when the first attempt to connect has ended; nil until the first subscription
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// stop ends the receiving goroutine, if there is one, and waits for it.
func (h *hearer) stop() {
	h.mu.Lock()
	cancel := h.cancel
	h.mu.Unlock()
	if cancel == nil {
		return
	}
	cancel()
	h.done.Wait()
}

// Publish implements [store.Store].
func (s *Store) Publish(ctx context.Context, h store.Hint) error {
	if err := store.ValidateName("group", h.Group); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	_, err := do(ctx, s, true, func() (int64, error) { // a hint that comes twice does no harm
		return s.client.Publish(ctx, s.keys.channel(), encodeHint(h)).Result()
	})
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Subscribe implements [store.Store]. A Redis that is away is no error: the zero hint tells when hints come.
func (s *Store) Subscribe(ctx context.Context) (<-chan store.Hint, error) {
	if err := s.enter(ctx); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	defer s.gate.RUnlock()
	ch, err := s.bus.Subscribe(ctx)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	select {
	case <-s.startHearing(ctx):
		return ch, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("subscribe: %w", ctx.Err())
	}
}

// startHearing starts the receiving goroutine once; Close ends it. What it gives is closed when hints come, or Redis
// could not be reached.
func (s *Store) startHearing(ctx context.Context) <-chan struct{} {
	h := &s.hearer
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.settled == nil {
		h.settled = make(chan struct{})
		var hearing context.Context
		hearing, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
		h.done.Go(func() { s.hear(hearing, h.settled) })
	}
	return h.settled
}

// hear keeps a connection for hints until ctx ends.
func (s *Store) hear(ctx context.Context, settled chan struct{}) {
	settle := sync.OnceFunc(func() { close(settled) })
	defer settle() // Close may come before the first look at ctx
	pause := firstPause
	for first := true; ctx.Err() == nil; first = false {
		channel := s.client.Subscribe(ctx) // connects with its first channel
		err := s.enrol(ctx, channel)
		settle()
		if !first && err == nil {
			s.bus.Publish(store.Hint{}) // what was published meanwhile is lost
		}
		if err == nil {
			pause = firstPause
			s.forward(ctx, channel)
		}
		_ = channel.Close() // broken, or done with
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

// enrol asks for the hints and waits for the answer, after which none is lost.
func (s *Store) enrol(ctx context.Context, channel *redis.PubSub) error {
	if err := channel.Subscribe(ctx, s.keys.channel()); err != nil {
		return err
	}
	_, err := channel.ReceiveTimeout(ctx, ioTimeout)
	return err
}

// forward hands on hints until the connection breaks, or is silent where it should not be.
func (s *Store) forward(ctx context.Context, channel *redis.PubSub) {
	stop := context.AfterFunc(ctx, func() { _ = channel.Close() }) // which ends the waiting
	defer stop()
	for asked := false; ; {
		message, err := channel.ReceiveTimeout(ctx, quietTime)
		if err == nil {
			asked = false
			s.hand(message)
			continue
		}
		netErr, ok := errors.AsType[net.Error](err)
		if ctx.Err() != nil || asked || !ok || !netErr.Timeout() || channel.Ping(ctx) != nil {
			return
		}
		asked = true
	}
}

// hand gives a message to the subscribers. The empty one only tried whether it may be sent.
func (s *Store) hand(message any) {
	switch m := message.(type) {
	case *redis.Subscription: // the client connected again by itself
		s.bus.Publish(store.Hint{})
	case *redis.Message:
		if m.Payload != "" {
			s.bus.Publish(decodeHint(m.Payload))
		}
	}
}

const revisionBytes = 16

func encodeHint(h store.Hint) []byte {
	b := make([]byte, 0, revisionBytes+len(h.Group))
	b = binary.BigEndian.AppendUint64(b, h.Rev.Epoch)
	b = binary.BigEndian.AppendUint64(b, h.Rev.N)
	return append(b, h.Group...)
}

// decodeHint gives the zero hint for what nobody should have sent: something happened, it is not known what.
func decodeHint(payload string) store.Hint {
	if len(payload) <= revisionBytes {
		return store.Hint{}
	}
	b := []byte(payload)
	h := store.Hint{
		Group: payload[revisionBytes:],
		Rev:   store.Revision{Epoch: binary.BigEndian.Uint64(b), N: binary.BigEndian.Uint64(b[8:])},
	}
	if store.ValidateName("group", h.Group) != nil || (h.Rev.Epoch == 0) != (h.Rev.N == 0) {
		return store.Hint{}
	}
	return h
}
