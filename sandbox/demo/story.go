package demo

import (
	"fmt"

	"vitrine/internal/terminal"
)

// story prints what the demo tells, to the width of its terminal.
type story struct {
	terminal.Terminal
	chapter int
}

// margin is before what a chapter tells, below its title.
const margin = "   "

// begin starts a chapter.
func (s *story) begin(title string) {
	s.chapter++
	s.Blank()
	s.Title(fmt.Sprintf("%d. %s", s.chapter, title))
}

func (s *story) say(format string, args ...any) { s.Say(margin+format, args...) }

// aside is for what only the curious want to know.
func (s *story) aside(format string, args ...any) { s.Aside(margin + fmt.Sprintf(format, args...)) }

// command shows a command line as somebody would type it.
func (s *story) command(line string) {
	s.Blank()
	s.Command(margin + "$ " + line)
}

// check tells what was looked up and found right.
func (s *story) check(format string, args ...any) { s.Say(margin+"✓ "+format, args...) }

func (s *story) wrong(text string) {
	s.Blank()
	s.Say(margin+"✗ %s", text)
}

// table prints rows in columns, the first of which holds their titles.
func (s *story) table(header []string, rows [][]string) {
	t := s.Table(header...)
	t.Indent = len(margin)
	for _, row := range rows {
		t.Add(row...)
	}
	t.Write(s.Stdout)
}
