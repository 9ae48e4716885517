package estate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func TestHorizonFor(t *testing.T) {
	t.Parallel()
	for interval, want := range map[time.Duration]estate.Horizon{
		0:                {Live: 25 * time.Second, Stale: 90 * time.Second},
		2 * time.Second:  {Live: 25 * time.Second, Stale: 90 * time.Second},
		10 * time.Second: {Live: 25 * time.Second, Stale: 90 * time.Second},
		11 * time.Second: {Live: 27500 * time.Millisecond, Stale: 99 * time.Second},
		time.Hour:        {Live: 150 * time.Minute, Stale: 9 * time.Hour},
	} {
		require.Equal(t, want, estate.HorizonFor(interval), interval)
	}
}

func TestHorizonJudge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	h := estate.Horizon{Live: 25 * time.Second, Stale: 90 * time.Second}
	tests := []struct {
		name string
		seen estate.Seen
		want estate.Freshness
	}{
		{"never read", estate.Seen{}, estate.Unknown},
		{"never read, whatever advanced", estate.Seen{Advanced: now}, estate.Unknown},
		{"just now", estate.Seen{At: now, Advanced: now}, estate.Live},
		{"at the end of live", estate.Seen{At: ago(25 * time.Second)}, estate.Live},
		{"just beyond live", estate.Seen{At: ago(25*time.Second + 1)}, estate.Stale},
		{"at the end of stale", estate.Seen{At: ago(90 * time.Second)}, estate.Stale},
		{"just beyond stale", estate.Seen{At: ago(90*time.Second + 1)}, estate.Unknown},
		{"years ago", estate.Seen{At: now.AddDate(-400, 0, 0)}, estate.Unknown},
		{"by a clock that was set back", estate.Seen{At: now.Add(time.Hour)}, estate.Live},
		{"read now but standing still", estate.Seen{At: now, Advanced: ago(30 * time.Second)}, estate.Stale},
		{"read now but standing still for long", estate.Seen{At: now, Advanced: ago(5 * time.Minute)}, estate.Unknown},
		{"read before it advanced elsewhere", estate.Seen{At: ago(30 * time.Second), Advanced: now}, estate.Stale},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, h.Judge(tt.seen, now))
		})
	}
}
