package storetest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func commitChecks() []check {
	return []check{
		{"AbsentGroupReadsAsNothing", absentGroup},
		{"WritesAndReadsBack", writesAndReadsBack},
		{"EveryOpIsChecked", everyOpIsChecked},
		{"FailedCheckChangesNothing", failedCheckChangesNothing},
		{"ConflictNamesTheFirstKeyInTheWay", conflictNamesKey},
		{"CheckOnlyCommitChangesNoRevision", checkOnlyCommit},
		{"DeleteRemoves", deleteRemoves},
		{"KeysExpire", keysExpire},
		{"RewriteChangesExpiry", rewriteChangesExpiry},
		{"ValuesAreCopied", valuesAreCopied},
		{"EmptyValueIsNotAbsent", emptyValue},
		{"FullCommit", fullCommit},
		{"DataSurvivesReopening", dataSurvives},
	}
}

// put writes keys without checks and returns the new revision; the group is created if it is absent.
func put(tb testing.TB, s store.Store, group string, keysAndValues ...string) store.Revision {
	tb.Helper()
	heads, err := s.Heads(tb.Context(), group)
	require.NoError(tb, err)
	c := store.Commit{Group: group, Epoch: heads[0].Epoch}
	for pair := range slices.Chunk(keysAndValues, 2) {
		c.Ops = append(c.Ops, store.Op{Key: pair[0], Any: true, Value: []byte(pair[1])})
	}
	rev, err := s.Commit(tb.Context(), c)
	require.NoError(tb, err)
	return rev
}

// get reads one key; nil is absent.
func get(tb testing.TB, s store.Store, group, key string) *store.Item {
	tb.Helper()
	g, err := s.Get(tb.Context(), group, key)
	require.NoError(tb, err)
	if len(g.Items) == 0 {
		return nil
	}
	require.Len(tb, g.Items, 1)
	return &g.Items[0]
}

func head(tb testing.TB, s store.Store, group string) store.Revision {
	tb.Helper()
	heads, err := s.Heads(tb.Context(), group)
	require.NoError(tb, err)
	require.Len(tb, heads, 1)
	return heads[0]
}

// requireConflict checks that err names what was in the way.
func requireConflict(tb testing.TB, err error, key, chunk string) {
	tb.Helper()
	require.ErrorIs(tb, err, store.ErrConflict)
	var conflict *store.ConflictError
	require.ErrorAs(tb, err, &conflict)
	require.Equal(tb, [2]string{key, chunk}, [2]string{conflict.Key, conflict.Chunk})
}

func absentGroup(t *testing.T, h Harness) {
	s := open(t, h)
	g, err := s.Get(t.Context(), "g", "a")
	require.NoError(t, err)
	require.Zero(t, g.Rev)
	require.Empty(t, g.Items)
	g, err = s.List(t.Context(), "g", "")
	require.NoError(t, err)
	require.Zero(t, g.Rev)
	require.Empty(t, g.Items)
	chunks, err := s.Chunks(t.Context(), "g", "")
	require.NoError(t, err)
	require.Empty(t, chunks)
	require.Zero(t, head(t, s, "g"))
	require.NoError(t, s.Drop(t.Context(), "g"))
	_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: 7, Ops: []store.Op{{Key: "a"}}})
	require.ErrorIs(t, err, store.ErrGone)
}

