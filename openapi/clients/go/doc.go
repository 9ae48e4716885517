// Package pulseclient is the Go client of Pulse's API.
//
// [New] returns a [Pulse], which has a method for each operation of the OpenAPI document: GetStateWithResponse reads the
// state, AddNodeWithResponse adds a node, and so on. Their answers hold what was read in JSON200 (or JSON201), which is
// there whenever there is no error and the status is that one; a read that was asked with an ETag may be answered with
// 304 and without it. [Pulse.Stream] follows the state as it changes.
//
// Whatever Pulse refuses is an [*Error] with the status and the sentence that says why; [errors.As] finds it. Other
// errors are those of the network. Nothing is tried again by itself.
//
// The types and methods are generated from the document and change with it. A Pulse is safe for concurrent use.
package pulseclient
