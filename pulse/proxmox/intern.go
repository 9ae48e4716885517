package proxmox

import (
	"slices"
	"strings"
	"sync"
)

const (
	// internLimit is how many strings a client remembers: names, nodes, storages and tags of 10,000 guests fit.
	internLimit = 32 << 10
	// internLength is the longest string worth remembering.
	internLength = 128
	// buffersKept and bufferLimit bound the memory a client keeps for the next reply.
	buffersKept = 2
	bufferLimit = 16 << 20
)

// recycler keeps between replies what the next one needs again: strings that repeat in every reply, buffers, and what
// unpacks them. Its memory is bounded.
type recycler struct {
	mu      sync.Mutex
	strings map[string]string
	sorted  map[string]string // comma list as printed -> parts sorted
	rows    rowCounts         // of the last table of resources

	bufferMu sync.Mutex
	buffers  [][]byte
	gunzip   *gunzip
}

type rowCounts struct{ nodes, guests, storages, pools, networks int }

// intern returns b as a string, the same one as last time. The caller holds mu.
func (r *recycler) intern(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if text, ok := r.strings[string(b)]; ok {
		return text
	}
	text := string(b)
	if len(b) > internLength {
		return text
	}
	// Starting over forgets guests that are gone; what is alive comes back with the next reply.
	if r.strings == nil || len(r.strings) >= internLimit {
		r.strings = make(map[string]string)
	}
	r.strings[text] = text
	return text
}

// sortedList returns a comma list with its parts in order: the server prints them in a different order in each of its
// processes. The caller holds mu.
func (r *recycler) sortedList(b []byte) string {
	if text, ok := r.sorted[string(b)]; ok {
		return text
	}
	parts := strings.Split(string(b), ",")
	slices.Sort(parts)
	text := strings.Join(parts, ",")
	if len(b) > internLength {
		return text
	}
	if r.sorted == nil || len(r.sorted) >= internLimit {
		r.sorted = make(map[string]string)
	}
	r.sorted[string(b)] = text
	return text
}

// take returns an empty buffer that was used before, if there is one.
func (r *recycler) take() []byte {
	r.bufferMu.Lock()
	defer r.bufferMu.Unlock()
	if len(r.buffers) == 0 {
		return nil
	}
	last := len(r.buffers) - 1
	b := r.buffers[last]
	r.buffers = r.buffers[:last]
	return b[:0]
}

// give keeps a buffer for the next reply. Nothing may point into it any more.
func (r *recycler) give(b []byte) {
	if cap(b) == 0 || cap(b) > bufferLimit {
		return
	}
	r.bufferMu.Lock()
	defer r.bufferMu.Unlock()
	if len(r.buffers) < buffersKept {
		r.buffers = append(r.buffers, b)
	}
}
