package wire

import "sync"

// Document is one JSON document of a [Snapshot]. Each of its forms is made when it is first asked for and then kept.
// The returned bytes belong to the document and must not be changed. It is safe for concurrent use.
type Document struct {
	assemble func() []byte
	packer   *packer
	etag     string

	plain, gzip, zstd form
}

// form is one way to send a document.
type form struct {
	once sync.Once
	data []byte
}

func (f *form) get(produce func() []byte) []byte {
	f.once.Do(func() { f.data = produce() })
	return f.data
}

// Plain returns the JSON, without a trailing newline.
func (d *Document) Plain() []byte { return d.plain.get(d.assemble) }

// Gzip returns the JSON compressed with gzip.
func (d *Document) Gzip() []byte {
	return d.gzip.get(func() []byte { return d.packer.gzip(d.Plain()) })
}

// Zstd returns the JSON compressed with Zstandard.
func (d *Document) Zstd() []byte {
	return d.zstd.get(func() []byte { return d.packer.zstd(d.Plain()) })
}

// ETag returns the strong entity tag of the plain form, in quotes. It differs from that of every other revision, also
// of another process. A compressed form is another representation: whoever serves it appends its coding's name
// inside the quotes.
func (d *Document) ETag() string { return d.etag }
