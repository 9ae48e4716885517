package api

import (
	"strconv"
	"strings"
)

// The content codings that are offered. The empty one is none.
const (
	codingZstd = "zstd"
	codingGzip = "gzip"
)

// chooseCoding picks the best of the offered content codings that an Accept-Encoding header allows: the one with the
// highest weight, of equals the one offered first, and any before none. Clients that say nothing get none.
func chooseCoding(header string, offered ...string) string {
	if header == "" {
		return ""
	}
	weights := codingWeights(header)
	best, bestWeight := "", weights.identity
	for _, coding := range offered {
		weight := weights.gzip
		if coding == codingZstd {
			weight = weights.zstd
		}
		if weight > 0 && (weight > bestWeight || (best == "" && weight == bestWeight)) {
			best, bestWeight = coding, weight
		}
	}
	return best
}

type weights struct{ zstd, gzip, identity float64 }

func codingWeights(header string) weights {
	w := weights{zstd: -1, gzip: -1, identity: -1}
	rest := -1.0
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		weight := qualityOf(params)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case codingZstd:
			w.zstd = weight
		case codingGzip, "x-gzip":
			w.gzip = weight
		case "identity":
			w.identity = weight
		case "*":
			rest = weight
		}
	}
	w.zstd = orElse(w.zstd, 0) // "*" is said by clients that know gzip at most
	w.gzip = orElse(w.gzip, max(rest, 0))
	// Identity is always acceptable unless it is ruled out, yet nobody who lists codings prefers it.
	w.identity = orElse(w.identity, 0)
	return w
}

func orElse(weight, fallback float64) float64 {
	if weight < 0 {
		return fallback
	}
	return weight
}

// qualityOf reads the parameters behind a coding's name: the weight in "q=0.5", 1 without one, 0 for one that is none.
func qualityOf(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(param), "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || q < 0 || q > 1 || q != q {
			return 0
		}
		return q
	}
	return 1
}
