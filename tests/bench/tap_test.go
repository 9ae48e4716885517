package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wire is a command as clients send it.
func wire(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b.String()
}

func TestTapCountsWhatIsSentInAnyPieces(t *testing.T) {
	t.Parallel()
	ping, write := wire("PING"), wire("evalsha", "abc", "1", "pulse:{5:pve-0}:m", "readings", strings.Repeat("x", 9000))
	text := ping + write + ping
	for _, size := range []int{1, 7, 4096, len(text)} {
		tap := newTap()
		began := time.Now()
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			tap.sent(1, []byte(rest[:n]))
			tap.sent(2, nil)
			rest = rest[n:]
		}
		before := tally{}
		sum, err := tap.tally()
		require.NoError(t, err)
		require.Equal(t, tally{
			all:    traffic{3, int64(len(text))},
			states: traffic{1, int64(len(write))},
			counts: map[string]traffic{"ping": {2, int64(2 * len(ping))}, "evalsha": {1, int64(len(write))}},
		}, sum.since(before))
		require.Equal(t, tally{counts: map[string]traffic{}}, sum.since(sum))
		require.True(t, tap.wrote("pve-0", began).IsZero())
		require.False(t, tap.wrote("pve-0", time.Now().Add(time.Hour)).Before(began))
		require.True(t, tap.wrote("pve-1", time.Now().Add(time.Hour)).IsZero())
	}
}

func TestTapTellsOfWhatIsNoCommand(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"?\r\n", "*0\r\n"} {
		tap := newTap()
		tap.sent(1, []byte(text))
		_, err := tap.tally()
		require.Error(t, err)
	}
}
