package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// AddExamples puts recorded answers into a document. Each file in the folder is one answer and is named for it: by the
// operation's id, the status and, where the document shows several, a word, as get-storage.200.node.json. A file that
// belongs to no answer of the document is an error.
func AddExamples(document *huma.OpenAPI, folder fs.FS) error {
	files, err := fs.Glob(folder, "*.json")
	if err != nil {
		return fmt.Errorf("list examples: %w", err)
	}
	operations := byID(document)
	for _, name := range files {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return fmt.Errorf("read an example: %w", err)
		}
		if err := addExample(operations, name, text); err != nil {
			return fmt.Errorf("example %s: %w", name, err)
		}
	}
	return nil
}

func byID(document *huma.OpenAPI) map[string]*huma.Operation {
	operations := map[string]*huma.Operation{}
	for _, op := range documented(document) {
		operations[op.OperationID] = op
	}
	return operations
}

// documented are the operations of a document, by path.
func documented(document *huma.OpenAPI) (all []*huma.Operation) {
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		item := document.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op != nil {
				all = append(all, op)
			}
		}
	}
	return all
}

func addExample(operations map[string]*huma.Operation, name string, text []byte) error {
	id, rest, _ := strings.Cut(strings.TrimSuffix(name, ".json"), ".")
	status, word, _ := strings.Cut(rest, ".")
	op, ok := operations[id]
	if !ok || op.Responses[status] == nil {
		return errors.New("there is no such answer")
	}
	media := op.Responses[status].Content[contentTypeJSON]
	if media == nil {
		return errors.New("the answer has no JSON of its own")
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	if word == "" {
		media.Example = value
		return nil
	}
	if media.Examples == nil {
		media.Examples = map[string]*huma.Example{}
	}
	media.Examples[word] = &huma.Example{Value: value}
	return nil
}
