package proxmox

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// cluster is three members in this process: pve-a is configured, the others are learned.
type cluster struct {
	mu    sync.Mutex
	fault map[string]func(*http.Request) (*http.Response, error)
	asked []string
}

const (
	memberA = "https://pve-a:8006"
	memberB = "https://192.0.2.12:8006"
	memberC = "https://192.0.2.13:8006"
)

func knownMembers() []Member {
	return []Member{{Name: "pve-a", Address: "https://192.0.2.11:8006"}, {Name: "pve-b", Address: memberB}, {Name: "pve-c", Address: memberC}}
}

func newCluster(t *testing.T) (*cluster, *Client) {
	t.Helper()
	s := &cluster{fault: map[string]func(*http.Request) (*http.Response, error){}}
	c := inProcess(t, s.serve, func(o *Options) { o.Trust.Known = knownMembers() })
	c.setMembers(knownMembers(), "pve-a")
	return s, c
}

func (s *cluster) serve(member string, req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked = append(s.asked, member)
	fault := s.fault[member]
	s.mu.Unlock()
	if fault != nil {
		return fault(req)
	}
	switch {
	case strings.HasSuffix(req.URL.Path, "/cluster/resources"), strings.HasSuffix(req.URL.Path, "/cluster/status"):
		return respond(req, jsonReply(`{"data":[]}`)), nil
	case strings.HasSuffix(req.URL.Path, "/current"):
		return respond(req, jsonReply(`{"data":{"status":"running"}}`)), nil
	}
	return respond(req, jsonReply(versionBody)), nil
}

func (s *cluster) set(member string, fault func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault[member] = fault
}

func (s *cluster) whoWasAsked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.asked
	s.asked = nil
	return out
}

func refusing(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }

func hanging(req *http.Request) (*http.Response, error) {
	traceConnected(req)
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
}

func answering(code int) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) { return respond(req, status(code)), nil }
}

func resources(t *testing.T, c *Client) (string, error) {
	t.Helper()
	_, meta, err := c.Resources(t.Context())
	return meta.Member, err
}

func health(c *Client, member string) MemberHealth {
	for _, m := range c.Members() {
		if m.Address == member {
			return m
		}
	}
	return MemberHealth{}
}

func TestFailoverAfterOneConnectFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		member, err := resources(t, c)
		require.NoError(t, err)
		require.Equal(t, memberA, member)
		s.set(memberA, refusing)
		s.whoWasAsked()
		member, err = resources(t, c)
		require.NoError(t, err, "the same call goes on elsewhere")
		require.Equal(t, memberB, member)
		require.Equal(t, []string{memberA, memberB}, s.whoWasAsked())
		_, err = resources(t, c)
		require.NoError(t, err)
		require.Equal(t, []string{memberB}, s.whoWasAsked(), "the dead member is left alone")
		require.ErrorIs(t, health(c, memberA).Err, ErrRefused)
		require.True(t, health(c, memberB).Active)
		require.NoError(t, health(c, memberB).Err, "one dead member never makes the rest look dead")
	})
}

func TestFailoverAfterTwoTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		s.set(memberA, hanging)
		_, err := resources(t, c)
		require.ErrorIs(t, err, ErrTimeout)
		require.True(t, health(c, memberA).Active, "one time-out may be a slow moment")
		member, err := resources(t, c)
		require.NoError(t, err)
		require.Equal(t, memberB, member)
		require.True(t, health(c, memberB).Active)
	})
}

func TestOneAnswerBetweenTimeoutsStartsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		for range 3 {
			s.set(memberA, hanging)
			_, err := resources(t, c)
			require.ErrorIs(t, err, ErrTimeout)
			s.set(memberA, nil)
			_, err = resources(t, c)
			require.NoError(t, err)
		}
		require.True(t, health(c, memberA).Active)
	})
}

// TestAnImpatientCallerDoesNotSwitch: a call that was given no time says nothing about the member.
func TestAnImpatientCallerDoesNotSwitch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		s.set(memberA, hanging)
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, _, err := c.Resources(ctx)
			cancel()
			require.ErrorIs(t, err, ErrTimeout)
		}
		require.True(t, health(c, memberA).Active)
		require.NoError(t, health(c, memberA).Err)
	})
}

