// Package wire makes what clients see: one encoded row per resource, and documents assembled from rows.
//
// The [Encoder] takes each target's newest [estate.Observation] and encodes again only the rows whose content
// changed. [Encoder.Publish] freezes what it holds as a [Snapshot], whose documents are assembled, and compressed,
// when somebody first asks for them. So the cost of a poll follows what changed, the cost of a read is a copy, and
// neither waits for the other.
//
// The shapes are those of the Pulse releases that clients were written for, with new fields beside the old ones and
// never instead of them: sizes in bytes, CPU as a fraction, `usage` in percent, rates in bytes per second and -1
// while there is none. The older shapes have no word for "unknown", so a row lists in `unknown` the fields whose
// number is only a stand-in, and tells in `freshness` whether it speaks of the present.
//
// An Encoder belongs to one goroutine. Snapshots and Documents are immutable and safe for concurrent use; nothing
// here starts a goroutine.
//
// The package is for embedders through [Snapshot] and [Document], which are kept compatible from v1 on; the Encoder
// may change.
package wire
