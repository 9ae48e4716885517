package api

import (
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/proxpulse/proxpulse/pulse"
	"github.com/proxpulse/proxpulse/pulse/wire"
)

// numbersEvery is the longest that a stream goes without a new state while nothing but numbers move.
const numbersEvery = 5 * time.Second

// feed hands out full states to streams. All streams get the same frames, so that one state is encoded and compressed
// once however many follow it.
type feed struct {
	snapshot func() *pulse.Snapshot
	every    time.Duration // the shortest time between two states for news, and between two that one stream asks for

	mu      sync.Mutex
	current *frame    // nil before the first, and while nobody listens
	news    time.Time // when a frame was last made because words changed
}

// request is what a stream has and wants.
type request struct {
	sent   uint64    // the revision it has; 0 for none
	at     time.Time // when it got that
	wanted bool      // it asked for the state, whether new or not
}

// next returns the frame that a stream gets now. Nil means that there is none yet: the stream asks again when changed is
// closed, and after wait unless that is 0.
func (f *feed) next(r request, now time.Time) (due *frame, wait time.Duration, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	snapshot := f.snapshot()
	changed = snapshot.Superseded()
	newest := snapshot.Wire
	if newest.Revision == r.sent && !r.wanted {
		return nil, 0, changed
	}
	if r.wanted {
		wait = r.at.Add(f.every).Sub(now)
	}
	asked := r.sent == 0 || r.wanted && wait <= 0
	renewal := f.renewal(newest, asked)
	if !renewal.After(now) {
		f.renew(newest, now)
	}
	if f.current.state.Revision != r.sent || asked {
		return f.current, 0, changed
	}
	if until := renewal.Sub(now); until > 0 && (wait <= 0 || until < wait) {
		wait = until
	}
	return nil, wait, changed
}

// renewal is when the newest state may become the current frame: soon after words changed or when somebody asks, later
// for numbers alone. News waits for earlier news only, not for a frame of numbers that has just been sent.
func (f *feed) renewal(newest *wire.Snapshot, asked bool) time.Time {
	switch {
	case f.current == nil:
		return time.Time{}
	case f.current.state.Revision == newest.Revision:
		return f.current.made.Add(never)
	case f.current.state.StatusRevision != newest.StatusRevision:
		return f.news.Add(f.every)
	case asked:
		return f.current.made.Add(f.every)
	default:
		return f.current.made.Add(max(f.every, numbersEvery))
	}
}

func (f *feed) renew(newest *wire.Snapshot, now time.Time) {
	if f.current == nil || f.current.state.StatusRevision != newest.StatusRevision {
		f.news = now
	}
	f.current = &frame{state: newest, made: now}
}

const never = 1 << 62

// rest lets go of the current frame while nobody listens.
func (f *feed) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = nil
}

// frame is one full state as streams send it.
type frame struct {
	state *wire.Snapshot
	made  time.Time

	initial, raw prepared
}

// prepared is a message that is encoded when it is first sent.
type prepared struct {
	once    sync.Once
	message *websocket.PreparedMessage
	err     error
}

func (p *prepared) get(kind string, f *frame) (*websocket.PreparedMessage, error) {
	p.once.Do(func() {
		data := stateMessage(kind, f.state.State().Plain(), f.made)
		p.message, p.err = websocket.NewPreparedMessage(websocket.TextMessage, data)
	})
	return p.message, p.err
}

func (f *frame) initialState() (*websocket.PreparedMessage, error) {
	return f.initial.get("initialState", f)
}

func (f *frame) rawData() (*websocket.PreparedMessage, error) { return f.raw.get("rawData", f) }
