package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
)

// This file is the only one that knows the library which converts events, and it repairs what that gets wrong. The
// library decodes bodies and copies headers; method, path, query, host, client and cookies are set here from the event,
// so that a handler sees what the server of net/http would have shown it.

// badRequest is an event that holds a request which no client should have sent.
type badRequest struct{ sentence string }

// Error returns a sentence for the client.
func (e *badRequest) Error() string { return e.sentence }

// unconverted tells why the library did not convert an event: the body is the only thing of a client's that it reads.
func unconverted(err error) error {
	if _, ok := errors.AsType[base64.CorruptInputError](err); ok {
		return &badRequest{"The body is not valid base64"}
	}
	return fmt.Errorf("convert the event: %w", err)
}

// sent is the part of a request that the library does not convert, or not as it was sent.
type sent struct {
	header  http.Header
	path    string // as the client encoded it, without stage and base path
	query   string // encoded
	domain  string // where no header names the host
	address string // of the client, in a form that netip knows; empty when nothing tells it
}

// request converts an event into the request that it was. The error is a [*badRequest] where the client is to blame.
func (f front) request(event []byte, basePath string) (*http.Request, error) {
	switch f {
	case frontREST:
		return requestREST(event, basePath)
	case frontHTTP, frontURL:
		return f.requestHTTP(event, basePath)
	default:
		return requestALB(event, basePath)
	}
}

func requestREST(event []byte, basePath string) (*http.Request, error) {
	var e events.APIGatewayProxyRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, errUnknownEvent
	}
	s := sent{
		path:   place{e.RequestContext.Stage, e.RequestContext.Path, e.PathParameters}.own(e.Path, basePath),
		query:  decodedQuery(e.QueryStringParameters, e.MultiValueQueryStringParameters).Encode(),
		domain: e.RequestContext.DomainName, address: e.RequestContext.Identity.SourceIP,
	}
	if len(e.MultiValueHeaders) == 0 {
		e.MultiValueHeaders = nil // an empty map would hide the headers that come once
	}
	method := e.HTTPMethod
	e.HTTPMethod, e.Path, e.QueryStringParameters, e.MultiValueQueryStringParameters = http.MethodPost, "/", nil, nil
	r, err := new(core.RequestAccessor).EventToRequest(e)
	if err != nil {
		return nil, unconverted(err)
	}
	s.header = r.Header
	return s.restore(r, method)
}

// requestHTTP repairs that the library takes commas for the ends of header values, which a token or a date may hold.
func (f front) requestHTTP(event []byte, basePath string) (*http.Request, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, errUnknownEvent
	}
	path := escapeStray(e.RawPath, f == frontHTTP)
	s := sent{
		header: http.Header{},
		path:   place{e.RequestContext.Stage, "", e.PathParameters}.own(path, basePath),
		query:  e.RawQueryString,
		domain: e.RequestContext.DomainName, address: e.RequestContext.HTTP.SourceIP,
	}
	for name, value := range e.Headers {
		s.header.Set(name, value)
	}
	if len(e.Cookies) > 0 {
		s.header.Set("Cookie", strings.Join(e.Cookies, "; ")) // one header, as a client sends it
	}
	method := e.RequestContext.HTTP.Method
	e.RequestContext.HTTP.Method = http.MethodPost
	e.RawPath, e.RawQueryString, e.QueryStringParameters, e.Headers, e.Cookies = "/", "", nil, nil, nil
	r, err := new(core.RequestAccessorV2).EventToRequest(e)
	if err != nil {
		return nil, unconverted(err)
	}
	return s.restore(r, method)
}

