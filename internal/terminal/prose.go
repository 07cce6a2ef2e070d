package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Say writes prose on stdout: a line that does not fit breaks at words, and goes on where its text began.
func (t *Terminal) Say(format string, args ...any) { t.Write(t.Stdout, fmt.Sprintf(format, args...)) }

// Remark writes prose on stderr: what is no result.
func (t *Terminal) Remark(format string, args ...any) {
	t.Write(t.Stderr, fmt.Sprintf(format, args...))
}

// Write writes prose on a stream.
func (t *Terminal) Write(w io.Writer, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		at := leadOf(line)
		t.Tell(w, line[:at], line[at:])
	}
}

// Tell writes a line that begins with lead, a name for instance; further lines stand below the text.
func (t *Terminal) Tell(w io.Writer, lead, text string) {
	for _, line := range hung(lead, Printable(text), t.Width(w)) {
		fmt.Fprintln(w, t.marked(w, strings.TrimRight(line, " ")))
	}
}

// Title writes the heading of a block on stdout.
func (t *Terminal) Title(text string) { t.heading(t.Stdout, Bold, text) }

func (t *Terminal) heading(w io.Writer, style, text string) {
	at := leadOf(text)
	for _, line := range hung(text[:at], Printable(text[at:]), t.Width(w)) {
		bare := strings.TrimLeft(line, " ")
		fmt.Fprintln(w, line[:len(line)-len(bare)]+t.Painted(w, style, bare))
	}
}

// Headline is the first line about a feed: whose it is, how it went, coloured, and what else there is to say.
func (t *Terminal) Headline(who, how, more string) {
	width := t.Width(t.Stdout)
	lines := []string{who + " " + how + more}
	if width > 0 && Breadth(lines[0]) > width {
		t.Say("%s", who)
		lines = hung("  ", how+more, width)
	}
	for _, line := range lines {
		fmt.Fprintln(t.Stdout, strings.Replace(line, how, t.Painted(t.Stdout, mood(how), how), 1))
	}
}

// Verbatim writes a line on stdout as it is: what a script reads, or a person copies.
func (t *Terminal) Verbatim(line string) { fmt.Fprintln(t.Stdout, line) }

// Command writes a command line on stdout as somebody would type it: it breaks where a shell goes on reading.
func (t *Terminal) Command(line string) {
	for _, part := range commandLines(line, t.Width(t.Stdout)) {
		fmt.Fprintln(t.Stdout, t.Painted(t.Stdout, Bold, part))
	}
}

// Blank leaves a line free.
func (t *Terminal) Blank() { fmt.Fprintln(t.Stdout) }

// Aside writes on stdout what only the curious want to know.
func (t *Terminal) Aside(text string) { t.heading(t.Stdout, Faint, text) }

// Clear empties the screen of a person; a file keeps what it has.
func (t *Terminal) Clear() {
	if t.IsTerminal(t.Stdout) && !t.IsDumb() {
		fmt.Fprint(t.Stdout, "\x1b[H\x1b[2J\x1b[3J")
	}
}