func writesAndReadsBack(t *testing.T, h Harness) {
	s := open(t, h)
	rev, err := s.Commit(t.Context(), store.Commit{Group: "g", Durable: true, Ops: []store.Op{
		{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")},
	}})
	require.NoError(t, err)
	require.NotZero(t, rev.Epoch)
	require.Equal(t, uint64(1), rev.N)
	got, err := s.Get(t.Context(), "g", "b", "absent", "a")
	require.NoError(t, err)
	require.Equal(t, store.Group{Rev: rev, Items: []store.Item{
		{Key: "b", Rev: rev, Value: []byte("2")}, {Key: "a", Rev: rev, Value: []byte("1")},
	}}, got)

	next, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{
		{Key: "a", Rev: rev, CheckOnly: true}, {Key: "b", Rev: rev, Value: []byte("3")}, {Key: "c", Any: true, Value: []byte("4")},
	}})
	require.NoError(t, err)
	require.Equal(t, store.Revision{Epoch: rev.Epoch, N: 2}, next)
	got, err = s.Get(t.Context(), "g", "a", "b", "c")
	require.NoError(t, err)
	require.Equal(t, store.Group{Rev: next, Items: []store.Item{
		{Key: "a", Rev: rev, Value: []byte("1")}, {Key: "b", Rev: next, Value: []byte("3")}, {Key: "c", Rev: next, Value: []byte("4")},
	}}, got)
	heads, err := s.Heads(t.Context(), "g", "absent", "g")
	require.NoError(t, err)
	require.Equal(t, []store.Revision{next, {}, next}, heads)
}

func everyOpIsChecked(t *testing.T, h Harness) {
	s := open(t, h)
	old := put(t, s, "g", "a", "1")
	now := put(t, s, "g", "a", "2")
	future := store.Revision{Epoch: now.Epoch, N: now.N + 1}
	foreign := store.Revision{Epoch: now.Epoch + 1, N: now.N}
	tests := []struct {
		name string
		op   store.Op
		ok   bool
	}{
		{"write over an old revision", store.Op{Key: "a", Rev: old}, false},
		{"write over a revision to come", store.Op{Key: "a", Rev: future}, false},
		{"write over another epoch's revision", store.Op{Key: "a", Rev: foreign}, false},
		{"create what exists", store.Op{Key: "a"}, false},
		{"write what is absent", store.Op{Key: "b", Rev: now}, false},
		{"check an old revision", store.Op{Key: "a", Rev: old, CheckOnly: true}, false},
		{"check that something is absent which exists", store.Op{Key: "a", CheckOnly: true}, false},
		{"delete an old revision", store.Op{Key: "a", Rev: old, Delete: true}, false},
		{"check what is current", store.Op{Key: "a", Rev: now, CheckOnly: true}, true},
		{"check that something is absent", store.Op{Key: "b", CheckOnly: true}, true},
		{"delete what is absent", store.Op{Key: "b", Delete: true}, true},
		{"delete whatever there is", store.Op{Key: "b", Any: true, Delete: true}, true},
	}
	for _, tt := range tests {
		_, err := s.Commit(t.Context(), store.Commit{Group: "g", Epoch: now.Epoch, Ops: []store.Op{tt.op}})
		if tt.ok {
			require.NoError(t, err, tt.name)
			continue
		}
		require.ErrorIs(t, err, store.ErrConflict, tt.name)
	}
	require.Equal(t, &store.Item{Key: "a", Rev: now, Value: []byte("2")}, get(t, s, "g", "a"))
}

func failedCheckChangesNothing(t *testing.T, h Harness) {
	s := open(t, h)
	rev := put(t, s, "g", "a", "1", "doomed", "1")
	_, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Epoch: rev.Epoch,
		Ops: []store.Op{
			{Key: "a", Rev: rev, Value: []byte("2")},
			{Key: "b", Value: []byte("2")},
			{Key: "doomed", Any: true, Delete: true},
			{Key: "late", Rev: rev},
		},
		Appends: []store.Append{{Chunk: "c", Data: []byte("x")}},
	})
	requireConflict(t, err, "late", "")
	_, err = s.Commit(t.Context(), store.Commit{
		Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev, Value: []byte("2")}},
		Appends: []store.Append{{Chunk: "c", Data: []byte("x")}, {Chunk: "d", At: 1, Data: []byte("x")}},
	})
	requireConflict(t, err, "", "d")
	got, err := s.Get(t.Context(), "g", "a", "b", "doomed", "late")
	require.NoError(t, err)
	require.Equal(t, store.Group{Rev: rev, Items: []store.Item{
		{Key: "a", Rev: rev, Value: []byte("1")}, {Key: "doomed", Rev: rev, Value: []byte("1")},
	}}, got)
	chunks, err := s.Chunks(t.Context(), "g", "")
	require.NoError(t, err)
	require.Empty(t, chunks)
}

