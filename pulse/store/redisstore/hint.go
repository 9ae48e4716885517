package redisstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// hearer receives what is published.
type hearer struct {
	mu      sync.Mutex
	channel *redis.PubSub // nil until the first subscription
	done    sync.WaitGroup
}

// stop ends the receiving goroutine; the gate is held.
func (h *hearer) stop() {
	if h.channel != nil {
		_ = h.channel.Close() // only receives
	}
	h.done.Wait()
}

// Publish implements [store.Store].
func (s *Store) Publish(ctx context.Context, h store.Hint) error {
	if err := store.ValidateName("group", h.Group); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := s.enter(ctx); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	defer s.gate.RUnlock()
	if err := s.client.Publish(ctx, s.keys.channel(), encodeHint(h)).Err(); err != nil {
		return fmt.Errorf("publish: %w", s.translate(ctx, err))
	}
	return nil
}

// Subscribe implements [store.Store].
func (s *Store) Subscribe(ctx context.Context) (<-chan store.Hint, error) {
	if err := s.enter(ctx); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	defer s.gate.RUnlock()
	if err := s.startHearing(ctx); err != nil {
		return nil, fmt.Errorf("subscribe: %w", s.translate(ctx, err))
	}
	ch, err := s.bus.Subscribe(ctx)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return ch, nil
}

// startHearing starts the receiving goroutine once; Close ends it.
func (s *Store) startHearing(ctx context.Context) error {
	h := &s.hearer
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.channel != nil {
		return nil
	}
	channel := s.client.Subscribe(ctx)
	err := channel.Subscribe(ctx, s.keys.channel())
	if err == nil {
		_, err = channel.ReceiveTimeout(ctx, ioTimeout) // the server's word that nothing is missed from now on
	}
	if err != nil {
		_ = channel.Close() // the first error tells more
		return err
	}
	h.channel = channel
	messages := channel.ChannelWithSubscriptions(redis.WithChannelReconnectTimeout(dialTimeout))
	h.done.Go(func() { s.hear(messages) })
	return nil
}

func (s *Store) hear(messages <-chan any) {
	for m := range messages {
		hint := store.Hint{} // subscribed again: what was published in between is lost
		if m, ok := m.(*redis.Message); ok {
			hint = decodeHint(m.Payload)
		}
		s.bus.Publish(hint)
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
