package api

import "strings"

// matchesETag tells whether an If-None-Match header names an entity tag, by weak comparison as RFC 9110 asks for it. A
// header that is not well formed matches as far as it can be read.
func matchesETag(header, etag string) bool {
	etag = strings.TrimPrefix(etag, "W/")
	for {
		header = strings.TrimLeft(header, " \t,")
		if header == "" {
			return false
		}
		if header[0] == '*' {
			return true
		}
		header = strings.TrimPrefix(header, "W/")
		if header == "" || header[0] != '"' {
			return false
		}
		end := strings.IndexByte(header[1:], '"')
		if end < 0 {
			return false
		}
		if header[:end+2] == etag {
			return true
		}
		header = header[end+2:]
	}
}

// codingETag is the entity tag of a document in a content coding: another representation needs another strong tag.
func codingETag(etag, coding string) string {
	if coding == "" {
		return etag
	}
	return strings.TrimSuffix(etag, `"`) + "-" + coding + `"`
}
