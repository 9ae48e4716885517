package collect

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

func TestReasonAndSentence(t *testing.T) {
	t.Parallel()
	member := "https://pve.test:8006"
	for name, tt := range map[string]struct {
		err      error
		reason   estate.Reason
		sentence string
	}{
		"unauthorized": {
			&proxmox.Error{Kind: proxmox.ErrUnauthorized, Member: member}, estate.ReasonUnauthorized,
			member + " refuses the credentials: they are wrong, unknown or expired.",
		},
		"second factor": {
			&proxmox.Error{Kind: proxmox.ErrSecondFactor}, estate.ReasonUnauthorized,
			"The login asks for a second factor, which Pulse cannot give: use an API token.",
		},
		"forbidden": {
			&proxmox.Error{Kind: proxmox.ErrForbidden, Member: member, Privilege: "VM.Audit|VM.Monitor", Object: "/vms/100"},
			estate.ReasonForbidden,
			member + " does not allow the credentials to read this: the privilege VM.Audit or VM.Monitor on /vms/100 is missing.",
		},
		"certificate": {
			&proxmox.Error{Kind: proxmox.ErrTLS, Cause: &proxmox.CertificateError{Address: member, Reason: errors.New("self-signed")}},
			estate.ReasonTLS,
			"The certificate of " + member + " (fingerprint ) cannot be verified: self-signed.",
		},
		"not Proxmox": {
			&proxmox.Error{Kind: proxmox.ErrNotProxmox, Member: member, Message: "nginx"}, estate.ReasonNotProxmox,
			"What answers at " + member + " is not the expected Proxmox API: nginx.",
		},
		"timeout": {
			&proxmox.Error{Kind: proxmox.ErrTimeout, Member: member}, estate.ReasonTimeout, member + " did not answer in time.",
		},
		"deadline": {context.DeadlineExceeded, estate.ReasonTimeout, "Proxmox did not answer in time."},
		"refused": {
			&proxmox.Error{Kind: proxmox.ErrRefused, Member: member, Message: "nothing listens there"}, estate.ReasonUnreachable,
			member + " cannot be reached: nothing listens there.",
		},
		"suspended after a refusal": {
			&proxmox.Error{Kind: proxmox.ErrSuspended, Cause: &proxmox.SuspendedError{Cause: &proxmox.Error{Kind: proxmox.ErrUnauthorized}}},
			estate.ReasonUnauthorized, "Proxmox refuses the credentials: they are wrong, unknown or expired.",
		},
		"other": {errors.New("odd"), estate.ReasonFailed, "Proxmox answered with an error."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.reason, reasonOf(tt.err))
			require.Equal(t, tt.sentence, sentenceOf(tt.err))
		})
	}
}

func TestClockSkew(t *testing.T) {
	t.Parallel()
	at := start().Add(300 * time.Millisecond)
	require.Zero(t, clockSkew(proxmox.Meta{At: at}))
	require.Zero(t, clockSkew(proxmox.Meta{At: at, ServerTime: start()}))
	require.Zero(t, clockSkew(proxmox.Meta{At: at, ServerTime: start().Add(-time.Second)}))
	require.Equal(t, estate.Skew(time.Hour), clockSkew(proxmox.Meta{At: at, ServerTime: start().Add(time.Hour)}))
	require.Equal(t, estate.Skew(-5*time.Second), clockSkew(proxmox.Meta{At: at, ServerTime: start().Add(-5 * time.Second)}))
}

func TestMissingNamesTheCommand(t *testing.T) {
	t.Parallel()
	c := New(Options{Target: "pve-0", Account: "o'brien@pve!mon", Collect: config.CollectAll(estate.PVE)})
	everything := proxmox.Permissions{"/": {
		"Sys.Audit": true, "VM.Audit": true, "Datastore.Audit": true, "Pool.Audit": true, "VM.GuestAgent.Audit": true,
	}}
	require.Empty(t, c.missing(everything, 9))

	older := c.missing(everything, 8)
	require.Len(t, older, 1)
	require.Equal(t, "VM.Monitor", older[0].Privilege)
	require.Equal(t, `pveum role add PulseMonitor --privs VM.Monitor; pveum acl modify /vms --roles PulseMonitor `+
		`--users 'o'\''brien@pve' --tokens 'o'\''brien@pve!mon'`, older[0].Fix)

	require.Len(t, c.missing(proxmox.Permissions{}, 9), len(c.needs(9)))
	one := c.missing(proxmox.Permissions{"/vms/100": {"VM.Audit": true}}, 9)
	require.False(t, lacks(estate.Permissions{Missing: one}, privilegeGuests), "something is visible")

	pools := c.missing(proxmox.Permissions{"/pool/dev": {"VM.Audit": true, "Pool.Audit": true}}, 9)
	require.False(t, lacks(estate.Permissions{Missing: pools}, privilegeGuests), "guests of a pool are visible")

	user := New(Options{Target: "pbs-0", Account: "mon@pbs", Collect: config.CollectAll(estate.PBS)})
	require.Equal(t, "proxmox-backup-manager acl update / Audit --auth-id 'mon@pbs'", user.missing(nil, 4)[0].Fix)
	nobody := New(Options{Target: "pve-0"})
	require.Contains(t, nobody.missing(nil, 9)[0].Fix, "'USER@REALM!TOKEN'")
}

func TestUnreachableMembers(t *testing.T) {
	t.Parallel()
	bad := errors.New("refused")
	require.Equal(t, []string{"b", "https://c:8006"}, unreachable([]proxmox.MemberHealth{
		{Member: proxmox.Member{Name: "a"}, Active: true, Err: bad},
		{Member: proxmox.Member{Address: "https://c:8006"}, Err: bad},
		{Member: proxmox.Member{Name: "b"}, Err: bad},
		{Member: proxmox.Member{Name: "d"}},
	}))
}

func TestNotesAreBoundedAndPruned(t *testing.T) {
	t.Parallel()
	n := notes{}
	for i := range maxDeparted + 50 {
		n.destroyed(i+1, 0, start().Add(time.Duration(i)*time.Second))
	}
	n.set(noteNode+"gone", start())
	n.set(guestNote(noteAgent, 5), start())
	n.set(noteMembers, start())
	n.prune(func(string) bool { return false }, func(int) bool { return false })
	require.Len(t, n.times, maxDeparted+1)
	gone, _ := n.guestNotes()
	require.NotContains(t, gone, 50)
	require.Equal(t, 1, gone[51].next())
	require.True(t, n.has(noteMembers))
}