func conflictNamesKey(t *testing.T, h Harness) {
	s := open(t, h)
	rev := put(t, s, "g", "a", "1")
	_, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "ok"}, {Key: "first", Rev: rev}, {Key: "a"}},
		Appends: []store.Append{{Chunk: "c", At: 9, Data: []byte("x")}},
	})
	requireConflict(t, err, "first", "")
	_, err = s.Commit(t.Context(), store.Commit{Group: "g", Ops: []store.Op{{Key: "a"}}})
	requireConflict(t, err, "", "")
	_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch + 1, Ops: []store.Op{{Key: "a"}}})
	require.ErrorIs(t, err, store.ErrGone)
	require.NotErrorIs(t, err, store.ErrConflict)
}

func checkOnlyCommit(t *testing.T, h Harness) {
	s := open(t, h)
	got, err := s.Commit(t.Context(), store.Commit{Group: "g", Ops: []store.Op{{Key: "a", CheckOnly: true}}})
	require.NoError(t, err)
	require.Zero(t, got, "a check does not bring a group into being")
	require.Zero(t, head(t, s, "g"))
	rev := put(t, s, "g", "a", "1")
	got, err = s.Commit(t.Context(), store.Commit{
		Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev, CheckOnly: true}},
	})
	require.NoError(t, err)
	require.Equal(t, rev, got)
	require.Equal(t, rev, head(t, s, "g"))
}

func deleteRemoves(t *testing.T, h Harness) {
	s := open(t, h)
	rev := put(t, s, "g", "a", "1", "b", "1")
	_, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev, Delete: true}},
	})
	require.NoError(t, err)
	require.Nil(t, get(t, s, "g", "a"))
	require.NotNil(t, get(t, s, "g", "b"))
	_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Rev: rev, Delete: true}}})
	requireConflict(t, err, "a", "")
	_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "a", Value: []byte("2")}}})
	require.NoError(t, err)
	require.Equal(t, []byte("2"), get(t, s, "g", "a").Value)
}

func keysExpire(t *testing.T, h Harness) {
	s := open(t, h)
	rev, err := s.Commit(t.Context(), store.Commit{Group: "g", Ops: []store.Op{
		{Key: "short", Value: []byte("1"), TTL: time.Minute},
		{Key: "long", Value: []byte("1"), TTL: 24 * time.Hour},
		{Key: "ever", Value: []byte("1")},
		{Key: "tiny", Value: []byte("1"), TTL: time.Nanosecond},
	}})
	require.NoError(t, err)
	h.Advance(50 * time.Second)
	require.NotNil(t, get(t, s, "g", "short"))
	require.Nil(t, get(t, s, "g", "tiny"))
	h.Advance(time.Minute)
	require.Nil(t, get(t, s, "g", "short"))
	list, err := s.List(t.Context(), "g", "")
	require.NoError(t, err)
	require.Equal(t, store.Group{Rev: rev, Items: []store.Item{{Key: "ever", Rev: rev}, {Key: "long", Rev: rev}}}, list)
	_, err = s.Commit(t.Context(), store.Commit{
		Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "short", Rev: rev, CheckOnly: true}},
	})
	requireConflict(t, err, "short", "")
	_, err = s.Commit(t.Context(), store.Commit{
		Group: "g", Epoch: rev.Epoch, Ops: []store.Op{{Key: "short", Value: []byte("2")}},
	})
	require.NoError(t, err, "an expired key is absent")
	h.Advance(48 * time.Hour)
	require.Nil(t, get(t, s, "g", "long"))
	require.NotNil(t, get(t, s, "g", "short"))
	require.NotNil(t, get(t, s, "g", "ever"))
}

