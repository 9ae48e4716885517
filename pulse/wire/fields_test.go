package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

// filled sets every field of an observation to something.
func filled(t *testing.T) *estate.Observation {
	t.Helper()
	o := &estate.Observation{}
	fill := filler{t}
	fill.value(reflect.ValueOf(o).Elem())
	o.Poll.Reason = "" // so that the target counts as reached
	o.Nodes[0].Status, o.Guests[0].Status, o.Guests[0].Kind = estate.NodeOnline, estate.GuestRunning, estate.VM
	return o
}

type filler struct{ t *testing.T }

func (f filler) value(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = testNow
		return
	case json.Unmarshaler: // an Opt
		if x.UnmarshalJSON([]byte("3")) != nil {
			require.NoError(f.t, x.UnmarshalJSON([]byte("true")))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			f.value(field)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.value(v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.value(v.Elem())
	case reflect.Map: // only what the collector keeps for itself
	case reflect.String:
		v.SetString("word")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(2)
	case reflect.Float64:
		v.SetFloat(2)
	default:
		require.Failf(f.t, "cannot fill", "%s", v.Type())
	}
}

// variants returns a changed and an absent variant of every leaf of a decoded JSON value, by path.
func variants(path string, v any, set func(any), drop func(), each func(path string)) {
	try := func(name string, change, undo func()) {
		change()
		each(path + name)
		undo()
	}
	switch x := v.(type) {
	case object:
		for key, inner := range x {
			variants(path+"."+key, inner, func(n any) { x[key] = n }, func() { delete(x, key) }, each)
		}
	case []any:
		for i, inner := range x {
			variants(fmt.Sprintf("%s[%d]", path, i), inner, func(n any) { x[i] = n }, func() { x[i] = nil }, each)
		}
	case bool:
		try(" changed", func() { set(!x) }, func() { set(x) })
		return
	case float64:
		try(" changed", func() { set(x + 1) }, func() { set(x) })
	case string:
		changed := x + "x"
		if at, err := time.Parse(time.RFC3339Nano, x); err == nil {
			changed = at.Add(-time.Minute).Format(time.RFC3339Nano)
		}
		try(" changed", func() { set(changed) }, func() { set(x) })
	}
	if !strings.HasSuffix(path, "]") && path != "" {
		try(" absent", drop, func() { set(v) })
	}
}

func TestChangeOfAnyFieldIsShownAsIfItHadAlwaysBeen(t *testing.T) {
	t.Parallel()
	base := filled(t)
	data, err := json.Marshal(base)
	require.NoError(t, err)
	tree := decode(t, data)
	count := 0
	for _, target := range []Target{pveTarget(0, "clu"), pbsTarget(0, "pbs1")} {
		variants("", tree, nil, nil, func(path string) {
			count++
			changed, err := json.Marshal(tree)
			require.NoError(t, err, path)
			o := &estate.Observation{}
			require.NoError(t, json.Unmarshal(changed, o), path)
			requireSameHistory(t, path, target, base, o)
			requireSameHistory(t, path, target, o, base)
		})
	}
	require.Greater(t, count, 400, "the sample lost its fields")
}

// requireSameHistory compares an encoder that saw before and then after with one that saw only after.
func requireSameHistory(t *testing.T, path string, target Target, before, after *estate.Observation) {
	t.Helper()
	e := NewEncoder()
	e.Update(target, before, testNow)
	first := e.Publish(testNow, Stats{})
	e.Update(target, after, testNow)
	second := e.Publish(testNow, Stats{})
	want := publishWith(target, after)
	require.Equal(t, string(want.State().Plain()), string(second.State().Plain()), path)
	require.Equal(t, string(want.StorageList().Plain()), string(second.StorageList().Plain()), path)
	for _, prefix := range internal {
		if strings.HasPrefix(path, prefix) {
			require.Same(t, first, second, "%s is not shown and must make no revision", path)
		}
	}
}

// internal are the parts of an observation that concern the collector only.
var internal = []string{
	".version", ".target", ".guests[0].base", ".reads", ".tasks", ".permissions", ".poll.started", ".poll.ended",
	".poll.via", ".poll.took", ".poll.requests", ".poll.failures", ".poll.clockSkew",
}

func publishWith(target Target, o *estate.Observation) *Snapshot {
	e := NewEncoder()
	e.Update(target, o, testNow)
	return e.Publish(testNow, Stats{})
}
