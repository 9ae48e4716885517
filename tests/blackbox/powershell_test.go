package blackbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"
)

// script is as much of PowerShell as the guide's example needs: it makes the requests and looks at the answers.
type script struct {
	texts   map[string]string            // variables that hold text
	headers map[string]map[string]string // variables that hold headers
	answers map[string]any               // variables that hold an answer
}

// The forms of lines and of parameters that are understood.
type powershellForms struct{ text, table, pair, request, parameter, each, property *regexp.Regexp }

func forms() powershellForms {
	return powershellForms{
		text:      regexp.MustCompile(`^\$(\w+) = "([^"]*)"$`),
		table:     regexp.MustCompile(`^\$(\w+) = @\{ (.*) \}$`),
		pair:      regexp.MustCompile(`^"([^"]+)" = \$(\w+)$`),
		request:   regexp.MustCompile(`^\$(\w+) = Invoke-RestMethod (.+)$`),
		parameter: regexp.MustCompile(`-(\w+) ("[^"]*"|\S+)`),
		each:      regexp.MustCompile(`^\$(\w+) \| ForEach-Object \{ (.*) \}$`),
		property:  regexp.MustCompile(`\$\(\$(\w+)\.(\w+)\)`),
	}
}

// powershell carries an example out.
func (r *reading) powershell(text string) {
	r.t.Helper()
	s := script{texts: map[string]string{}, headers: map[string]map[string]string{}, answers: map[string]any{}}
	f := forms()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case f.text.MatchString(line):
			m := f.text.FindStringSubmatch(line)
			s.texts[m[1]] = m[2]
		case f.table.MatchString(line):
			m := f.table.FindStringSubmatch(line)
			pair := f.pair.FindStringSubmatch(m[2])
			require.NotNil(r.t, pair, line)
			s.headers[m[1]] = map[string]string{pair[1]: s.texts[pair[2]]}
		case f.request.MatchString(line):
			m := f.request.FindStringSubmatch(line)
			s.answers[m[1]] = r.invoke(s, f, m[2])
		case f.each.MatchString(line):
			m := f.each.FindStringSubmatch(line)
			list, ok := s.answers[m[1]].([]any)
			require.True(r.t, ok, "%s is no list", m[1])
			require.NotEmpty(r.t, list)
			for _, one := range list {
				r.properties(f, m[2], map[string]any{"_": one})
			}
		case strings.HasPrefix(line, "Write-Host "):
			r.properties(f, line, s.answers)
		default:
			require.FailNow(r.t, "this line is not understood", line)
		}
	}
	health, ok := s.answers["health"].(map[string]any)
	require.True(r.t, ok)
	require.Equal(r.t, "healthy", health["status"])
	require.Len(r.t, s.answers["nodes"], 2)
}

// invoke makes the request of Invoke-RestMethod.
func (r *reading) invoke(s script, f powershellForms, arguments string) any {
	r.t.Helper()
	method, address, headers := http.MethodGet, "", map[string]string{}
	for _, m := range f.parameter.FindAllStringSubmatch(arguments, -1) {
		value := strings.Trim(m[2], `"`)
		switch m[1] {
		case "Uri":
			for name, text := range s.texts {
				value = strings.ReplaceAll(value, "$"+name, text)
			}
			address = value
		case "Method":
			method = strings.ToUpper(value)
		case "Headers":
			headers = s.headers[strings.TrimPrefix(value, "$")]
		default:
			require.FailNow(r.t, "this parameter is not understood", m[0])
		}
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	require.NoError(r.t, err)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	require.NoError(r.t, err)
	defer func() { _ = response.Body.Close() }() // it was read whole
	require.Equal(r.t, http.StatusOK, response.StatusCode, address)
	body, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	var answer any
	require.NoError(r.t, json.Unmarshal(body, &answer))
	return answer
}

// properties holds what a line prints to be in the answers.
func (r *reading) properties(f powershellForms, line string, answers map[string]any) {
	r.t.Helper()
	found := f.property.FindAllStringSubmatch(line, -1)
	require.NotEmpty(r.t, found, line)
	for _, m := range found {
		object, ok := answers[m[1]].(map[string]any)
		require.True(r.t, ok, "%s is no object", m[1])
		require.NotEmpty(r.t, object[m[2]], m[0])
	}
}
