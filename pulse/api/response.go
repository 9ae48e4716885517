package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// maxHeld is how much of an answer is held back before it is sent as it comes.
const maxHeld = 1 << 20

// minCompressed is the size from which compressing is worth its headers.
const minCompressed = 1024

// response holds an answer back until its handler has returned, so that a panic or an error in between still becomes an
// error that a client can read, and so that small documents get an entity tag and compression like the large ones. An
// answer that has its entity tag already goes straight through.
type response struct {
	http.ResponseWriter
	request *http.Request
	gzip    *sync.Pool // of *gzip.Writer
	status  int
	held    bytes.Buffer
	through bool // headers are sent, or the connection is somebody else's
}

// WriteHeader keeps the first final status.
func (w *response) WriteHeader(status int) {
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status != 0 {
		return
	}
	w.status = status
	if w.Header().Get("ETag") != "" {
		w.through = true
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write holds back what is small.
func (w *response) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.through && w.held.Len()+len(data) > maxHeld {
		if err := w.release(); err != nil {
			return 0, err
		}
	}
	if w.through {
		return w.ResponseWriter.Write(data)
	}
	return w.held.Write(data)
}

// Flush sends what is held back and everything after it as it comes.
func (w *response) Flush() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.through && w.release() != nil {
		return
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a writer that cannot flush need not
}

// Hijack hands over the connection.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.through = true
		w.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap lets [http.ResponseController] reach the connection's deadlines.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) release() error {
	w.through = true
	w.ResponseWriter.WriteHeader(w.status)
	_, err := w.ResponseWriter.Write(w.held.Bytes())
	w.held = bytes.Buffer{}
	return err
}

// discard forgets what is held back, and tells whether nothing was sent yet.
func (w *response) discard() bool {
	if w.through {
		return false
	}
	w.status = 0
	w.held.Reset()
	return true
}

// finish sends what is held back.
func (w *response) finish() {
	if w.through {
		return
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	body := w.held.Bytes()
	header := w.Header()
	coding := ""
	if header.Get("Content-Encoding") == "" && compressible(header.Get("Content-Type")) {
		header.Add("Vary", "Accept-Encoding")
		if len(body) >= minCompressed {
			coding = chooseCoding(w.request.Header.Get("Accept-Encoding"), codingGzip)
		}
	}
	if w.status == http.StatusOK && len(body) > 0 && isRead(w.request.Method) {
		sum := sha256.Sum256(body)
		etag := codingETag(`"`+hex.EncodeToString(sum[:12])+`"`, coding)
		header.Set("ETag", etag)
		if matchesETag(w.request.Header.Get("If-None-Match"), etag) {
			header.Del("Content-Type")
			w.ResponseWriter.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if coding != "" {
		header.Set("Content-Encoding", coding)
		body = w.compress(body)
	}
	if w.status != http.StatusNoContent && w.status != http.StatusNotModified {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.ResponseWriter.WriteHeader(w.status)
	_, _ = w.ResponseWriter.Write(body) // a client that went away needs no answer
}

func (w *response) compress(body []byte) []byte {
	var out bytes.Buffer
	z, _ := w.gzip.Get().(*gzip.Writer)
	z.Reset(&out)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	w.gzip.Put(z)
	return out.Bytes()
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func compressible(contentType string) bool {
	return strings.HasPrefix(contentType, "application/") || strings.HasPrefix(contentType, "text/")
}

// writeError sends an error outside of huma.
func writeError(w http.ResponseWriter, e *Error) {
	header := w.Header()
	maps.Copy(header, e.GetHeaders())
	header.Set("Content-Type", "application/json")
	body, _ := json.Marshal(e) // two strings and a list of them
	w.WriteHeader(e.status)
	_, _ = w.Write(append(body, '\n'))
}
