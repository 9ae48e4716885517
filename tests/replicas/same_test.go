package replicas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/tests/lab"
)

// document is a document of the API as a tree, without what each process tells of itself.
func document(t *testing.T, text []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	require.NoError(t, decoder.Decode(&tree))
	if object, ok := tree.(map[string]any); ok {
		for _, own := range []string{
			"stats",       // since when the process runs, its version, how many streams it serves
			"performance", // what it asked its targets, and how long that took
			"lastUpdate",  // when it had news last
		} {
			delete(object, own)
		}
	}
	return tree
}

// sameEverywhere waits until all replicas answer a path alike.
func (f *fleet) sameEverywhere(all []*lab.Pulse, path string) {
	f.t.Helper()
	f.until("the same "+path+" everywhere", func() error {
		want := f.ask(all[0], http.MethodGet, path, nil, nil)
		require.Equal(f.t, http.StatusOK, want.Status, path)
		for i, p := range all[1:] {
			got := f.ask(p, http.MethodGet, path, nil, nil)
			require.Equal(f.t, http.StatusOK, got.Status, path)
			if err := alike(document(f.t, want.Body), document(f.t, got.Body), path); err != nil {
				return fmt.Errorf("%s: %w", versionOf(i+1), err)
			}
		}
		return nil
	})
}

// alike tells where two trees differ first.
func alike(want, got any, at string) error {
	switch want := want.(type) {
	case map[string]any:
		other, ok := got.(map[string]any)
		if !ok || len(want) != len(other) {
			return fmt.Errorf("%s: %v, and %v", at, want, got)
		}
		for name := range want {
			if err := alike(want[name], other[name], at+"."+name); err != nil {
				return err
			}
		}
		return nil
	case []any:
		other, ok := got.([]any)
		if !ok || len(want) != len(other) {
			return fmt.Errorf("%s: %v, and %v", at, want, got)
		}
		for i := range want {
			if err := alike(want[i], other[i], fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	}
	if want != got {
		return fmt.Errorf("%s: %v, and %v", at, want, got)
	}
	return nil
}

// Nothing is read for an hour after the first time, so that no number moves by itself. What is compared are whole
// documents, to the last digit and in their order, times of readings among it.
func TestEveryReplicaShowsTheSame(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "-clusters", "3", "-nodes", "2", "-guests", "18", "-pbs", "1", "-tick", "1m")
	all := f.startAll(3)
	f.every(all[0], 3600)
	f.addEstate(all[1])
	f.ready(all...)
	for _, p := range all {
		f.awaitTruth(p)
	}
	paths := []string{"/api/state", "/api/storage", "/api/config/nodes", "/api/config/system", "/api/config"}
	for _, path := range paths {
		f.sameEverywhere(all, path)
	}

	streams := make([]*lab.Stream, len(all))
	any := func(state) bool { return true }
	for i, p := range all {
		streams[i] = f.stream(p)
		shown := f.follow(streams[i], "the first state", any)
		require.NoError(t, alike(
			document(t, f.ask(all[0], http.MethodGet, "/api/state", nil, nil).Body), document(t, shown), versionOf(i)))
	}
	cluster := f.clusterNames()[1]
	g := f.running(cluster)
	f.act("stop", cluster, g.VMID)
	var first json.RawMessage
	for i, stream := range streams {
		shown := f.follow(stream, "the stopped guest", func(st state) bool {
			return shows(st, cluster, g.VMID, "stopped") == nil
		})
		if first == nil {
			first = shown
		}
		require.NoError(t, alike(document(t, first), document(t, shown), versionOf(i)))
	}
	for _, path := range paths {
		f.sameEverywhere(all, path)
	}
}