// TestGoesBackAfterFiveHealthyMinutes and not before, however often the configured member flaps.
func TestGoesBackAfterFiveHealthyMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		s.set(memberA, refusing)
		poll := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Second) {
				_, err := resources(t, c)
				require.NoError(t, err)
			}
		}
		poll(10 * time.Minute)
		require.True(t, health(c, memberB).Active)
		looks := 0
		for _, member := range s.whoWasAsked() {
			if member == memberA {
				looks++
			}
		}
		require.InDelta(t, 10, looks, 1, "it is looked at once a minute")

		s.set(memberA, nil)
		poll(4 * time.Minute)
		require.True(t, health(c, memberB).Active)
		s.set(memberA, answering(503))
		poll(2 * time.Minute)
		s.set(memberA, nil)
		poll(5 * time.Minute)
		require.True(t, health(c, memberB).Active, "the five minutes begin anew")
		poll(2 * time.Minute)
		require.True(t, health(c, memberA).Active)
		require.NoError(t, health(c, memberA).Err)
		s.whoWasAsked()
		poll(time.Minute)
		require.NotContains(t, s.whoWasAsked(), memberB)
	})
}

// TestLookingAtTheConfiguredMemberDoesNotHoldUpCalls: it may swallow packets.
func TestLookingAtTheConfiguredMemberDoesNotHoldUpCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		s.set(memberA, refusing)
		_, err := resources(t, c)
		require.NoError(t, err)
		s.set(memberA, hanging)
		time.Sleep(time.Minute)
		started := time.Now()
		_, err = resources(t, c)
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(started))
		require.Contains(t, s.whoWasAsked(), memberA)
	})
}

// TestFailedStandbyIsLookedAtAgain: it must not count as unreachable until it happens to be needed.
func TestFailedStandbyIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		fail := func(fault func(*http.Request) (*http.Response, error)) {
			s.set(memberB, fault)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.failed(c.others[0], time.Now(), ErrRefused)
		}
		poll := func(d time.Duration) (looks int) {
			s.whoWasAsked()
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Second) {
				member, err := resources(t, c)
				require.NoError(t, err)
				require.Equal(t, memberA, member)
			}
			for _, member := range s.whoWasAsked() {
				require.NotEqual(t, memberC, member, "one that never failed is left alone")
				if member == memberB {
					looks++
				}
			}
			return looks
		}
		require.Equal(t, memberB, c.others[0].base)
		fail(refusing)
		require.InDelta(t, 10, poll(10*time.Minute), 1, "once a minute")
		require.Error(t, health(c, memberB).Err)
		s.set(memberB, func(req *http.Request) (*http.Response, error) {
			require.Empty(t, req.Header.Get("Authorization"), "a knock shows no credential")
			return respond(req, jsonReply(`{"data":[]}`)), nil
		})
		require.Equal(t, 1, poll(2*time.Minute))
		require.NoError(t, health(c, memberB).Err)
		require.False(t, health(c, memberB).Active)

		fail(nil)
		require.Zero(t, poll(30*time.Second))
		c.LookAgain("pve-c")
		require.Zero(t, poll(time.Second))
		c.LookAgain("pve-b")
		require.Equal(t, 1, poll(time.Second), "its node came back")
		require.NoError(t, health(c, memberB).Err)

		fail(hanging)
		time.Sleep(time.Minute)
		started := time.Now()
		_, err := resources(t, c)
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(started), "a look does not hold up the call")
		require.ErrorIs(t, health(c, memberB).Err, ErrRefused)
	})
}

// TestStandbyThatRefusedTheCredentialMustTakeIt before it counts as well: anybody is told the public part.
func TestStandbyThatRefusedTheCredentialMustTakeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		c.mu.Lock()
		c.failed(c.others[0], time.Now(), &Error{Kind: ErrUnauthorized, Status: 401})
		c.mu.Unlock()
		refuse := true
		s.set(memberB, func(req *http.Request) (*http.Response, error) {
			if refuse && req.Header.Get("Authorization") != "" {
				return respond(req, status(401)), nil
			}
			return respond(req, jsonReply(versionBody)), nil
		})
		look := func() error {
			time.Sleep(61 * time.Second)
			_, err := resources(t, c)
			require.NoError(t, err)
			return health(c, memberB).Err
		}
		require.ErrorIs(t, look(), ErrUnauthorized)
		refuse = false
		require.NoError(t, look())
	})
}

