package collect

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/estate"
)

func TestAdvanceRate(t *testing.T) {
	t.Parallel()
	none, some := estate.Opt[float64]{}, estate.Some[float64]
	known := estate.Some[int64]
	base := estate.Counter{Value: 1000, Uptime: 100}
	for name, tt := range map[string]struct {
		last     estate.Opt[float64]
		base     estate.Counter
		value    estate.Opt[int64]
		uptime   int64
		want     estate.Opt[float64]
		wantBase estate.Counter
	}{
		"first reading":        {none, estate.Counter{}, known(5), 10, none, estate.Counter{Value: 5, Uptime: 10}},
		"second reading":       {none, base, known(3000), 110, some(200), estate.Counter{Value: 3000, Uptime: 110}},
		"same uptime":          {some(7), base, known(9999), 100, some(7), base},
		"idle":                 {some(7), base, known(1000), 110, some(0), estate.Counter{Value: 1000, Uptime: 110}},
		"restart":              {some(7), base, known(50), 5, none, estate.Counter{Value: 50, Uptime: 5}},
		"counter reset":        {some(7), base, known(999), 110, none, estate.Counter{Value: 999, Uptime: 110}},
		"hypervisor silent":    {some(7), base, known(0), 110, none, base},
		"after the silence":    {none, base, known(4000), 130, some(100), estate.Counter{Value: 4000, Uptime: 130}},
		"nothing moved ever":   {some(0), estate.Counter{Uptime: 100}, known(0), 110, some(0), estate.Counter{Uptime: 110}},
		"left out":             {some(7), base, estate.Opt[int64]{}, 110, none, base},
		"left out at restart":  {some(7), base, estate.Opt[int64]{}, 5, none, estate.Counter{}},
		"not running":          {some(7), base, known(0), 0, none, estate.Counter{}},
		"average over the gap": {some(7), base, known(601000), 700, some(1000), estate.Counter{Value: 601000, Uptime: 700}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rate, next := advanceRate(tt.last, tt.base, tt.value, tt.uptime)
			require.Equal(t, tt.want, rate)
			require.Equal(t, tt.wantBase, next)
		})
	}
}

// sample is one reading of one counter.
type sample struct {
	value, uptime int64
}

func samples(t *rapid.T) []sample {
	var out []sample
	s := sample{uptime: rapid.Int64Range(1, 1e6).Draw(t, "uptime"), value: rapid.Int64Range(0, 1e12).Draw(t, "value")}
	for range rapid.IntRange(1, 40).Draw(t, "n") {
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0: // restart
			s = sample{uptime: rapid.Int64Range(0, 30).Draw(t, "boot"), value: rapid.Int64Range(0, 1e6).Draw(t, "bytes")}
		case 1: // reset
			s.uptime += 10
			s.value = rapid.Int64Range(0, 1e3).Draw(t, "reset")
		case 2: // silence
			out = append(out, sample{uptime: s.uptime + 5})
			s.uptime += 10
		case 3: // the same again
		default:
			s.uptime += rapid.Int64Range(1, 300).Draw(t, "step")
			s.value += rapid.Int64Range(0, 1e10).Draw(t, "delta")
		}
		out = append(out, s)
	}
	return out
}

func runRates(list []sample) []estate.Opt[float64] {
	var rate estate.Opt[float64]
	var base estate.Counter
	out := make([]estate.Opt[float64], 0, len(list))
	for _, s := range list {
		rate, base = advanceRate(rate, base, estate.Some(s.value), s.uptime)
		out = append(out, rate)
	}
	return out
}

func TestRatesAreNeverNegative(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, rate := range runRates(samples(t)) {
			require.GreaterOrEqual(t, rate.Or(0), 0.0)
		}
	})
}

func TestRepeatedReadingsChangeNoRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := samples(t)
		want := runRates(list)
		var repeated []sample
		last := make([]int, len(list))
		for i, s := range list {
			for range rapid.IntRange(1, 3).Draw(t, "times") {
				repeated = append(repeated, s)
			}
			last[i] = len(repeated) - 1
		}
		got := runRates(repeated)
		for i := range list {
			require.Equal(t, want[i], got[last[i]])
		}
	})
}

func TestRestartGivesNoRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := samples(t)
		rates := runRates(list)
		for i := 1; i < len(list); i++ {
			if list[i].uptime < list[i-1].uptime && list[i].uptime > 0 && list[i-1].value > 0 {
				require.False(t, rates[i].Known(), "sample %d of %v", i, list)
			}
		}
	})
}
