package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// tokenHash is the SHA-256 of a token. Tokens are compared by it, in constant time and whatever their lengths.
type tokenHash [sha256.Size]byte

func hashToken(token string) tokenHash { return sha256.Sum256([]byte(token)) }

func (h tokenHash) equal(other tokenHash) bool {
	return subtle.ConstantTimeCompare(h[:], other[:]) == 1
}

// offeredTokens returns the tokens a request carries, in any of the places where clients put them: the headers
// X-API-Token, X-API-Key and Authorization (as Bearer or alone), and the query, since a browser cannot set headers on a
// WebSocket.
func offeredTokens(r *http.Request) []string {
	var tokens []string
	for _, token := range []string{
		r.Header.Get("X-API-Token"),
		r.Header.Get("X-API-Key"),
		authorizationToken(r.Header.Get("Authorization")),
		queryToken(r),
	} {
		if token = strings.TrimSpace(token); token != "" {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

func queryToken(r *http.Request) string {
	if !strings.Contains(r.URL.RawQuery, "token=") {
		return ""
	}
	return r.URL.Query().Get("token")
}

// authorizationToken reads an Authorization header: "Bearer <token>", or the token alone. Another scheme, such as the
// Basic of a proxy in front, is no token.
func authorizationToken(header string) string {
	scheme, rest, hasScheme := strings.Cut(strings.TrimSpace(header), " ")
	if !hasScheme {
		return scheme
	}
	if strings.EqualFold(scheme, "Bearer") {
		return rest
	}
	return ""
}
