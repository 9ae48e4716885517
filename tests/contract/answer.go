package contract

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// Answer tells what is wrong with an answer; nil when the document allows it. The target is what was asked for: a path,
// and maybe a query. The body is as it is after any content coding was taken off.
//
// An OPTIONS request is no operation, a HEAD request is that of GET without a body, and what lies under no path of the
// document is answered with an error as the document has it, or is none of the API's.
func (d *Document) Answer(method, target string, status int, header http.Header, body []byte) error {
	found, pattern, err := d.lookUp(method, target, status)
	if err != nil || found == nil {
		return err
	}
	if method == http.MethodHead {
		body = nil
	} else if len(found.schemas) > 0 && len(body) == 0 {
		return fmt.Errorf("%s: status %d has no body", pattern, status)
	}
	if len(found.schemas) == 0 && len(body) > 0 {
		return fmt.Errorf("%s: status %d has a body, and should have none", pattern, status)
	}
	if len(body) == 0 {
		return nil
	}
	if err := found.judge(header.Get("Content-Type"), body); err != nil {
		return fmt.Errorf("%s: status %d: %w", pattern, status, err)
	}
	return nil
}

// Operation is the operation that a request is for; false without one.
func (d *Document) Operation(method, target string) (Operation, bool) {
	clean, err := cleanPath(target)
	if err != nil {
		return Operation{}, false
	}
	pattern := d.pattern(method, clean)
	i := slices.IndexFunc(d.operations, func(op Operation) bool { return op.Method+" "+op.Path == pattern })
	if i < 0 {
		return Operation{}, false
	}
	return d.operations[i], true
}

// Message tells what is wrong with a message of the stream; nil when the document allows it.
func (d *Document) Message(message []byte) error {
	if err := d.answers["GET /ws"][http.StatusSwitchingProtocols].judge("application/json", message); err != nil {
		return fmt.Errorf("a message of the stream: %w", err)
	}
	return nil
}

// lookUp finds what the document says of an answer. It says nothing, and that is no error, of what is none of the API's.
func (d *Document) lookUp(method, target string, status int) (found *answer, pattern string, err error) {
	clean, err := cleanPath(target)
	if err != nil {
		return nil, "", err
	}
	outside := clean != "/api" && clean != "/ws" && !strings.HasPrefix(clean, "/api/") && !strings.HasPrefix(clean, "/ws/")
	if method == http.MethodOptions || outside {
		return nil, "", nil
	}
	pattern = d.pattern(method, clean)
	if pattern == "" {
		if status < http.StatusBadRequest {
			return nil, "", fmt.Errorf("%s %s is in no document, and was answered with status %d", method, clean, status)
		}
		return d.miss, method + " " + clean, nil
	}
	found, ok := d.answers[pattern][status]
	if !ok {
		return nil, "", fmt.Errorf("%s: status %d is not documented", pattern, status)
	}
	return found, pattern, nil
}

// pattern is the method and path of the document that a request has; empty without one.
func (d *Document) pattern(method, clean string) string {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	u, err := url.Parse(clean)
	if err != nil {
		return ""
	}
	_, pattern := d.routes.Handler(&http.Request{Method: method, URL: u})
	return pattern
}

// cleanPath is the path of a target as Pulse understands it, still escaped.
func cleanPath(target string) (string, error) {
	before, _, _ := strings.Cut(target, "?")
	if _, err := url.PathUnescape(before); err != nil {
		return "", fmt.Errorf("the path %q: %w", target, err)
	}
	return path.Clean("/" + before), nil
}

// judge tells what is wrong with a body.
func (a *answer) judge(contentType string, body []byte) error {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("content type %q: %w", contentType, err)
	}
	schema, ok := a.schemas[media]
	if !ok {
		return fmt.Errorf("content type %q is not documented", media)
	}
	value, err := decode(media, body)
	if err != nil {
		return fmt.Errorf("decode %s: %w", media, err)
	}
	if schema == nil {
		return nil
	}
	return schema.Validate(value)
}

func decode(media string, body []byte) (value any, err error) {
	if media == "application/yaml" {
		err = yaml.Unmarshal(body, &value)
		return value, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(body))
}
