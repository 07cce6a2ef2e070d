package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// story prints what the demo tells. Colour is a help, never a need: it stays away from files, pipes and whoever asked
// for none (https://no-color.org).
type story struct {
	out     io.Writer
	colored bool
	chapter int
}

func newStory(out io.Writer) *story {
	return &story{out: out, colored: IsTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// IsTerminal reports whether a person may be looking at a stream.
func IsTerminal(stream any) bool {
	file, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(file.Fd()))
}

const (
	bold  = "1"
	faint = "2"
	green = "32"
	red   = "31"
)

func (s *story) styled(style, text string) string {
	if !s.colored {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// begin starts a chapter.
func (s *story) begin(title string) {
	s.chapter++
	fmt.Fprintf(s.out, "\n%s\n", s.styled(bold, fmt.Sprintf("%d. %s", s.chapter, title)))
}

func (s *story) blank() { fmt.Fprintln(s.out) }

func (s *story) say(format string, args ...any) {
	fmt.Fprintf(s.out, "   "+format+"\n", args...)
}

// aside is for what only the curious want to know.
func (s *story) aside(format string, args ...any) {
	fmt.Fprintf(s.out, "   %s\n", s.styled(faint, fmt.Sprintf(format, args...)))
}

// width is what a line may take of a terminal.
const width = 96

// command shows a command line as somebody would type it.
func (s *story) command(line string) {
	s.blank()
	for _, part := range wrapped("$ " + line) {
		s.say("%s", s.styled(bold, part))
	}
}

// wrapped breaks a long command line before its flags.
func wrapped(line string) (lines []string) {
	const indent = "     "
	for len(line) > width {
		at := strings.LastIndex(line[:width], " --")
		if at < len(indent) {
			break
		}
		lines, line = append(lines, line[:at]+` \`), indent+line[at+1:]
	}
	return append(lines, line)
}

// check tells what was looked up and found right.
func (s *story) check(format string, args ...any) {
	fmt.Fprintf(s.out, "   %s %s\n", s.styled(green, "✓"), fmt.Sprintf(format, args...))
}

func (s *story) wrong(format string, args ...any) {
	fmt.Fprintf(s.out, "\n   %s %s\n", s.styled(red, "✗"), fmt.Sprintf(format, args...))
}

// table prints rows in columns.
func (s *story) table(rows [][]string) {
	widths := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		text := strings.TrimRight(line.String(), " ")
		if n == 0 {
			text = s.styled(faint, text)
		}
		fmt.Fprintf(s.out, "   %s\n", text)
	}
}
