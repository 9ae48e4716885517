package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMatchesETag(t *testing.T) {
	t.Parallel()
	tests := []struct {
		header, etag string
		want         bool
	}{
		{`"a"`, `"a"`, true},
		{`W/"a"`, `"a"`, true},
		{`"a"`, `W/"a"`, true},
		{`"x", "a"`, `"a"`, true},
		{`"x","y" , W/"a"`, `"a"`, true},
		{`*`, `"a"`, true},
		{`"a, b"`, `"a, b"`, true},
		{`"b"`, `"a"`, false},
		{`"ab"`, `"a"`, false},
		{`a`, `"a"`, false},
		{`"a`, `"a"`, false},
		{`W/`, `"a"`, false},
		{``, `"a"`, false},
		{` , ,`, `"a"`, false},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, matchesETag(tt.header, tt.etag), "%q %q", tt.header, tt.etag)
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	tests := []struct {
		name, peer, forwarded, want string
	}{
		{name: "no proxy", peer: "192.0.2.1:4711", forwarded: "198.51.100.1", want: "192.0.2.1"},
		{name: "trusted proxy", peer: "10.0.0.1:4711", forwarded: "198.51.100.1", want: "198.51.100.1"},
		{name: "what the client claims comes first", peer: "10.0.0.1:4711", forwarded: "203.0.113.9, 198.51.100.1", want: "198.51.100.1"},
		{name: "two trusted proxies", peer: "10.0.0.1:4711", forwarded: "198.51.100.1, 10.0.0.2", want: "198.51.100.1"},
		{name: "trusted proxy says nothing", peer: "10.0.0.1:4711", want: "10.0.0.1"},
		{name: "trusted proxy says nonsense", peer: "10.0.0.1:4711", forwarded: "unknown", want: "10.0.0.1"},
		{name: "IPv6", peer: "[::1]:4711", forwarded: "2001:db8::7", want: "2001:db8::7"},
		{name: "IPv4 in IPv6", peer: "[::ffff:10.0.0.1]:4711", forwarded: "[2001:db8::7]:99", want: "2001:db8::7"},
		{name: "without a port", peer: "192.0.2.1", want: "192.0.2.1"},
		{name: "no address", peer: "@", want: "invalid IP"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.peer
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		require.Equal(t, tt.want, clientAddress(r, trusted).String(), tt.name)
	}
}

func TestAttemptsRememberABoundedNumberOfClients(t *testing.T) {
	t.Parallel()
	var a attempts
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	guess := func(client netip.Addr, times int) {
		for i := range times {
			a.failed(client, []tokenHash{hashToken(fmt.Sprint(i))}, now)
		}
	}
	for i := range 3 * maxAttemptingIPs {
		guess(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1)
		require.LessOrEqual(t, len(a.clients), maxAttemptingIPs)
	}
	one, neighbour, far := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8:1::1")
	guess(one, maxWrongTokens)
	require.Equal(t, attemptsWindow, a.blocked(one, now))
	require.Equal(t, attemptsWindow, a.blocked(neighbour, now), "one site is one client")
	require.Zero(t, a.blocked(far, now))
	require.Equal(t, time.Second, a.blocked(one, now.Add(attemptsWindow-time.Second)))
	require.Zero(t, a.blocked(one, now.Add(attemptsWindow)))
	now = now.Add(attemptsWindow)
	guess(far, 1)
	require.Len(t, a.clients, 1, "what is over makes room")
}

func TestBucketFillsWithTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b := bucket{level: inboundBurst, filled: now}
	for range inboundBurst {
		require.True(t, b.take(now))
	}
	require.False(t, b.take(now))
	now = now.Add(time.Second)
	for range inboundPerSec {
		require.True(t, b.take(now))
	}
	require.False(t, b.take(now))
	now = now.Add(time.Hour)
	for range inboundBurst {
		require.True(t, b.take(now))
	}
	require.False(t, b.take(now))
}

func TestStreamsAreCountedAndBounded(t *testing.T) {
	t.Parallel()
	var told []int
	s := streams{
		closing: make(chan struct{}), ended: make(chan struct{}), tell: func(n int) { told = append(told, n) },
	}
	for range maxStreams {
		require.True(t, s.enter())
	}
	require.False(t, s.enter())
	s.leave()
	require.True(t, s.enter())
	require.Equal(t, []int{1, 2}, told[:2])
	require.Equal(t, []int{maxStreams, maxStreams - 1, maxStreams}, told[maxStreams-1:])
}
