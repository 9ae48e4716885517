package proxmox

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func packed(tb testing.TB, text string) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := io.WriteString(w, text)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return out.Bytes()
}

// unpackOnce unpacks a body the way replies are.
func unpackOnce(r *recycler, body []byte) (string, error) {
	z := r.takeGunzip()
	defer r.giveGunzip(z)
	if err := z.open(bytes.NewReader(body)); err != nil {
		return "", err
	}
	text, err := io.ReadAll(&z.Reader)
	return string(text), err
}

func TestGunzipIsAsNewAfterEveryBody(t *testing.T) {
	t.Parallel()
	var r recycler
	good := packed(t, strings.Repeat("first ", 1000))
	spoilt := bytes.Clone(good)
	spoilt[len(spoilt)-6] ^= 1
	for name, body := range map[string][]byte{
		"not packed": []byte("{}"), "cut off": good[:len(good)/2], "spoilt": spoilt, "empty": nil, "other": packed(t, "other"),
	} {
		_, err := unpackOnce(&r, body)
		require.Equal(t, name == "other", err == nil, name)
		text, err := unpackOnce(&r, good)
		require.NoError(t, err, "after a body that is %s", name)
		require.Equal(t, strings.Repeat("first ", 1000), text)
	}
}

func TestGunzipIsUsedByOneAtATime(t *testing.T) {
	t.Parallel()
	var r recycler
	var wg sync.WaitGroup
	for i := range 4 {
		text := strings.Repeat(string(rune('a'+i)), 10_000)
		body := packed(t, text)
		wg.Go(func() {
			for range 200 {
				got, err := unpackOnce(&r, body)
				if err != nil || got != text {
					t.Error("bodies were mixed up", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkUnpackSmallReply(b *testing.B) {
	var r recycler
	body := packed(b, strings.Repeat("a task like another", 100))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := unpackOnce(&r, body); err != nil {
			b.Fatal(err)
		}
	}
}
