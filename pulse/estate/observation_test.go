package estate_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

var update = flag.Bool("update", false, "write the golden observation of the current version")

// full returns an observation in which every field is set, in its lists too.
func full() *estate.Observation {
	var o estate.Observation
	fill(reflect.ValueOf(&o).Elem(), "", 0)
	o.Version, o.Target = estate.ObservationVersion, "pve-0"
	return &o
}

// fill sets a value and all in it to what follows from its place, so that a new field changes no other. The
// elements of a list differ by index.
func fill(v reflect.Value, path string, index int) {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(path))
	n := int(hash.Sum32()%1000) + 1 + index
	switch v := v.Addr().Interface().(type) {
	case *time.Time:
		*v = time.Date(2026, 1, 2, 3, 4, n, 0, time.UTC)
		return
	case *estate.Opt[bool]:
		*v = estate.Some(true)
		return
	case *estate.Opt[int64]:
		*v = estate.Some(int64(n))
		return
	case *estate.Opt[float64]:
		*v = estate.Some(float64(n) + 0.5)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %04d", n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Float64:
		v.SetFloat(float64(n) + 0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), path, index)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), path, index)
		fill(v.Index(1), path, index+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, path+"/key", index)
		fill(value, path, index)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for field, value := range v.Fields() {
			fill(value, path+"/"+field.Name, index)
		}
	default:
		panic("no value for " + v.Type().String())
	}
}

func TestObservationVersion1(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "observation-v1.json")
	if *update {
		data, err := json.MarshalIndent(full(), "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(data, '\n'), 0o644))
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	got, err := estate.DecodeObservation(data)
	require.NoError(t, err)
	require.Equal(t, full(), got, "a field that was added belongs into the golden file (-update)")

	again, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, string(data), string(again))
}

func TestEmptyObservationIsShort(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(estate.Observation{Version: 1, Target: "pve-0"})
	require.NoError(t, err)
	require.JSONEq(t, `{"version":1,"target":"pve-0","poll":{}}`, string(data))
	got, err := estate.DecodeObservation(data)
	require.NoError(t, err)
	require.Equal(t, &estate.Observation{Version: 1, Target: "pve-0"}, got)
}

func TestDecodeObservationRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     error
	}{
		{"nothing", ``, estate.ErrDamaged},
		{"null", `null`, estate.ErrDamaged},
		{"cut", `{"version":1,"target":"pve-0","nodes":[{"name":"a"`, estate.ErrDamaged},
		{"list", `[]`, estate.ErrDamaged},
		{"no version", `{"target":"pve-0"}`, estate.ErrDamaged},
		{"no target", `{"version":1}`, estate.ErrDamaged},
		{"odd target", `{"version":1,"target":"pve"}`, estate.ErrDamaged},
		{"nodes out of order", `{"version":1,"target":"pve-0","nodes":[{"name":"b"},{"name":"a"}]}`, estate.ErrDamaged},
		{"guests out of order", `{"version":1,"target":"pve-0","guests":[{"vmid":2},{"vmid":1}]}`, estate.ErrDamaged},
		{"odd number", `{"version":1,"target":"pve-0","nodes":[{"name":"a","cpu":"x"}]}`, estate.ErrDamaged},
		{"newer", `{"version":2,"target":"pve-0"}`, estate.ErrNewer},
		{"newer with other types", `{"version":2,"target":{"kind":"pve"},"nodes":{}}`, estate.ErrNewer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := estate.DecodeObservation([]byte(tt.in))
			require.ErrorIs(t, err, tt.want)
			require.Nil(t, got)
		})
	}
}

func FuzzDecodeObservation(f *testing.F) {
	f.Add([]byte(`{"version":1,"target":"pve-0","nodes":[{"name":"a","cpu":0.5,"seen":{"at":"2026-01-02T03:04:05Z"}}]}`))
	f.Add([]byte(`{"version":1,"target":"pbs-1","server":{"datastores":[{"name":"a"}]},"poll":{"took":1}}`))
	f.Add([]byte(`{"version":1,"target":"pbs-1","guests":[{"vmid":1,"cpu":null},{"vmid":1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := estate.DecodeObservation(data)
		if err != nil {
			require.Nil(t, o)
			return
		}
		for _, g := range o.Guests {
			require.Equal(t, g.VMID, o.Guest(g.VMID).VMID)
		}
		encoded, err := json.Marshal(o)
		if err != nil {
			return // a year that JSON cannot write
		}
		again, err := estate.DecodeObservation(encoded)
		require.NoError(t, err)
		require.Len(t, again.Guests, len(o.Guests))
	})
}

func TestObservationLookUps(t *testing.T) {
	t.Parallel()
	o := &estate.Observation{
		Nodes:  []estate.Node{{Name: "a"}, {Name: "a-2"}, {Name: "b"}},
		Guests: []estate.Guest{{VMID: 100}, {VMID: 101, Name: "web"}, {VMID: 999999999}},
	}
	require.Same(t, &o.Nodes[1], o.Node("a-2"))
	require.Same(t, &o.Nodes[0], o.Node("a"))
	require.Same(t, &o.Guests[1], o.Guest(101))
	require.Same(t, &o.Guests[2], o.Guest(999999999))
	for _, name := range []string{"", "A", "a-", "c"} {
		require.Nil(t, o.Node(name), name)
	}
	for _, vmid := range []int{-1, 0, 102} {
		require.Nil(t, o.Guest(vmid), vmid)
	}
	empty := &estate.Observation{}
	require.Nil(t, empty.Node("a"))
	require.Nil(t, empty.Guest(100))
}

func TestPollOK(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	require.False(t, estate.Poll{}.OK(), "before the first pass")
	require.True(t, estate.Poll{LastSuccess: now}.OK())
	require.False(t, estate.Poll{LastSuccess: now, Reason: estate.ReasonTimeout}.OK())
}

func Example() {
	o := &estate.Observation{
		Version: estate.ObservationVersion, Target: "pve-0",
		Guests: []estate.Guest{{VMID: 100, Name: "web", Status: estate.GuestRunning, CPUFraction: estate.Some(0.25)}},
	}
	g := o.Guest(100)
	_, known := g.MemUsedBytes.Get()
	fmt.Println(g.Key(o.Target).UID(), g.CPUFraction.Or(0), known)

	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	horizon := estate.HorizonFor(10 * time.Second)
	fmt.Println(horizon.Judge(estate.Seen{At: now.Add(-time.Minute)}, now))
	// Output:
	// pve-0/guest/100/0 0.25 false
	// stale
}
