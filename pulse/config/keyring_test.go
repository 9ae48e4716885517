package config_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/proxpulse/proxpulse/pulse/config"
)

func TestParseKey(t *testing.T) {
	t.Parallel()
	raw := []byte("0123456789abcdef\xff\xfe\xfd\xfc89abcdef\x00\x01\x02\x03")
	want := base64.StdEncoding.EncodeToString(raw)
	for name, text := range map[string]string{
		"base64":                  want,
		"base64 without padding":  strings.TrimRight(want, "="),
		"URL base64":              base64.URLEncoding.EncodeToString(raw),
		"URL base64, no padding":  base64.RawURLEncoding.EncodeToString(raw),
		"hex":                     hex.EncodeToString(raw),
		"upper-case hex":          strings.ToUpper(hex.EncodeToString(raw)),
		"white space round a key": " \t" + want + "\r\n",
	} {
		key, err := config.ParseKey(text)
		require.NoError(t, err, name)
		require.Equal(t, want, key.Encode(), name)
		require.False(t, key.IsZero(), name)
	}
	for name, text := range map[string]string{
		"nothing":           "",
		"password":          "correct horse battery staple 123",
		"31 bytes":          base64.StdEncoding.EncodeToString(raw[:31]),
		"33 bytes":          base64.StdEncoding.EncodeToString(append(raw[:32:32], 1)),
		"31 bytes of hex":   hex.EncodeToString(raw[:31]),
		"odd hex":           hex.EncodeToString(raw)[:63],
		"two keys":          want + "\n" + want,
		"48 bytes as text":  strings.Repeat("z", 64),
		"hex with a prefix": "0x" + hex.EncodeToString(raw),
	} {
		key, err := config.ParseKey(text)
		require.Error(t, err, name)
		require.True(t, key.IsZero(), name)
		if text != "" {
			require.NotContains(t, err.Error(), text, name)
		}
	}
}

func TestZeroKeyIsNoKey(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { config.NewKeyring(config.Key{}) })
	first, second := config.NewKey(), config.NewKey()
	require.NotEqual(t, first.Encode(), second.Encode())
}

func FuzzParseKey(f *testing.F) {
	f.Add(strings.Repeat("A", 43) + "=")
	f.Add(strings.Repeat("0", 64))
	f.Add("-_+/")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := config.ParseKey(text)
		if err != nil {
			return
		}
		again, err := config.ParseKey(key.Encode())
		require.NoError(t, err)
		require.Equal(t, key, again)
	})
}

func TestKeyringOpensWhatItSealed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ring := config.NewKeyring(config.NewKey())
		place := rapid.String().Draw(t, "place")
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		sealed := ring.Seal(place, text)
		got, old, err := ring.Open(place, sealed)
		require.NoError(t, err)
		require.False(t, old)
		require.Equal(t, string(text), string(got))
		require.NotEqual(t, sealed, ring.Seal(place, text), "sealed alike, two would show that they are the same")
	})
}

func TestSealedSecretOpensInItsPlaceOnly(t *testing.T) {
	t.Parallel()
	ring := config.NewKeyring(config.NewKey())
	sealed := ring.Seal("target/pve-0/password", []byte("x"))
	for _, place := range []string{"target/pve-1/password", "target/pve-0/tokenSecret", "", "target/pve-0/password "} {
		text, _, err := ring.Open(place, sealed)
		require.ErrorIs(t, err, config.ErrDamaged, place)
		require.Nil(t, text)
	}
}

func TestSealedSecretDoesNotOpenWhenChanged(t *testing.T) {
	t.Parallel()
	ring := config.NewKeyring(config.NewKey())
	raw := mustDecode(t, ring.Seal("p", []byte("secret")))
	for i := range raw {
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1
		_, _, err := ring.Open("p", base64.StdEncoding.EncodeToString(changed))
		want := config.ErrDamaged
		if i >= 1 && i <= 4 {
			want = config.ErrWrongKey // those say which key it is
		}
		require.ErrorIs(t, err, want, "byte %d", i)
	}
	for n := range raw {
		_, _, err := ring.Open("p", base64.StdEncoding.EncodeToString(raw[:n]))
		require.ErrorIs(t, err, config.ErrDamaged, "%d bytes", n)
	}
	_, _, err := ring.Open("p", "not base64!")
	require.ErrorIs(t, err, config.ErrDamaged)
}

func TestKeyringRotation(t *testing.T) {
	t.Parallel()
	first, second, third := config.NewKey(), config.NewKey(), config.NewKey()
	sealed := config.NewKeyring(first).Seal("p", []byte("secret"))

	text, old, err := config.NewKeyring(second, third, first).Open("p", sealed)
	require.NoError(t, err)
	require.True(t, old)
	require.Equal(t, "secret", string(text))

	_, old, err = config.NewKeyring(first, second).Open("p", sealed)
	require.NoError(t, err)
	require.False(t, old)

	_, _, err = config.NewKeyring(second, third).Open("p", sealed)
	require.ErrorIs(t, err, config.ErrWrongKey)
	require.ErrorContains(t, err, "p:")
}

func FuzzKeyringOpen(f *testing.F) {
	key, err := config.ParseKey(strings.Repeat("A", 43))
	require.NoError(f, err)
	ring := config.NewKeyring(key)
	f.Add(ring.Seal("p", []byte("secret")))
	f.Add("")
	f.Add("AQAAAAA=")
	f.Fuzz(func(t *testing.T, sealed string) {
		if text, _, err := ring.Open("p", sealed); err == nil {
			require.Equal(t, "secret", string(text), "opened what was never sealed")
		}
	})
}
