package shells

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
)

const declaredYAML = `# what is watched
targets:
  - &cluster
    type: pve
    name: home
    host: pve1.example.com
    tokenName: monitor@pve!pulse
    tokenValueFile: secrets/token
    monitorBackups: false
    interval: 30s
  - type: pbs
    host: 192.0.2.7
    user: monitor
    password: 2024-01-01
`

const declaredJSON = `{"targets": [
  {"type": "pve", "name": "home", "host": "pve1.example.com", "tokenName": "monitor@pve!pulse",
   "tokenValueFile": "secrets/token", "monitorBackups": false, "interval": "30s"},
  {"type": "pbs", "host": "192.0.2.7", "user": "monitor", "password": "2024-01-01"}
]}`

func writeFile(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestDeclaredTargetsAsYAMLAndJSON(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"targets.yaml": declaredYAML, "targets.json": declaredJSON} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := writeFile(t, dir, name, text)
			writeFile(t, dir, "secrets/token", "11111111-2222-3333-4444-555555555555\n")
			declared, err := data{targetsFile: path}.declared()
			require.NoError(t, err)
			targets := declared.targets
			require.Len(t, targets, 2)
			require.Equal(t, "home", targets[0].Name)
			require.Equal(t, "https://pve1.example.com:8006", targets[0].Address)
			require.Equal(t, config.NewSecret("11111111-2222-3333-4444-555555555555"), targets[0].TokenSecret)
			require.False(t, targets[0].Collect.Backups)
			require.Equal(t, path, targets[0].Source)
			require.Equal(t, "monitor@pbs", targets[1].User)
			require.Equal(t, config.NewSecret("2024-01-01"), targets[1].Password, "what looks like a date stays as written")
		})
	}
}

func TestDeclaredTargetsAsText(t *testing.T) {
	t.Parallel()
	declared, err := data{targetsText: config.NewSecret(
		"targets: [{type: pbs, host: pbs.example.com, user: monitor@pbs, password: \" a b \"}]")}.declared()
	require.NoError(t, err)
	targets := declared.targets
	require.Len(t, targets, 1)
	require.Equal(t, "PULSE_TARGETS_DATA", targets[0].Source)
	require.Equal(t, config.NewSecret(" a b "), targets[0].Password)
}

func TestDeclaringNoTargetTakesAnEmptyList(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"targets: []", `{"targets": []}`, "---\ntargets: [] # none\n...\n"} {
		targets, _, err := decodeTargets([]byte(text), "file", t.TempDir())
		require.NoError(t, err, text)
		require.Empty(t, targets, text)
	}
}

func TestDeclaredTargetsErrorsNameThePlace(t *testing.T) {
	t.Parallel()
	const login = ", user: m@pve, password: hunter2"
	for _, tt := range []struct{ name, text, want string }{
		{"not YAML", "targets: [\n  hunter2", "FILE: line 3 is not YAML: did not find expected ',' or ']'"},
		{"a list", "- hunter2", "FILE: line 1: want a mapping in which each field is given once"},
		{"empty", "", `FILE: want one YAML document, a mapping with the field "targets"`},
		{"only a comment", "# nothing\n", `FILE: want one YAML document, a mapping with the field "targets"`},
		{"two documents", "targets: []\n---\ntargets: []\n", `FILE: want one YAML document, a mapping with the field "targets"`},
		{"a mapping without targets", "{}", "FILE: targets: want a list; [] declares none"},
		{"targets without a list", "targets:\n", "FILE: targets: want a list; [] declares none"},
		{"targets as a word", "targets: ~word", "FILE: targets: want a list"},
		{"null", "null", `FILE: want a mapping with the field "targets"`},
		{"an empty document", "---\n", `FILE: want a mapping with the field "targets"`},
		{"odd names", ": : :", "FILE: line 1: want a name that is text before each colon"},
		{"no name", "targets: []\n: hunter2", "FILE: line 2: want a name that is text before each colon"},
		{"unknown name", "targets: []\nhunter: 2", `FILE: "hunter": is not a known field`},
		{"a name that is null", "targets: []\n~: 2", "FILE: line 2: want a name that is text before each colon"},
		{"two documents, the second empty", "targets: []\n---\n", `FILE: want one YAML document, a mapping with the field "targets"`},
		{"two JSON documents", "{\"targets\": []} {}", "FILE: want JSON, not understood after byte 17"},
		{"given twice", "targets:\n  - type: pve\n    password: hunter2\n    password: hunter2\n", "FILE: line 4: want a mapping in which each field is given once"},
		{"names that are no text", "targets: [{1: hunter2}]", "FILE: line 1: want a name that is text before each colon"},
		{"an infinite number", "targets: [{type: .inf}]", "FILE: want YAML that could be written as JSON: without infinite numbers"},
		{"unknown field", "targets: [{type: pve, hots: hunter2}]", `FILE: targets[0]: "hots": is not a known field`},
		{"wrong type", "targets: [{type: pve, password: 12345678}]", "FILE: targets[0]: password: want a string"},
		{
			"several entries", "targets: [{type: esx, host: a" + login + "}, {type: pve, host: b" + login + "}, {type: pve, host: '!'" + login + "}]",
			"FILE: targets[0]: type: want pve or pbs\nFILE: targets[2]: host: want a host name or address, as https://pve1.example.com:8006",
		},
		{
			"no such secret file", "targets: [{type: pve, host: a, user: m@pve, passwordFile: none}]",
			"FILE: targets[0]: passwordFile: open DIR/none: no such file or directory",
		},
		{"empty secret file", "targets: [{type: pve, host: a, user: m@pve, passwordFile: empty}]", "FILE: targets[0]: passwordFile: is required"},
		{"a directory for a secret", "targets: [{type: pve, host: a, user: m@pve, passwordFile: .}]", "FILE: targets[0]: passwordFile: read DIR: is a directory"},
		{
			"a secret that no header can carry", "targets: [{type: pve, host: a, tokenName: m@pve!t, tokenValueFile: lines}]",
			"FILE: targets[0]: tokenValueFile: want the value that Proxmox showed when the token was made",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, dir, "empty", "\n")
			writeFile(t, dir, "lines", "hunter2\nhunter2\n")
			path := writeFile(t, dir, "targets.yaml", tt.text)
			_, err := data{targetsFile: path}.declared()
			require.EqualError(t, err, strings.NewReplacer("FILE", path, "DIR", dir).Replace(tt.want))
		})
	}
}

func TestDeclaredTargetsFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := data{targetsFile: filepath.Join(dir, "none")}.declared()
	require.EqualError(t, err, "PULSE_TARGETS: open "+dir+"/none: no such file or directory")
	large := writeFile(t, dir, "large", strings.Repeat("#", maxTargetsFile+1))
	_, err = data{targetsFile: large}.declared()
	require.EqualError(t, err, "PULSE_TARGETS: "+large+": want at most 4 MiB")
}

func TestSecretsThatOthersCanReadAreNoticedAtTheStart(t *testing.T) {
	t.Parallel()
	const node, token = "targets: [{type: pve, host: a, ", "tokenName: m@pve!t, tokenValue"
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		want       bool
	}{
		{"password for all", node + "user: m@pve, password: hunter2}]", 0o644, true},
		{"token for the group", node + token + ": hunter2}]", 0o640, true},
		{"token for its user", node + token + ": hunter2}]", 0o600, false},
		{"token in a file of its own", node + token + "File: token}]", 0o644, false},
		{"no target", "targets: []", 0o644, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, dir, "token", "hunter2")
			path := writeFile(t, dir, "targets.yaml", tt.text)
			require.NoError(t, os.Chmod(path, tt.mode))
			var log bytes.Buffer
			parts := testParts()
			parts.Log = &log
			openWith(t, env{"PULSE_STORE": "memory:", "PULSE_TARGETS": path}, parts)
			lines := 0
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, "other users can read") {
					lines++
					require.Contains(t, line, "level=WARN")
					require.Contains(t, line, "file="+path)
				}
			}
			require.LessOrEqual(t, lines, 1)
			require.Equal(t, tt.want, lines == 1, log.String())
			require.NotContains(t, log.String(), "hunter2")
		})
	}
}

func TestAliasesThatGrowAreRefused(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		line := strings.ReplaceAll("aN: &aN [*aP, *aP, *aP, *aP, *aP, *aP, *aP, *aP, *aP, *aP]\n", "N", string(rune('0'+i)))
		b.WriteString(strings.ReplaceAll(line, "P", string(rune('0'+i-1))))
	}
	_, err := jsonOfYAML([]byte(b.String()))
	require.Error(t, err)
}

func FuzzDecodeTargets(f *testing.F) {
	f.Add([]byte(declaredYAML))
	f.Add([]byte(declaredJSON))
	f.Add([]byte("targets: &a [*a]"))
	f.Add([]byte("targets: [{type: pve, host: a, <<: {user: m@pve}, password: !!binary aGk=}]"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		targets, _, err := decodeTargets(text, "file", dir)
		if err != nil {
			return
		}
		for _, target := range targets {
			if err := target.Validate(); err != nil {
				t.Fatalf("an invalid target was read: %v", err)
			}
		}
	})
}
