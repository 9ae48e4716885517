package proxmox

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// loginServer is a member with real tickets: two hours of life, renewal by ticket, secrets that can change.
type loginServer struct {
	kind     Kind
	password string
	delay    time.Duration

	mu     sync.Mutex
	issued map[string]time.Time
	logins []string // what each was made with: "password" or "ticket"
	broken bool     // logins fail with 503
	failed int      // how many did
}

func newLoginServer(kind Kind) *loginServer {
	return &loginServer{kind: kind, password: testSecret, issued: map[string]time.Time{}, delay: time.Second}
}

func (s *loginServer) serve(_ string, req *http.Request) (*http.Response, error) {
	time.Sleep(s.delay)
	s.mu.Lock()
	defer s.mu.Unlock()
	if req.Method == http.MethodPost {
		return s.login(req), nil
	}
	cookie := strings.ToUpper(string(s.kind)) + "AuthCookie="
	ticket, err := url.PathUnescape(strings.TrimPrefix(req.Header.Get("Cookie"), cookie))
	if err != nil || !s.valid(ticket) || req.Header.Get("Authorization") != "" {
		return respond(req, status(401)), nil
	}
	return respond(req, jsonReply(versionBody)), nil
}

func (s *loginServer) valid(ticket string) bool {
	at, ok := s.issued[ticket]
	return ok && time.Since(at) < 2*time.Hour
}

func (s *loginServer) login(req *http.Request) *http.Response {
	if s.broken {
		s.failed++
		return respond(req, status(503))
	}
	form, _ := io.ReadAll(req.Body)
	values, _ := url.ParseQuery(string(form))
	with := "password"
	switch {
	case values.Get("username") != "root@pam" || req.ContentLength != int64(len(form)):
		return respond(req, status(400))
	case s.valid(values.Get("password")):
		with = "ticket"
	case values.Get("password") != s.password:
		s.logins = append(s.logins, "refused")
		return respond(req, status(401))
	}
	ticket := fmt.Sprintf("%s:root@pam:%X::sig%%;+/=%d", s.kind, time.Now().Unix(), len(s.issued))
	s.issued[ticket] = time.Now()
	s.logins = append(s.logins, with)
	return respond(req, jsonReply(fmt.Sprintf(`{"data":{"ticket":%q,"CSRFPreventionToken":"csrf-1","username":"root@pam"}}`, ticket)))
}

func (s *loginServer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.issued)
}

func (s *loginServer) did() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.logins
	s.logins = nil
	return out
}

func byPassword(o *Options) { o.Credential = Credential{User: "root@pam", Password: testSecret} }

func version(t *testing.T, c *Client) error {
	t.Helper()
	_, _, err := c.Version(t.Context())
	return err
}

func TestTicketIsSharedAndRenewedInTime(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{PVE, PBS} {
		synctest.Test(t, func(t *testing.T) {
			s := newLoginServer(kind)
			c := inProcess(t, s.serve, byPassword, func(o *Options) { o.Kind = kind })
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { require.NoError(t, version(t, c)) })
			}
			wg.Wait()
			require.Equal(t, []string{"password"}, s.did(), "calls at the same time share one login")
			time.Sleep(89 * time.Minute)
			require.NoError(t, version(t, c))
			require.Empty(t, s.did())
			time.Sleep(time.Minute)
			for range 4 {
				wg.Go(func() { require.NoError(t, version(t, c)) })
			}
			wg.Wait()
			require.Equal(t, []string{"ticket"}, s.did(), "renewed with the ticket itself, once")
			for range 20 {
				time.Sleep(30 * time.Minute)
				require.NoError(t, version(t, c))
			}
			require.NotContains(t, s.did(), "password")
			time.Sleep(3 * time.Hour)
			require.NoError(t, version(t, c))
			require.Equal(t, []string{"password"}, s.did(), "a ticket that ran out cannot renew itself")
		})
	}
}

func TestRefusedTicketIsReplacedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginServer(PVE)
		c := inProcess(t, s.serve, byPassword)
		require.NoError(t, version(t, c))
		s.forget()
		require.NoError(t, version(t, c), "the server lost its keys")
		require.Equal(t, []string{"password", "password"}, s.did())

		s.forget()
		s.password = "changed"
		require.ErrorIs(t, version(t, c), ErrUnauthorized)
		require.Equal(t, []string{"refused"}, s.did())
		err := version(t, c)
		require.ErrorIs(t, err, ErrSuspended, "refused credentials are left alone for a minute")
		require.ErrorIs(t, err, ErrUnauthorized)
		require.Empty(t, s.did())
		time.Sleep(time.Minute)
		s.password = testSecret
		require.NoError(t, version(t, c))
	})
}

func TestRefusedLoginIsNotRepeatedByEachCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginServer(PVE)
		s.password = "another"
		c := inProcess(t, s.serve, byPassword)
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() { require.ErrorIs(t, version(t, c), ErrUnauthorized) })
		}
		wg.Wait()
		require.Equal(t, []string{"refused"}, s.did())
	})
}

func TestTokenThatIsRefusedIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			requests++
			return respond(req, status(401)), nil
		})
		for range 10 {
			require.ErrorIs(t, version(t, c), ErrUnauthorized)
			time.Sleep(10 * time.Second)
		}
		require.Equal(t, 2, requests)
	})
}

// TestRenewalThatFailsKeepsTheTicket: it is valid for half an hour yet.
func TestRenewalThatFailsKeepsTheTicket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginServer(PVE)
		c := inProcess(t, s.serve, byPassword)
		require.NoError(t, version(t, c))
		time.Sleep(95 * time.Minute)
		s.broken = true
		require.NoError(t, version(t, c))
		time.Sleep(10 * time.Second)
		require.NoError(t, version(t, c))
		require.Equal(t, 1, s.failed, "not with every call")
		s.broken = false
		time.Sleep(time.Minute)
		require.NoError(t, version(t, c))
		require.Equal(t, []string{"password", "ticket"}, s.did())
	})
}

