package proxmox

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

const (
	messageBytes   = 300
	pveServerName  = "pve-api-daemon"
	htmlMediaType  = "text/html"
	shortestSecret = 4
)

// line makes a server's text fit for an error: one line, bounded, without secrets.
func (c *Client) line(text string) string {
	for _, secret := range c.auth.secrets() {
		if len(secret) >= shortestSecret {
			text = strings.ReplaceAll(text, secret, redacted)
		}
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= messageBytes {
		return text
	}
	cut := messageBytes
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// callerGone is an error for a call whose own context ended before anything was sent.
func (c *Client) callerGone(at *endpoint, err error) error {
	e := &Error{Member: at.base, Cause: err, Message: "gave up waiting for other calls"}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Kind = ErrTimeout
	}
	return e
}

// transportFailure classifies a request that got no whole reply.
func (c *Client) transportFailure(k call, at *endpoint, err error) error {
	if errors.Is(err, ErrInvalid) {
		return err
	}
	e := &Error{Op: k.op, Member: at.base, Path: k.path, Cause: err, Message: c.line(err.Error())}
	var certificate *CertificateError
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	text := err.Error()
	switch {
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrMalformed):
		e.Kind = kindOf(err, ErrTooLarge, ErrMalformed)
		e.Message = strings.TrimPrefix(e.Message, e.Kind.Error()+": ")
	case errors.Is(err, context.Canceled):
		e.Message = "cancelled"
	case errors.Is(err, errTimeLimit):
		e.Kind = ErrTimeout
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind, e.Message = ErrTimeout, errTimeLimit.Error()
	case errors.As(err, &certificate):
		e.Kind, e.Message = ErrTLS, certificate.Error()
	case errors.As(err, &dns):
		e.Kind, e.Message = ErrDNS, "the name "+dns.Name+" cannot be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Kind, e.Message = ErrRefused, "nothing listens there"
	case strings.Contains(text, tlsRecordHeaderError), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		e.Kind, e.Message = ErrNotProxmox, "it does not speak TLS"
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Kind, e.Message = ErrTimeout, errTimeLimit.Error()
	case strings.Contains(text, "tls: "), strings.Contains(text, "x509: "):
		e.Kind = ErrTLS
	default:
		e.Kind = ErrUnreachable
	}
	return e
}

