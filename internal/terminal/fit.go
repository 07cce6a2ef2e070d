package terminal

import (
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// What people read fits their terminal: lines break between words, and where there is no terminal they do not break at
// all, because a script or a file has no width.

// Breadth is how wide a character terminal shows a text: 日本 takes four columns.
func Breadth(text string) int { return uniseg.StringWidth(text) }

// Pad fills a text with spaces up to a width.
func Pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-Breadth(text)))
}

// wrapped breaks a text between words into lines of at most width columns; no width: one line. A word that is longer
// has a line of its own, whole: an address or a command can only be copied so.
func wrapped(text string, width int) []string {
	if width <= 0 || Breadth(text) <= width {
		return []string{text}
	}
	var lines []string
	line, length := "", 0
	for word, gap := range gapped(text) {
		n, between := Breadth(word), len(gap)
		switch {
		case line == "":
			line, length = word, n
		case length+between+n <= width:
			line, length = line+gap+word, length+between+n
		default:
			lines = append(lines, line)
			line, length = word, n
		}
	}
	return append(lines, line)
}

// gapped are the words of a text, each with the spaces before it: in a merchant's value they may be what is wrong.
func gapped(text string) iter.Seq2[string, string] {
	return func(yield func(word, gap string) bool) {
		for text != "" {
			rest := strings.TrimLeft(text, " \t\n")
			gap := strings.Map(toSpace, text[:len(text)-len(rest)])
			end := strings.IndexAny(rest+" ", " \t\n")
			if end == 0 || !yield(rest[:end], gap) {
				return
			}
			text = rest[end:]
		}
	}
}

func toSpace(rune) rune { return ' ' }

// cut shortens a text that has no more than one line.
func cut(text string, width int) string {
	for Breadth(text) > width {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// leastText is what is left for a text beside its label before it goes below it instead.
const leastText = 16

// hung puts a text behind what leads it in; further lines begin where the text began. Where that leaves no room the
// text goes below.
func hung(lead, text string, width int) []string {
	indent := Breadth(lead)
	below := min(indent, 4, width/4)
	switch {
	case width <= 0 || indent+Breadth(text) <= width:
		return []string{lead + text}
	case below < indent && width-indent < max(leastText, longestWord(text, width-below)):
		lines := indented(wrapped(text, max(width-below, 1)), below)
		if strings.TrimSpace(lead) == "" {
			return lines
		}
		return append([]string{strings.TrimRight(lead, " ")}, lines...)
	}
	lines := indented(wrapped(text, max(width-indent, 1)), indent)
	lines[0] = lead + strings.TrimLeft(lines[0], " ")
	return lines
}

// longestWord is the width of the longest word that fits into a line at all.
func longestWord(text string, line int) (longest int) {
	for word := range strings.FieldsSeq(text) {
		if n := Breadth(word); n <= line {
			longest = max(longest, n)
		}
	}
	return longest
}

func indented(lines []string, indent int) []string {
	for i, line := range lines {
		lines[i] = strings.Repeat(" ", indent) + line
	}
	return lines
}

// leadOf is where the text of a line begins: behind the name that it explains, if it explains one, which ends with two
// spaces.
func leadOf(line string) int {
	start := len(line) - len(strings.TrimLeft(line, " "))
	if at := strings.Index(line[start:], "  "); at > 0 {
		rest := line[start+at:]
		return start + at + len(rest) - len(strings.TrimLeft(rest, " "))
	}
	return start
}
