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
	every    time.Duration // the shortest time between two frames, and between two states on one stream

	mu      sync.Mutex
	current *frame // nil before the first, and while nobody listens
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
	if wait = r.at.Add(f.every).Sub(now); r.sent != 0 && wait > 0 {
		return nil, wait, changed
	}
	if wait = f.renewal(newest, r.wanted || r.sent == 0).Sub(now); wait <= 0 {
		f.current = &frame{state: newest, made: now}
	}
	if f.current.state.Revision != r.sent || r.wanted {
		return f.current, 0, changed
	}
	return nil, wait, changed
}

// renewal is when the newest state may become the current frame: soon when somebody asks or words changed, later for
// numbers alone.
func (f *feed) renewal(newest *wire.Snapshot, asked bool) time.Time {
	switch {
	case f.current == nil:
		return time.Time{}
	case f.current.state.Revision == newest.Revision:
		return f.current.made.Add(never)
	case asked || f.current.state.StatusRevision != newest.StatusRevision:
		return f.current.made.Add(f.every)
	default:
		return f.current.made.Add(max(f.every, numbersEvery))
	}
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