func kindOf(err error, kinds ...error) error {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// statusKind is what a status alone says.
func statusKind(kind Kind, status int) error {
	switch {
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusForbidden:
		return ErrForbidden
	case status == http.StatusNotImplemented:
		return ErrUnsupported
	case status >= 502 && status <= 504:
		return ErrOverloaded
	case status == 595:
		return ErrNodeUnreachable
	case status >= 596 && status <= 599:
		return ErrNodeHung
	case status == http.StatusNotFound && kind == PBS:
		return ErrUnsupported
	case status == http.StatusNotFound, status >= 300 && status <= 399:
		return ErrNotProxmox // PVE knows no 404, and neither sends anyone elsewhere
	}
	return nil
}

// replyFailure turns a reply that is not a good one into an error; nil for a good one.
func (c *Client) replyFailure(k call, at *endpoint, r reply) error {
	html := strings.HasPrefix(strings.ToLower(r.header.Get("Content-Type")), htmlMediaType)
	if r.status >= 200 && r.status <= 299 && !html {
		return nil
	}
	e := &Error{Op: k.op, Member: at.base, Path: k.path, Status: r.status, Kind: statusKind(c.opt.Kind, r.status)}
	overloaded := errors.Is(e.Kind, ErrOverloaded)
	switch {
	case r.status >= 300 && r.status <= 399:
		e.Message = "it redirects to another address, and redirects are not followed"
		return e
	case html && !overloaded, errors.Is(e.Kind, ErrUnauthorized) && r.header.Get("WWW-Authenticate") != "":
		e.Kind, e.Message = ErrNotProxmox, "a web page answered"
		return e
	case errors.Is(e.Kind, ErrNotProxmox):
		e.Message = "status " + strconv.Itoa(r.status) + " is none that PVE or PBS would send"
		return e
	case c.opt.Kind == PBS && strings.HasPrefix(r.header.Get("Server"), pveServerName):
		e.Kind, e.Message = ErrWrongKind, "a PVE answered where a PBS was expected"
		return e
	}
	message, fields := c.failureText(r)
	e.Message = c.line(message)
	switch {
	case errors.Is(e.Kind, ErrForbidden):
		e.Object, e.Privilege = missingRight(e.Message)
	case e.Kind == nil:
		e.Kind = messageKind(message, fields)
	}
	if fields != "" {
		e.Message = c.line(message + " (" + fields + ")")
	}
	return e
}

// failureText finds what the server has to say: PVE in the JSON body since late 8.x and always in the reason phrase,
// PBS as bare text in the body whatever the content type says.
func (c *Client) failureText(r reply) (message, fields string) {
	if c.opt.Kind == PBS && len(r.body) > 0 && r.body[0] != '{' {
		return string(r.body), ""
	}
	message, fields = readFailure(r.body)
	if strings.TrimSpace(message) == "" {
		message = r.reason
	}
	return message, fields
}

// readFailure reads message and errors of a PVE error body. A body that is not JSON says nothing.
func readFailure(body []byte) (message, fields string) {
	s := scanner{b: body}
	var all []string
	for name, ok := s.firstField(); ok; name, ok = s.field() {
		switch string(name) {
		case "message":
			message = s.text()
		case "errors":
			for name, ok := s.firstField(); ok; name, ok = s.field() {
				param := string(name)
				all = append(all, param+": "+s.text())
			}
		default:
			s.skip()
		}
	}
	if s.end(); s.err != nil {
		return "", ""
	}
	return message, strings.Join(all, "; ")
}

// rightPattern matches "Permission check failed (/vms/100, VM.Audit)" and its form with alternatives.
var rightPattern = regexp.MustCompile(`\((/[^,()]*), ([A-Za-z.|]+)\)`)

func missingRight(message string) (object, privilege string) {
	m := rightPattern.FindStringSubmatch(message)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}

// messageKind reads the text where the status says too little: PVE has no 404, PBS answers 400 to nearly everything.
func messageKind(message, fields string) error {
	text := strings.ToLower(message + " " + fields)
	for _, known := range messageKinds {
		if strings.Contains(text, known.part) {
			return known.kind
		}
	}
	return nil
}

var messageKinds = []struct {
	part string
	kind error
}{
	{"no qemu guest agent configured", ErrNoAgent},
	{"guest agent is not running", ErrNoAgent},
	{"is not running", ErrNotRunning},
	{"does not exist", ErrNotFound},
	{"hostname lookup", ErrNotFound},
	{"no such cluster node", ErrNotFound},
	{"no such storage", ErrNotFound},
	{"no such datastore", ErrNotFound},
	{"no such namespace", ErrNotFound},
	{"not defined in schema", ErrUnsupported},
	{"schema does not allow additional properties", ErrUnsupported},
	{"proxy loop detected", ErrUnsupported},
	{"maintenance mode", ErrMaintenance},
	{"is being unmounted", ErrMaintenance},
	{"is not mounted", ErrMaintenance},
}

// decodeFailure is a good reply whose body is not what the call gives.
func (c *Client) decodeFailure(at *endpoint, r reply, err error) error {
	e := &Error{Member: at.base, Status: r.status, Kind: ErrMalformed, Cause: err, Message: c.line(err.Error())}
	if errors.Is(err, errNoData) {
		e.Kind = ErrNotProxmox
		if len(bytes.TrimSpace(r.body)) == 0 {
			e.Message = "an empty reply"
		}
	}
	return e
}
