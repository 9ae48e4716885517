package proxmox

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// rebuild reads a whole text into the form encoding/json gives, with the scanner alone.
func rebuild(s *scanner) any {
	switch s.peek() {
	case '{':
		out := map[string]any{}
		s.object()
		for name, ok := s.field(); ok; name, ok = s.field() {
			key := string(name)
			out[key] = rebuild(s)
		}
		return out
	case '[':
		out := []any{}
		s.array()
		for s.element() {
			out = append(out, rebuild(s))
		}
		return out
	case '"':
		return s.text()
	}
	switch literal := string(s.scalar()); literal {
	case "true":
		return true
	case "false":
		return false
	case "null", "":
		return nil
	default:
		return json.Number(literal)
	}
}

// checkAgainstStandard holds the scanner against encoding/json: the same texts are accepted, with the same content.
func checkAgainstStandard(t *testing.T, text []byte) {
	t.Helper()
	s := scanner{b: text}
	s.skip()
	s.end()
	require.Equal(t, json.Valid(text), s.err == nil, "%q: %v", text, s.err)
	if s.err != nil {
		return
	}
	require.Zero(t, s.depth)
	var want any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&want))
	again := scanner{b: text}
	got := rebuild(&again)
	require.NoError(t, again.err)
	require.Equal(t, want, got, "%q", text)
}

var scannerTexts = []string{
	``, ` `, `{}`, `[]`, `null`, `true`, `false`, `tru`, `nulll`, `0`, `-0`, `01`, `1.`, `.5`, `1e5`, `1E+5`, `1e`, `-`, `+1`,
	`1.25e-3`, `"a"`, `"a`, `"\u00e4"`, `"ä"`, "\"\xff\"", "\"\xe4\xb8\"", `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`,
	`"\x"`, `"\u12"`, "\"a\tb\"", `"\b\f\n\r\t\/\\\""`, `[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[1`, `{"a":1}`, `{"a":1,}`, `{"a" 1}`,
	`{a:1}`, `{"a":1,"a":2}`, `{"a":{"b":[{"c":null}]}}`, `{"a":1} x`, `[[[[]]]]`, "\x00", `{"":""}`, `[{}]`, `[{},{}]`, `{"a":[]}`, `[}`, `{]`,
	"{\"a\":1}\x00", "1\x00", " [ 1 , 2 ] ", "\uFEFF{}",
}

func TestScannerAcceptsWhatTheStandardDoes(t *testing.T) {
	t.Parallel()
	for _, text := range scannerTexts {
		checkAgainstStandard(t, []byte(text))
	}
}

func TestScannerBoundsNesting(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{maxDepth - 1, maxDepth, maxDepth + 1, 20 * maxDepth} {
		text := []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))
		s := scanner{b: text}
		s.skip()
		s.end()
		require.Equal(t, json.Valid(text), s.err == nil, "depth %d", depth)
	}
}

func FuzzScanner(f *testing.F) {
	for _, text := range scannerTexts {
		f.Add([]byte(text))
	}
	f.Add(readReply(f, "cluster-ok/cluster_status__auditor-token.json"))
	f.Fuzz(func(t *testing.T, text []byte) { checkAgainstStandard(t, text) })
}