// TestNodeFailureIsAboutTheNode: 595 and 596 for a node's own path never mark the member asked.
func TestNodeFailureIsAboutTheNode(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]error{595: ErrNodeUnreachable, 596: ErrNodeHung, 597: ErrNodeHung, 599: ErrNodeHung} {
		synctest.Test(t, func(t *testing.T) {
			s, c := newCluster(t)
			s.set(memberA, func(req *http.Request) (*http.Response, error) {
				if strings.Contains(req.URL.Path, "/nodes/pve-c/") {
					return respond(req, status(code)), nil
				}
				return respond(req, jsonReply(`{"data":[]}`)), nil
			})
			for range 5 {
				_, _, err := c.GuestStatus(t.Context(), "pve-c", VM, 1103)
				require.ErrorIs(t, err, want)
				_, _, err = c.NodeStatus(t.Context(), "pve-c")
				require.ErrorIs(t, err, want)
				member, err := resources(t, c)
				require.NoError(t, err)
				require.Equal(t, memberA, member)
			}
			require.True(t, health(c, memberA).Active)
			require.NoError(t, health(c, memberA).Err)
			require.Equal(t, []string{}, append([]string{}, without(s.whoWasAsked(), memberA)...))
		})
	}
}

func without(list []string, drop string) []string {
	var out []string
	for _, text := range list {
		if text != drop {
			out = append(out, text)
		}
	}
	return out
}

// TestTimeoutAboutAnotherNodeIsNoStrike: the member asked may be fine and the node hung.
func TestTimeoutAboutAnotherNodeIsNoStrike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		s.set(memberA, func(req *http.Request) (*http.Response, error) {
			if strings.Contains(req.URL.Path, "/nodes/pve-c/") {
				return hanging(req)
			}
			return respond(req, jsonReply(`{"data":[]}`)), nil
		})
		for range 4 {
			_, _, err := c.NodeStatus(t.Context(), "pve-c")
			require.ErrorIs(t, err, ErrTimeout)
			time.Sleep(15 * time.Minute)
		}
		require.True(t, health(c, memberA).Active)
		require.NoError(t, health(c, memberA).Err)
	})
}

// TestDeadDaemonOfTheMemberAsked: its own privileged daemon is down; another member can answer, and nobody is marked.
func TestDeadDaemonOfTheMemberAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		s.set(memberA, func(req *http.Request) (*http.Response, error) {
			if strings.HasSuffix(req.URL.Path, "/cluster/status") {
				return respond(req, status(595)), nil
			}
			return respond(req, jsonReply(`{"data":[]}`)), nil
		})
		_, meta, err := c.ClusterStatus(t.Context())
		require.NoError(t, err)
		require.Equal(t, memberB, meta.Member)
		member, err := resources(t, c)
		require.NoError(t, err)
		require.Equal(t, memberA, member)
	})
}

func TestAllMembersDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		for _, member := range []string{memberA, memberB, memberC, "https://192.0.2.11:8006"} {
			s.set(member, refusing)
		}
		_, err := resources(t, c)
		require.ErrorIs(t, err, ErrRefused)
		require.Contains(t, err.Error(), memberA, "what is said is about the configured address")
		require.Equal(t, []string{memberA, memberB, memberC, "https://192.0.2.11:8006"}, s.whoWasAsked())
		_, err = resources(t, c)
		require.ErrorIs(t, err, ErrRefused, "a call is always tried")
		require.LessOrEqual(t, len(s.whoWasAsked()), 2)
		s.set(memberC, nil)
		for range 20 {
			if _, err = resources(t, c); err == nil {
				break
			}
			time.Sleep(10 * time.Second)
		}
		require.NoError(t, err)
		require.True(t, health(c, memberC).Active)
	})
}

