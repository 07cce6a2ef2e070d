// Package lines reads CSV and TSV: it makes rows and their fields of the bytes of a file, as such files really are. It
// knows how a file is written, what its quotes mean and how far a row can be trusted, and nothing of what stands in its
// cells: what they have to look like is told by whoever reads them (Expected).
//
//	bytes ─▶ Source (source.go): unpacked, counted, bounded
//	      ─▶ Cutter (cutter.go): the first bytes (beginning.go), then batches of rows (batch.go)
//	      ─▶ judge (judge.go): what a row is worth whose quotes are in doubt, and the Evidence (quotes.go) for what
//	         quotes mean
//
// A Reader is a Cutter for files that can be taken at their word.
package lines
