package config_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/config"
)

const clearText = "hunter2-clear-text"

// holder has the secret in every position that fmt treats in its own way.
type holder struct {
	Shown   config.Secret
	hidden  config.Secret
	Pointer *config.Secret
	List    []config.Secret
	Map     map[string]config.Secret
	Any     any
	inner   struct{ deep config.Secret }
}

func newHolder(s config.Secret) holder {
	h := holder{
		Shown: s, hidden: s, Pointer: &s, List: []config.Secret{s},
		Map: map[string]config.Secret{"k": s}, Any: s,
	}
	h.inner.deep = s
	return h
}

// texts returns every way to text of a value that a program may come upon.
func texts(t *testing.T, v any) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%08b", "%o", "%U", "%c", "%e", "% x"} {
		out[verb] = fmt.Sprintf(verb, v)
		out["error "+verb] = fmt.Errorf("wrapped: "+verb, v).Error()
	}
	out["print"] = fmt.Sprint(v)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		log := slog.New(handler(&b))
		log.With("with", v).WithGroup("group").Info("m", "v", v)
		out[name] = b.String()
	}
	data, err := json.Marshal(v)
	require.NoError(t, err)
	out["json"] = string(data)
	return out
}

// leaks lists what a text would contain if it showed the clear bytes in one of fmt's notations.
func leaks(clearBytes string) []string {
	return []string{
		clearBytes,
		fmt.Sprintf("%x", clearBytes), fmt.Sprintf("%X", clearBytes), fmt.Sprintf("% x", clearBytes),
		fmt.Sprintf("%d", []byte(clearBytes))[1:10],
		fmt.Sprintf("%#v", []byte(clearBytes)[:6])[7:30],
		fmt.Sprintf("%o", []byte(clearBytes))[1:12],
		fmt.Sprintf("%08b", []byte(clearBytes))[1:18],
	}
}

func TestSecretHasNoWayToTextButReveal(t *testing.T) {
	t.Parallel()
	s := config.NewSecret(clearText)
	target := config.Target{Name: "pve1", Password: s, TokenSecret: s}
	for name, v := range map[string]any{
		"secret": s, "pointer": &s, "struct": newHolder(s), "struct pointer": new(newHolder(s)),
		"list": []config.Secret{s}, "array": [1]config.Secret{s},
		"map": map[string]config.Secret{"k": s},
		"key": map[string]any{"k": newHolder(s)}, "target": target, "target pointer": &target,
		"declared": config.Declared{Target: target},
	} {
		for route, text := range texts(t, v) {
			for _, leak := range leaks(clearText) {
				require.NotContains(t, text, leak, "%s by %s", name, route)
			}
		}
	}
	require.Equal(t, clearText, s.Reveal())
}

func TestSecretFormatsAsAsterisks(t *testing.T) {
	t.Parallel()
	s := config.NewSecret(clearText)
	require.Equal(t, "***", s.String())
	require.Equal(t, "*** *** *** ***", fmt.Sprintf("%v %+v %#v %x", s, s, s, s))
	data, err := json.Marshal(map[config.Secret]config.Secret{s: s})
	require.NoError(t, err)
	require.JSONEq(t, `{"***":"***"}`, string(data))
	require.Equal(t, "***", s.LogValue().String())
}

func TestEmptySecretShowsThatThereIsNone(t *testing.T) {
	t.Parallel()
	for _, s := range []config.Secret{{}, config.NewSecret("")} {
		require.True(t, s.IsZero())
		require.Empty(t, s.Reveal())
		require.Empty(t, s.String())
		data, err := json.Marshal(s)
		require.NoError(t, err)
		require.Equal(t, `""`, string(data))
	}
	require.False(t, config.NewSecret("x").IsZero())
}

func TestSecretsAreEqualWhenTheirTextsAre(t *testing.T) {
	t.Parallel()
	first, again, other := config.NewSecret(clearText), config.NewSecret(strings.Clone(clearText)), config.NewSecret("b")
	require.True(t, first == again) //nolint:testifylint // compares: it is the operator that is tested
	require.Equal(t, first, again)
	require.NotEqual(t, first, other)
}

func TestSecretReadsClearTextFromJSON(t *testing.T) {
	t.Parallel()
	var s config.Secret
	require.NoError(t, json.Unmarshal([]byte(`"p\u00e4ss"`), &s))
	require.Equal(t, "päss", s.Reveal())
	require.NoError(t, json.Unmarshal([]byte(`null`), &s))
	require.True(t, s.IsZero())

	err := json.Unmarshal([]byte(`[12345678]`), &s)
	require.ErrorContains(t, err, "want a string")
	require.NotContains(t, err.Error(), "12345678")
}

func TestKeyHasNoWayToTextButEncode(t *testing.T) {
	t.Parallel()
	key := config.NewKey()
	raw := string(mustDecode(t, key.Encode()))
	type hidden struct {
		key  config.Key
		ring *config.Keyring
	}
	for name, v := range map[string]any{
		"key": key, "pointer": &key, "hidden": hidden{key, config.NewKeyring(key, key)},
		"ring": config.NewKeyring(key), "ring value": *config.NewKeyring(key, config.NewKey()),
	} {
		for route, text := range texts(t, v) {
			expanded := strconv.FormatUint(uint64(binary.NativeEndian.Uint32([]byte(raw))), 10) // as AES holds it
			for _, leak := range append(leaks(raw), key.Encode(), expanded) {
				require.NotContains(t, text, leak, "%s by %s", name, route)
			}
		}
	}
}

func TestValidationErrorsNeverRepeatSecrets(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*config.Target){
		func(x *config.Target) { x.Password = config.NewSecret(clearText + "\n") },
		func(x *config.Target) { x.TokenSecret = config.NewSecret(clearText) },
		func(x *config.Target) { x.User = clearText },
		func(x *config.Target) { x.Address = "https://root:" + clearText + "@pve1:8006" },
		func(x *config.Target) { x.Address = "https://pve1:" + clearText },
		func(x *config.Target) { x.Fingerprint = clearText },
		func(x *config.Target) { x.Verify = clearText },
		func(x *config.Target) { x.Interval = time.Nanosecond },
	} {
		target := valid()
		change(&target)
		err := target.Validate()
		var field *config.FieldError
		require.ErrorAs(t, err, &field)
		require.NotContains(t, err.Error(), clearText)
	}
}
