package pulse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/config"
	"github.com/proxpulse/proxpulse/pulse/estate"
)

func secretOf(text string) *config.Secret { return new(config.NewSecret(text)) }

// stored returns a target in its kept form with a token, or with a user and password.
func stored(kind estate.TargetKind, byToken bool) config.Target {
	t := config.Target{
		ID: estate.NewTargetID(kind, 3), Name: "lab", Slug: "lab", Address: "192.0.2.1", Collect: config.CollectAll(kind),
	}
	if byToken {
		t.TokenID, t.TokenSecret = "monitor@pve!pulse", config.NewSecret("old-secret")
	} else {
		t.User, t.Password = "monitor@pve", config.NewSecret("old-password")
	}
	t.Normalize()
	return t
}

// credential is what a target logs in with, in clear text.
type credential struct{ user, password, tokenID, tokenSecret string }

func credentialOf(t config.Target) credential {
	return credential{t.User, t.Password.Reveal(), t.TokenID, t.TokenSecret.Reveal()}
}

func TestPatchOfCredentials(t *testing.T) {
	t.Parallel()
	token := credential{tokenID: "monitor@pve!pulse", tokenSecret: "old-secret"}
	password := credential{user: "monitor@pve", password: "old-password"}
	tests := []struct {
		name    string
		byToken bool
		patch   TargetPatch
		want    credential
		field   string // of the error
	}{
		{"nothing leaves a token", true, TargetPatch{}, token, ""},
		{"nothing leaves a password", false, TargetPatch{}, password, ""},
		{
			"empty fields count as not given to a token", true,
			TargetPatch{User: new(""), Password: secretOf(""), TokenID: new(""), TokenSecret: secretOf("")},
			token, "",
		},
		{
			"empty fields count as not given to a password", false,
			TargetPatch{User: new(""), Password: secretOf(""), TokenID: new(""), TokenSecret: secretOf("")},
			password, "",
		},
		{
			"a form sent back with the token's name and an empty value", true,
			TargetPatch{TokenID: new("monitor@pve!pulse"), TokenSecret: secretOf("")},
			token, "",
		},
		{
			"a form sent back with the user and an empty password", false,
			TargetPatch{User: new("monitor@pve"), Password: secretOf("")},
			password, "",
		},
		{
			"a new value for the token", true,
			TargetPatch{TokenSecret: secretOf("new")},
			credential{tokenID: "monitor@pve!pulse", tokenSecret: "new"},
			"",
		},
		{
			"another token whole", true,
			TargetPatch{TokenID: new("root@pam!other"), TokenSecret: secretOf("new")},
			credential{tokenID: "root@pam!other", tokenSecret: "new"},
			"",
		},
		{
			"another token by its short name keeps the user", true,
			TargetPatch{TokenID: new("other"), TokenSecret: secretOf("new")},
			credential{tokenID: "monitor@pve!other", tokenSecret: "new"},
			"",
		},
		{
			"another token by its short name beside another user", true,
			TargetPatch{User: new("root@pam"), TokenID: new("other"), TokenSecret: secretOf("new")},
			credential{tokenID: "root@pam!other", tokenSecret: "new"},
			"",
		},
		{
			"a user beside a whole token id is dropped", true,
			TargetPatch{User: new("root@pam"), TokenID: new("a@pve!b"), TokenSecret: secretOf("new")},
			credential{tokenID: "a@pve!b", tokenSecret: "new"},
			"",
		},
		{"a user alone does not touch a token", true, TargetPatch{User: new("root@pam")}, token, ""},
		{
			"a password takes the place of a token", true,
			TargetPatch{User: new("root@pam"), Password: secretOf("new")},
			credential{user: "root@pam", password: "new"},
			"",
		},
		{
			"a password takes the place of a token whose name is sent back", true,
			TargetPatch{User: new("root@pam"), Password: secretOf("new"), TokenID: new("monitor@pve!pulse"), TokenSecret: secretOf("")},
			credential{user: "root@pam", password: "new"},
			"",
		},
		{"a password alone has no user on a token", true, TargetPatch{Password: secretOf("new")}, credential{}, "user"},
		{
			"a new password", false,
			TargetPatch{Password: secretOf("new")},
			credential{user: "monitor@pve", password: "new"},
			"",
		},
		{
			"another user keeps the password", false,
			TargetPatch{User: new("root@pam")},
			credential{user: "root@pam", password: "old-password"},
			"",
		},
		{
			"a token takes the place of a password", false,
			TargetPatch{TokenID: new("a@pve!b"), TokenSecret: secretOf("new")},
			credential{tokenID: "a@pve!b", tokenSecret: "new"},
			"",
		},
		{
			"a token's short name joins the user it replaces", false,
			TargetPatch{TokenID: new("b"), TokenSecret: secretOf("new")},
			credential{tokenID: "monitor@pve!b", tokenSecret: "new"},
			"",
		},
		{"a token without its value", false, TargetPatch{TokenID: new("a@pve!b")}, credential{}, "tokenValue"},
		{"a token's value without its name", false, TargetPatch{TokenSecret: secretOf("new")}, credential{}, "tokenName"},
		{
			"of a token and a password the token counts", false,
			TargetPatch{User: new("root@pam"), Password: secretOf("p"), TokenID: new("a@pve!b"), TokenSecret: secretOf("new")},
			credential{tokenID: "a@pve!b", tokenSecret: "new"},
			"",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.patch.apply(stored(estate.PVE, tt.byToken))
			if tt.field != "" {
				var field *config.FieldError
				require.ErrorAs(t, err, &field)
				require.Equal(t, tt.field, field.Field)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, credentialOf(got))
		})
	}
}

