package api

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// The bounds of guessing: how many different wrong tokens one client may try in a window, and how many clients are
// remembered.
const (
	maxWrongTokens   = 10
	attemptsWindow   = time.Minute
	maxAttemptingIPs = 4096
)

// attempts slows down whoever guesses tokens. It counts different wrong tokens: a client that goes on with one outdated
// token guesses nothing, and must not lock out those who share its address.
type attempts struct {
	mu      sync.Mutex
	clients map[netip.Prefix]*attempt
}

type attempt struct {
	since time.Time
	wrong []tokenHash
}

// blocked tells how long a client has to wait before its next token is looked at; zero for not at all.
func (a *attempts) blocked(client netip.Addr, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.clients[network(client)]
	if found == nil || len(found.wrong) < maxWrongTokens {
		return 0
	}
	return max(0, found.since.Add(attemptsWindow).Sub(now))
}

// failed notes the wrong tokens of one request, each of which was a guess, and tells whether the client did not try one
// of them before.
func (a *attempts) failed(client netip.Addr, tokens []tokenHash, now time.Time) (news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := network(client)
	found := a.clients[key]
	if found == nil || now.Sub(found.since) >= attemptsWindow {
		if found == nil {
			a.makeRoom(now)
		}
		found = &attempt{since: now}
		a.clients[key] = found
	}
	for _, token := range tokens {
		if len(found.wrong) < maxWrongTokens && !slices.Contains(found.wrong, token) {
			found.wrong = append(found.wrong, token)
			news = true
		}
	}
	return news
}

// makeRoom drops clients whose window is over, or else any one, so that many addresses cannot fill the memory.
func (a *attempts) makeRoom(now time.Time) {
	if a.clients == nil {
		a.clients = map[netip.Prefix]*attempt{}
	}
	if len(a.clients) < maxAttemptingIPs {
		return
	}
	for key, found := range a.clients {
		if now.Sub(found.since) >= attemptsWindow {
			delete(a.clients, key)
		}
	}
	for key := range a.clients {
		if len(a.clients) < maxAttemptingIPs {
			return
		}
		delete(a.clients, key)
	}
}

// network is what counts as one client: an IPv4 address, or an IPv6 network as one site gets it.
func network(client netip.Addr) netip.Prefix {
	bits := 32
	if client.Is6() {
		bits = 64
	}
	prefix, err := client.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // an invalid address: all such clients are one
	}
	return prefix
}
