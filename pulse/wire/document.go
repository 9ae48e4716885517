package wire

// Document is one JSON document of a [Snapshot]. Each of its forms is made when it is first asked for and then kept.
// The returned bytes belong to the document and must not be changed.
type Document struct{}

// Plain returns the JSON, without a trailing newline.
func (d *Document) Plain() []byte { return nil }

// Gzip returns the JSON compressed with gzip.
func (d *Document) Gzip() []byte { return nil }

// Zstd returns the JSON compressed with Zstandard.
func (d *Document) Zstd() []byte { return nil }

// ETag returns the strong entity tag of the plain form, in quotes. It differs from that of every other revision, also
// of another process. A compressed form is another representation: whoever serves it appends its coding's name
// inside the quotes.
func (d *Document) ETag() string { return "" }
