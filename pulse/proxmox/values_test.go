package proxmox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSecretShowsNothing(t *testing.T) {
	t.Parallel()
	s := Secret(testSecret)
	require.Equal(t, testSecret, s.Reveal())
	var out bytes.Buffer
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%d", "%10s"} {
		fmt.Fprintf(&out, verb+" ", s)
	}
	cred := Credential{User: "root@pam", Password: s, TokenID: testTokenID, TokenSecret: s}
	opt := Options{Credential: cred}
	fmt.Fprintf(&out, "%v %+v %#v %+v %s", cred, cred, cred, opt, &cred)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s, "cred", cred, "opt", opt)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "cred", cred, "opt", opt)
	text, err := json.Marshal(map[string]any{"secret": s, "cred": cred, "list": []Secret{s}})
	require.NoError(t, err)
	out.Write(text)
	require.NotContains(t, out.String(), testSecret)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", testSecret))
	require.Contains(t, out.String(), "***")
	require.Empty(t, Secret("").String())
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	const plain = "4ce4591cd6f542fc5568d86346d514a4ebe0a284b72da2bfce105f7423cd6732"
	const colons = "4C:E4:59:1C:D6:F5:42:FC:55:68:D8:63:46:D5:14:A4:EB:E0:A2:84:B7:2D:A2:BF:CE:10:5F:74:23:CD:67:32"
	for _, text := range []string{
		plain, colons, strings.ToLower(colons), " " + colons + "\n", strings.ReplaceAll(colons, ":", " "),
		"SHA256:" + plain, "sha256 Fingerprint=" + colons, "SHA-256: " + plain,
	} {
		fp, err := ParseFingerprint(text)
		require.NoError(t, err, text)
		require.Equal(t, colons, fp.String())
	}
	for _, text := range []string{plain[1:], plain + "00", strings.Replace(plain, "4", "g", 1), "AA:BB", strings.Repeat("é", 32)} {
		_, err := ParseFingerprint(text)
		require.Error(t, err, text)
	}
	fp, err := ParseFingerprint("")
	require.NoError(t, err)
	require.True(t, fp.IsZero())
	require.Empty(t, fp.String())
}

func FuzzFingerprint(f *testing.F) {
	f.Add("SHA256:4ce4591cd6f542fc5568d86346d514a4ebe0a284b72da2bfce105f7423cd6732")
	f.Fuzz(func(t *testing.T, text string) {
		fp, err := ParseFingerprint(text)
		if err != nil {
			return
		}
		again, err := ParseFingerprint(fp.String())
		require.NoError(t, err)
		require.Equal(t, fp, again)
	})
}

func TestOptKeepsUnknownThroughJSON(t *testing.T) {
	t.Parallel()
	type pair struct{ A, B Opt[int64] }
	text, err := json.Marshal(pair{A: Some[int64](0)})
	require.NoError(t, err)
	require.JSONEq(t, `{"A":0,"B":null}`, string(text))
	got := pair{B: Some[int64](9)}
	require.NoError(t, json.Unmarshal(text, &got))
	require.Equal(t, pair{A: Some[int64](0)}, got)
	require.Equal(t, int64(7), got.B.Or(7))
	require.Equal(t, int64(0), got.A.Or(7))
	require.Error(t, json.Unmarshal([]byte(`{"A":"x"}`), &got))
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	p := Permissions{
		"/":        {"Sys.Audit": true, "Realm.Local": false},
		"/vms":     {"VM.Audit": true},
		"/vms/100": {"VM.Monitor": true},
	}
	require.True(t, p.Allows("/", "Sys.Audit"))
	require.True(t, p.Allows("/", "Realm.Local"), "a right that does not extend holds where it is")
	require.False(t, p.Allows("/nodes", "Realm.Local"), "a right that does not extend ends there")
	require.True(t, p.Allows("/nodes/pve1", "Sys.Audit"), "the nearest entry above counts")
	require.True(t, p.Allows("/vms/101", "VM.Audit"))
	require.False(t, p.Allows("/vms/100", "VM.Audit"), "an entry of its own replaces what is above")
	require.False(t, p.Allows("/vms", "VM.Monitor"))
	require.True(t, p.AllowsBelow("/vms", "VM.Monitor"))
	require.True(t, p.Allows("/vms", "Nothing", "VM.Audit"))
	require.False(t, Permissions{}.AllowsBelow("/", "Sys.Audit"))
	require.False(t, Permissions{"/vms/100": {"VM.Audit": true}}.Allows("/", "VM.Audit"))
}

