package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
)

func TestDecodeDeclared(t *testing.T) {
	t.Parallel()
	got, err := config.DecodeDeclared([]byte(`{"targets": [
		{"type": "pve", "name": "Lab", "host": "pve1.lan", "user": "monitor@pve", "password": "secret",
		 "fingerprint": "`+strings.ToLower(pin)+`", "verifySSL": false, "interval": "30s",
		 "monitorVMs": true, "monitorBackups": false},
		{"type": "pbs", "host": "10.0.0.9", "tokenId": "m@pbs!t", "tokenValueFile": "/run/secrets/pbs",
		 "verifySSL": true, "monitorGarbageJobs": false, "name": null},
		{"type": "pve", "host": "https://pve2:443", "user": "m@pam", "tokenName": "t", "tokenValue": "v"},
		{"type": "pve", "host": "pve3", "user": "m@pam", "passwordFile": "pw"}
	]}`), "targets.yaml")
	require.NoError(t, err)

	lab := config.CollectAll(estate.PVE)
	lab.Backups = false
	pbs := config.CollectAll(estate.PBS)
	pbs.GarbageJobs = false
	require.Equal(t, []config.Declared{
		{Target: config.Target{
			ID: "pve", Name: "Lab", Address: "https://pve1.lan:8006",
			User: "monitor@pve", Password: config.NewSecret("secret"), Fingerprint: pin, Verify: config.VerifyOff,
			Collect: lab, Interval: 30 * time.Second, Source: "targets.yaml",
		}},
		{Target: config.Target{
			ID: "pbs", Name: "10.0.0.9", Address: "https://10.0.0.9:8007", TokenID: "m@pbs!t",
			Verify: config.VerifySystem, Collect: pbs, Source: "targets.yaml",
		}, TokenValueFile: "/run/secrets/pbs"},
		{Target: config.Target{
			ID: "pve", Name: "pve2", Address: "https://pve2:443",
			TokenID: "m@pam!t", TokenSecret: config.NewSecret("v"),
			Collect: config.CollectAll(estate.PVE), Source: "targets.yaml",
		}},
		{Target: config.Target{
			ID: "pve", Name: "pve3", Address: "https://pve3:8006", User: "m@pam",
			Collect: config.CollectAll(estate.PVE), Source: "targets.yaml",
		}, PasswordFile: "pw"},
	}, got)
}

func TestDecodeDeclaredWithoutTargets(t *testing.T) {
	t.Parallel()
	got, err := config.DecodeDeclared([]byte(`{"targets":[]}`), "f")
	require.NoError(t, err)
	require.Empty(t, got)
	for _, data := range []string{`{}`, `{"targets":null}`} {
		got, err := config.DecodeDeclared([]byte(data), "f")
		require.EqualError(t, err, "f: targets: want a list; [] declares none", data)
		require.Nil(t, got, data)
	}
}

func TestDecodeDeclaredNamesTheMistake(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, entry, want string }{
		{"unknown field", `"pasword":"topsecret"`, `"pasword": is not a known field`},
		{"field in another case", `"Name":"topsecret"`, `"Name": is not a known field`},
		{"repeated field", `"user":"a@pam","user":"topsecret"`, "user: is given twice"},
		{"unknown type", `"type":"topsecret"`, "type: want pve or pbs"},
		{"no type", `"host":"x"`, "type: want pve or pbs"},
		{"number as name", `"name":4711`, "name: want a string"},
		{"number as password", `"password":4711`, "password: want a string"},
		{"word as flag", `"verifySSL":"topsecret"`, "verifySSL: want true or false"},
		{"number as interval", `"interval":4711`, "interval: want a length of time"},
		{"word as interval", `"interval":"topsecret"`, "interval: want a length of time"},
		{"no host", `"type":"pve","user":"a@pam","password":"topsecret"`, "host: is required"},
		{"interval too short", `"type":"pve","host":"x","user":"a@pam","password":"topsecret","interval":"1s"`, "interval:"},
		{"flag of the other kind", `"type":"pve","monitorDatastores":true`, "monitorDatastores: does not apply"},
		{"two names of a token", `"type":"pve","tokenId":"topsecret","tokenName":"b"`, "tokenId: want only one"},
		{"password twice", `"type":"pve","password":"topsecret","passwordFile":"f"`, "passwordFile: want only one"},
		{"token value twice", `"type":"pve","tokenValue":"topsecret","tokenValueFile":"f"`, "tokenValueFile: want only one"},
		{"password file with a line break", `"type":"pve","passwordFile":"topsecret\n"`, "passwordFile: want the name"},
		{"token file too long", `"type":"pve","tokenValueFile":"` + strings.Repeat("x", 5000) + `"`, "tokenValueFile: want the name"},
		{"no credential", `"type":"pve","host":"x"`, "user: want a user and a password"},
		{"bad token", `"type":"pve","host":"x","tokenId":"topsecret","tokenValueFile":"f"`, "tokenName: want a token id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := config.DecodeDeclared([]byte(`{"targets":[{`+tt.entry+`}]}`), "targets.json")
			require.Nil(t, got)
			var field *config.FieldError
			require.ErrorAs(t, err, &field)
			require.ErrorContains(t, err, "targets.json: targets[0]: "+tt.want)
			require.NotContains(t, err.Error(), "topsecret")
			require.NotContains(t, err.Error(), "4711")
		})
	}
}

