package config_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
)

const pin = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"

// valid returns a target that passes, with a password.
func valid() config.Target {
	return config.Target{
		ID: "pve-0", Name: "pve1", Slug: "pve1", Address: "https://pve1.example.com:8006",
		User: "monitor@pve", Password: config.NewSecret("secret"),
		Collect: config.CollectAll(estate.PVE),
	}
}

// withToken returns a target that passes, with a token.
func withToken() config.Target {
	t := valid()
	t.User, t.Password = "", config.Secret{}
	t.TokenID, t.TokenSecret = "monitor@pve!pulse", config.NewSecret("0a1b2c3d-0000-4000-8000-000000000000")
	return t
}

func mustDecode(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	return raw
}

func TestTargetValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		base   func() config.Target
		change func(*config.Target)
		field  string // empty: valid
	}{
		{"password", valid, func(*config.Target) {}, ""},
		{"token", withToken, func(*config.Target) {}, ""},
		{"kind alone as id", valid, func(x *config.Target) { x.ID = "pbs" }, ""},
		{"no id", valid, func(x *config.Target) { x.ID = "" }, "type"},
		{"unknown kind", valid, func(x *config.Target) { x.ID = "pmg-0" }, "type"},

		{"name with spaces and umlauts", valid, func(x *config.Target) { x.Name = "My PVE Nöde" }, ""},
		{"longest name in characters", valid, func(x *config.Target) { x.Name = strings.Repeat("ö", 100) }, ""},
		{"name too long", valid, func(x *config.Target) { x.Name = strings.Repeat("n", 101) }, "name"},
		{"no name", valid, func(x *config.Target) { x.Name = "" }, "name"},
		{"line break in name", valid, func(x *config.Target) { x.Name = "a\nb" }, "name"},
		{"order override in name", valid, func(x *config.Target) { x.Name = "a\u202eb" }, "name"},
		{"isolate in name", valid, func(x *config.Target) { x.Name = "a\u2066b" }, "name"},
		{"line separator in name", valid, func(x *config.Target) { x.Name = "a\u2028b" }, "name"},
		{"name written from the right", valid, func(x *config.Target) { x.Name = "שרת\u200f 1" }, ""},
		{"C1 control in name", valid, func(x *config.Target) { x.Name = "a\u0085b" }, "name"},
		{"name is not UTF-8", valid, func(x *config.Target) { x.Name = "a\xff" }, "name"},
		{"space around name", valid, func(x *config.Target) { x.Name = " a" }, "name"},

		{"no address", valid, func(x *config.Target) { x.Address = "" }, "host"},
		{"address without port", valid, func(x *config.Target) { x.Address = "https://pve1" }, "host"},
		{"http address", valid, func(x *config.Target) { x.Address = "http://pve1:8006" }, "host"},
		{"upper-case address", valid, func(x *config.Target) { x.Address = "https://PVE1:8006" }, "host"},

		{"no credential", valid, func(x *config.Target) { x.User, x.Password = "", config.Secret{} }, "user"},
		{"user without realm", valid, func(x *config.Target) { x.User = "root" }, "user"},
		{"user with empty realm", valid, func(x *config.Target) { x.User = "root@" }, "user"},
		{"user without name", valid, func(x *config.Target) { x.User = "@pam" }, "user"},
		{"token id as user", valid, func(x *config.Target) { x.User = "root@pam!tok" }, "user"},
		{"user with colon", valid, func(x *config.Target) { x.User = "ro:ot@pam" }, "user"},
		{"user with space", valid, func(x *config.Target) { x.User = "ro ot@pam" }, "user"},
		{"user from a directory", valid, func(x *config.Target) { x.User = "jane@corp.example@ad-1" }, ""},
		{"user too long", valid, func(x *config.Target) { x.User = strings.Repeat("u", 97) + "@pam" }, "user"},
		{"password without user", valid, func(x *config.Target) { x.User = "" }, "user"},
		{"user without password", valid, func(x *config.Target) { x.Password = config.Secret{} }, "password"},
		{"password with line break", valid, func(x *config.Target) { x.Password = config.NewSecret("a\n") }, "password"},
		{"password too long", valid, func(x *config.Target) {
			x.Password = config.NewSecret(strings.Repeat("p", 1025))
		}, "password"},
		{"both credentials", withToken, func(x *config.Target) {
			x.User, x.Password = "root@pam", config.NewSecret("x")
		}, "tokenName"},
		{"user beside token", withToken, func(x *config.Target) { x.User = "root@pam" }, "tokenName"},

		{"short token name", withToken, func(x *config.Target) { x.TokenID = "pulse" }, "tokenName"},
		{"token without realm", withToken, func(x *config.Target) { x.TokenID = "root!pulse" }, "tokenName"},
		{"token name empty", withToken, func(x *config.Target) { x.TokenID = "root@pam!" }, "tokenName"},
		{"token name with all characters", withToken, func(x *config.Target) { x.TokenID = "root@pam!p.u-l_s3" }, ""},
		{"token name with space", withToken, func(x *config.Target) { x.TokenID = "root@pam!a b" }, "tokenName"},
		{"token name begins with digit", withToken, func(x *config.Target) { x.TokenID = "root@pam!1a" }, "tokenName"},
		{"token name of PBS begins with digit", withToken, func(x *config.Target) {
			x.ID, x.TokenID, x.Address = "pbs-0", "root@pam!1a", "https://pbs:8007"
		}, ""},
		{"token name begins with dash", withToken, func(x *config.Target) { x.TokenID = "root@pam!-a" }, "tokenName"},
		{"token without value", withToken, func(x *config.Target) { x.TokenSecret = config.Secret{} }, "tokenValue"},
		{"value without token", withToken, func(x *config.Target) { x.TokenID = "" }, "tokenName"},
		{"line break in token value", withToken, func(x *config.Target) {
			x.TokenSecret = config.NewSecret("a\r\nX-Header: b")
		}, "tokenValue"},
		{"semicolon in token value", withToken, func(x *config.Target) { x.TokenSecret = config.NewSecret("a;b") }, "tokenValue"},
		{"token value too long", withToken, func(x *config.Target) {
			x.TokenSecret = config.NewSecret(strings.Repeat("v", 1025))
		}, "tokenValue"},

		{"fingerprint", valid, func(x *config.Target) { x.Fingerprint = pin }, ""},
		{"fingerprint in lower case", valid, func(x *config.Target) { x.Fingerprint = strings.ToLower(pin) }, "fingerprint"},
		{"SHA-1 fingerprint", valid, func(x *config.Target) { x.Fingerprint = pin[:59] }, "fingerprint"},
		{"verify with the system", valid, func(x *config.Target) { x.Verify = config.VerifySystem }, ""},
		{"verify off", valid, func(x *config.Target) { x.Verify = config.VerifyOff }, ""},
		{"unknown verify mode", valid, func(x *config.Target) { x.Verify = "maybe" }, "verifySSL"},

		{"shortest interval", valid, func(x *config.Target) { x.Interval = 2 * time.Second }, ""},
		{"longest interval", valid, func(x *config.Target) { x.Interval = time.Hour }, ""},
		{"interval too short", valid, func(x *config.Target) { x.Interval = 2*time.Second - 1 }, "interval"},
		{"interval too long", valid, func(x *config.Target) { x.Interval = time.Hour + 1 }, "interval"},
		{"negative interval", valid, func(x *config.Target) { x.Interval = -time.Minute }, "interval"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target := tt.base()
			tt.change(&target)
			err := target.Validate()
			if tt.field == "" {
				require.NoError(t, err)
				return
			}
			var field *config.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, tt.field, field.Field)
			require.NotEmpty(t, field.Reason)
		})
	}
}

func TestVerifyModeOf(t *testing.T) {
	t.Parallel()
	require.Equal(t, config.VerifyAuto, config.VerifyModeOf(nil))
	require.Equal(t, config.VerifySystem, config.VerifyModeOf(new(true)))
	require.Equal(t, config.VerifyOff, config.VerifyModeOf(new(false)))
}
