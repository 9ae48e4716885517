package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// fronts are all of them, by the names of tests.
var fronts = map[string]front{
	"REST": frontREST, "HTTP": frontHTTP, "URL": frontURL, "ALB": frontALB, "ALB multi": frontALBMulti,
}

const clientAddress = "127.0.0.1"

// message is a request as a client writes it.
type message struct {
	method, target string
	header         http.Header
	body           []byte
}

// said makes a message; headers are "Name: value".
func said(method, target, body string, headers ...string) message {
	m := message{method: method, target: target, header: http.Header{"User-Agent": {"test/1"}}, body: []byte(body)}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		m.header.Add(name, value)
	}
	return m
}

// event is what the platform makes of a message.
func (f front) event(t testing.TB, m message) []byte {
	t.Helper()
	path, query, _ := strings.Cut(m.target, "?")
	header := m.header.Clone()
	if header.Get("Host") == "" {
		header.Set("Host", "pulse.example.com")
	}
	header.Set("X-Forwarded-Proto", "https")
	header.Add("X-Forwarded-For", clientAddress)
	body, encoded := string(m.body), false
	if !utf8.Valid(m.body) {
		body, encoded = base64.StdEncoding.EncodeToString(m.body), true
	}
	e := map[string]any{"body": body, "isBase64Encoded": encoded}
	switch f {
	case frontREST:
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		e["resource"], e["path"], e["httpMethod"] = "/{proxy+}", path, m.method
		e["headers"], e["multiValueHeaders"] = last(header), header
		e["queryStringParameters"], e["multiValueQueryStringParameters"] = last(values), values
		e["requestContext"] = map[string]any{
			"requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "stage": "prod", "path": "/prod" + path,
			"domainName": "abc.execute-api.eu-central-1.amazonaws.com", "identity": map[string]any{"sourceIp": clientAddress},
		}
	case frontHTTP, frontURL:
		f.fillHTTP(t, e, m, path, query, header)
	default:
		e["path"], e["httpMethod"] = path, m.method
		e["requestContext"] = map[string]any{"elb": map[string]any{"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/pulse/1"}}
		values := rawQuery(query)
		if f == frontALBMulti {
			e["multiValueHeaders"], e["multiValueQueryStringParameters"] = lowerNames(header), values
		} else {
			e["headers"], e["queryStringParameters"] = last(lowerNames(joined(header))), last(values)
		}
	}
	data, err := json.Marshal(e)
	require.NoError(t, err)
	return data
}

func (f front) fillHTTP(t testing.TB, e map[string]any, m message, path, query string, header http.Header) {
	t.Helper()
	domain, raw := "abc.execute-api.eu-central-1.amazonaws.com", path
	if f == frontURL {
		domain = "abc.lambda-url.eu-central-1.on.aws"
	} else {
		decoded, err := url.PathUnescape(path)
		require.NoError(t, err)
		raw = decoded
	}
	var cookies []string
	for _, line := range header.Values("Cookie") {
		cookies = append(cookies, strings.Split(line, "; ")...)
	}
	header.Del("Cookie")
	e["version"], e["routeKey"], e["rawPath"], e["rawQueryString"] = "2.0", "$default", raw, query
	e["headers"], e["cookies"] = last(lowerNames(joined(header))), cookies
	e["requestContext"] = map[string]any{
		"requestId": "JKJaXmPLvHcESHA=", "stage": "$default", "domainName": domain,
		"http": map[string]any{"method": m.method, "path": raw, "sourceIp": clientAddress, "protocol": "HTTP/1.1"},
	}
}

// rawQuery splits a query and leaves its parts encoded.
func rawQuery(query string) map[string][]string {
	values := map[string][]string{}
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		values[key] = append(values[key], value)
	}
	return values
}

func last(multi map[string][]string) map[string]string {
	single := map[string]string{}
	for name, values := range multi {
		single[name] = values[len(values)-1]
	}
	return single
}

func joined(header http.Header) http.Header {
	out := http.Header{}
	for name, values := range header {
		out[name] = []string{strings.Join(values, ",")}
	}
	return out
}

func lowerNames(header http.Header) http.Header {
	out := http.Header{}
	for name, values := range header {
		out[strings.ToLower(name)] = values
	}
	return out
}

// reply is an answer as a client reads it.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

// read is what the platform makes of the function's output for a client.
func (f front) read(t testing.TB, output []byte) reply {
	t.Helper()
	var out struct {
		StatusCode        int
		StatusDescription string
		Headers           map[string]string
		MultiValueHeaders map[string][]string
		Cookies           []string
		Body              string
		IsBase64Encoded   bool
	}
	d := json.NewDecoder(bytes.NewReader(output))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&out))
	r := reply{Status: out.StatusCode, Header: http.Header{}, Body: out.Body}
	if out.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(out.Body)
		require.NoError(t, err)
		r.Body = string(body)
	}
	if f == frontALBMulti { // it reads these only, the others read both, but for the one below
		require.Empty(t, out.Headers)
	}
	if f != frontALB {
		for name, values := range out.MultiValueHeaders {
			for _, value := range values {
				r.Header.Add(name, value)
			}
		}
	}
	for name, value := range out.Headers {
		r.Header.Add(name, value)
	}
	for _, cookie := range out.Cookies {
		r.Header.Add("Set-Cookie", cookie)
	}
	slices.Sort(r.Header["Set-Cookie"])
	if f == frontALB || f == frontALBMulti {
		require.Regexp(t, `^\d{3} \w`, out.StatusDescription)
	}
	return r
}

// viaHTTP sends a message over a connection.
func viaHTTP(t testing.TB, base string, m message) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), m.method, base+m.target, bytes.NewReader(m.body))
	require.NoError(t, err)
	req.Header = m.header.Clone()
	req.Host = "pulse.example.com"
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	answer, err := transport.RoundTrip(req)
	require.NoError(t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	slices.Sort(answer.Header["Set-Cookie"])
	return reply{Status: answer.StatusCode, Header: answer.Header, Body: string(body)}
}

// comparable leaves out of an answer what each connection makes up for itself and what changes with the time, takes it
// out of its coding, and splits the values of headers that may be joined.
func (r reply) comparable() reply {
	r.Body = decoded(r.Header.Get("Content-Encoding"), r.Body)
	header := http.Header{}
	for name, values := range r.Header {
		switch name {
		case "Date", "Content-Length", "Connection", "X-Request-Id":
		case "Set-Cookie":
			header[name] = values
		case "Etag", "Pulse-Revision":
			header[name] = []string{"set"}
		default:
			var parts []string
			for _, value := range values {
				for part := range strings.SplitSeq(value, ",") {
					parts = append(parts, strings.TrimSpace(part))
				}
			}
			header[name] = parts
		}
	}
	r.Header = header
	if kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); kind == "application/json" {
		r.Body = sameTimes(r.Body)
	}
	return r
}

// decoded takes a body out of its content coding.
func decoded(coding, body string) string {
	if body == "" {
		return "" // of a HEAD request
	}
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			return err.Error()
		}
		plain, err := io.ReadAll(z)
		return string(plain) + errorText(err)
	case "zstd":
		z, err := zstd.NewReader(strings.NewReader(body), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err.Error()
		}
		defer z.Close()
		plain, err := io.ReadAll(z)
		return string(plain) + errorText(err)
	}
	return body
}

func errorText(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}
