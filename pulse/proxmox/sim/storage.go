package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// storage is one storage definition of a cluster.
type storage struct {
	name, plugin string
	chance       chance
	content      []string
	shared       bool
	only         []string // nodes that have it; nil for all
	disabled     bool
	extra        object // further fields of the definition
	total        int64
	share        float64 // used share at the start
	archives     int     // vzdump archives per guest that it keeps
	backups      *datastorePlace

	down     bool
	downTick int64 // tick of its last numbers while down
	downText string
}

// setDown takes the storage away or brings it back.
func (s *storage) setDown(down bool, tick int64) {
	if down && !s.down {
		s.downTick = tick
	}
	s.down = down
	if s.downText == "" {
		s.downText = fmt.Sprintf("storage '%s' is not online", s.name)
	}
}

// on tells whether a node has the storage.
func (s *storage) on(node string) bool {
	return s.only == nil || slices.Contains(s.only, node)
}

// holds tells whether the storage is for a kind of content.
func (s *storage) holds(kind string) bool { return slices.Contains(s.content, kind) }

func (s *storage) contentList() string { return strings.Join(s.content, ",") }

// usage is size and use as node n sees them at t.
func (s *storage) usage(n *node, t time.Time, start time.Time) (total, used int64) {
	switch {
	case s.backups != nil:
		return s.backups.datastore.usage(t)
	case s.plugin == "dir" && !s.shared && s.total == 0:
		return n.maxDisk, n.at(t, uint64(max(t.Sub(start)/time.Hour, 0))).disk
	}
	c := s.chance
	if !s.shared {
		c = c.named(n.name)
	}
	if s.share == 0 {
		return s.total, 12_288 // an empty file system
	}
	grown := max(t.Sub(start).Seconds(), 0) * c.of(saltDisk).between(1e3, 2e5)
	share := s.share * c.between(0.8, 1.2)
	return s.total, min(int64(share*float64(s.total)+grown)&^4095, s.total)
}

// findStorage looks up what a caller of the package named.
func (c *cluster) findStorage(name string) (*storage, error) {
	if s := c.storage(name); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("storage %s of %s: %w", name, c.name, ErrUnknown)
}
