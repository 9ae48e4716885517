package collect

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func itoa(n int) string { return strconv.Itoa(n) }

// requireSound checks what holds of every observation.
func requireSound(t testing.TB, obs *estate.Observation) {
	t.Helper()
	require.Equal(t, estate.ObservationVersion, obs.Version)
	requireOrdered(t, obs.Nodes, func(a, b estate.Node) int { return strings.Compare(a.Name, b.Name) })
	requireOrdered(t, obs.Guests, func(a, b estate.Guest) int { return a.VMID - b.VMID })
	requireOrdered(t, obs.Storages, func(a, b estate.Storage) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Node, b.Node))
	})
	for i := range obs.Guests {
		g := &obs.Guests[i]
		for _, v := range []estate.Opt[float64]{
			g.CPUFraction, g.CPUs, g.Rates.NetIn, g.Rates.NetOut, g.Rates.DiskRead, g.Rates.DiskWrite,
		} {
			requireFinite(t, v)
		}
		require.GreaterOrEqual(t, g.MemUsedBytes.Or(0), int64(0))
		require.NotZero(t, g.MemTotalBytes.Or(1))
		require.NotEmpty(t, g.Status)
	}
	for i := range obs.Nodes {
		requireFinite(t, obs.Nodes[i].CPUFraction)
		requireFinite(t, obs.Nodes[i].CPUs)
		require.NotEmpty(t, obs.Nodes[i].Status)
	}
	for i := range obs.Storages {
		requireOrdered(t, obs.Storages[i].OnNodes, func(a, b estate.StorageOnNode) int { return strings.Compare(a.Node, b.Node) })
		require.NotZero(t, obs.Storages[i].TotalBytes.Or(1))
	}
}

func requireFinite(t testing.TB, v estate.Opt[float64]) {
	t.Helper()
	f := v.Or(0)
	require.False(t, math.IsNaN(f) || math.IsInf(f, 0) || f < 0, "%v", f)
}

// requireOrdered wants a list sorted and without repetition.
func requireOrdered[T any](t testing.TB, list []T, compare func(a, b T) int) {
	t.Helper()
	require.True(t, slices.IsSortedFunc(list, compare))
	n := len(slices.CompactFunc(slices.Clone(list), func(a, b T) bool { return compare(a, b) == 0 }))
	require.Len(t, list, n)
}