func TestLenientValues(t *testing.T) {
	t.Parallel()
	none, noFlag, noFloat := Opt[int64]{}, Opt[bool]{}, Opt[float64]{}
	tests := []struct {
		text  string
		count Opt[int64]
		share Opt[float64]
		flag  Opt[bool]
		str   string
	}{
		{`0`, Some[int64](0), Some(0.0), Some(false), "0"},
		{`1`, Some[int64](1), Some(1.0), Some(true), "1"},
		{`"1"`, Some[int64](1), Some(1.0), Some(true), "1"},
		{`"2.10"`, Some[int64](2), Some(2.1), Some(true), "2.10"},
		{`0.5`, Some[int64](0), Some(0.5), Some(true), "0.5"},
		{`1.2e+16`, Some[int64](12000000000000000), Some(1.2e16), Some(true), "1.2e+16"},
		{`2.288818359375e-08`, Some[int64](0), Some(2.288818359375e-08), Some(true), "2.288818359375e-08"},
		{`9223372036854775807`, none, Some(9223372036854775807.0), Some(true), "9223372036854775807"},
		{`9007199254740993000`, Some[int64](9007199254740993000), Some(9007199254740993000.0), Some(true), "9007199254740993000"},
		{`1e999`, none, noFloat, noFlag, "1e999"},
		{`-1`, none, noFloat, Some(true), "-1"},
		{`-0.5877`, none, noFloat, Some(true), "-0.5877"},
		{`null`, none, noFloat, noFlag, ""},
		{`true`, none, noFloat, Some(true), "true"},
		{`false`, none, noFloat, Some(false), "false"},
		{`""`, none, noFloat, noFlag, ""},
		{`" 7 "`, Some[int64](7), Some(7.0), Some(true), " 7 "},
		{`"N/A"`, none, noFloat, noFlag, "N/A"},
		{`"inf"`, none, noFloat, noFlag, "inf"},
		{`"nan"`, none, noFloat, noFlag, "nan"},
		{`"0x10"`, none, noFloat, noFlag, "0x10"},
		{`"1_0"`, none, noFloat, noFlag, "1_0"},
		{`{"a":1}`, none, noFloat, noFlag, ""},
		{`[1]`, none, noFloat, noFlag, ""},
		{`"on"`, none, noFloat, Some(true), "on"},
		{`"Z\u00fcrich"`, none, noFloat, noFlag, "Zürich"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			read := func() *scanner { return &scanner{b: []byte(tt.text)} }
			require.Equal(t, tt.count, read().count())
			require.Equal(t, tt.share, read().share())
			require.Equal(t, tt.flag, read().flag())
			require.Equal(t, tt.str, read().text())
		})
	}
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       shape
		err        error
		read       bool
	}{
		{"object", `{"data":{"a":1}}`, anObject, nil, true},
		{"list", `{"data":[]}`, aList, nil, true},
		{"data last", `{"total":3,"message":"x","data":[]}`, aList, nil, true},
		{"data null for a list", `{"data":null}`, aList, nil, false},
		{"data null for an object", `{"data":null}`, anObject, errShape, false},
		{"list for an object", `{"data":[]}`, anObject, errShape, false},
		{"object for a list", `{"data":{}}`, aList, errShape, false},
		{"text for a list", `{"data":"x"}`, aList, errShape, false},
		{"data twice", `{"data":[],"data":[]}`, aList, errShape, true},
		{"no data", `{"result":[]}`, aList, errNoData, false},
		{"no envelope", `[]`, aList, errNoData, false},
		{"a page", `<html></html>`, aList, errNoData, false},
		{"empty", ``, aList, errNoData, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			called := false
			err := decodeEnvelope([]byte(tt.text), tt.want, func(s *scanner) { called = true; s.skip() })
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.read, called)
		})
	}
	t.Run("broken off anywhere", func(t *testing.T) {
		t.Parallel()
		text := `{"data":[{"type":"qemu","vmid":100,"name":"a\u00e4"}],"total":1}`
		for n := range len(text) {
			require.Error(t, decodeEnvelope([]byte(text[:n]), aList, func(s *scanner) { s.skip() }), text[:n])
		}
	})
	t.Run("a row that is no object", func(t *testing.T) {
		t.Parallel()
		require.Error(t, decodeEnvelope([]byte(`{"data":[1]}`), aList, func(s *scanner) { decodeTasks(s) }))
	})
}

// FuzzDecoders feeds every decoder anything: none may panic, stall, or accept what is no JSON, and every text that
// comes out is valid UTF-8.
func FuzzDecoders(f *testing.F) {
	for _, r := range recordings(f) {
		if r.body != nil && len(r.body) < 4096 {
			f.Add(r.body)
		}
	}
	for _, name := range []string{"status_datastore_usage", "nodes_localhost_tasks", "nodes_localhost_status", "admin_datastore"} {
		f.Add(readReply(f, "pbs-composed/"+name+".json"))
	}
	decoders := []struct {
		want shape
		read func(*scanner) any
	}{
		{anObject, func(s *scanner) any { return decodeVersion(s) }},
		{anObject, func(s *scanner) any { return decodePermissions(s) }},
		{anObject, func(s *scanner) any { return decodeNodeStatus(s) }},
		{anObject, func(s *scanner) any { return decodeHostStatus(s) }},
		{anObject, func(s *scanner) any { return decodeGuestStatus(s, VM) }},
		{anObject, func(s *scanner) any { m, _ := decodeFilesystems(s); return m }},
		{anObject, func(s *scanner) any { value, _, _ := s.ticket(); return value }},
		{aList, func(s *scanner) any { return decodeResources(s, new(recycler)) }},
		{aList, func(s *scanner) any { return decodeNodes(s, new(recycler)) }},
		{aList, func(s *scanner) any { return decodeClusterStatus(s) }},
		{aList, func(s *scanner) any { return decodeTasks(s) }},
		{aList, func(s *scanner) any { return decodeStorages(s) }},
		{aList, func(s *scanner) any { return decodeCertificates(s) }},
		{aList, func(s *scanner) any { return decodeDatastoreUsage(s) }},
		{aList, func(s *scanner) any { return decodeDatastores(s) }},
		{aList, func(s *scanner) any { return decodeNamespaces(s) }},
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, d := range decoders {
			var value any
			if decodeEnvelope(body, d.want, func(s *scanner) { value = d.read(s) }) != nil {
				continue
			}
			require.True(t, json.Valid(body))
			if value == nil {
				continue
			}
			text, err := json.Marshal(value)
			require.NoError(t, err)
			require.True(t, utf8.Valid(text))
		}
		message, fields := readFailure(body)
		require.True(t, utf8.ValidString(message+fields))
	})
}
