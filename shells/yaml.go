package shells

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// jsonOfYAML returns one YAML document, which must be a mapping, as JSON. The errors name a line and never quote the
// text, which may hold secrets.
func jsonOfYAML(text []byte) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Load(text, &document, yaml.WithSingleDocument(false)); err != nil {
		return nil, yamlError(err)
	}
	datesAsText(&document)
	if err := namesAreText(&document); err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := document.Load(&fields); err != nil {
		return nil, yamlError(err)
	}
	if fields == nil {
		return nil, errors.New(`want a mapping with the field "targets"`)
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return nil, errors.New("want YAML that could be written as JSON: without infinite numbers")
	}
	return data, nil
}

// datesAsText keeps what looks like a date as it was written: no field is one, but a password may look like one.
func datesAsText(node *yaml.Node) {
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!timestamp" {
		node.Tag = "!!str"
	}
	for _, child := range node.Content {
		datesAsText(child)
	}
}

// namesAreText refuses what JSON has no name for. A field without a name would be dropped without a word.
func namesAreText(node *yaml.Node) error {
	for i, child := range node.Content {
		isName := node.Kind == yaml.MappingNode && i%2 == 0
		if isName && (child.Kind != yaml.ScalarNode || (child.ShortTag() != "!!str" && child.ShortTag() != "!!merge")) {
			return fmt.Errorf("line %d: want a name that is text before each colon", child.Line)
		}
		if err := namesAreText(child); err != nil {
			return err
		}
	}
	return nil
}

func yamlError(err error) error {
	var one *yaml.LoadError
	var several *yaml.LoadErrors
	if errors.As(err, &several) && len(several.Errors) > 0 {
		one = several.Errors[0]
	} else if !errors.As(err, &one) {
		return errors.New("want YAML or JSON")
	}
	switch {
	case one.Mark.Line == 0:
		return errors.New(`want one YAML document, a mapping with the field "targets"`)
	case one.Stage == yaml.ScannerStage || one.Stage == yaml.ParserStage:
		return fmt.Errorf("line %d is not YAML: %s", one.Mark.Line, one.Message) // a fixed text at these stages
	default:
		return fmt.Errorf("line %d: want a mapping in which each field is given once", one.Mark.Line)
	}
}
