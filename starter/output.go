package main

import (
	"encoding/json"
	"time"

	"vitrine/internal/account"
)

// printJSON writes v to stdout for scripts.
func (a *app) printJSON(v any) error {
	encoder := json.NewEncoder(a.Stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// every writes an interval as people type it: 15m, 1h30m.
func every(d time.Duration) string { return account.Interval(d).String() }
