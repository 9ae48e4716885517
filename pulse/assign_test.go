package pulse

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func targetNumbers(n int) []estate.TargetID {
	ids := make([]estate.TargetID, n)
	for i := range ids {
		ids[i] = estate.NewTargetID(estate.PVE, i)
	}
	return ids
}

func TestTargetsAreSharedOutEvenly(t *testing.T) {
	t.Parallel()
	for targets := range 70 {
		for pollers := 1; pollers < 8; pollers++ {
			names := make([]string, pollers)
			for i := range names {
				names[i] = fmt.Sprintf("poller-%d", i)
			}
			owners := assign(targetNumbers(targets), names)
			require.Len(t, owners, targets)
			held := map[string]int{}
			for _, owner := range owners {
				held[owner]++
			}
			for _, name := range names {
				require.InDelta(t, float64(targets)/float64(pollers), held[name], 1, "%d targets, %d pollers", targets, pollers)
			}
		}
	}
	require.Empty(t, assign(targetNumbers(3), nil))
}

func TestPollerThatComesMovesFewTargets(t *testing.T) {
	t.Parallel()
	targets := targetNumbers(300)
	before := assign(targets, []string{"a", "b", "c", "d"})
	after := assign(targets, []string{"a", "b", "c", "d", "e"})
	moved := 0
	for id, owner := range after {
		if before[id] != owner {
			moved++
		}
	}
	require.GreaterOrEqual(t, moved, 60, "its own share")
	require.Less(t, moved, 150, "and not much more")
}
