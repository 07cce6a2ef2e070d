package feed

// Severity says what a finding means.
type Severity string

// The severities.
const (
	// Error: Stripe would refuse the row. It is kept back, and the rest is sent.
	Error Severity = "error"
	// Warning: the row is sent all the same.
	Warning Severity = "warning"
	// File: nothing of the file can be sent.
	File Severity = "file"
)

// Cause is a kind of problem with a row. Causes are what reports are counted by, so they are never renamed.
type Cause string

// Finding is one thing that is wrong with one row, or with the header (Line 1).
type Finding struct {
	Line   int64  // where the row begins in the merchant's file, from 1
	ID     []byte // of the row; empty if it has none. Valid until the next row
	Column string // as the merchant calls it; empty: the row as a whole
	Value  []byte // as it stands in the file, whole. Valid until the next row
	Cause  Cause
}