func rewriteChangesExpiry(t *testing.T, h Harness) {
	s := open(t, h)
	rev, err := s.Commit(t.Context(), store.Commit{Group: "g", Ops: []store.Op{
		{Key: "kept", TTL: time.Minute}, {Key: "ended"}, {Key: "checked", TTL: time.Minute},
	}})
	require.NoError(t, err)
	_, err = s.Commit(t.Context(), store.Commit{Group: "g", Epoch: rev.Epoch, Ops: []store.Op{
		{Key: "kept", Any: true}, {Key: "ended", Any: true, TTL: time.Minute}, {Key: "checked", Rev: rev, CheckOnly: true},
	}})
	require.NoError(t, err)
	h.Advance(2 * time.Minute)
	require.NotNil(t, get(t, s, "g", "kept"))
	require.Nil(t, get(t, s, "g", "ended"))
	require.Nil(t, get(t, s, "g", "checked"), "a check does not prolong")
}

func valuesAreCopied(t *testing.T, h Harness) {
	s := open(t, h)
	mine := []byte("original")
	rev, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Ops: []store.Op{{Key: "a", Value: mine}}, Appends: []store.Append{{Chunk: "c", Data: mine}},
	})
	require.NoError(t, err)
	require.NoError(t, s.ReplaceChunk(t.Context(), store.ChunkID{Group: "g", Name: "d"}, 0, mine, 0))
	copy(mine, "scribble")
	for range 2 {
		item := get(t, s, "g", "a")
		require.Equal(t, &store.Item{Key: "a", Rev: rev, Value: []byte("original")}, item)
		copy(item.Value, "scribble")
		for _, name := range []string{"c", "d"} {
			data, _, err := s.ReadChunk(t.Context(), store.ChunkID{Group: "g", Name: name}, 0, -1)
			require.NoError(t, err)
			require.Equal(t, []byte("original"), data)
			copy(data, "scribble")
		}
	}
}

func emptyValue(t *testing.T, h Harness) {
	s := open(t, h)
	put(t, s, "g", "a", "")
	item := get(t, s, "g", "a")
	require.NotNil(t, item)
	require.NotNil(t, item.Value)
	require.Empty(t, item.Value)
}

func fullCommit(t *testing.T, h Harness) {
	s := open(t, h)
	c := store.Commit{Group: "g"}
	var keys []string
	for i := range store.MaxOps {
		key := string(rune('A'+i)) + "-key"
		keys = append(keys, key)
		c.Ops = append(c.Ops, store.Op{Key: key, Value: bytes.Repeat([]byte{byte(i)}, i*100)})
	}
	for i := range store.MaxAppends {
		c.Appends = append(c.Appends, store.Append{Chunk: string(rune('A' + i)), Data: []byte{byte(i)}})
	}
	rev, err := s.Commit(t.Context(), c)
	require.NoError(t, err)
	got, err := s.Get(t.Context(), "g", keys...)
	require.NoError(t, err)
	require.Len(t, got.Items, store.MaxOps)
	for i, item := range got.Items {
		require.Equal(t, store.Item{Key: c.Ops[i].Key, Rev: rev, Value: append([]byte{}, c.Ops[i].Value...)}, item)
	}
	chunks, err := s.Chunks(t.Context(), "g", "")
	require.NoError(t, err)
	require.Len(t, chunks, store.MaxAppends)
}

func dataSurvives(t *testing.T, h Harness) {
	s := open(t, h)
	rev, err := s.Commit(t.Context(), store.Commit{
		Group: "g", Ops: []store.Op{{Key: "a", Value: []byte("1")}, {Key: "b", TTL: time.Minute}},
		Appends: []store.Append{{Chunk: "c", Data: []byte("history")}},
	})
	require.NoError(t, err)
	_, err = s.Acquire(t.Context(), "lease", "me", time.Hour)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	h.Advance(2 * time.Minute)
	s = open(t, h)
	got, err := s.Get(t.Context(), "g", "a", "b")
	require.NoError(t, err)
	require.Equal(t, store.Group{Rev: rev, Items: []store.Item{{Key: "a", Rev: rev, Value: []byte("1")}}}, got)
	data, size, err := s.ReadChunk(t.Context(), store.ChunkID{Group: "g", Name: "c"}, 0, -1)
	require.NoError(t, err)
	require.Equal(t, []byte("history"), data)
	require.Equal(t, int64(7), size)
	_, err = s.Acquire(t.Context(), "lease", "other", time.Hour)
	require.ErrorIs(t, err, store.ErrLeaseHeld)
}
