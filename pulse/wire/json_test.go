package wire

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "<a href=\"x\">&\\", "\x00\x1f\x7f\b\f\n\r\t", "\u2028\u2029", "\xff\xc0a", "日本", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		require.NoError(t, err)
		require.Equal(t, string(want), string(appendString(nil, s)))
	})
}

func FuzzFloat(f *testing.F) {
	for _, v := range []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 43.61702127659575, 1e-6, 9.99e-7, 1e-9, -1e-10, 1e15, 1e20, 1e21, 1e22,
		1e100, math.MaxFloat64, math.SmallestNonzeroFloat64, 999999999999999, 1 << 53,
	} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		if !finite(v) {
			require.Equal(t, "0", string(appendFloat(nil, v)))
			return
		}
		want, err := json.Marshal(v)
		require.NoError(t, err)
		require.Equal(t, string(want), string(appendFloat(nil, v)))
	})
}

func TestTimesAreUTC(t *testing.T) {
	t.Parallel()
	local := testNow.In(time.FixedZone("", 5400))
	require.Equal(t, `"2026-11-23T19:11:39.115529039Z"`, string(appendTime(nil, local)))
	require.Equal(t, `"0001-01-01T00:00:00Z"`, string(appendTime(nil, time.Time{})))
	require.Equal(t, `"0001-01-01T00:00:00Z"`, string(appendTime(nil, fromNanos(nanos(time.Time{})))))
	require.True(t, testNow.Equal(fromNanos(nanos(local))))
}
