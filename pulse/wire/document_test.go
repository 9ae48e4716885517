package wire

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func gunzip(t require.TestingT, data []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(data))
	require.NoError(t, err)
	plain, err := io.ReadAll(r)
	require.NoError(t, err)
	return plain
}

func unzstd(t require.TestingT, data []byte) []byte {
	r, err := zstd.NewReader(nil)
	require.NoError(t, err)
	defer r.Close()
	plain, err := r.DecodeAll(data, nil)
	require.NoError(t, err)
	return plain
}

func TestFormsHoldTheSameAndAreMadeOnce(t *testing.T) {
	t.Parallel()
	s := publish(reading{pveTarget(0, "clu"), cluster(runningVM(100))})
	storage, ok := s.Storage("clu-pve1-local")
	require.True(t, ok)
	for _, doc := range []*Document{s.State(), s.StorageList(), storage} {
		plain := doc.Plain()
		require.Equal(t, string(plain), string(gunzip(t, doc.Gzip())))
		require.Equal(t, string(plain), string(unzstd(t, doc.Zstd())))
		require.Same(t, &plain[0], &doc.Plain()[0])
		require.Same(t, &doc.Gzip()[0], &doc.Gzip()[0])
		require.Same(t, &doc.Zstd()[0], &doc.Zstd()[0])
	}
	require.Same(t, s.State(), s.State())
	require.Same(t, s.StorageList(), s.StorageList())
}

// A document that outgrew what was reckoned for it would be copied while it is assembled.
func TestDocumentsAreAssembledInOneAllocation(t *testing.T) {
	t.Parallel()
	s := benchSnapshot(1000)
	for _, data := range [][]byte{s.assembleState(), s.assembleStorages(s.order.storages)} {
		require.Less(t, float64(cap(data)), 1.1*float64(len(data))+2*stateOverhead)
	}
	require.GreaterOrEqual(t, s.stateSize(), len(s.assembleState()))
}

func TestETag(t *testing.T) {
	t.Parallel()
	e := NewEncoder()
	first := e.Publish(testNow, Stats{})
	tag := first.State().ETag()
	require.Equal(t, tag, first.State().ETag())
	require.True(t, strings.HasPrefix(tag, `"`) && strings.HasSuffix(tag, `"`), "strong, and quoted")
	e.Update(pveTarget(0, "clu"), cluster(), testNow)
	require.NotEqual(t, tag, e.Publish(testNow, Stats{}).State().ETag())
	require.NotEqual(t, tag, NewEncoder().Publish(testNow, Stats{}).State().ETag(), "of another process")
}

func TestReadersBesideThePublisher(t *testing.T) {
	t.Parallel()
	const rounds, readers = 60, 4
	targets := benchTargets(50, 0.5)
	e := NewEncoder()
	var current atomic.Pointer[Snapshot]
	current.Store(e.Publish(testNow, Stats{}))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() { readUntil(t, &current, done) })
	}
	for i := range rounds {
		for _, target := range targets {
			o := copied(target.obs[i%2])
			if i%5 == 0 {
				o.Guests[0].Status = estate.GuestStopped
			}
			e.Update(target.target, o, testNow.Add(benchInterval))
		}
		current.Store(e.Publish(testNow.Add(time.Duration(i)*time.Second), Stats{}))
	}
	close(done)
	wg.Wait()
	n := naive{now: testNow.Add((rounds - 1) * time.Second)}
	for _, target := range targets {
		n.readings = append(n.readings, reading{target.target, e.targets[target.target.ID].obs})
	}
	last := current.Load()
	require.Equal(t, string(n.state(t, last.At, Stats{})), string(last.State().Plain()))
}

// readUntil demands that every snapshot agrees with itself and is not older than the one before.
func readUntil(t *testing.T, current *atomic.Pointer[Snapshot], done <-chan struct{}) {
	var seen uint64
	for {
		s := current.Load()
		if s.Revision < seen {
			t.Errorf("revision %d after %d", s.Revision, seen)
		}
		seen = s.Revision
		if !bytes.Equal(gunzip(t, s.State().Gzip()), s.State().Plain()) {
			t.Error("the compressed form differs")
		}
		if len(s.holdings) > 0 {
			if _, ok := s.Find("cluster0-pve1-100"); !ok {
				t.Error("a guest is not found")
			}
			if doc, ok := s.Storage("cluster0-pve1"); !ok || len(doc.Plain()) == 0 {
				t.Error("a node's storage is not found")
			}
		}
		decode(t, s.StorageList().Plain())
		select {
		case <-done:
			return
		default:
		}
	}
}
