package pulseclient

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzRefusal(f *testing.F) {
	for _, body := range []string{
		`{"error":"host: is required","details":[{"location":"body.host","message":"is required"}]}`,
		`{"error":"no","failure":{"stage":"dns"}}`, `{"ready":false,"reasons":["a"]}`, `{"error":7}`, "<html>", "null", "",
	} {
		f.Add(400, "12", []byte(body))
	}
	f.Add(503, "9999999999999999", []byte("{}"))
	f.Fuzz(func(t *testing.T, status int, retry string, body []byte) {
		e := refusal(&http.Response{
			StatusCode: status, Header: http.Header{"Retry-After": {retry}}, Body: io.NopCloser(bytes.NewReader(body)),
		})
		require.Equal(t, status, e.Status)
		require.GreaterOrEqual(t, int64(e.RetryAfter), int64(0))
		if http.StatusText(status) != "" {
			require.NotEmpty(t, e.Message)
		}
	})
}
