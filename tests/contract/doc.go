// Package contract judges what Pulse sends by the OpenAPI document that it promises to keep.
//
// [Load] reads the document, [Document.Answer] tells what is wrong with an answer: a status that its operation does not
// name, another content type, or a body that its schema does not allow, be it by a field too many. [Document.Message]
// does the same for a message of the stream. Any suite that asks Pulse, wherever it runs, gives its answers to them.
//
// A Document does not change and is safe for concurrent use.
package contract
