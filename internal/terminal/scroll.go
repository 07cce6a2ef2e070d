package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Scroll is lines one below the other. Where a person watches, the last one may be drawn again in place.
type Scroll struct {
	out    io.Writer
	live   bool
	width  int                      // of the terminal; 0: there is none
	marked func(line string) string // with its mark painted
	drawn  string                   // the line that is redrawn
}

// Scroll makes one. redraws says that there is a line to redraw, if a person watches.
func (t *Terminal) Scroll(out io.Writer, redraws bool) *Scroll {
	return &Scroll{
		out: out, live: redraws && t.IsTerminal(out) && !t.IsDumb(), width: t.Width(out),
		marked: func(line string) string { return t.marked(out, line) },
	}
}

// IsLive reports whether redraw shows anything.
func (s *Scroll) IsLive() bool { return s.live }

// Redraw puts a text where the cursor is. It must not wrap: a wrapped one cannot be redrawn.
func (s *Scroll) Redraw(text string) {
	if !s.live {
		return
	}
	if s.width > 1 {
		text = cut(text, s.width-1)
	}
	fmt.Fprint(s.out, "\r\x1b[2K"+text)
	s.drawn = text
}

// Line prints a text for good. What does not fit goes below its own beginning: behind two spaces that follow a name.
func (s *Scroll) Line(text string) {
	s.Erase()
	at := leadOf(text)
	for _, line := range hung(text[:at], strings.TrimRight(text[at:], " "), s.width) {
		fmt.Fprintln(s.out, s.marked(strings.TrimRight(line, " ")))
	}
}

// Erase leaves the terminal with the cursor on an empty line.
func (s *Scroll) Erase() {
	if s.drawn != "" {
		fmt.Fprint(s.out, "\r\x1b[2K")
		s.drawn = ""
	}
}
