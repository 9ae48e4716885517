package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
)

// update writes the documents of the current version again. Those of earlier versions are kept as they are.
var update = flag.Bool("update", false, "write the golden documents of the current version")

// goldenKeys opens the documents in testdata.
func goldenKeys(t testing.TB) *config.Keyring {
	t.Helper()
	key, err := config.ParseKey("cHVsc2Ugc3RvcmVkIGRvY3VtZW50cyBnb2xkZW4ga2U=")
	require.NoError(t, err)
	return config.NewKeyring(key)
}

// golden returns a stored document of a version, after writing it when asked to.
func golden(t testing.TB, name string, encode func() ([]byte, error)) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		data, err := encode()
		require.NoError(t, err)
		var indented bytes.Buffer
		require.NoError(t, json.Indent(&indented, data, "", "  "))
		require.NoError(t, os.WriteFile(path, append(indented.Bytes(), '\n'), 0o644))
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// full returns a target with every field set; with both credentials, which only the codec allows.
func full() config.Target {
	return config.Target{
		ID: "pbs-3", Name: "Büro 1", Slug: "B_ro_1", Address: "https://[2001:db8::1]:8007",
		User: "monitor@pbs", Password: config.NewSecret("pässword \"1\""),
		TokenID: "monitor@pbs!pulse", TokenSecret: config.NewSecret("0a1b2c3d"),
		Fingerprint: pin, Verify: config.VerifySystem,
		Collect: config.Collect{Backups: true, Datastores: true, PruneJobs: true}, Interval: 90 * time.Second,
		Source: "/etc/pulse/targets.yaml", Added: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
	}
}

func TestTargetDocumentVersion1(t *testing.T) {
	t.Parallel()
	keys := goldenKeys(t)
	data := golden(t, "target-v1.json", func() ([]byte, error) { return config.EncodeTarget(full(), keys) })
	got, reseal, err := config.DecodeTarget(data, keys)
	require.NoError(t, err)
	require.False(t, reseal)
	require.Equal(t, full(), got)
}

