package estate_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// viaJSON returns an observation as another process reads it from the store.
func viaJSON(t require.TestingT, o *estate.Observation) *estate.Observation {
	data, err := json.Marshal(o)
	require.NoError(t, err)
	var back estate.Observation
	require.NoError(t, json.Unmarshal(data, &back))
	return &back
}

// requireLeads holds that the patch from base to next leads there, whether it is made and applied by the process that
// observed or by one that read from the store.
func requireLeads(t require.TestingT, base, next *estate.Observation) {
	baseText, nextText := text(t, base), text(t, next)
	storedBase, storedNext := viaJSON(t, base), viaJSON(t, next)
	requireStored(t, base, next, storedBase, storedNext)
	requireStored(t, storedBase, storedNext, storedBase, storedNext)

	got, err := estate.ApplyPatch(base, estate.EncodePatch(base, next))
	require.NoError(t, err)
	require.Equal(t, storedNext, viaJSON(t, got))
	require.Equal(t, text(t, storedNext), text(t, viaJSON(t, got)), "also what compares as equal, as 0 and -0")
	require.Equal(t, baseText, text(t, base), "the base is not written to")
	require.Equal(t, nextText, text(t, next), "nor is what it becomes")
}

// requireStored holds that the patch from base to next leads from what is read from the store to what would be. What
// could not be read from there is refused in the same way.
func requireStored(t require.TestingT, base, next, storedBase, storedNext *estate.Observation) {
	patch := estate.EncodePatch(base, next)
	require.NotNil(t, patch)
	got, err := estate.ApplyPatch(storedBase, patch)
	if err == nil && reflect.DeepEqual(storedNext, got) { // require.Equal takes times that print alike for equal
		return
	}
	_, invalid := estate.DecodeObservation([]byte(text(t, next)))
	if invalid != nil {
		require.ErrorIs(t, err, sentinelOf(invalid))
		require.Nil(t, got)
		return
	}
	require.NoError(t, err)
	require.Equal(t, storedNext, got)
	require.Fail(t, "a time is not as read from JSON")
}

func text(t require.TestingT, o *estate.Observation) string {
	data, err := json.Marshal(o)
	require.NoError(t, err)
	return string(data)
}

func sentinelOf(err error) error {
	if errors.Is(err, estate.ErrNewer) {
		return estate.ErrNewer
	}
	return estate.ErrDamaged
}

func TestPatchVersion1(t *testing.T) {
	t.Parallel()
	// Files of a version are made once: stored patches are read for as long as the base they stand on.
	dir := filepath.Join("testdata", "patch-v1")
	if _, err := os.Stat(dir); *update && errors.Is(err, os.ErrNotExist) {
		writePatch(t, dir, full(), later(full()))
	}
	base, next := readObservation(t, dir, "base.json"), readObservation(t, dir, "next.json")
	lines, err := os.ReadFile(filepath.Join(dir, "patch.hex"))
	require.NoError(t, err)
	patch, err := hex.DecodeString(strings.ReplaceAll(string(lines), "\n", ""))
	require.NoError(t, err)
	got, err := estate.ApplyPatch(base, patch)
	require.NoError(t, err)
	require.Equal(t, next, got)
}

func writePatch(t *testing.T, dir string, base, next *estate.Observation) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for name, o := range map[string]*estate.Observation{"base.json": base, "next.json": next} {
		data, err := json.MarshalIndent(o, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), append(data, '\n'), 0o644))
	}
	var lines strings.Builder
	for patch := estate.EncodePatch(base, next); len(patch) > 0; {
		n := min(32, len(patch))
		fmt.Fprintf(&lines, "%x\n", patch[:n])
		patch = patch[n:]
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "patch.hex"), []byte(lines.String()), 0o644))
}

func readObservation(t *testing.T, dir, name string) *estate.Observation {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	o, err := estate.DecodeObservation(data)
	require.NoError(t, err)
	return o
}

// later changes a bit of everything: what a pass brings, a new guest, one that is gone, and another state.
func later(o *estate.Observation) *estate.Observation {
	at := time.Date(2026, 1, 2, 4, 0, 0, 123456789, time.UTC)
	o.Poll.Started, o.Poll.Ended, o.Poll.Reason, o.Poll.Took = at, at.Add(time.Second), "", time.Second
	o.Nodes[0].Seen = estate.Seen{At: at, Advanced: at}
	o.Nodes[0].UptimeSeconds = estate.Some(o.Nodes[0].UptimeSeconds.Or(0) + 10)
	o.Nodes[0].Detail.LoadAverage = []float64{0.25, 1.53, 3}
	o.Nodes[1].Detail = nil
	g := &o.Guests[0]
	g.Seen = estate.Seen{At: at, Advanced: at.Add(-10 * time.Second)}
	g.UptimeSeconds = estate.Some(g.UptimeSeconds.Or(0) + 10)
	g.CPUFraction = estate.Some(0.123456789)
	g.MemUsedBytes, g.MemHostBytes = estate.Some(int64(1<<33)), estate.Opt[int64]{}
	g.Rates.NetIn, g.Rates.NetOut = estate.Some(1234.5), estate.Opt[float64]{}
	g.Base.NetIn = estate.Counter{Value: 1 << 40, Uptime: g.UptimeSeconds.Or(0)}
	g.Status, g.Tags, g.Template = estate.GuestStopped, nil, false
	g.Filesystems.List[0].UsedBytes = estate.Some(int64(77))
	o.Guests[1] = estate.Guest{VMID: g.VMID + 7, Kind: estate.Container, Name: "neu ✓", Seen: g.Seen}
	o.Storages = o.Storages[1:]
	o.Server.Datastores = append(o.Server.Datastores, estate.Datastore{Name: "zz", UsedBytes: estate.Some(int64(0))})
	o.Reads["node/a"] = at
	o.Cluster.Quorate = estate.Some(false)
	o.Permissions.Missing = nil
	o.Tasks.Seen = append(o.Tasks.Seen, "UPID:a")
	return o
}

