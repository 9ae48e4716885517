package sim

import (
	"strconv"
	"strings"
)

// rowWriter appends JSON objects to a list.
type rowWriter struct {
	out   []byte
	rows  int
	field bool
}

func (w *rowWriter) open() {
	if w.rows > 0 {
		w.out = append(w.out, ',')
	}
	w.rows++
	w.out = append(w.out, '{')
	w.field = false
}

func (w *rowWriter) close() { w.out = append(w.out, '}') }

func (w *rowWriter) name(name string) {
	if w.field {
		w.out = append(w.out, ',')
	}
	w.field = true
	w.out = append(w.out, '"')
	w.out = append(w.out, name...)
	w.out = append(w.out, '"', ':')
}

func (w *rowWriter) text(name, value string) {
	w.name(name)
	if strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r > '~' }) >= 0 {
		w.out = append(w.out, encode(value)...)
		return
	}
	w.out = append(w.out, '"')
	w.out = append(w.out, value...)
	w.out = append(w.out, '"')
}

// optional writes a field only when it is set.
func (w *rowWriter) optional(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

func (w *rowWriter) number(name string, value int64) {
	w.name(name)
	w.out = strconv.AppendInt(w.out, value, 10)
}

// fraction prints a float as Perl does: 15 digits, no point when it is whole.
func (w *rowWriter) fraction(name string, value float64) {
	w.name(name)
	w.out = strconv.AppendFloat(w.out, value, 'g', 15, 64)
}
