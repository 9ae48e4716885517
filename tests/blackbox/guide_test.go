package blackbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// section is a part of the API guide, from a heading to the next.
type section struct {
	heading string
	blocks  []block
}

// block is fenced text.
type block struct{ language, text string }

// guide reads the API guide.
func guide(t *testing.T) (text string, sections []section) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "openapi", "README.md"))
	require.NoError(t, err)
	var inside *block
	for line := range strings.Lines(string(raw)) {
		switch {
		case inside != nil && line == "```\n":
			last := &sections[len(sections)-1]
			last.blocks = append(last.blocks, *inside)
			inside = nil
		case inside != nil:
			inside.text += line
		case strings.HasPrefix(line, "```"):
			inside = &block{language: strings.TrimSpace(line[3:])}
		case strings.HasPrefix(line, "#"):
			sections = append(sections, section{heading: strings.TrimSpace(strings.TrimLeft(line, "#"))})
		}
	}
	require.Nil(t, inside, "a block does not end")
	return string(raw), sections
}

// adds tells whether the examples of a section add a node, so that it must not be there before.
func (s section) adds() bool {
	for _, b := range s.blocks {
		if strings.Contains(b.text, "-X POST http://localhost:7655/api/config/nodes \\\n") {
			return true
		}
	}
	return false
}

// TestGuideNamesEveryOperation holds the guide and the OpenAPI document to each other.
func TestGuideNamesEveryOperation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	text, sections := guide(t)
	operations := map[string]bool{}
	for _, operation := range s.operations(s.startAnywhere()) {
		operations[operation] = true
		_, path, _ := strings.Cut(operation, " ")
		require.Contains(t, text, strings.ReplaceAll(path, "{id}", "<id>"), "the guide does not name it")
	}
	for _, part := range sections {
		for _, b := range part.blocks {
			if b.language != "http" {
				continue
			}
			for line := range strings.Lines(b.text) {
				line = strings.TrimSuffix(strings.ReplaceAll(strings.TrimSpace(line), "<id>", "{id}"), "/")
				require.True(t, operations[line], "there is no %q", line)
			}
		}
	}
}
