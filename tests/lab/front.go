package lab

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Front is what stands before a function and turns HTTP requests into events.
type Front string

// The fronts.
const (
	RESTAPI     Front = "API Gateway REST API" // payload format 1.0
	HTTPAPI     Front = "API Gateway HTTP API" // payload format 2.0
	FunctionURL Front = "function URL"         // payload format 2.0
	ALB         Front = "load balancer"        // one value for each header
	ALBMulti    Front = "load balancer, multi-value headers"
)

// Fronts are all of them.
func Fronts() []Front { return []Front{RESTAPI, HTTPAPI, FunctionURL, ALB, ALBMulti} }

// Handler returns a server of HTTP that gives each request to the function as an event of this front, and answers with
// what that makes of it. A function that fails is answered as the front does, with 502.
func (f Front) Handler(function *Function) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := f.Event(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		output, err := function.Invoke(r.Context(), event)
		if err == nil {
			err = f.answer(w, r, output)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
}

// Event makes a request an event, with the fields that the front's documentation names. It reads the body.
func (f Front) Event(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	header := r.Header.Clone()
	header.Set("Host", r.Host)
	header.Set("X-Forwarded-For", strings.Join(append(header.Values("X-Forwarded-For"), client), ", "))
	header.Set("X-Forwarded-Port", "443")
	header.Set("X-Forwarded-Proto", "https")
	event := map[string]any{"body": string(body), "isBase64Encoded": false}
	if !utf8.Valid(body) {
		event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
	}
	switch f {
	case RESTAPI:
		err = fillREST(event, r, header, client)
	case HTTPAPI, FunctionURL:
		f.fillHTTP(event, r, header, client)
	default:
		f.fillALB(event, r, header)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(event)
}

// fillREST passes on the path as it was sent, and the query decoded.
func fillREST(event map[string]any, r *http.Request, header http.Header, client string) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fmt.Errorf("read the query: %w", err)
	}
	path := r.URL.EscapedPath()
	event["version"] = "1.0"
	event["resource"], event["path"], event["httpMethod"] = "/{proxy+}", path, r.Method
	event["headers"], event["multiValueHeaders"] = lastValues(header), header
	event["queryStringParameters"], event["multiValueQueryStringParameters"] = lastValues(values), values
	event["pathParameters"] = map[string]string{"proxy": strings.TrimPrefix(r.URL.Path, "/")}
	event["requestContext"] = map[string]any{
		"requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "stage": "prod", "path": "/prod" + path, "httpMethod": r.Method,
		"protocol": r.Proto, "domainName": "abc.execute-api.eu-central-1.amazonaws.com",
		"identity": map[string]any{"sourceIp": client, "userAgent": r.UserAgent()},
	}
	return nil
}

// fillHTTP passes on the query as it was sent; the path, too, at a function URL, while an HTTP API decodes it. Cookies go
// apart from the other headers, whose names are small.
func (f Front) fillHTTP(event map[string]any, r *http.Request, header http.Header, client string) {
	path, domain := r.URL.EscapedPath(), "abc.lambda-url.eu-central-1.on.aws"
	if f == HTTPAPI {
		path, domain = r.URL.Path, "abc.execute-api.eu-central-1.amazonaws.com"
	}
	var cookies []string
	for _, line := range header.Values("Cookie") {
		cookies = append(cookies, strings.Split(line, "; ")...)
	}
	header.Del("Cookie")
	headers := map[string]string{}
	for name, values := range header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	event["version"], event["routeKey"], event["rawPath"], event["rawQueryString"] = "2.0", "$default", path, r.URL.RawQuery
	event["headers"], event["cookies"] = headers, cookies
	event["requestContext"] = map[string]any{
		"requestId": "JKJaXmPLvHcESHA=", "stage": "$default", "routeKey": "$default", "domainName": domain,
		"http": map[string]any{
			"method": r.Method, "path": path, "protocol": r.Proto, "sourceIp": client, "userAgent": r.UserAgent(),
		},
	}
}

// fillALB passes on path and query as they were sent.
func (f Front) fillALB(event map[string]any, r *http.Request, header http.Header) {
	event["path"], event["httpMethod"] = r.URL.EscapedPath(), r.Method
	event["requestContext"] = map[string]any{"elb": map[string]any{
		"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/pulse/49e9d65c45c6791a",
	}}
	values := map[string][]string{}
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if key, value, _ := strings.Cut(part, "="); part != "" {
			values[key] = append(values[key], value)
		}
	}
	headers := map[string][]string{}
	for name, all := range header {
		headers[strings.ToLower(name)] = all
	}
	if f == ALBMulti {
		event["multiValueHeaders"], event["multiValueQueryStringParameters"] = headers, values
		return
	}
	event["headers"], event["queryStringParameters"] = lastValues(headers), lastValues(values)
}

func lastValues(multi map[string][]string) map[string]string {
	single := map[string]string{}
	for name, values := range multi {
		if len(values) > 0 {
			single[name] = values[len(values)-1]
		}
	}
	return single
}

// functionAnswer is a function's output, in the forms of all fronts.
type functionAnswer struct {
	StatusCode        int                 `json:"statusCode"`
	StatusDescription string              `json:"statusDescription"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Cookies           []string            `json:"cookies"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// errMalformed reports an output that the front would not take.
var errMalformed = errors.New("the function's answer is not what the front takes")

// answer writes what a front makes of the function's output. Nothing was written when it fails.
func (f Front) answer(w http.ResponseWriter, r *http.Request, output []byte) error {
	var a functionAnswer
	d := json.NewDecoder(bytes.NewReader(output))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return errors.Join(errMalformed, err)
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(a.Body)
		if err != nil {
			return errors.Join(errMalformed, err)
		}
		body = decoded
	}
	if err := f.check(a, len(output)); err != nil {
		return err
	}
	header := w.Header()
	for name, value := range a.Headers {
		header.Add(name, value)
	}
	for name, values := range a.MultiValueHeaders {
		if f != ALB {
			header[http.CanonicalHeaderKey(name)] = values
		}
	}
	for _, cookie := range a.Cookies {
		header.Add("Set-Cookie", cookie)
	}
	if r.Method != http.MethodHead {
		header.Del("Content-Length") // the front counts by itself
	}
	w.WriteHeader(a.StatusCode)
	if len(body) > 0 {
		_, _ = w.Write(body) // a client that is gone needs none
	}
	return nil
}

// maxALBAnswer is how large an answer a load balancer takes, in bytes.
const maxALBAnswer = 1 << 20

// check holds an answer to what the front documents.
func (f Front) check(a functionAnswer, size int) error {
	switch {
	case a.StatusCode < 200 || a.StatusCode > 599:
		return fmt.Errorf("%w: status %d", errMalformed, a.StatusCode)
	case f == ALBMulti && len(a.Headers) > 0:
		return fmt.Errorf("%w: headers beside the multi-value ones", errMalformed)
	case f == ALB && len(a.MultiValueHeaders) > 0:
		return fmt.Errorf("%w: multi-value headers, which are off", errMalformed)
	case (f == ALB || f == ALBMulti) && size > maxALBAnswer:
		return fmt.Errorf("%w: %d bytes", errMalformed, size)
	case (f == ALB || f == ALBMulti) != (a.StatusDescription != ""):
		return fmt.Errorf("%w: status description %q", errMalformed, a.StatusDescription)
	}
	return nil
}
