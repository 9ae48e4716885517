package collect

import (
	"context"
	"errors"
	"log/slog"

	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// levelOf is debug for what an observation shows anyway or what is usual, such as an agent that is not running.
func levelOf(err error) slog.Level {
	for _, usual := range []error{
		proxmox.ErrForbidden, proxmox.ErrNotFound, proxmox.ErrSuspended, proxmox.ErrUnsupported, context.Canceled,
	} {
		if errors.Is(err, usual) {
			return slog.LevelDebug
		}
	}
	return slog.LevelInfo
}

func attributes(target estate.TargetID, o *outcome) []slog.Attr {
	list := []slog.Attr{slog.String("target", string(target)), slog.Any("err", o.err)}
	if o.node != "" {
		list = append(list, slog.String("node", o.node))
	}
	if o.vmid != 0 {
		list = append(list, slog.Int("vmid", o.vmid))
	}
	return list
}
