package estate_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// scramble sets some of the values in v to something else, mostly drawn from few, so that they meet again.
func scramble(r *rand.Rand, v reflect.Value, often float64) {
	set := func(to any) {
		if r.Float64() < often {
			v.Set(reflect.ValueOf(to).Convert(v.Type()))
		}
	}
	switch v.Interface().(type) {
	case time.Time:
		set(anyTime(r))
		return
	case estate.Opt[bool]:
		set([]estate.Opt[bool]{{}, estate.Some(false), estate.Some(true)}[r.IntN(3)])
		return
	case estate.Opt[int64]:
		set([]estate.Opt[int64]{{}, estate.Some(r.Int64N(10)), estate.Some(int64(r.Uint64()))}[r.IntN(3)])
		return
	case estate.Opt[float64]:
		set([]estate.Opt[float64]{{}, estate.Some(anyNumber(r)), estate.Some(r.Float64())}[r.IntN(3)])
		return
	}
	switch v.Kind() {
	case reflect.String:
		set([]string{"", "a", "b", "c", "long enough to be a sentence", "ü"}[r.IntN(6)])
	case reflect.Bool:
		set(r.IntN(2) == 0)
	case reflect.Int, reflect.Int64:
		set(r.IntN(5))
	case reflect.Float64:
		set(anyNumber(r))
	case reflect.Pointer:
		if r.Float64() < often {
			v.Set([]reflect.Value{reflect.Zero(v.Type()), reflect.New(v.Type().Elem())}[r.IntN(2)])
		}
		if !v.IsNil() {
			scramble(r, v.Elem(), often)
		}
	case reflect.Slice:
		if r.Float64() < often {
			v.Set(reflect.AppendSlice(reflect.MakeSlice(v.Type(), r.IntN(3), 9), v.Slice(r.IntN(v.Len()+1), v.Len())))
		}
		for i := range v.Len() {
			scramble(r, v.Index(i), often)
		}
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		for range r.IntN(4) {
			value := reflect.New(v.Type().Elem()).Elem()
			scramble(r, value, 1)
			v.SetMapIndex(reflect.ValueOf(string(rune('a'+r.IntN(5)))), value)
			v.SetMapIndex(reflect.ValueOf(string(rune('a'+r.IntN(5)))), reflect.Value{})
		}
	case reflect.Struct:
		for _, value := range v.Fields() {
			scramble(r, value, often)
		}
	default:
		panic("no value for " + v.Type().String())
	}
}

func anyTime(r *rand.Rand) time.Time {
	near := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return []time.Time{
		{},
		near, near.Add(time.Duration(r.IntN(3)) * time.Second), near.Add(time.Duration(r.Int64())),
		time.Date(r.IntN(10_000), 1, 1, 0, 0, 0, r.IntN(1e9), time.UTC),
	}[r.IntN(5)]
}

func anyNumber(r *rand.Rand) float64 {
	x := math.Float64frombits(r.Uint64())
	if math.IsNaN(x) || math.IsInf(x, 0) {
		x = 0
	}
	return []float64{0, float64(r.IntN(1e6)) / float64(1+r.IntN(40)), float64(r.IntN(1000)) / 100, x}[r.IntN(4)]
}

// drawn returns a random valid observation that has more or less in common with another one.
func drawn(r *rand.Rand, from *estate.Observation) *estate.Observation {
	var o estate.Observation
	data, err := json.Marshal(from)
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(data, &o); err != nil {
		panic(err)
	}
	scramble(r, reflect.ValueOf(&o).Elem(), []float64{0.02, 0.2, 0.8}[r.IntN(3)])
	o.Version, o.Target = estate.ObservationVersion, "pve-0"
	slices.SortStableFunc(o.Nodes, func(a, b estate.Node) int {
		if a.Name < b.Name {
			return -1
		}
		if a.Name > b.Name {
			return 1
		}
		return 0
	})
	slices.SortStableFunc(o.Guests, func(a, b estate.Guest) int { return a.VMID - b.VMID })
	return &o
}

func TestPatchBetweenAnyTwo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		base := drawn(r, full())
		next := drawn(r, base)
		requireLeads(t, base, next)
		requireLeads(t, next, base)
		requireLeads(t, base, drawn(r, full()))
	})
}

func FuzzApplyPatch(f *testing.F) {
	base := full()
	for i := range 4 {
		r := rand.New(rand.NewPCG(uint64(i), 0))
		f.Add(estate.EncodePatch(base, drawn(r, base)), false)
		f.Add(estate.EncodePatch(nil, drawn(r, base)), true)
	}
	f.Add(estate.EncodePatch(base, later(full())), false)
	f.Add(estate.EncodePatch(base, base), false)
	f.Fuzz(func(t *testing.T, patch []byte, fromNothing bool) {
		from := full()
		if fromNothing {
			from = &estate.Observation{}
		}
		head := estate.EncodePatch(from, from)
		if len(patch) >= 5 {
			copy(patch[1:5], head[1:5]) // made against this base
		}
		got, err := estate.ApplyPatch(from, patch)
		if !fromNothing {
			require.Equal(t, full(), from)
		}
		if err != nil {
			require.Nil(t, got)
			require.Condition(t, func() bool { return sentinelOf(err) != nil })
			return
		}
		require.LessOrEqual(t, len(got.Guests)+len(got.Nodes)+len(got.Storages), 6+len(patch))
		stored, err := json.Marshal(got)
		require.NoError(t, err)
		read, err := estate.DecodeObservation(stored)
		require.NoError(t, err)
		require.Equal(t, read, got, "it is as read from JSON")
		requireLeads(t, from, got)
	})
}
