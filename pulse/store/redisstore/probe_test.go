package redisstore

import (
	"testing"

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
