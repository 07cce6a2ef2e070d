package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// Printable takes control characters out of text that comes from a merchant's file or from Stripe: an escape sequence
// in a product's title must not reach the terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// Shortened cuts text for a cell; the whole of it is in the report and in --output json.
func Shortened(s string, limit int) string {
	return AsWritten(strings.Join(strings.Fields(Printable(s)), " "), limit)
}

// AsWritten cuts a value of the merchant's file for a cell, and leaves its spaces: they may be what is wrong with it.
func AsWritten(s string, limit int) string {
	s = Printable(s)
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:limit-1]), " ") + "…"
}

// Dash stands for a value that is not there, so that columns stay columns for awk.
func Dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Plural writes "1 row", "2 rows".
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Comma(n) + " " + noun + "s"
}

// Bytes writes bytes as people say them; 1 MB is 1,000,000 bytes, as in Stripe's limit.
func Bytes(bytes int64) string {
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

// AreOrIs writes "1 account is", "2 accounts are".
func AreOrIs(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return humanize.Comma(int64(n)) + " " + noun + "s are"
}

// Some names the first few and counts the rest.
func Some(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %s more", strings.Join(names[:most], ", "), humanize.Comma(int64(len(names)-most)))
}

// YesOrNo writes a switch.
func YesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// Spaced writes a name that has underscores, of an outcome or a rule for instance, as words.
func Spaced[text ~string](name text) string { return strings.ReplaceAll(string(name), "_", " ") }
