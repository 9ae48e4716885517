package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"text/tabwriter"
)

// results collects what was measured, by estate and name, in the order in which names were first met.
type results struct {
	mu    sync.Mutex
	order []key
	found map[key][]float64
}

type key struct{ estate, name, unit string }

func newResults() *results { return &results{found: map[key][]float64{}} }

// add adds one measurement.
func (r *results) add(estate, name, unit string, value float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := key{estate, name, unit}
	if _, ok := r.found[k]; !ok {
		r.order = append(r.order, k)
	}
	r.found[k] = append(r.found[k], value)
}

// row is one line of the table.
type row struct {
	Estate       string  `json:"estate"`
	Name         string  `json:"name"`
	Unit         string  `json:"unit,omitempty"`
	Min          float64 `json:"min"`
	Median       float64 `json:"median"`
	Max          float64 `json:"max"`
	Measurements int     `json:"measurements"`
}

func (r *results) rows() []row {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows := make([]row, 0, len(r.order))
	for _, k := range r.order {
		values := r.found[k]
		rows = append(rows, row{
			Estate: k.estate, Name: k.name, Unit: k.unit,
			Min: slices.Min(values), Median: median(values), Max: slices.Max(values), Measurements: len(values),
		})
	}
	return rows
}

// print writes the table in Markdown, aligned for people.
func (r *results) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	_, _ = fmt.Fprintln(w, "| estate\t| what\t| unit\t| min\t| median\t| max\t| n\t|") // Flush tells of errors
	_, _ = fmt.Fprintln(w, "| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t|")
	for _, row := range r.rows() {
		_, _ = fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %d\t|\n", row.Estate, row.Name, row.Unit,
			number(row.Min), number(row.Median), number(row.Max), row.Measurements)
	}
	return w.Flush()
}

// number writes three digits, or all before the point.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
