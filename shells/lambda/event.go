package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// front is what stands between the clients and the function. It says in which form events come and answers go.
type front int

const (
	// frontREST is an API Gateway REST API, or an HTTP API with payload format 1.0.
	frontREST front = iota + 1
	// frontHTTP is an API Gateway HTTP API with payload format 2.0.
	frontHTTP
	// frontURL is the function's own URL. Its events are those of frontHTTP, but for the path.
	frontURL
	// frontALB is an Application Load Balancer.
	frontALB
	// frontALBMulti is an Application Load Balancer whose target group has multi-value headers.
	frontALBMulti
)

// errUnknownEvent reports an event that is no HTTP request. It tells nothing of the event, which may hold secrets.
var errUnknownEvent = errors.New("the event is no HTTP request that this function knows: want one of an API Gateway " +
	"REST API or HTTP API, of a function URL, or of an Application Load Balancer")

// outline is what tells the forms of events apart.
type outline struct {
	Version           string          `json:"version"`
	Type              string          `json:"type"` // of a request to an authorizer, which looks much like one to the API
	Method            string          `json:"httpMethod"`
	Path              string          `json:"path"`
	MultiValueHeaders json.RawMessage `json:"multiValueHeaders"`
	Context           struct {
		ELB          *struct{} `json:"elb"`
		DomainName   string    `json:"domainName"`
		RequestID    string    `json:"requestId"`
		ConnectionID string    `json:"connectionId"` // of a WebSocket
		HTTP         struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
}

// frontOf tells what an event comes from. The forms are those of the developer guides of API Gateway, Lambda and Elastic
// Load Balancing.
func frontOf(event []byte) (front, error) {
	var o outline
	if err := json.Unmarshal(event, &o); err != nil || o.Type != "" || o.Context.ConnectionID != "" {
		return 0, errUnknownEvent
	}
	switch request := o.Method != "" && o.Path != ""; {
	case o.Context.ELB != nil && request:
		if len(o.MultiValueHeaders) > 0 && !bytes.Equal(o.MultiValueHeaders, []byte("null")) {
			return frontALBMulti, nil
		}
		return frontALB, nil
	case o.Version == "2.0" && o.Context.HTTP.Method != "":
		if isFunctionURL(o.Context.DomainName) {
			return frontURL, nil
		}
		return frontHTTP, nil
	case (o.Version == "" || o.Version == "1.0") && request && o.Context.RequestID != "":
		return frontREST, nil
	}
	return 0, errUnknownEvent
}

// isFunctionURL tells whether a domain is one that Lambda gives to functions; no other name leads to a function's URL.
func isFunctionURL(domain string) bool {
	return strings.Contains(domain, ".lambda-url.") && strings.HasSuffix(domain, ".on.aws")
}
