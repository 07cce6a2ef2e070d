package terminal

import (
	"cmp"
	"fmt"
	"strings"
)

// Help writes what a command says of itself, in the layout of cobra: paragraphs, lists whose names stand before their
// texts, and commands to be copied. Where there is no terminal it is as wide as one usually is.
func (t *Terminal) Help(text string) {
	fmt.Fprint(t.Stdout, fitted(text, cmp.Or(t.Width(t.Stdout), usual)))
}

// fitted breaks paragraphs anew, each line of a list below itself, and commands where a shell goes on reading.
func fitted(text string, width int) string {
	var out []string
	for _, b := range blocks(text) {
		out = append(out, b.fit(width)...)
	}
	return strings.Join(out, "\n")
}

// block is a paragraph, or a line of a list: what leads in, and a text that may break.
type block struct{ lead, text string }

func (b block) fit(width int) []string {
	line := b.lead + b.text
	switch {
	case Breadth(line) <= width:
		return []string{line}
	case isCommand(line):
		return fittedCommand(line, width)
	}
	return hung(b.lead, b.text, width)
}

// blocks joins lines that go on: of a paragraph, and those of a list that begin where the text above them does.
func blocks(text string) (all []block) {
	goesOn := false
	for line := range strings.SplitSeq(text, "\n") {
		start := len(line) - len(strings.TrimLeft(line, " "))
		bare := line[start:]
		if goesOn && bare != "" && start == Breadth(all[len(all)-1].lead) && !isCommand(line) {
			last := &all[len(all)-1]
			last.text += " " + bare
			goesOn = !strings.HasSuffix(bare, ":")
			continue
		}
		at := leadOf(line)
		if start == 0 { // in a paragraph nothing is led in
			at = 0
		}
		all = append(all, block{line[:at], line[at:]})
		goesOn = bare != "" && !strings.HasSuffix(bare, ":") && (at == 0 || at > start)
	}
	return all
}

// isCommand tells a line that a person may copy into a shell: it is indented, and begins with a program or with what a
// program is given.
func isCommand(line string) bool {
	command, _, _ := strings.Cut(line, "  # ")
	if !strings.HasPrefix(line, "  ") || strings.Contains(strings.TrimSpace(command), "  ") {
		// what it does stands beside it
		return false
	}
	first, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch first {
	case ".", "starter", "worker", "sandbox", "stripesim", "temporal", "curl":
		return true
	}
	name, _, assigned := strings.Cut(first, "=")
	return strings.HasPrefix(first, "bin/") || assigned && name == strings.ToUpper(name)
}

// fittedCommand puts what explains a command above it, and breaks it with a backslash.
func fittedCommand(line string, width int) (out []string) {
	command, comment, explained := strings.Cut(line, "  # ")
	indent := len(command) - len(strings.TrimLeft(command, " "))
	if explained {
		out = hung(strings.Repeat(" ", indent)+"# ", comment, width)
		for i := range out[1:] { // a shell takes the lines too
			out[i+1] = strings.Repeat(" ", indent) + "# " + strings.TrimSpace(out[i+1])
		}
	}
	return append(out, commandLines(strings.TrimRight(command, " "), width)...)
}

// commandLines breaks a command line where a shell goes on reading: before a flag or a pipe if it can, and within no
// quotes. What has no such place is longer than the width; no width: one line.
func commandLines(line string, width int) (lines []string) {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	further := strings.Repeat(" ", indent+4)
	for width > 0 && Breadth(line) > width {
		at := breakOf(line, indent, width-2)
		if at < 0 {
			break
		}
		lines, line = append(lines, line[:at]+` \`), further+strings.TrimLeft(line[at:], " ")
		indent = len(further)
	}
	return append(lines, line)
}

// breakOf is the last place within a width at which a command may break; -1: there is none.
func breakOf(line string, indent, width int) (at int) {
	at, flag := -1, -1
	quote := rune(0)
	for i, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r != ' ' || i <= indent || Breadth(line[:i]) > width:
		default:
			at = i
			if strings.HasPrefix(line[i:], " -") || strings.HasPrefix(line[i:], " | ") {
				flag = i
			}
		}
	}
	if flag > width/2 {
		return flag
	}
	return at
}
