package utc

import "time"

// Text is a time to the second, with its zone: "2026-10-01 12:00:00 UTC".
func Text(at time.Time) string { return at.UTC().Format(time.DateTime + " MST") }
