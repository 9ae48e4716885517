package pulse

import (
	"time"

	"github.com/proxpulse/proxpulse/pulse/collect"
	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// target is one configured target and what is known about it. Its fields are guarded by Monitor.mu.
type target struct {
	cfg       config.Target
	version   int                 // grows when what reads the target has to be made anew
	obs       *estate.Observation // nil before anything is known
	tried     bool                // a try to read it ended since the start
	mine      bool                // this process reads it on schedule; of a shared store
	moved     bool                // another process wrote its group
	changed   bool                // its configuration changed since the last pass
	poke      chan struct{}       // has whoever follows it look at it now
	attempted time.Time           // when a pass was last tried here; of a shared store
	session   *session            // nil until the target is read, and after a change
	memory    memory
}

// look has whoever follows the target look at it now.
func (t *target) look() {
	select {
	case t.poke <- struct{}{}:
	default:
	}
}

// take makes cfg the target's configuration, and returns the session to close if the present one cannot go on.
func (t *target) take(cfg config.Target, repace bool) *session {
	if t.cfg == cfg && !repace {
		return nil
	}
	if trustOf(t.cfg) != trustOf(cfg) && t.cfg.ID != "" {
		t.memory.learned, t.memory.news = proxmox.Learned{}, false
	}
	if t.memory.learned.At.IsZero() || loginOf(t.cfg) != loginOf(cfg) {
		t.obs = collect.Anew(t.obs)
	}
	t.changed = t.cfg.ID != ""
	t.cfg = cfg
	t.version++
	old := t.session
	t.session = nil
	return old
}

// login is as whom a target is read.
type login struct {
	user, tokenID         string
	password, tokenSecret config.Secret
}

func loginOf(cfg config.Target) login {
	return login{cfg.User, cfg.TokenID, cfg.Password, cfg.TokenSecret}
}
