package estate_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// mutant is one change somewhere in an observation.
type mutant struct {
	what   string
	change func()
}

// mutants lists what can be changed in a value and all in it: every field of every struct, in several ways. A field of a
// type that it does not know makes it panic.
func mutants(v reflect.Value, path string) (list []mutant) {
	set := func(to any) {
		list = append(list, mutant{
			fmt.Sprintf("%s = %v", path, to),
			func() { v.Set(reflect.ValueOf(to).Convert(v.Type())) },
		})
	}
	switch now := v.Interface().(type) {
	case time.Time:
		set(now.Add(time.Hour))
		set(now.Add(-time.Nanosecond))
		set(time.Time{})
		return list
	case estate.Opt[bool]:
		set(estate.Some(!now.Or(false)))
		set(estate.Opt[bool]{})
		return list
	case estate.Opt[int64]:
		for _, n := range []int64{now.Or(0) + 1, now.Or(0) - 1000, 0, math.MinInt64, math.MaxInt64} {
			set(estate.Some(n))
		}
		set(estate.Opt[int64]{})
		return list
	case estate.Opt[float64]:
		for _, x := range numbers() {
			set(estate.Some(x))
		}
		set(estate.Opt[float64]{})
		return list
	}
	switch v.Kind() {
	case reflect.String:
		set("changed")
		set("")
		set("not \xff\xfe text")
	case reflect.Bool:
		set(!v.Bool())
	case reflect.Int, reflect.Int64:
		set(v.Int() + 1)
		set(0)
		set(math.MaxInt64)
	case reflect.Float64:
		for _, x := range numbers() {
			set(x)
		}
	case reflect.Pointer:
		return append(pointerMutants(v, path), mutants(v.Elem(), path)...)
	case reflect.Slice:
		list = sliceMutants(v, path)
		for i := range v.Len() {
			list = append(list, mutants(v.Index(i), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case reflect.Map:
		return mapMutants(v, path)
	case reflect.Struct:
		for field, value := range v.Fields() {
			list = append(list, mutants(value, path+"."+field.Name)...)
		}
	default:
		panic("no change for " + v.Type().String())
	}
	return list
}

func numbers() []float64 {
	return []float64{
		0, math.Copysign(0, -1), 0.5, 1, 1.53, -7, 123456.7, 1e7 / 3, 0.0123456789012345, 1 << 53, 1 << 60, math.Pi, 1e-300,
		math.MaxFloat64, math.SmallestNonzeroFloat64,
	}
}

func pointerMutants(v reflect.Value, path string) []mutant {
	return []mutant{
		{path + " = nil", func() { v.SetZero() }},
		{path + " = empty", func() { v.Set(reflect.New(v.Type().Elem())) }},
	}
}

func sliceMutants(v reflect.Value, path string) []mutant {
	zero := reflect.Zero(v.Type().Elem())
	return []mutant{
		{path + " = nil", func() { v.SetZero() }},
		{path + " = empty", func() { v.Set(reflect.MakeSlice(v.Type(), 0, 0)) }},
		{path + " without the first", func() { v.Set(v.Slice(1, v.Len())) }},
		{path + " without the last", func() { v.Set(v.Slice(0, v.Len()-1)) }},
		{path + " and one more", func() { v.Set(reflect.Append(v, zero)) }},
		{path + " twice", func() { v.Set(reflect.AppendSlice(v, v)) }},
		{path + " behind one more", func() {
			v.Set(reflect.AppendSlice(reflect.Append(reflect.MakeSlice(v.Type(), 0, 0), zero), v))
		}},
		{path + " turned round", func() {
			turned := reflect.MakeSlice(v.Type(), 0, 0)
			for i := v.Len() - 1; i >= 0; i-- {
				turned = reflect.Append(turned, v.Index(i))
			}
			v.Set(turned)
		}},
	}
}

func mapMutants(v reflect.Value, path string) (list []mutant) {
	elem := v.Type().Elem()
	put := func(m reflect.Value, key string) { m.SetMapIndex(reflect.ValueOf(key), reflect.Zero(elem)) }
	return []mutant{
		{path + " = nil", func() { v.SetZero() }},
		{path + " = empty", func() { v.Set(reflect.MakeMap(v.Type())) }},
		{path + " and one more", func() { put(v, "one more") }},
		{path + " has other values", func() {
			for _, key := range v.MapKeys() {
				put(v, key.String())
			}
		}},
		{path + " has another name", func() {
			other := reflect.MakeMap(v.Type())
			put(other, "other")
			v.Set(other)
		}},
	}
}

// TestPatchCarriesEveryField changes every field there is, one at a time. It fails for a field that no list in
// patch_fields.go names.
func TestPatchCarriesEveryField(t *testing.T) {
	t.Parallel()
	small := &estate.Observation{Version: estate.ObservationVersion, Target: "pve-0"}
	count := len(mutants(reflect.ValueOf(full()).Elem(), ""))
	require.Greater(t, count, 500)
	for i := range count {
		changed := full()
		m := mutants(reflect.ValueOf(changed).Elem(), "Observation")[i]
		m.change()
		t.Run(m.what, func(t *testing.T) {
			t.Parallel()
			stored := viaJSON(t, changed)
			requireStored(t, full(), changed, full(), stored)
			requireStored(t, small, changed, small, stored)
			if _, err := estate.DecodeObservation([]byte(text(t, changed))); err == nil {
				requireStored(t, changed, full(), stored, full())
			}
		})
	}
}
