package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"

	"vitrine/internal/catalog"
)

// printJSON writes v to stdout for scripts.
func (a *app) printJSON(v any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// printable takes control characters out of text that comes from a merchant's file or from Stripe: an escape sequence
// in a product's title must not reach the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// shortened cuts text for a cell; the whole of it is in the report and in --output json.
func shortened(s string, limit int) string {
	return asWritten(strings.Join(strings.Fields(printable(s)), " "), limit)
}

// asWritten cuts a value of the merchant's file for a cell, and leaves its spaces: they may be what is wrong with it.
func asWritten(s string, limit int) string {
	s = printable(s)
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:limit-1]), " ") + "…"
}

// dash stands for a value that is not there, so that columns stay columns for awk.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// count writes 1234567 as 1,234,567.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// dateTime is a time as people read it.
func dateTime(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }

// plural writes "1 row", "2 rows".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// size writes bytes as people say them; 1 MB is 1,000,000 bytes, as in Stripe's limit.
func size(bytes int64) string {
	units := []string{"kB", "MB", "GB", "TB"}
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	value, unit := float64(bytes)/1000, 0
	for value >= 999.95 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// lasting writes a duration in at most two units: 0.4s, 12s, 3m12s, 2h05m, 3d4h.
func lasting(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// rough writes a duration in one unit, for columns: 4s, 3m, 2h, 5d.
func rough(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, d)/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// every writes an interval as people type it: 15m, 1h30m.
func every(d time.Duration) string { return catalog.Interval(d).String() }

// relative writes when something was or will be, as seen from now.
func relative(now, t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case t.After(now):
		return "in " + rough(t.Sub(now))
	}
	return rough(now.Sub(t)) + " ago"
}

// clock writes a time of today short, any other with its day.
func clock(now, t time.Time) string {
	now, t = now.Local(), t.Local()
	if now.YearDay() == t.YearDay() && now.Year() == t.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04:05")
}

// gauge draws how much of a whole is done.
func gauge(part, whole int64, width int) string {
	filled := 0
	if whole > 0 {
		filled = int(min(max(part, 0), whole) * int64(width) / whole)
	}
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
}

// progress is a bar on stderr for a person; for a script it is silent. A negative total means that nobody knows it.
func (a *app) progress(total int64, what string, options ...progressbar.Option) *progressbar.ProgressBar {
	visible := a.isTerminal(a.stderr) && !a.isDumb()
	return progressbar.NewOptions64(total, append([]progressbar.Option{
		progressbar.OptionSetWriter(a.stderr),
		progressbar.OptionSetVisibility(visible),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
	}, options...)...)
}
