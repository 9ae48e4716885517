package config

import (
	"strconv"
	"strings"
)

// maxSlugLength bounds a slug before the number that may follow it.
const maxSlugLength = maxNameLength

// reservedSlug begins the wire ids of shared storages, which carry no target.
const reservedSlug = "shared"

// Slug returns a slug for a target: its name as it is where that is safe and free, otherwise the nearest
// that is. A safe name has only ASCII letters, digits, dots, underscores and dashes, and one letter or digit
// at least.
//
// The result is never empty, at most 120 bytes long, differs from every slug in taken and from "shared", and
// followed by "-" begins none of them nor the other way round. The same arguments give the same slug.
func Slug(name string, taken []string) string {
	taken = append([]string{reservedSlug}, taken...)
	base := safeSlug(name)
	if belowAny(base, taken) {
		// A number at the end would not help: what stands in front of a dash is another target's.
		base = strings.ReplaceAll(base, "-", "_")
	}
	for n := 1; ; n++ { // each taken slug rules out one n at most
		slug := base
		if n > 1 {
			slug += "_" + strconv.Itoa(n)
		}
		if !conflicts(slug, taken) {
			return slug
		}
	}
}

// safeSlug replaces every run of unsafe characters by one underscore.
func safeSlug(name string) string {
	var b strings.Builder
	gap, solid := false, false
	for _, c := range []byte(name) {
		if !isAlnum(c) && c != '.' && c != '_' && c != '-' {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap, solid = false, solid || isAlnum(c)
		b.WriteByte(c)
	}
	if !solid {
		return "target"
	}
	slug := b.String()
	return slug[:min(len(slug), maxSlugLength)]
}

func conflicts(slug string, taken []string) bool {
	for _, t := range taken {
		if slug == t || strings.HasPrefix(t, slug+"-") || strings.HasPrefix(slug, t+"-") {
			return true
		}
	}
	return false
}

// belowAny tells whether a taken slug followed by "-" begins this one.
func belowAny(slug string, taken []string) bool {
	for _, t := range taken {
		if strings.HasPrefix(slug, t+"-") {
			return true
		}
	}
	return false
}
