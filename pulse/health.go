package pulse

import (
	"context"
	"fmt"
	"time"
)

// unavailable notes that the store failed, and tells callers so.
func (m *Monitor) unavailable(ctx context.Context, err error) error {
	m.noteStore(ctx, err)
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// noteStore keeps the outcome of the latest use of the store, and logs when it changed. A use that was called off tells
// nothing, and only a write tells that the store works: a full one can still be read.
func (m *Monitor) noteStore(ctx context.Context, err error) {
	if err != nil && over(ctx) {
		return
	}
	m.mu.Lock()
	before := m.storeErr
	m.storeErr = err
	m.mu.Unlock()
	switch {
	case err != nil && before == nil:
		m.log.Warn("the store failed; what is observed is kept in memory until it works again", "err", err)
	case err == nil && before != nil:
		m.log.Info("the store works again")
	}
}

// over tells whether ctx has ended. Its time may be over before it says so: a store's connection can be the first to know.
func over(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(deadline)
}

// noteReading notes that the store can be read. That is all that is needed of it where nothing is written.
func (m *Monitor) noteReading(ctx context.Context) {
	if m.opt.Role == RoleAPI {
		m.noteStore(ctx, nil)
	}
}

func (m *Monitor) storeFailure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.storeErr
}

// noteConfig keeps whether the stored configuration can be followed, and logs when that changed.
func (m *Monitor) noteConfig(err error) {
	m.mu.Lock()
	before := m.configErr
	m.configErr = err
	m.mu.Unlock()
	switch {
	case err != nil && before == nil:
		m.log.Error("the stored configuration cannot be used any more; the earlier one stays in force", "err", err)
	case err == nil && before != nil:
		m.log.Info("the stored configuration can be used again")
	}
}