// requestALB repairs that the library encodes the query again, which a load balancer passes on as it was sent, and that
// it knows neither the host of multi-value headers nor the client.
func requestALB(event []byte, basePath string) (*http.Request, error) {
	var e events.ALBTargetGroupRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, errUnknownEvent
	}
	s := sent{
		path:  place{}.own(e.Path, basePath),
		query: encodedQuery(e.QueryStringParameters, e.MultiValueQueryStringParameters),
	}
	if len(e.MultiValueHeaders) == 0 {
		e.MultiValueHeaders = nil
	}
	method := e.HTTPMethod
	e.HTTPMethod, e.Path, e.QueryStringParameters, e.MultiValueQueryStringParameters = http.MethodPost, "/", nil, nil
	e.Headers = lowered(e.Headers)
	r, err := new(core.RequestAccessorALB).EventToRequest(e)
	if err != nil {
		return nil, unconverted(err)
	}
	s.header = r.Header
	s.address = lastHop(r.Header.Values("X-Forwarded-For"))
	return s.restore(r, method)
}

// restore puts what was sent into a converted request.
func (s sent) restore(r *http.Request, method string) (*http.Request, error) {
	if strings.ContainsFunc(method, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return nil, &badRequest{"The method is not valid"}
	}
	target, err := url.ParseRequestURI(escapeStray(s.path, false))
	if err != nil {
		return nil, &badRequest{"The path is not valid"}
	}
	target.RawQuery = s.query
	r.Method, r.URL, r.RequestURI = method, target, target.RequestURI()
	r.Header = s.header
	r.Host = r.Header.Get("Host")
	if r.Host == "" {
		r.Host = s.domain
	}
	r.Header.Del("Host") // as in net/http
	r.RemoteAddr = remoteAddr(s.address)
	if strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") { // each front sets it, whatever the client sent
		r.TLS = &tls.ConnectionState{}
	}
	return r, nil
}

// remoteAddr is an address as net/http has it, with a port, which no event tells. It is empty for what is no address, as
// when the console of API Gateway tries a method out.
func remoteAddr(address string) string {
	if with, err := netip.ParseAddrPort(address); err == nil {
		return with.String()
	}
	addr, err := netip.ParseAddr(strings.Trim(address, "[]"))
	if err != nil {
		return ""
	}
	return net.JoinHostPort(addr.String(), "0")
}

// lastHop is what a load balancer itself put at the end of X-Forwarded-For. What stands before it was sent by the client.
func lastHop(values []string) string {
	hops := strings.Split(strings.Join(values, ","), ",")
	return strings.TrimSpace(hops[len(hops)-1])
}

// lowered keeps the converter from looking for the host under one spelling alone.
func lowered(header map[string]string) map[string]string {
	out := make(map[string]string, len(header))
	for name, value := range header {
		out[strings.ToLower(name)] = value
	}
	return out
}

// decodedQuery takes keys and values that are decoded.
func decodedQuery(single map[string]string, multi map[string][]string) url.Values {
	if len(multi) > 0 {
		return multi
	}
	values := url.Values{}
	for key, value := range single {
		values.Set(key, value)
	}
	return values
}

// encodedQuery joins keys and values that are encoded, in an order that does not change from one event to the next.
func encodedQuery(single map[string]string, multi map[string][]string) string {
	var parts []string
	if len(multi) == 0 {
		for key, value := range single {
			parts = append(parts, key+"="+value)
		}
	}
	for key, values := range multi {
		for _, value := range values {
			parts = append(parts, key+"="+value)
		}
	}
	slices.SortStableFunc(parts, func(a, b string) int {
		keyA, _, _ := strings.Cut(a, "=")
		keyB, _, _ := strings.Cut(b, "=")
		return strings.Compare(keyA, keyB)
	})
	return strings.Join(parts, "&")
}

// place says where an API Gateway has put the function.
type place struct {
	stage      string
	fullPath   string            // as the gateway itself was asked, where the event tells
	parameters map[string]string // what the route matched
}

// own returns the part of a path that is Pulse's own, without base path and stage, of which either may come first.
func (p place) own(path, basePath string) string {
	rest, found := cutSegments(path, basePath)
	if p.leadsWithStage(path, rest) {
		rest, _ = cutSegments(rest, "/"+p.stage)
	}
	if !found {
		rest, _ = cutSegments(rest, basePath)
	}
	return rest
}

