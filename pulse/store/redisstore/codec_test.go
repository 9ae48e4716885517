package redisstore

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func newTestCodec(tb testing.TB) codec {
	tb.Helper()
	c, err := newCodec()
	require.NoError(tb, err)
	tb.Cleanup(c.close)
	return c
}

func TestCodecCompressesWhatGetsSmaller(t *testing.T) {
	t.Parallel()
	c := newTestCodec(t)
	words := bytes.Repeat([]byte(`{"name":"guest"}`), 1000)
	packed := c.encode(words)
	require.Equal(t, byte(codecZstd), packed[0])
	require.Less(t, len(packed), len(words)/10)
	require.Equal(t, append([]byte{codecPlain}, words[:compressFromBytes-1]...), c.encode(words[:compressFromBytes-1]))
	require.Equal(t, byte(codecZstd), c.encode(words[:compressFromBytes])[0])
	noise := c.enc.EncodeAll([]byte("once"), nil)
	for len(noise) < compressFromBytes {
		noise = c.enc.EncodeAll(noise, noise)
	}
	value, err := c.decode(string(c.encode(noise)))
	require.NoError(t, err)
	require.Equal(t, noise, value)
	require.Equal(t, []byte{codecPlain}, c.encode(nil))
}

func TestCodecRefusesWhatItDidNotWrite(t *testing.T) {
	t.Parallel()
	c := newTestCodec(t)
	for _, kept := range []string{"", "\x07x", "\x01no zstd"} {
		_, err := c.decode(kept)
		require.ErrorIs(t, err, errDamaged)
	}
	bomb := c.enc.EncodeAll(make([]byte, store.MaxValueBytes+1), []byte{codecZstd})
	_, err := c.decode(string(bomb))
	require.ErrorIs(t, err, errDamaged)
	value, err := c.decode(string(c.encode(make([]byte, store.MaxValueBytes))))
	require.NoError(t, err)
	require.Len(t, value, store.MaxValueBytes)
}

func FuzzDecode(f *testing.F) {
	c := newTestCodec(f)
	for _, value := range [][]byte{nil, []byte("short"), bytes.Repeat([]byte("long "), 1000)} {
		f.Add(c.encode(value))
		f.Add(append([]byte{codecZstd}, value...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if value, err := c.decode(string(data)); err == nil {
			require.NotNil(t, value)
			require.LessOrEqual(t, len(value), max(len(data), store.MaxValueBytes))
		}
		value, err := c.decode(string(c.encode(data)))
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, value))
	})
}