func TestVersionMajor(t *testing.T) {
	t.Parallel()
	require.Equal(t, 9, Version{Version: "9.2.11"}.Major())
	require.Equal(t, 7, Version{Version: "7.4-20"}.Major())
	require.Equal(t, 8, Version{Version: "8"}.Major())
	require.Zero(t, Version{}.Major())
}

func TestTaskOutcome(t *testing.T) {
	t.Parallel()
	ended := time.Unix(1, 0)
	tests := []struct {
		task Task
		want Outcome
	}{
		{Task{}, OutcomeRunning},
		{Task{Status: "RUNNING"}, OutcomeRunning},
		{Task{End: ended, Status: "OK"}, OutcomeOK},
		{Task{Status: "OK"}, OutcomeOK},
		{Task{End: ended, Status: "WARNINGS: 1"}, OutcomeWarning},
		{Task{End: ended, Status: "job errors"}, OutcomeFailed},
		{Task{End: ended, Status: "command 'apt-get update' failed: exit code 100"}, OutcomeFailed},
		{Task{End: ended}, OutcomeUnknown},
		{Task{End: ended, Status: "unexpected status"}, OutcomeUnknown},
		{Task{End: ended, Status: "unknown"}, OutcomeUnknown},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, tt.task.Outcome(), "%+v", tt.task)
	}
}

func TestTasksAreListedOnce(t *testing.T) {
	t.Parallel()
	body := `{"data":[
		{"upid":"B","starttime":5,"type":"x","node":"n","id":100,"user":"a@pve","tokenid":"t","saved":"1"},
		{"upid":"A","starttime":9,"node":"n"},
		{"upid":"B","starttime":5,"endtime":"7","status":"OK"},
		{"upid":"B","starttime":5},
		{"starttime":1}]}`
	var got []Task
	require.NoError(t, decodeEnvelope([]byte(body), aList, func(s *scanner) { got = decodeTasks(s) }))
	require.Equal(t, []Task{
		{UPID: "A", Node: "n", Start: time.Unix(9, 0).UTC()},
		{UPID: "B", Start: time.Unix(5, 0).UTC(), End: time.Unix(7, 0).UTC(), Status: "OK"},
	}, got)
}

func TestMaintenanceMode(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, mode, message string }{
		{"type=read-only,message=moving disks", "read-only", "moving disks"},
		{"offline", "offline", ""},
		{`type=offline,message="a, b \"c\""`, "offline", `a, b "c"`},
		{"", "", ""},
	}
	for _, tt := range tests {
		mode, message := maintenance(tt.text)
		require.Equal(t, [2]string{tt.mode, tt.message}, [2]string{mode, message}, tt.text)
	}
}

func TestRecyclerIsBounded(t *testing.T) {
	t.Parallel()
	var r recycler
	for i := range 3 * internLimit {
		r.intern(fmt.Appendf(nil, "name-%d", i))
		r.sortedList(fmt.Appendf(nil, "b-%d,a", i))
	}
	require.LessOrEqual(t, len(r.strings), internLimit)
	require.LessOrEqual(t, len(r.sorted), internLimit)
	long := bytes.Repeat([]byte("x"), internLength+1)
	require.Equal(t, string(long), r.intern(long))
	require.NotContains(t, r.strings, string(long))
	require.Equal(t, "a,b", r.sortedList([]byte("b,a")))
	for range 10 {
		r.give(make([]byte, 100))
	}
	r.give(make([]byte, bufferLimit+1))
	require.Len(t, r.buffers, buffersKept)
	require.Empty(t, r.take())
}
