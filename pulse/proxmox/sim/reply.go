package sim

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	contentJSON = "application/json;charset=UTF-8"
	// compressAbove is the smallest body that is worth compressing.
	compressAbove = 1024
)

// object is a JSON object of an answer.
type object = map[string]any

// fraction is a number that prints as in Perl: 15 digits, two of an exponent.
type fraction float64

// MarshalJSON implements json.Marshaler.
func (f fraction) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(f), 'g', 15, 64), nil
}

// reply is an answer before it is written.
type reply struct {
	status    int
	reason    string
	doc       *document // nil for an empty body
	protected bool      // passed through pvedaemon or another member
}

// document is a body that is compressed at most once, when first asked for.
type document struct {
	body     []byte
	gzipped  func() []byte
	deflated func() []byte
}

func newDocument(body []byte) *document {
	return &document{
		body: body,
		gzipped: sync.OnceValue(func() []byte {
			var out bytes.Buffer
			// BestSpeed is a valid level, so no error is possible.
			w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
			_, _ = w.Write(body)
			_ = w.Close()
			return out.Bytes()
		}),
		deflated: sync.OnceValue(func() []byte {
			var out bytes.Buffer
			w, _ := zlib.NewWriterLevel(&out, zlib.BestSpeed)
			_, _ = w.Write(body)
			_ = w.Close()
			return out.Bytes()
		}),
	}
}

// ok answers with data.
func ok(data any) *reply { return okWith(object{"data": data}) }

// okWith answers with a whole body, such as one with a total beside data.
func okWith(body object) *reply {
	return okDocument(newDocument(encode(body)))
}

// okDocument answers with an encoded body.
func okDocument(doc *document) *reply {
	return &reply{status: http.StatusOK, reason: "OK", doc: doc}
}

// encode never fails for the values that this package makes.
func encode(v any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("encode simulated reply: %v", err))
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

// failure answers with an error as PVE tells it: in the reason phrase and again
// in the body.
func failure(status int, message string) *reply {
	return &reply{
		status: status, reason: message,
		doc: newDocument(encode(object{"data": nil, "message": message + "\n"})),
	}
}

// serverError answers 500, PVE's code for most that goes wrong.
func serverError(message string) *reply {
	return failure(http.StatusInternalServerError, message)
}

// invalid answers 400 with what is wrong with each parameter.
func invalid(errors map[string]string) *reply {
	const message = "Parameter verification failed."
	return &reply{
		status: http.StatusBadRequest, reason: message,
		doc: newDocument(encode(object{"data": nil, "message": message + "\n", "errors": errors})),
	}
}

// proxyFailure is how a member answers for another one that it cannot reach:
// with an empty body.
func proxyFailure(code int, reason string) *reply {
	return &reply{status: code, reason: reason}
}

// unimplemented is how PVE answers unknown paths and methods; here alone the
// message has no line end.
func unimplemented(method, path string) *reply {
	message := "Method '" + method + " " + path + "' not implemented"
	return &reply{
		status: http.StatusNotImplemented, reason: message,
		doc: newDocument(encode(object{"data": nil, "message": message})),
	}
}

// forbidden names the privilege that is missing.
func forbidden(path, privileges string) *reply {
	return failure(http.StatusForbidden, fmt.Sprintf("Permission check failed (%s, %s)", path, privileges))
}

// writePVE writes a reply as pveproxy does, byte by byte but for the order of
// headers. last tells that the connection closes.
func writePVE(w *bufio.Writer, req *request, out *reply, now time.Time, last bool) error {
	stamp := now.UTC().Format(http.TimeFormat)
	reason, _, _ := strings.Cut(out.reason, "\n")
	fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nCache-Control: max-age=0\r\n", out.status, reason)
	if out.protected && !last {
		// The daemon behind the proxy closes its own connection and says so;
		// the proxy passes that on and adds its own wish.
		w.WriteString("Connection: close\r\n")
	}
	if last {
		w.WriteString("Connection: close\r\n")
	} else {
		w.WriteString("Connection: Keep-Alive\r\n")
	}
	fmt.Fprintf(w, "Date: %s\r\nPragma: no-cache\r\nServer: pve-api-daemon/3.0\r\n", stamp)
	if out.doc == nil {
		_, err := fmt.Fprintf(w, "Expires: %s\r\n%s\r\n", stamp, emptyLength(last))
		return err
	}
	body := out.doc.body
	if len(body) > compressAbove && accepts(req, "gzip") {
		body = out.doc.gzipped()
		w.WriteString("Content-Encoding: gzip\r\n")
	}
	fmt.Fprintf(w, "Content-Length: %d\r\nContent-Type: %s\r\nExpires: %s\r\n\r\n", len(body), contentJSON, stamp)
	_, err := w.Write(body)
	return err
}

// emptyLength keeps a connection usable after an empty body; pveproxy sends no
// length there and closes, as every reply from 400 up does.
func emptyLength(last bool) string {
	if last {
		return ""
	}
	return "Content-Length: 0\r\n"
}

// writePBS writes a reply as proxmox-backup-proxy does: lower-case headers, the
// standard reason phrases, deflate as the only compression.
func writePBS(w *bufio.Writer, req *request, out *reply, now time.Time, last bool) error {
	fmt.Fprintf(w, "HTTP/1.1 %d %s\r\n", out.status, http.StatusText(out.status))
	var body []byte
	if out.doc != nil {
		body = out.doc.body
		fmt.Fprintf(w, "content-type: %s\r\n", contentJSON)
		if len(body) > compressAbove && accepts(req, "deflate") {
			body = out.doc.deflated()
			w.WriteString("content-encoding: deflate\r\n")
		}
	}
	if last {
		w.WriteString("connection: close\r\n")
	}
	fmt.Fprintf(w, "content-length: %s\r\ndate: %s\r\n\r\n", strconv.Itoa(len(body)), now.UTC().Format(http.TimeFormat))
	if req.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write(body)
	return err
}

// accepts tells whether the client takes a compression.
func accepts(req *request, coding string) bool {
	for _, value := range req.Header.Values("Accept-Encoding") {
		for one := range strings.SplitSeq(value, ",") {
			name, _, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.TrimSpace(name), coding) {
				return true
			}
		}
	}
	return false
}
