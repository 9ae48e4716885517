package redisstore

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestJudgeNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"redis_version:7.0.15\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n": "",
		"redis_version:10.1\r\n": "",
		"# Server\r\nredis_version:6.2.14\r\nmaxmemory_policy:noeviction\r\n": `has version "6.2.14"; Pulse needs 7.0 or later`,
		"":                                      "has version",
		"redis_version:7.2.4\r\nrole:slave\r\n": "read-only replica",
		"redis_version:7.2.4\r\nrole:master\r\nmaxmemory_policy:volatile-lru\r\n":   "maxmemory-policy volatile-lru",
		"redis_version:7.2.4\r\nrole:master\r\nmaxmemory_policy:allkeys-random\r\n": "set maxmemory-policy noeviction",
	}
	for info, says := range tests {
		facts := make(map[string]string)
		readInfo(info, facts)
		if err := judge(facts); says != "" {
			require.ErrorContains(t, err, says, info)
		} else {
			require.NoError(t, err, info)
		}
	}
}

func TestStatsTellOfTheServersMemory(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	s := openStore(t, srv.url(0))
	before, err := s.Stats(t.Context())
	require.NoError(t, err)
	require.Positive(t, before.SizeBytes)
	require.False(t, before.FreeKnown)
	require.NoError(t, srv.admin(t, 0).ConfigSet(t.Context(), "maxmemory", "100mb").Err())
	after, err := s.Stats(t.Context())
	require.NoError(t, err)
	require.True(t, after.FreeKnown)
	require.Equal(t, int64(100<<20), after.SizeBytes+after.FreeBytes)
	require.NoError(t, srv.admin(t, 0).ConfigSet(t.Context(), "maxmemory", "1").Err())
	over, err := s.Stats(t.Context())
	require.NoError(t, err)
	require.Zero(t, over.FreeBytes)
}

func TestWhatMayPassSaysSo(t *testing.T) {
	t.Parallel()
	type temporary interface {
		error
		Temporary() bool
	}
	err := judge(map[string]string{"redis_version": "7.0.15", "loading": "1"})
	passing, ok := errors.AsType[temporary](err)
	require.True(t, ok)
	require.True(t, passing.Temporary())
	_, ok = errors.AsType[temporary](judge(map[string]string{"redis_version": "6.2.14"}))
	require.False(t, ok)

	// The backlog of this listener takes the connection, and nobody answers.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	_, err = Open(t.Context(), "redis://"+listener.Addr().String())
	passing, ok = errors.AsType[temporary](err)
	require.True(t, ok)
	require.True(t, passing.Temporary())
	require.NotErrorIs(t, err, context.DeadlineExceeded, "it is not the caller's")
	require.EqualError(t, err, "redis at "+listener.Addr().String()+" cannot be reached: no answer in time")

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = Open(ctx, "redis://"+listener.Addr().String())
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
