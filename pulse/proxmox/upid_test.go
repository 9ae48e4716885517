package proxmox

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseUPID(t *testing.T) {
	t.Parallel()
	start := time.Unix(0x6B0494D3, 0).UTC()
	tests := []struct {
		text string
		want UPID
	}{
		{"UPID:pve-a:000044DD:0004A785:6B0494D3:qmstart:1100:root@pam:", UPID{
			Node: "pve-a", PID: 0x44DD, PStart: 0x4A785, Start: start, Kind: "qmstart", WorkerID: "1100", User: "root@pam",
		}},
		{"UPID:pve1:00001E22:10041FC22:6B0494D3:aptupdate::monitor@pve!full:", UPID{
			Node: "pve1", PID: 0x1E22, PStart: 0x10041FC22, Start: start, Kind: "aptupdate", User: "monitor@pve", TokenName: "full",
		}},
		{`UPID:pbs1:000004D2:00012345:00000007:6B0494D3:verify:store1:vm\x2f100:root@pam:`, UPID{
			Node: "pbs1", PID: 0x4D2, PStart: 0x12345, PBS: true, TaskID: 7, Start: start, Kind: "verify", WorkerID: "store1:vm/100", User: "root@pam",
		}},
		{`UPID:pbs1:000004D2:00012345:00000007:6B0494D3:backup:store1\x3avm/100:pve@pbs!pve1:`, UPID{
			Node: "pbs1", PID: 0x4D2, PStart: 0x12345, PBS: true, TaskID: 7, Start: start, Kind: "backup", WorkerID: "store1:vm/100", User: "pve@pbs", TokenName: "pve1",
		}},
		{"UPID:pbs1:000004D2:00012345:00000007:6B0494D3:logrotate::root@pam:", UPID{
			Node: "pbs1", PID: 0x4D2, PStart: 0x12345, PBS: true, TaskID: 7, Start: start, Kind: "logrotate", User: "root@pam",
		}},
		{`UPID:a:00000001:00000001:6B0494D3:x:\xZZ\x4:u@pam:`, UPID{
			Node: "a", PID: 1, PStart: 1, Start: start, Kind: "x", WorkerID: `\xZZ\x4`, User: "u@pam",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := ParseUPID(tt.text)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestParseUPIDRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "UPID:", "UPID:bad", "UPID:a:1:2:3:x:y:z:", "UPID:a:00000001:00000001:6B0494D3:x:y:u@pam", "upid:a:00000001:00000001:6B0494D3:x:y:u@pam:",
		"UPID::00000001:00000001:6B0494D3:x:y:u@pam:", "UPID:a/b:00000001:00000001:6B0494D3:x:y:u@pam:", "UPID:a:0000000G:00000001:6B0494D3:x:y:u@pam:",
		"UPID:a:00000001:00000001:6B0494D3::y:u@pam:", "UPID:a:00000001:00000001:6B0494D3:x:y::", "UPID:a:00000001:00000001:6B0494D3:x:a b:u@pam:",
		"UPID:a:00000001:00000001:+B0494D3:x:y:u@pam:",
	} {
		_, err := ParseUPID(text)
		require.ErrorIs(t, err, ErrInvalid, text)
	}
}

func TestEveryRecordedUPIDParses(t *testing.T) {
	t.Parallel()
	parsed := 0
	check := func(body []byte, pbs bool) {
		var tasks []Task
		require.NoError(t, decodeEnvelope(body, aList, func(s *scanner) { tasks = decodeTasks(s) }))
		for _, task := range tasks {
			u, err := ParseUPID(task.UPID)
			require.NoError(t, err, task.UPID)
			parsed++
			require.Equal(t, task.Start, u.Start, task.UPID)
			require.Equal(t, task.Kind, u.Kind)
			require.Equal(t, task.WorkerID, u.WorkerID)
			require.Equal(t, task.User, u.User)
			require.Equal(t, task.TokenName, u.TokenName)
			require.Equal(t, pbs, u.PBS)
		}
	}
	for _, r := range recordings(t) {
		if r.Path == "/cluster/tasks" {
			check(r.body, false)
		}
	}
	check(readReply(t, "pbs-composed/nodes_localhost_tasks.json"), true)
	require.Greater(t, parsed, 50)
}

func FuzzParseUPID(f *testing.F) {
	f.Add("UPID:pve-a:000044DD:0004A785:6B0494D3:qmstart:1100:root@pam:")
	f.Add(`UPID:pbs1:000004D2:00012345:00000007:6B0494D3:verify:store1:vm\x2f100:root@pam!t:`)
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseUPID(text)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			return
		}
		require.True(t, strings.HasPrefix(text, "UPID:"+u.Node+":"))
		require.NotEmpty(t, u.Kind)
		require.NotContains(t, u.Kind, ":")
		require.NotEmpty(t, u.User)
		require.False(t, u.Start.Before(time.Unix(0, 0)))
	})
}