// TestMemberThatLostItsClusterRefusesCredentials: what was good a moment ago is checked with one other member before
// the credential is given up.
func TestMemberThatLostItsClusterRefusesCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		_, err := resources(t, c)
		require.NoError(t, err)
		s.set(memberA, answering(401))
		s.whoWasAsked()
		member, err := resources(t, c)
		require.NoError(t, err)
		require.Equal(t, memberB, member)
		require.Equal(t, []string{memberA, memberB}, s.whoWasAsked())
		require.ErrorIs(t, health(c, memberA).Err, ErrUnauthorized)
		time.Sleep(61 * time.Second)
		member, err = resources(t, c)
		require.NoError(t, err, "looking at the member that refuses must not cost the credential")
		require.Equal(t, memberB, member)
		require.Contains(t, s.whoWasAsked(), memberA)
		member, err = resources(t, c)
		require.NoError(t, err)
		require.Equal(t, memberB, member)

		s.set(memberB, answering(401))
		s.whoWasAsked()
		_, err = resources(t, c)
		require.ErrorIs(t, err, ErrUnauthorized)
		require.NotErrorIs(t, err, ErrSuspended)
		require.Len(t, s.whoWasAsked(), 2, "two members agree")
		_, err = resources(t, c)
		require.ErrorIs(t, err, ErrSuspended)
	})
}

// TestRefusalThatNobodyCanConfirmCounts: the others are down.
func TestRefusalThatNobodyCanConfirmCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		_, err := resources(t, c)
		require.NoError(t, err)
		s.set(memberA, answering(401))
		for _, member := range []string{memberB, memberC, "https://192.0.2.11:8006"} {
			s.set(member, refusing)
		}
		_, err = resources(t, c)
		require.ErrorIs(t, err, ErrUnauthorized)
		_, err = resources(t, c)
		require.ErrorIs(t, err, ErrSuspended)
	})
}

// TestRefusedCredentialsAreNotTriedEverywhere: the other members know the same users, and each try costs them.
func TestRefusedCredentialsAreNotTriedEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		s.set(memberA, answering(401))
		_, err := resources(t, c)
		require.ErrorIs(t, err, ErrUnauthorized)
		require.Equal(t, []string{memberA}, s.whoWasAsked())
	})
}

func TestAvoid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newCluster(t)
		require.True(t, c.Avoid(memberA))
		member, err := resources(t, c)
		require.NoError(t, err)
		require.Equal(t, memberB, member)
		require.True(t, c.Avoid(memberB))
		require.True(t, c.Avoid(memberC))
		require.False(t, c.Avoid("https://192.0.2.11:8006"), "nobody is left")
		_, err = resources(t, c)
		require.NoError(t, err, "someone is asked all the same")
		s.whoWasAsked()
		_, alone := newCluster(t)
		alone.setMembers([]Member{}, "")
		require.False(t, alone.Avoid(memberA))
	})
}

func TestMembersAreKeptAsTheyChange(t *testing.T) {
	t.Parallel()
	_, c := newCluster(t)
	names := func() (out []string) {
		for _, m := range c.Members() {
			out = append(out, m.Name+" "+m.Address)
		}
		return out
	}
	require.Equal(t, []string{"pve-a " + memberA, "pve-a https://192.0.2.11:8006", "pve-b " + memberB, "pve-c " + memberC}, names())
	c.setMembers([]Member{{Name: "pve-d", Address: "https://[2001:db8::4]:8006"}, {Name: "pve-b", Address: memberB}, {Name: "no-address"}}, "")
	require.Equal(t, []string{"pve-a " + memberA, "pve-b " + memberB, "pve-d https://[2001:db8::4]:8006"}, names())
}

func ExampleClient_Members() {
	c, err := New(Options{
		Kind: PVE, Address: "pve-a.lan", Credential: Credential{TokenID: "monitor@pve!pulse", TokenSecret: "…"},
		Trust: Trust{Known: []Member{{Name: "pve-b", Address: "https://192.0.2.12:8006"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	for _, m := range c.Members() {
		fmt.Println(m.Address, m.Active)
	}
	// Output:
	// https://pve-a.lan:8006 true
	// https://192.0.2.12:8006 false
}
