package redisstore

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func TestHintsOfAnotherKindTellOfALoss(t *testing.T) {
	t.Parallel()
	good := store.Hint{Group: "system", Rev: store.Revision{Epoch: 1 << 63, N: 7}}
	require.Equal(t, good, decodeHint(string(encodeHint(good))))
	dropped := store.Hint{Group: "system"}
	require.Equal(t, dropped, decodeHint(string(encodeHint(dropped))))
	for _, payload := range []string{
		"", "hello", string(make([]byte, revisionBytes)), string(make([]byte, revisionBytes+1)),
		string(encodeHint(store.Hint{Group: "g", Rev: store.Revision{Epoch: 1}})), string(encodeHint(good)) + "\xff",
	} {
		require.Zero(t, decodeHint(payload), "%q", payload)
	}
}

func FuzzDecodeHint(f *testing.F) {
	f.Add(string(encodeHint(store.Hint{Group: "system", Rev: store.Revision{Epoch: 1, N: 2}})))
	f.Add("")
	f.Fuzz(func(t *testing.T, payload string) {
		h := decodeHint(payload)
		if (h == store.Hint{}) {
			return
		}
		require.NoError(t, store.ValidateName("group", h.Group))
		require.Equal(t, payload, string(encodeHint(h)))
	})
}

func TestHintsOfAnotherDatabaseStayThere(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	one, two := openStore(t, srv.url(1)), openStore(t, srv.url(2))
	ch, err := one.Subscribe(t.Context())
	require.NoError(t, err)
	require.NoError(t, two.Publish(t.Context(), store.Hint{Group: "theirs"}))
	require.NoError(t, one.Publish(t.Context(), store.Hint{Group: "ours"}))
	require.Equal(t, store.Hint{Group: "ours"}, <-ch)
}

func TestCloseMayMeetTheFirstSubscription(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	for range 50 {
		s := openStore(t, srv.url(0))
		var both sync.WaitGroup
		both.Go(func() {
			if hints, err := s.Subscribe(t.Context()); err == nil {
				for range hints { // until Close
				}
			}
		})
		both.Go(func() { assert.NoError(t, s.Close()) })
		both.Wait()
	}
}
