package store

import (
	"context"
	"sync"
)

// BusBuffer is how many hints may wait for one subscriber of a [Bus].
const BusBuffer = 256

// Bus hands hints to the subscribers of one process; stores are built with it. The zero Bus is ready for use.
//
// A subscriber that lets BusBuffer hints pile up finds the zero Hint at their end in place of the ones it lost. Publish
// never waits, and the bus has no goroutine.
type Bus struct {
	mu     sync.Mutex
	subs   map[chan Hint]func() bool // what stops the watch on the subscriber's context
	closed bool
}

// Subscribe gives a channel that is closed when ctx ends or the bus is closed. The error is ErrClosed or that of ctx.
func (b *Bus) Subscribe(ctx context.Context) (<-chan Hint, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	if b.subs == nil {
		b.subs = make(map[chan Hint]func() bool)
	}
	ch := make(chan Hint, BusBuffer)
	b.subs[ch] = context.AfterFunc(ctx, func() { b.remove(ch) })
	return ch, nil
}

// Publish gives h to all subscribers.
func (b *Bus) Publish(h Hint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.subs {
		// Only this loop sends, so the room seen here cannot shrink. The last place is kept for the mark of loss: as long
		// as the channel is full, a mark waits in it behind everything that was sent, and covers what is dropped now.
		switch free := cap(ch) - len(ch); {
		case free > 1:
			ch <- h
		case free == 1:
			ch <- Hint{}
		}
	}
}

// Close closes all channels; later subscriptions are refused.
func (b *Bus) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for ch, stop := range b.subs {
		stop()
		close(ch)
	}
	b.subs = nil
}

func (b *Bus) remove(ch chan Hint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.subs[ch]; ok {
		delete(b.subs, ch)
		close(ch)
	}
}