func TestSettingsDocumentVersion1(t *testing.T) {
	t.Parallel()
	want := config.Settings{
		PollingInterval: 30 * time.Second, ConnectionTimeout: 1500 * time.Millisecond,
		AllowedOrigins: []string{"https://pulse.example.com"},
	}
	data := golden(t, "settings-v1.json", func() ([]byte, error) { return config.EncodeSettings(want) })
	got, err := config.DecodeSettings(data)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestKeyCheckDocumentVersion1(t *testing.T) {
	t.Parallel()
	keys := goldenKeys(t)
	data := golden(t, "keycheck-v1.json", func() ([]byte, error) { return config.EncodeKeyCheck(keys), nil })
	old, err := config.CheckKey(data, keys)
	require.NoError(t, err)
	require.False(t, old)
}

func TestTargetSurvivesTheCodec(t *testing.T) {
	t.Parallel()
	keys := config.NewKeyring(config.NewKey())
	least := config.Target{ID: "pve-0", Name: "a", Slug: "a", Address: "https://a:8006"}
	for _, want := range []config.Target{full(), valid(), withToken(), least} {
		data, err := config.EncodeTarget(want, keys)
		require.NoError(t, err)
		for _, secret := range []config.Secret{want.Password, want.TokenSecret} {
			if !secret.IsZero() {
				require.NotContains(t, string(data), secret.Reveal())
			}
		}
		require.NotContains(t, string(data), "***", "asterisks were stored instead of a secret")
		got, _, err := config.DecodeTarget(data, keys)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestEncodeTargetNeedsItsNumber(t *testing.T) {
	t.Parallel()
	for _, id := range []estate.TargetID{"", "pve", "pve-", "pmg-0", "pve-x", "pve-01", "pve--1"} {
		target := valid()
		target.ID = id
		_, err := config.EncodeTarget(target, goldenKeys(t))
		require.Error(t, err, id)
	}
}

func TestDecodeTargetTellsWhenAPreviousKeyOpened(t *testing.T) {
	t.Parallel()
	previous, current := config.NewKey(), config.NewKey()
	for _, target := range []config.Target{valid(), withToken()} {
		data, err := config.EncodeTarget(target, config.NewKeyring(previous))
		require.NoError(t, err)

		got, reseal, err := config.DecodeTarget(data, config.NewKeyring(current, previous))
		require.NoError(t, err)
		require.True(t, reseal)
		require.Equal(t, target, got)

		got, reseal, err = config.DecodeTarget(data, config.NewKeyring(current))
		require.ErrorIs(t, err, config.ErrWrongKey)
		require.ErrorContains(t, err, "pve-0")
		require.False(t, reseal)
		require.Zero(t, got)
	}
}

// edit decodes a document, lets change work on its fields, and encodes it again.
func edit(t *testing.T, data []byte, change func(map[string]any)) []byte {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal(data, &doc))
	change(doc)
	out, err := json.Marshal(doc)
	require.NoError(t, err)
	return out
}

func TestSealedSecretsCannotBeMoved(t *testing.T) {
	t.Parallel()
	keys := goldenKeys(t)
	data, err := config.EncodeTarget(full(), keys)
	require.NoError(t, err)
	for name, change := range map[string]func(map[string]any){
		"to another target": func(d map[string]any) { d["id"] = "pbs-4" },
		"to another field":  func(d map[string]any) { d["tokenSecret"] = d["password"] },
	} {
		_, _, err := config.DecodeTarget(edit(t, data, change), keys)
		require.ErrorIs(t, err, config.ErrDamaged, name)
	}
}

func TestDamagedDocumentsAreNamedAndNotQuoted(t *testing.T) {
	t.Parallel()
	keys := goldenKeys(t)
	target, err := config.EncodeTarget(full(), keys)
	require.NoError(t, err)
	settings, err := config.EncodeSettings(config.DefaultSettings())
	require.NoError(t, err)
	check := config.EncodeKeyCheck(keys)

	decoders := map[string]struct {
		data   []byte
		decode func([]byte) error
		broken map[string]func(map[string]any)
	}{
		"target": {
			target, func(b []byte) error { _, _, err := config.DecodeTarget(b, keys); return err },
			map[string]func(map[string]any){
				"no id":             func(d map[string]any) { delete(d, "id") },
				"odd id":            func(d map[string]any) { d["id"] = "quoted" },
				"no slug":           func(d map[string]any) { delete(d, "slug") },
				"no address":        func(d map[string]any) { delete(d, "address") },
				"name is a number":  func(d map[string]any) { d["name"] = 7 },
				"interval of words": func(d map[string]any) { d["interval"] = "quoted" },
				"interval of 1 ns":  func(d map[string]any) { d["interval"] = "1ns" },
				"clear password":    func(d map[string]any) { d["password"] = "quoted" },
			},
		},
		"settings": {
			settings, func(b []byte) error { _, err := config.DecodeSettings(b); return err },
			map[string]func(map[string]any){
				"interval too short": func(d map[string]any) { d["pollingInterval"] = "1s" },
				"no interval":        func(d map[string]any) { delete(d, "pollingInterval") },
				"odd interval":       func(d map[string]any) { d["pollingInterval"] = "quoted" },
				"odd origins":        func(d map[string]any) { d["allowedOrigins"] = "quoted" },
			},
		},
		"key check": {
			check, func(b []byte) error { _, err := config.CheckKey(b, keys); return err },
			map[string]func(map[string]any){
				"no seal": func(d map[string]any) { delete(d, "check") },
				"another seal": func(d map[string]any) {
					d["check"] = keys.Seal("key check", []byte("something else"))
				},
			},
		},
	}
	for name, tt := range decoders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inputs := map[string][]byte{
				"empty": nil, "cut": tt.data[:len(tt.data)/2], "null": []byte("null"), "list": []byte(`["quoted"]`),
				"quoted":     []byte("quoted"),
				"no version": edit(t, tt.data, func(d map[string]any) { delete(d, "version") }),
				"version 0":  edit(t, tt.data, func(d map[string]any) { d["version"] = 0 }),
			}
			for what, change := range tt.broken {
				inputs[what] = edit(t, tt.data, change)
			}
			for what, data := range inputs {
				err := tt.decode(data)
				require.ErrorIs(t, err, config.ErrDamaged, what)
				require.True(t, strings.HasPrefix(err.Error(), name), "%s: %v", what, err)
				require.NotContains(t, err.Error(), "quoted", what)
			}
			newer := edit(t, tt.data, func(d map[string]any) { d["version"], d["id"], d["check"] = 2, 1, 1 })
			require.ErrorIs(t, tt.decode(newer), config.ErrNewer)
			require.NoError(t, tt.decode(tt.data))
		})
	}
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	first, second := config.NewKey(), config.NewKey()
	data := config.EncodeKeyCheck(config.NewKeyring(first))

	old, err := config.CheckKey(data, config.NewKeyring(second, first))
	require.NoError(t, err)
	require.True(t, old)

	_, err = config.CheckKey(data, config.NewKeyring(second))
	require.ErrorIs(t, err, config.ErrWrongKey)
}

func TestEncodeSettingsRefusesWhatDecodeWould(t *testing.T) {
	t.Parallel()
	_, err := config.EncodeSettings(config.Settings{})
	var field *config.FieldError
	require.ErrorAs(t, err, &field)
}

func FuzzDecodeTarget(f *testing.F) {
	keys := goldenKeys(f)
	data, err := config.EncodeTarget(full(), keys)
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"version":1,"id":"pve-0","slug":"a","address":"x"}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		target, _, err := config.DecodeTarget(data, keys)
		if err != nil {
			require.Zero(t, target)
			return
		}
		again, err := config.EncodeTarget(target, keys)
		require.NoError(t, err)
		decoded, _, err := config.DecodeTarget(again, keys)
		require.NoError(t, err)
		require.Equal(t, target, decoded)
	})
}

func FuzzDecodeSettings(f *testing.F) {
	f.Add([]byte(`{"version":1,"pollingInterval":"10s","connectionTimeout":"10s","allowedOrigins":["*"]}`))
	f.Add([]byte(`{"version":1,"pollingInterval":"-1h"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := config.DecodeSettings(data)
		if err == nil {
			require.NoError(t, s.Validate())
		}
	})
}

func FuzzCheckKey(f *testing.F) {
	keys := goldenKeys(f)
	f.Add(config.EncodeKeyCheck(keys))
	f.Add([]byte(`{"version":1,"check":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := config.CheckKey(data, keys); err != nil {
			require.NotEmpty(t, err.Error())
		}
	})
}
