package sqlitestore

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
)

func TestCodecCompressesWhatGetsSmaller(t *testing.T) {
	t.Parallel()
	c, err := newCodec()
	require.NoError(t, err)
	defer c.close()
	text := bytes.Repeat([]byte(`{"name":"guest"}`), 1000)
	kind, data := c.encode(text)
	require.Equal(t, codecZstd, kind)
	require.Less(t, len(data), len(text)/10)
	kind, _ = c.encode(text[:compressFromBytes-1])
	require.Equal(t, codecPlain, kind)
	kind, again := c.encode(data[:min(len(data), 2000)])
	require.Equal(t, codecPlain, kind)
	require.NotNil(t, again)
	kind, none := c.encode(nil)
	require.Equal(t, codecPlain, kind)
	require.NotNil(t, none)
}

func TestCodecRefusesWhatItDidNotWrite(t *testing.T) {
	t.Parallel()
	c, err := newCodec()
	require.NoError(t, err)
	defer c.close()
	_, err = c.decode(codecZstd, []byte("no zstd"))
	require.ErrorIs(t, err, ErrDamaged)
	_, err = c.decode(7, []byte("x"))
	require.ErrorIs(t, err, ErrDamaged)
	bomb := c.enc.EncodeAll(make([]byte, store.MaxValueBytes+1), nil)
	_, err = c.decode(codecZstd, bomb)
	require.ErrorIs(t, err, ErrDamaged)
	largest := c.enc.EncodeAll(make([]byte, store.MaxValueBytes), nil)
	value, err := c.decode(codecZstd, largest)
	require.NoError(t, err)
	require.Len(t, value, store.MaxValueBytes)
}

func FuzzDecode(f *testing.F) {
	c, err := newCodec()
	require.NoError(f, err)
	f.Cleanup(c.close)
	for _, value := range [][]byte{nil, []byte("short"), bytes.Repeat([]byte("long "), 1000)} {
		kind, data := c.encode(value)
		f.Add(kind, data)
		f.Add(codecZstd, value)
	}
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		if value, err := c.decode(kind, data); err == nil {
			require.LessOrEqual(t, len(value), max(len(data), store.MaxValueBytes))
		}
		kept, packed := c.encode(data)
		value, err := c.decode(kept, packed)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, value))
	})
}
