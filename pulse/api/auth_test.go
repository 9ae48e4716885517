package api_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/api"
)

func TestTokenIsTakenWhereverClientsPutIt(t *testing.T) {
	t.Parallel()
	l := newLab(t, guarded)
	tests := []struct {
		name, path, header string
		status             int
	}{
		{name: "X-API-Token", header: "X-API-Token: " + token, status: 200},
		{name: "X-API-Key", header: "X-API-Key: " + token, status: 200},
		{name: "Bearer", header: "Authorization: Bearer " + token, status: 200},
		{name: "bearer in lower case", header: "Authorization: bearer " + token, status: 200},
		{name: "Authorization alone", header: "Authorization: " + token, status: 200},
		{name: "query", path: "?token=" + token, status: 200},
		{name: "query beside a proxy's own Authorization", path: "?token=" + token, header: "Authorization: Basic YTpi", status: 200},
		{name: "none", status: 401},
		{name: "empty", header: "X-API-Token: ", status: 401},
		{name: "wrong", header: "X-API-Token: tok-dummy-124", status: 401},
		{name: "a part of it", header: "X-API-Token: tok-dummy", status: 401},
		{name: "more than it", header: "X-API-Token: " + token + "4", status: 401},
		{name: "another parameter", path: "?mytoken=" + token, status: 401},
		{name: "Basic", header: "Authorization: Basic " + token, status: 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{}
			if tt.header != "" {
				headers = append(headers, tt.header)
			}
			answer := l.do(http.MethodGet, "/api/state"+tt.path, nil, headers...)
			require.Equal(t, tt.status, answer.StatusCode)
			if tt.status == 401 {
				require.Equal(t, "Invalid or missing API token", answer.failure(t, 401))
				require.Contains(t, answer.Header.Get("WWW-Authenticate"), "Bearer")
			}
		})
	}
	require.NotContains(t, l.log.String(), token)
}

func TestGuessingIsSlowedDownAndAnOutdatedTokenIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, guarded)
		try := func(text string) reply { return l.do(http.MethodGet, "/api/state", nil, "X-API-Token: "+text) }
		for range 50 {
			require.Equal(t, 401, try("outdated").StatusCode)
		}
		require.Equal(t, 200, try(token).StatusCode)
		require.Equal(t, 1, strings.Count(l.log.String(), "wrong API token"), "one line for one mistake")
		for i := range 9 {
			require.Equal(t, 401, try(fmt.Sprintf("guess-%d", i)).StatusCode)
		}
		blocked := try("guess-10")
		blocked.failure(t, 429)
		require.Equal(t, "60", blocked.Header.Get("Retry-After"))
		require.Equal(t, 429, try(token).StatusCode, "a right guess must not show while guessing is slowed down")
		require.Equal(t, 401, l.do(http.MethodGet, "/api/state", nil).StatusCode, "no token is no guess")
		require.Equal(t, 200, l.do(http.MethodGet, "/api/health", nil).StatusCode)
		time.Sleep(time.Minute)
		require.Equal(t, 200, try(token).StatusCode)
	})
}

func TestEveryTokenOfARequestIsAGuess(t *testing.T) {
	t.Parallel()
	l := newLab(t, guarded)
	for i := range 9 {
		answer := l.do(http.MethodGet, "/api/state", nil, "X-API-Token: constant", fmt.Sprintf("X-API-Key: guess-%d", i))
		require.Equal(t, 401, answer.StatusCode)
	}
	answer := l.do(http.MethodGet, "/api/state", nil, "X-API-Token: constant", "X-API-Key: "+token)
	require.Equal(t, 429, answer.StatusCode, "guesses behind a token that stays the same are guesses")
}

func TestOnlyATrustedProxySaysWhoGuesses(t *testing.T) {
	t.Parallel()
	for _, trusted := range []bool{false, true} {
		l := newLab(t, func(o *api.Options) {
			o.Token = token
			if trusted {
				o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // where httptest comes from
			}
		})
		for i := range 10 {
			l.do(http.MethodGet, "/api/state", nil, fmt.Sprintf("X-API-Token: guess-%d", i), "X-Forwarded-For: 198.51.100.7")
		}
		status := map[bool]int{false: 429, true: 200}[trusted]
		answer := l.do(http.MethodGet, "/api/state", nil, "X-API-Token: "+token, "X-Forwarded-For: 198.51.100.8")
		require.Equal(t, status, answer.StatusCode, "trusted: %v", trusted)
		answer = l.do(http.MethodGet, "/api/state", nil, "X-API-Token: "+token, "X-Forwarded-For: 198.51.100.7")
		require.Equal(t, 429, answer.StatusCode)
	}
}
