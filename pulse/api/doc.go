// Package api is Pulse over HTTP: operations on resources, the stream of live state, and the OpenAPI document that
// describes them.
//
// [New] makes an [API] over a [pulse.Monitor]; it is an [http.Handler] and starts nothing. Each resource has a file with
// its types, its registration and its handlers. Every operation goes through one register function, which gives it its
// security, limits and error answers, so that none can be forgotten; what is open without a token is one list in
// access.go.
//
// Handlers read the monitor's snapshot and never wait for a poll. The paths of older Pulse releases take what their
// clients send: unknown fields and parameters are ignored, both spellings of a field work, HEAD works and nothing
// redirects. Errors are {"error": "…"} everywhere, also for unknown paths; the text of an internal error goes to the log
// under the request's id.
//
// The program that serves the API sets what belongs to a connection: [http.Server.ReadHeaderTimeout], IdleTimeout and
// MaxHeaderBytes. Bodies, handler time and slow readers are bounded here. [http.Server.Shutdown] does not know of
// streams; [API.Close] ends them.
//
// The package is for embedders and kept compatible from v1 on.
package api
