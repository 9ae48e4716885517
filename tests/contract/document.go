package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/proxpulse/proxpulse/openapi"
)

// Document is the OpenAPI document, ready to judge by.
type Document struct {
	operations []Operation
	routes     *http.ServeMux             // tells which path of the document a request has
	answers    map[string]map[int]*answer // by method and path, as "GET /api/storage/{id}"
	miss       *answer                    // to what is no operation
}

// Operation is one operation of the document.
type Operation struct {
	ID     string // as get-storage
	Method string // as GET
	Path   string // as /api/storage/{id}
}

// answer is what the document says of one status of an operation.
type answer struct {
	schemas map[string]*jsonschema.Schema // by media type; empty where there is no body, nil inside where any is good
}

// The parts of the document that are read here; the rest is the schemas'.
type (
	written struct {
		Paths      map[string]map[string]writtenOperation `json:"paths"`
		Components struct {
			Responses map[string]writtenResponse `json:"responses"`
		} `json:"components"`
	}
	writtenOperation struct {
		OperationID string                  `json:"operationId"`
		Responses   map[int]writtenResponse `json:"responses"`
	}
	writtenResponse struct {
		Ref     string                  `json:"$ref"`
		Content map[string]writtenMedia `json:"content"`
	}
	writtenMedia struct {
		Schema json.RawMessage `json:"schema"`
	}
)

// location is the document's name to the compiler of its schemas.
const location = "openapi.json"

// Load reads the document that Pulse serves.
func Load() (*Document, error) { return read(openapi.JSON) }

func read(text []byte) (*Document, error) {
	var doc written
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	compiler := jsonschema.NewCompiler() // of 2020-12, which is what OpenAPI 3.1 has
	compiler.AssertFormat()
	if err := compiler.AddResource(location, value); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	failure, err := compiler.Compile(location + "#/components/schemas/Error")
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	d := &Document{
		routes: http.NewServeMux(), answers: map[string]map[int]*answer{},
		miss: &answer{schemas: map[string]*jsonschema.Schema{"application/json": failure}},
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			op := Operation{ID: doc.Paths[path][method].OperationID, Method: strings.ToUpper(method), Path: path}
			if err := d.add(compiler, doc, op); err != nil {
				return nil, fmt.Errorf("read %s: %w", op.ID, err)
			}
		}
	}
	return d, nil
}

// Operations are all operations, by path.
func (d *Document) Operations() []Operation { return slices.Clone(d.operations) }

func (d *Document) add(compiler *jsonschema.Compiler, doc written, op Operation) error {
	d.operations = append(d.operations, op)
	pattern := op.Method + " " + op.Path
	d.routes.Handle(pattern, http.NotFoundHandler()) // never called: only the pattern is asked for
	d.answers[pattern] = map[int]*answer{}
	method := strings.ToLower(op.Method)
	for status, response := range doc.Paths[op.Path][method].Responses {
		at := []string{"paths", op.Path, method, "responses", fmt.Sprint(status)}
		if name, ok := strings.CutPrefix(response.Ref, "#/components/responses/"); ok {
			response, at = doc.Components.Responses[name], []string{"components", "responses", name}
		}
		found, err := compile(compiler, response, at)
		if err != nil {
			return err
		}
		d.answers[pattern][status] = found
	}
	return nil
}

// compile makes the schemas of a response usable, which stands in the document at a place.
func compile(compiler *jsonschema.Compiler, response writtenResponse, at []string) (*answer, error) {
	a := &answer{schemas: map[string]*jsonschema.Schema{}}
	for media, content := range response.Content {
		a.schemas[media] = nil
		if content.Schema == nil {
			continue
		}
		schema, err := compiler.Compile(location + "#" + pointer(slices.Concat(at, []string{"content", media, "schema"})))
		if err != nil {
			return nil, err
		}
		a.schemas[media] = schema
	}
	return a, nil
}

// pointer is a JSON pointer in a URL's fragment.
func pointer(path []string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "%", "%25")
	var out strings.Builder
	for _, name := range path {
		out.WriteString("/" + escape.Replace(name))
	}
	return out.String()
}