func TestDecodeDeclaredReportsEveryBadEntry(t *testing.T) {
	t.Parallel()
	_, err := config.DecodeDeclared([]byte(`{"targets":[
		{"type":"x"}, {"type":"pve","host":"a","user":"a@pam","password":"p"}, "word", {"name":1}]}`), "f")
	require.ErrorContains(t, err, "targets[0]: type:")
	require.ErrorContains(t, err, "targets[2]: want a JSON object")
	require.ErrorContains(t, err, "targets[3]: name:")
	require.NotContains(t, err.Error(), "targets[1]")
}

func TestDecodeDeclaredRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	entry := `{"type":"pve","host":"a","user":"a@pam","password":"p"}`
	for name, data := range map[string]string{
		"nothing":          "",
		"not JSON":         "topsecret: x",
		"two documents":    `{} {"topsecret":1}`,
		"list":             `["topsecret"]`,
		"unknown field":    `{"target":["topsecret"]}`,
		"targets as words": `{"targets":"topsecret"}`,
		"too many":         `{"targets":[` + strings.Repeat(entry+",", 1000) + entry + `]}`,
		"too large":        `{"targets":[]}` + strings.Repeat(" ", 4<<20),
	} {
		got, err := config.DecodeDeclared([]byte(data), "targets.json")
		require.Nil(t, got, name)
		require.ErrorContains(t, err, "targets.json: ", name)
		require.NotContains(t, err.Error(), "topsecret", name)
	}
	got, err := config.DecodeDeclared([]byte(`{"targets":[`+strings.Repeat(entry+",", 999)+entry+`]}`), "f")
	require.NoError(t, err)
	require.Len(t, got, 1000)
}

func FuzzDecodeDeclared(f *testing.F) {
	f.Add([]byte(`{"targets":[{"type":"pve","host":"a","user":"a@pam","password":"p","interval":"10s"}]}`))
	f.Add([]byte(`{"targets":[{"type":"pbs","host":"a","tokenId":"a@pbs!b","tokenValueFile":"f","verifySSL":true}]}`))
	f.Add([]byte(`{"targets":[null,{"monitorVMs":false}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		declared, err := config.DecodeDeclared(data, "f")
		if err != nil {
			require.Nil(t, declared)
			return
		}
		for _, d := range declared {
			if d.PasswordFile != "" {
				d.Target.Password = config.NewSecret("x")
			}
			if d.TokenValueFile != "" {
				d.Target.TokenSecret = config.NewSecret("x")
			}
			require.NoError(t, d.Target.Validate())
		}
	})
}

func ExampleDecodeDeclared() {
	declared, err := config.DecodeDeclared([]byte(`{"targets": [
		{"type": "pve", "host": "pve1.lan", "user": "monitor@pve", "passwordFile": "/run/secrets/pve1"}
	]}`), "targets.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(declared[0].Target.Name, declared[0].Target.Address, declared[0].PasswordFile)
	// Output: pve1.lan https://pve1.lan:8006 /run/secrets/pve1
}

func ExampleEncodeTarget() {
	keys := config.NewKeyring(config.NewKey())
	target := config.Target{
		ID: "pve-0", Name: "My PVE Node", Slug: config.Slug("My PVE Node", nil), Address: "pve1.lan",
		User: "monitor@pve", Password: config.NewSecret("secret"),
	}
	target.Normalize()
	if err := target.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	document, err := config.EncodeTarget(target, keys)
	if err != nil {
		fmt.Println(err)
		return
	}
	stored, _, err := config.DecodeTarget(document, keys)
	fmt.Println(stored.Slug, stored.Address, stored.Password, err)
	// Output: My_PVE_Node https://pve1.lan:8006 *** <nil>
}