func TestDraftTakesTheDefaults(t *testing.T) {
	t.Parallel()
	got, err := draftTarget(estate.PBS, TargetPatch{
		Address: new("backup.example"), User: new("monitor"), Password: secretOf("p"),
		Collect: CollectPatch{VerifyJobs: new(false)},
	})
	require.NoError(t, err)
	collect := config.CollectAll(estate.PBS)
	collect.VerifyJobs = false
	require.Equal(t, config.Target{
		ID: "pbs", Name: "backup.example", Address: "https://backup.example:8007",
		User: "monitor@pbs", Password: config.NewSecret("p"), Collect: collect,
	}, got)

	for name, p := range map[string]TargetPatch{
		"host": {TokenID: new("a@pve!b"), TokenSecret: secretOf("x")},
		"user": {Address: new("192.0.2.1")},
	} {
		_, err := draftTarget(estate.PVE, p)
		var field *config.FieldError
		require.ErrorAs(t, err, &field)
		require.Equal(t, name, field.Field)
	}
}

// patches draws patches that do not touch the credential.
func patches() *rapid.Generator[TargetPatch] {
	return rapid.Custom(func(t *rapid.T) TargetPatch {
		bools := rapid.Ptr(rapid.Bool(), true)
		return TargetPatch{
			Name:     rapid.Ptr(rapid.StringMatching(`[a-z][a-z0-9]{0,9}`), true).Draw(t, "name"),
			Address:  rapid.Ptr(rapid.StringMatching(`[a-z]{1,9}\.example(:8006)?`), true).Draw(t, "address"),
			Verify:   rapid.Ptr(rapid.SampledFrom([]config.VerifyMode{config.VerifyAuto, config.VerifySystem, config.VerifyOff}), true).Draw(t, "verify"),
			Interval: rapid.Ptr(rapid.SampledFrom([]time.Duration{0, time.Minute}), true).Draw(t, "interval"),
			Collect:  CollectPatch{VMs: bools.Draw(t, "vms"), Storage: bools.Draw(t, "storage"), Datastores: bools.Draw(t, "ds")},
		}
	})
}

func targets() *rapid.Generator[config.Target] {
	return rapid.Custom(func(t *rapid.T) config.Target {
		kind := rapid.SampledFrom([]estate.TargetKind{estate.PVE, estate.PBS}).Draw(t, "kind")
		target, err := patches().Draw(t, "as").apply(stored(kind, rapid.Bool().Draw(t, "byToken")))
		require.NoError(t, err)
		return target
	})
}

func TestEmptyPatchChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		target := targets().Draw(t, "target")
		got, err := TargetPatch{}.apply(target)
		require.NoError(t, err)
		require.Equal(t, target, got)
	})
}

func TestPatchTwiceIsPatchOnceAndKeepsSecrets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		target, patch := targets().Draw(t, "target"), patches().Draw(t, "patch")
		once, err := patch.apply(target)
		require.NoError(t, err)
		require.Equal(t, credentialOf(target), credentialOf(once))
		require.Equal(t, target.ID, once.ID)
		require.Equal(t, target.Slug, once.Slug)
		twice, err := patch.apply(once)
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}
