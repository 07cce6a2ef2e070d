package main

import (
	"io"
	"strings"
)

// Colour is a help and never a need: words say the same.
const (
	plainText = ""
	bold      = "1"
	faint     = "2"
	red       = "31"
	green     = "32"
	yellow    = "33"
)

// isDumb: a terminal that moves no cursor and shows no colour.
func (a *app) isDumb() bool {
	term, _ := a.lookup("TERM")
	return term == "dumb"
}

// colours reports whether a stream shows them: a person sits there, and did not ask for none (https://no-color.org).
func (a *app) colours(w io.Writer) bool {
	none, _ := a.lookup("NO_COLOR")
	return none == "" && a.isTerminal(w) && !a.isDumb()
}

func (a *app) painted(w io.Writer, style, text string) string {
	if style == plainText || text == "" || !a.colours(w) {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// width is how wide a stream's terminal is; 0 if it is none.
func (a *app) width(w io.Writer) int {
	if !a.isTerminal(w) {
		return 0
	}
	return a.size(w)
}

// paintCell colours what a table says of outcomes and states; a title of its own is a heading.
func (a *app) paintCell(title, cell string) string {
	switch title {
	case "":
		return a.painted(a.stdout, faint, cell)
	case "LAST", "STATE", "NOW", "OUTCOME":
		return a.painted(a.stdout, mood(cell), cell)
	}
	return cell
}

// moods are the colours of the words for outcomes and states, by how they begin.
var moods = []struct{ begins, style string }{
	{"succeeded with errors", yellow}, {"succeeded", green}, {"accepted", green}, {"shipped", green}, {"delivered", green},
	{"failed", red}, {"rejected", red}, {"disputed", red}, {"expired", red},
	{"held", yellow}, {"paused", yellow}, {"never", faint}, {"unchanged", faint},
}

func mood(text string) string {
	for _, m := range moods {
		if strings.HasPrefix(text, m.begins) {
			return m.style
		}
	}
	return plainText
}
