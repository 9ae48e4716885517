// Package openapi holds the generated OpenAPI documents of Pulse's API.
//
// They are written by gen from the operations of package api, and embedded so that a running Pulse serves what was
// reviewed. The 3.0.3 document is for generators that do not read 3.1.
package openapi

import _ "embed" // for the documents

// JSON is the OpenAPI 3.1 document as JSON.
//
//go:embed openapi.json
var JSON []byte

// YAML is the OpenAPI 3.1 document as YAML.
//
//go:embed openapi.yaml
var YAML []byte