func TestSecondFactorIsAClearError(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"data":{"ticket":"PVE:!tfa!abc:6B049567::AAAA","NeedTFA":1,"CSRFPreventionToken":"x"}}`,
		`{"data":{"ticket":"PBS:!tfa!abc:6B049567::AAAA"}}`,
		`{"data":{"ticket":"PVE:x","NeedTFA":"1"}}`,
	} {
		gets := 0
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodGet {
				gets++
			}
			return respond(req, jsonReply(body)), nil
		}, byPassword)
		err := version(t, c)
		require.ErrorIs(t, err, ErrSecondFactor)
		require.Contains(t, err.Error(), "use an API token instead")
		require.Zero(t, gets, "a ticket in this state is of no use")
	}
}

func TestLoginReplies(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t) {
		if r.Method != http.MethodPost {
			continue
		}
		t.Run(r.User+" "+r.File, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.Method == http.MethodPost {
					r.ServeHTTP(w, req)
					return
				}
				assert.Equal(t, "PVEAuthCookie=PVE:", req.Header.Get("Cookie")[:18])
				jsonReply(versionBody)(w, req)
			}))
			err := version(t, newClient(t, s, byPassword))
			switch r.Status {
			case 200:
				require.NoError(t, err)
			case 401:
				require.ErrorIs(t, err, ErrUnauthorized)
			default:
				var e *Error
				require.ErrorAs(t, err, &e)
				require.Contains(t, e.Message, "password: property is missing")
			}
		})
	}
}

func TestTokenHeaders(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind Kind
		cred Credential
		want string
	}{
		{PVE, testToken(), "PVEAPIToken=" + testTokenID + "=" + testSecret},
		{PBS, testToken(), "PBSAPIToken=" + testTokenID + ":" + testSecret},
		{PVE, Credential{TokenID: "a%b@pve!t", TokenSecret: "x;y z"}, "PVEAPIToken=a%25b@pve!t=x%3By%20z"},
		{PVE, Credential{TokenID: " " + testTokenID, TokenSecret: testSecret + "\n", User: "root@pam", Password: "p"}, "PVEAPIToken=" + testTokenID + "=" + testSecret},
	}
	for _, tt := range tests {
		var header http.Header
		c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
			header = req.Header
			return respond(req, jsonReply(versionBody)), nil
		}, func(o *Options) { o.Kind, o.Credential = tt.kind, tt.cred })
		require.NoError(t, version(t, c))
		require.Equal(t, tt.want, header.Get("Authorization"))
		require.Empty(t, header.Get("Cookie"), "a cookie would win over the token")
	}
}

// TestCSRFTokenGoesWithEveryWrite and never with a read or an API token.
func TestCSRFTokenGoesWithEveryWrite(t *testing.T) {
	t.Parallel()
	a := newAuthenticator(PVE, Credential{User: "root@pam", Password: testSecret})
	for method, want := range map[string]string{http.MethodGet: "", http.MethodPost: "c", http.MethodPut: "c", http.MethodDelete: "c"} {
		req := &http.Request{Method: method, Header: http.Header{}}
		a.sign(req, ticket{value: "t", csrf: "c"})
		require.Equal(t, want, req.Header.Get("CSRFPreventionToken"), method)
		require.Equal(t, "PVEAuthCookie=t", req.Header.Get("Cookie"))
	}
	req := &http.Request{Method: http.MethodPost, Header: http.Header{}}
	newAuthenticator(PVE, testToken()).sign(req, ticket{})
	require.Empty(t, req.Header.Get("CSRFPreventionToken"))
}

func TestPingNeedsNoCredential(t *testing.T) {
	t.Parallel()
	var header http.Header
	c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
		header = req.Header
		require.Equal(t, "/api2/json/ping", req.URL.Path)
		return respond(req, jsonReply(string(readReply(t, "pbs-composed/ping.json")))), nil
	}, forPBS, byPassword)
	_, err := c.Ping(t.Context())
	require.NoError(t, err)
	require.Empty(t, header.Get("Authorization")+header.Get("Cookie"))
}

// TestPasswordSurvivesAMemberThatRefuses: with tickets too, one member's refusal is checked with another.
func TestPasswordSurvivesAMemberThatRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginServer(PVE)
		lost := false
		c := inProcess(t, func(member string, req *http.Request) (*http.Response, error) {
			if lost && member == memberA {
				return respond(req, status(401)), nil
			}
			return s.serve(member, req)
		}, byPassword, func(o *Options) { o.Trust.Known = knownMembers()[1:] })
		require.NoError(t, version(t, c))
		lost = true
		require.NoError(t, version(t, c))
		for range 20 {
			time.Sleep(10 * time.Second)
			require.NoError(t, version(t, c))
		}
		require.NotContains(t, s.did(), "refused")
	})
}

// TestLookingAsideNeverLogsIn: a look at a member beside the call that matters uses a ticket only if there is one.
func TestLookingAsideNeverLogsIn(t *testing.T) {
	t.Parallel()
	var header http.Header
	c := inProcess(t, func(_ string, req *http.Request) (*http.Response, error) {
		require.Equal(t, http.MethodGet, req.Method)
		header = req.Header
		return respond(req, status(401)), nil
	}, byPassword)
	look := func() { c.lookAt(t.Context(), c.lookFor(c.preferred)) }
	look()
	require.Empty(t, header.Values("Cookie"))
	c.auth.keep(ticket{value: "t", obtained: time.Now()})
	look()
	require.Equal(t, []string{"PVEAuthCookie=t"}, header.Values("Cookie"))
	require.NoError(t, c.auth.allow())
}
