package pulse

import (
	"context"
	"fmt"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/store"
)

// The keys of a target's group about its certificate. What the user wanted trusted is stored beside the pin, so that a
// pin is never held against an address or a way to trust that was chosen later, whoever brought the change.
const (
	trustKey  = "trust"
	pinPrefix = "pin/" // and the address
)

// trustOf names what the user wants trusted of a target.
func trustOf(cfg config.Target) string {
	return strings.Join([]string{cfg.Address, cfg.Fingerprint, string(cfg.Verify)}, " ")
}

// trust is what the store has about a target's certificate.
type trust struct {
	epoch    uint64 // of the target's group
	rev      store.Revision
	outdated bool   // stored when something else was to be trusted
	pin      string // empty when none is stored
}

func (m *Monitor) readTrust(ctx context.Context, cfg config.Target) (trust, error) {
	group, err := m.opt.Store.Get(ctx, string(cfg.ID), trustKey, pinPrefix+cfg.Address)
	if err != nil {
		return trust{}, m.unavailable(ctx, err)
	}
	known := trust{epoch: group.Rev.Epoch}
	for _, item := range group.Items {
		if item.Key == trustKey {
			known.rev, known.outdated = item.Rev, string(item.Value) != trustOf(cfg)
		} else {
			known.pin = string(item.Value)
		}
	}
	return known, nil
}

// fingerprint returns the pin, zero when there is none. A damaged one is no first contact.
func (t trust) fingerprint() (proxmox.Fingerprint, error) {
	if t.pin == "" {
		return proxmox.Fingerprint{}, nil
	}
	fingerprint, err := proxmox.ParseFingerprint(t.pin)
	if err != nil || fingerprint.IsZero() {
		return proxmox.Fingerprint{}, fmt.Errorf("stored pin: %w", config.ErrDamaged)
	}
	return fingerprint, nil
}

// pinned returns the stored pin of a target, zero when there is none. Outdated pins are removed first.
func (m *Monitor) pinned(ctx context.Context, cfg config.Target) (proxmox.Fingerprint, error) {
	for {
		known, err := m.readTrust(ctx, cfg)
		if err != nil {
			return proxmox.Fingerprint{}, err
		}
		if !known.outdated {
			return known.fingerprint()
		}
		if err := m.forgetPins(ctx, cfg, known); err != nil && !raced(err) {
			return proxmox.Fingerprint{}, m.unavailable(ctx, err)
		}
	}
}

// forgetPins removes the pins that were stored when something else was to be trusted.
func (m *Monitor) forgetPins(ctx context.Context, cfg config.Target, known trust) error {
	list, err := m.opt.Store.List(ctx, string(cfg.ID), pinPrefix)
	if err != nil {
		return err
	}
	ops := []store.Op{{Key: trustKey, Rev: known.rev, Value: []byte(trustOf(cfg))}}
	for _, item := range list.Items[:min(len(list.Items), store.MaxOps-1)] { // there is one, for the trusted address
		ops = append(ops, store.Op{Key: item.Key, Any: true, Delete: true})
	}
	_, err = m.opt.Store.Commit(ctx, store.Commit{Group: string(cfg.ID), Epoch: known.epoch, Ops: ops, Durable: true})
	return err
}

// pin stores a certificate met at first contact unless one is stored for the target, and returns the stored one.
func (m *Monitor) pin(ctx context.Context, cfg config.Target, offered proxmox.Fingerprint) (proxmox.Fingerprint, error) {
	for {
		known, err := m.readTrust(ctx, cfg)
		switch {
		case err != nil:
			return proxmox.Fingerprint{}, err
		case known.outdated:
			return proxmox.Fingerprint{}, errChanged
		case known.pin != "":
			return known.fingerprint()
		}
		_, err = m.opt.Store.Commit(ctx, store.Commit{
			Group: string(cfg.ID), Epoch: known.epoch, Durable: true,
			Ops: []store.Op{
				{Key: trustKey, Rev: known.rev, Value: []byte(trustOf(cfg))},
				{Key: pinPrefix + cfg.Address, Value: []byte(offered.String())},
			},
		})
		if err == nil {
			m.log.Info("certificate remembered at first contact", "target", cfg.ID, "address", cfg.Address, "fingerprint", offered)
			return offered, nil
		}
		if !raced(err) {
			return proxmox.Fingerprint{}, m.unavailable(ctx, err)
		}
	}
}
