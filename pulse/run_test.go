package pulse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func TestBackOff(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		interval time.Duration
		failures int
		reason   estate.Reason
		want     time.Duration
	}{
		{"no failure", 10 * time.Second, 0, "", 10 * time.Second},
		{"the first failure is tried again on schedule", 10 * time.Second, 1, estate.ReasonTimeout, 10 * time.Second},
		{"then half as often", 10 * time.Second, 2, estate.ReasonTimeout, 20 * time.Second},
		{"up to a minute", 10 * time.Second, 9, estate.ReasonTimeout, time.Minute},
		{"a slow schedule is not slowed", time.Hour, 9, estate.ReasonTimeout, time.Hour},
		{"rejected credentials once a minute", 2 * time.Second, 1, estate.ReasonUnauthorized, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, backOff(tt.interval, tt.failures, tt.reason))
		})
	}
}

func TestJitterStaysWithinFivePercent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wait := time.Duration(rapid.Int64Range(int64(2*time.Second), int64(time.Hour)).Draw(t, "wait"))
		got := jitter(wait, rapid.Float64Range(0, 1).Draw(t, "random"))
		require.InDelta(t, float64(wait), float64(got), 0.0501*float64(wait))
	})
}
