package pulse

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/netguard"
)

// hostCheckLimit bounds the look-up of a host's name before it is configured.
const hostCheckLimit = 3 * time.Second

// checkHost refuses an address that the rules for connections rule out. An address that is no address is for others
// to refuse, and one that cannot be resolved now does not keep a target from being configured.
func (m *Monitor) checkHost(ctx context.Context, kind estate.TargetKind, address string) error {
	address, err := config.NormalizeAddress(kind, address)
	if err != nil || m.opt.CheckHost == nil {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, hostCheckLimit)
	defer cancel()
	if refused, ok := errors.AsType[*netguard.RefusedError](m.opt.CheckHost(ctx, u.Hostname())); ok {
		return &config.FieldError{Field: "host", Reason: refused.Error()}
	}
	return nil
}
