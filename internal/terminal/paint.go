package terminal

import (
	"io"
	"strings"
)

// Colour is a help and never a need: words say the same.
const (
	plainText = ""
	Bold      = "1"
	Faint     = "2"
	red       = "31"
	green     = "32"
	yellow    = "33"
)

// colours reports whether a stream shows them: a person sits there, and did not ask for none (https://no-color.org).
func (t *Terminal) colours(w io.Writer) bool {
	none, _ := t.Lookup("NO_COLOR")
	return none == "" && t.IsTerminal(w) && !t.IsDumb()
}

// Painted colours a text for a stream that shows colours, in one of the styles above.
func (t *Terminal) Painted(w io.Writer, style, text string) string {
	if style == plainText || text == "" || !t.colours(w) {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// paintCell colours what a table says of outcomes and states, of which a part may stand on a line.
func (t *Terminal) paintCell(title, cell, part string) string {
	switch title {
	case heading:
		return t.Painted(t.Stdout, Faint, part)
	case "LAST", "STATE", "NOW", "OUTCOME":
		return t.Painted(t.Stdout, mood(cell), part)
	}
	return part
}

// marks are the colours of what a line may begin with.
var marks = []struct{ mark, style string }{{"✓", green}, {"✗", red}, {"!", yellow}}

// marked paints the mark at which a line begins.
func (t *Terminal) marked(w io.Writer, line string) string {
	for _, m := range marks {
		if before, after, found := strings.Cut(line, m.mark+" "); found && strings.TrimSpace(before) == "" {
			return before + t.Painted(w, m.style, m.mark) + " " + after
		}
	}
	return line
}

// moods are the colours of the words for outcomes and states, by how they begin.
var moods = []struct{ begins, style string }{
	{"succeeded with errors", yellow}, {"succeeded", green},
	{"accepted", green}, {"shipped", green}, {"delivered", green},
	{"failed", red}, {"rejected", red}, {"disputed", red}, {"expired", red},
	{"held", yellow}, {"paused", yellow}, {"never", Faint}, {"unchanged", Faint},
}

func mood(text string) string {
	for _, m := range moods {
		if strings.HasPrefix(text, m.begins) {
			return m.style
		}
	}
	return plainText
}
