// Gen writes the OpenAPI documents from the operations of package api, with the recorded answers in examples.
//
//	go run ./openapi/gen          # writes them
//	go run ./openapi/gen -check   # fails when they are not what would be written
package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/proxpulse/proxpulse/pulse/api"
)

// version is the API's, not a build's: the documents must not differ from build to build.
const version = "5.0.0"

// recorded are answers of a running Pulse that watches a simulated estate; the black-box tests record them, and hold
// them to what Pulse answers now.
//
//go:embed examples
var recorded embed.FS

func main() {
	check := flag.Bool("check", false, "fail when the documents are stale instead of writing them")
	dir := flag.String("dir", "openapi", "where the documents are")
	flag.Parse()
	if err := run(*dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	documents, err := documents()
	if err != nil {
		return err
	}
	for _, d := range documents {
		path := filepath.Join(dir, d.name)
		if !check {
			if err := os.WriteFile(path, d.content, 0o644); err != nil { //nolint:gosec // the documents are public
				return err
			}
			continue
		}
		current, err := os.ReadFile(path) //nolint:gosec // the folder is the caller's, the names are ours
		if err != nil {
			return err
		}
		if !bytes.Equal(current, d.content) {
			return fmt.Errorf("%s is stale: run make generate", path)
		}
	}
	return nil
}

type file struct {
	name    string
	content []byte
}

// documents returns what is written.
func documents() ([]file, error) {
	document := api.Document(version)
	answers, err := fs.Sub(recorded, "examples")
	if err != nil {
		return nil, err
	}
	if err := api.AddExamples(document, answers); err != nil {
		return nil, err
	}
	plain, err := document.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encode as JSON: %w", err)
	}
	yaml, err := document.YAML()
	if err != nil {
		return nil, fmt.Errorf("encode as YAML: %w", err)
	}
	older, err := document.Downgrade()
	if err != nil {
		return nil, fmt.Errorf("encode as 3.0.3: %w", err)
	}
	if older, err = standAlone(older); err != nil {
		return nil, fmt.Errorf("encode as 3.0.3: %w", err)
	}
	files := []file{{name: "openapi.yaml", content: yaml}}
	for name, content := range map[string][]byte{"openapi.json": plain, "openapi-3.0.json": older} {
		var indented bytes.Buffer
		if err := json.Indent(&indented, content, "", "  "); err != nil {
			return nil, fmt.Errorf("indent %s: %w", name, err)
		}
		indented.WriteByte('\n')
		files = append(files, file{name: name, content: indented.Bytes()})
	}
	return files, nil
}

// standAlone makes references stand alone, as OpenAPI 3.0 wants it: one that is described becomes the only part of a
// composition.
func standAlone(document []byte) ([]byte, error) {
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		return nil, err
	}
	wrapReferences(value)
	return json.Marshal(value)
}

func wrapReferences(value any) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			wrapReferences(element)
		}
	case map[string]any:
		for _, field := range v {
			wrapReferences(field)
		}
		if ref, ok := v["$ref"].(string); ok && len(v) > 1 {
			delete(v, "$ref")
			v["allOf"] = []any{map[string]any{"$ref": ref}}
		}
	}
}