func TestPatchRefuses(t *testing.T) {
	t.Parallel()
	base, next := full(), later(full())
	good := estate.EncodePatch(base, next)
	newer := append([]byte{2}, good[1:]...)
	other := full()
	other.Poll.Ended = other.Poll.Ended.Add(time.Nanosecond)
	fewer := full()
	fewer.Guests = fewer.Guests[:1]
	tests := []struct {
		name  string
		base  *estate.Observation
		patch []byte
		want  error
	}{
		{"nothing", base, nil, estate.ErrDamaged},
		{"no version", base, append([]byte{0}, good[1:]...), estate.ErrDamaged},
		{"newer", base, newer, estate.ErrNewer},
		{"newer and short", base, []byte{9}, estate.ErrNewer},
		{"header only", base, good[:5], estate.ErrDamaged},
		{"half a header", base, good[:3], estate.ErrDamaged},
		{"more than all", base, append(slices.Clip(good), 0), estate.ErrDamaged},
		{"base of another pass", other, good, estate.ErrDamaged},
		{"base with fewer guests", fewer, good, estate.ErrDamaged},
		{"empty base", nil, good, estate.ErrDamaged},
		{"more guests than bytes", base, append(good[:5:5], 4, 0xff, 0xff, 0xff, 0xff, 0x0f), estate.ErrDamaged},
		{"no step", base, append(good[:5:5], 4, 2, 0, 0), estate.ErrDamaged},
		{"a step over nothing", base, append(good[:5:5], 4, 2, 0, 1), estate.ErrDamaged},
		{"a step too far", base, append(good[:5:5], 4, 2, 0, 3<<2|2), estate.ErrDamaged},
		{"a field of a newer version", base, append(good[:5:5], 0x80, 0x80, 0x80, 0x80, 0x80, 0x01), estate.ErrNewer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := estate.ApplyPatch(tt.base, tt.patch)
			require.ErrorIs(t, err, tt.want)
			require.Nil(t, got)
		})
	}
	for n := range good {
		_, err := estate.ApplyPatch(base, good[:n])
		require.Error(t, err, "cut behind %d bytes", n)
	}
}

func TestPatchOfNoBase(t *testing.T) {
	t.Parallel()
	empty := &estate.Observation{}
	for _, patch := range [][]byte{estate.EncodePatch(nil, full()), estate.EncodePatch(empty, full())} {
		for _, base := range []*estate.Observation{nil, empty} {
			got, err := estate.ApplyPatch(base, patch)
			require.NoError(t, err)
			require.Equal(t, full(), got)
		}
	}
}

func TestPatchNeedsAFormInJSON(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*estate.Observation){
		"no number": func(o *estate.Observation) { o.Guests[0].CPUFraction = estate.Some(math.NaN()) },
		"endless":   func(o *estate.Observation) { o.Server.LoadAverage[0] = math.Inf(1) },
		"far away":  func(o *estate.Observation) { o.Cluster.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		next := full()
		change(next)
		_, err := json.Marshal(next)
		require.Error(t, err, name)
		require.Nil(t, estate.EncodePatch(full(), next), name)
	}
}

func TestPatchSharesWhatDidNotChange(t *testing.T) {
	t.Parallel()
	base, next := full(), full()
	next.Guests[0].Status = "other"
	got, err := estate.ApplyPatch(base, estate.EncodePatch(base, next))
	require.NoError(t, err)
	require.Equal(t, next, got)
	require.Same(t, &base.Nodes[0], &got.Nodes[0])
	require.Same(t, base.Server, got.Server)
	require.NotSame(t, &base.Guests[0], &got.Guests[0])
	require.Same(t, base.Guests[0].Balloon, got.Guests[0].Balloon)
}

func TestPatchOfNothingIsShort(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, len(estate.EncodePatch(full(), full())), 6)
}

func TestPatchLeavesOutWhatJSONDoes(t *testing.T) {
	t.Parallel()
	next := full()
	next.Poll.Started = time.Now() // with a monotonic reading
	next.Guests[1].Seen.At = time.Date(2026, 5, 6, 7, 8, 9, 0, time.FixedZone("", 3600))
	got, err := estate.ApplyPatch(full(), estate.EncodePatch(full(), next))
	require.NoError(t, err)
	next.Poll.Started, next.Guests[1].Seen.At = next.Poll.Started.UTC(), next.Guests[1].Seen.At.UTC()
	require.True(t, reflect.DeepEqual(next, got))
}

func ExampleEncodePatch() {
	base := &estate.Observation{
		Version: estate.ObservationVersion, Target: "pve-0",
		Guests: []estate.Guest{{VMID: 100, Name: "web", Status: estate.GuestRunning}},
	}
	next := *base
	next.Guests = []estate.Guest{base.Guests[0]}
	next.Guests[0].Status = estate.GuestStopped

	patch := estate.EncodePatch(base, &next)
	got, err := estate.ApplyPatch(base, patch)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(got.Guest(100).Name, got.Guest(100).Status, len(patch) < 30)
	// Output: web stopped true
}
