package collect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func TestAnewForgetsWhatWasAskedAndKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	prev := &estate.Observation{
		Target: "pve-0", Guests: []estate.Guest{{VMID: 100}},
		Reads: map[string]time.Time{
			noteMembers: at, notePermissions: at, noteForbidden + noteStorages: at, noteDestroyed + "100/1": at,
		},
	}
	next := Anew(prev)
	require.Equal(t, map[string]time.Time{noteDestroyed + "100/1": at}, next.Reads)
	require.Equal(t, prev.Guests, next.Guests)
	require.Len(t, prev.Reads, 4)
	require.Nil(t, Anew(nil))
}
