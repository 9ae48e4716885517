package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ticketLife and ticketTolerance bound the age of a ticket.
const (
	ticketLife      = 2 * time.Hour
	ticketTolerance = 5 * time.Minute
)

// flavour is what differs between the authentication of PVE and PBS.
type flavour struct {
	ticket    string // prefix of tickets
	cookie    string
	scheme    string // of the Authorization header
	separator string // between token id and secret
	lastSplit bool   // the last separator splits, not the first
}

func pveFlavour() flavour {
	return flavour{ticket: "PVE", cookie: "PVEAuthCookie", scheme: "PVEAPIToken", separator: "=", lastSplit: true}
}

func pbsFlavour() flavour {
	return flavour{ticket: "PBS", cookie: "PBSAuthCookie", scheme: "PBSAPIToken", separator: ":"}
}

// accounts are the users and tokens of one cluster or PBS.
type accounts struct {
	flavour flavour
	key     []byte
	list    []account
}

// account is one credential and what it may do.
type account struct {
	credential Credential
	rights     rights
}

// newAccount derives the secrets of a credential.
func newAccount(c chance, role Role, user, token string, password bool, rights rights) account {
	cred := Credential{
		Role:        role,
		User:        user,
		TokenID:     user + "!" + token,
		TokenSecret: c.named(user).named(token).uuid(),
	}
	if password {
		cred.Password = c.named(user).named("password").hex(8)
	}
	return account{credential: cred, rights: rights}
}

// credentials are all of them by role.
func (a *accounts) credentials() map[Role]Credential {
	out := make(map[Role]Credential, len(a.list))
	for _, one := range a.list {
		out[one.credential.Role] = one.credential
	}
	return out
}

// login checks a password and gives the identity it stands for.
func (a *accounts) login(user, password string, now time.Time) (identity, bool) {
	if who, ok := a.ticket(password, now); ok && who.user == user {
		return who, true
	}
	for _, one := range a.list {
		c := one.credential
		if c.User == user && c.Password != "" && same(c.Password, password) {
			return identity{role: c.Role, user: c.User, rights: one.rights}, true
		}
	}
	return identity{}, false
}

// token checks an API token given as "id separator secret".
func (a *accounts) token(value string) (identity, bool) {
	split := strings.Index
	if a.flavour.lastSplit {
		split = strings.LastIndex
	}
	at := split(value, a.flavour.separator)
	if at < 0 {
		return identity{}, false
	}
	id, secret := value[:at], value[at+1:]
	for _, one := range a.list {
		c := one.credential
		if c.TokenID == id && same(c.TokenSecret, secret) {
			return identity{role: c.Role, user: c.User, token: strings.TrimPrefix(id, c.User+"!"), rights: one.rights}, true
		}
	}
	return identity{}, false
}

// issue makes a ticket and the token against request forgery that goes with it.
func (a *accounts) issue(user string, now time.Time) (ticket, csrf string) {
	plain := fmt.Sprintf("%s:%s:%08X", a.flavour.ticket, user, now.Unix())
	return plain + "::" + a.signature(plain), a.csrf(user, now.Unix())
}

// ticket checks a ticket's signature and age.
func (a *accounts) ticket(value string, now time.Time) (identity, bool) {
	plain, signature, found := strings.Cut(value, "::")
	if !found || !same(a.signature(plain), signature) {
		return identity{}, false
	}
	parts := strings.Split(plain, ":")
	if len(parts) != 3 {
		return identity{}, false
	}
	issued, err := strconv.ParseInt(parts[2], 16, 64)
	if err != nil {
		return identity{}, false
	}
	age := now.Sub(time.Unix(issued, 0))
	if age > ticketLife || age < -ticketTolerance {
		return identity{}, false
	}
	for _, one := range a.list {
		if c := one.credential; c.User == parts[1] && c.Password != "" {
			return identity{role: c.Role, user: c.User, rights: one.rights}, true
		}
	}
	return identity{}, false
}

// forgeryChecked tells whether a token against request forgery fits the user.
func (a *accounts) forgeryChecked(value, user string, now time.Time) bool {
	stamp, _, _ := strings.Cut(value, ":")
	issued, err := strconv.ParseInt(stamp, 16, 64)
	if err != nil || now.Sub(time.Unix(issued, 0)) > ticketLife+ticketTolerance {
		return false
	}
	return same(a.csrf(user, issued), value)
}

func (a *accounts) csrf(user string, stamp int64) string {
	mac := hmac.New(sha256.New, a.key)
	fmt.Fprintf(mac, "csrf:%d:%s", stamp, user)
	return fmt.Sprintf("%08X:%s", stamp, base64.RawStdEncoding.EncodeToString(mac.Sum(nil)))
}

// signature is as long as the RSA signature of a real ticket.
func (a *accounts) signature(plain string) string {
	var out []byte
	for i := range 4 {
		mac := hmac.New(sha512.New, a.key)
		fmt.Fprintf(mac, "%d:%s", i, plain)
		out = mac.Sum(out)
	}
	return base64.StdEncoding.EncodeToString(out)
}

func same(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// presented is the credential of a request: a ticket from the cookie, which
// wins, or a token from the header; all empty when there is none.
func (f flavour) presented(r *request) (ticket, token string) {
	if cookie, err := r.Cookie(f.cookie); err == nil && cookie.Value != "" {
		value, err := url.PathUnescape(cookie.Value)
		if err != nil {
			return cookie.Value, ""
		}
		return value, ""
	}
	header := r.Header.Get("Authorization")
	rest, found := strings.CutPrefix(header, f.scheme)
	if !found || rest == "" || (rest[0] != '=' && rest[0] != ' ') {
		return "", ""
	}
	value, _, _ := strings.Cut(rest[1:], ";")
	if decoded, err := url.PathUnescape(value); err == nil {
		value = decoded
	}
	return "", value
}