// leadsWithStage tells whether rest, a path without its base path, may begin with the stage. An HTTP API's does, unless
// it is the default one; a REST API's does only behind a domain that is mapped to no stage. What a route with {proxy+}
// matched tells where the path begins for a stage that is named like a part of it.
func (p place) leadsWithStage(path, rest string) bool {
	if p.stage == "" || p.stage == "$default" || p.fullPath == "/"+p.stage+path {
		return false
	}
	proxy, ok := p.parameters["proxy"]
	if !ok {
		return true
	}
	decoded, err := url.PathUnescape(rest)
	return rest != "/"+proxy && (err != nil || decoded != "/"+proxy)
}

// cutSegments takes whole segments off the beginning of a path.
func cutSegments(path, prefix string) (rest string, found bool) {
	if prefix == "" {
		return path, false
	}
	rest, found = strings.CutPrefix(path, prefix)
	switch {
	case !found || (rest != "" && rest[0] != '/'):
		return path, false
	case rest == "":
		return "/", true
	}
	return rest, true
}

// escapeStray encodes what an encoded path cannot hold, and adds the slash that it begins with. An HTTP API decodes its
// paths, so that there a percent sign that begins no escape is meant as it stands; elsewhere it is an error, which is
// found later.
func escapeStray(path string, decoded bool) string {
	var b strings.Builder
	if !strings.HasPrefix(path, "/") {
		b.WriteByte('/')
	}
	for i := range len(path) {
		c := path[i]
		stray := c <= ' ' || c >= 0x7f || strings.IndexByte("\"#<>?\\^`{|}", c) >= 0
		if c == '%' && decoded {
			_, err := url.PathUnescape(path[i:min(i+3, len(path))])
			stray = err != nil
		}
		if stray {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// response converts an answer into the form that the front takes.
func (f front) response(a *answer) (any, error) {
	switch f {
	case frontREST:
		w := core.NewProxyResponseWriter()
		a.copyTo(w)
		return w.GetProxyResponse()
	case frontHTTP, frontURL:
		w := core.NewProxyResponseWriterV2()
		a.copyTo(w)
		return w.GetProxyResponse()
	default:
		w := core.NewProxyResponseWriterALB()
		a.copyTo(w)
		r, err := w.GetProxyResponse()
		r.StatusDescription = fmt.Sprintf("%d %s", r.StatusCode, http.StatusText(r.StatusCode))
		if f == frontALB { // which reads these only
			r.Headers, r.MultiValueHeaders = singleHeaders(r.MultiValueHeaders), nil
		}
		return r, err
	}
}

// copyTo writes the answer at once, with a status, without which the library fails.
func (a *answer) copyTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.sent)
	w.WriteHeader(a.status)
	if a.body.Len() > 0 { // the library would find a type even for no body
		_, _ = w.Write(a.body.Bytes()) // a buffer takes everything
	}
}

// singleHeaders joins the values of each header. Cookies cannot be joined; each goes under another spelling of the name,
// which are different keys to the load balancer and the same header to the client.
func singleHeaders(multi map[string][]string) map[string]string {
	single := make(map[string]string, len(multi))
	for name, values := range multi {
		if name != "Set-Cookie" {
			single[name] = strings.Join(values, ", ")
			continue
		}
		for i, value := range values {
			single[spelling(name, i)] = value
		}
	}
	return single
}

// spelling is the n-th way to spell a name: the bits of n say which letters are large.
func spelling(name string, n int) string {
	spelled := []byte(strings.ToLower(name))
	for i := range spelled {
		if spelled[i] == '-' {
			continue
		}
		if n&1 == 1 {
			spelled[i] -= 'a' - 'A'
		}
		n >>= 1
	}
	return string(spelled)
}
