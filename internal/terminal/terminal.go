package terminal

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// Terminal is where somebody, or a script, runs a command: what it reads and writes, and whether a person sits there.
type Terminal struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Lookup         func(name string) (value string, set bool) // of the environment: TERM, NO_COLOR, COLUMNS
	Now            func() time.Time
	IsTerminal     func(stream any) bool // whether a person sits at one of the streams
	Size           func(io.Writer) int   // how many columns the terminal behind a stream has; 0: it does not say
}

// OfProcess is the terminal of this process.
func OfProcess() Terminal { return Of(os.Stdin, os.Stdout, os.Stderr, os.LookupEnv) }

// Of is the terminal behind three streams, in an environment.
func Of(stdin io.Reader, stdout, stderr io.Writer, lookup func(string) (string, bool)) Terminal {
	return Terminal{
		Stdin: stdin, Stdout: stdout, Stderr: stderr, Lookup: lookup, Now: time.Now,
		IsTerminal: isTerminal, Size: terminalWidth,
	}
}

// described is a stream that may be a terminal: a file, or what stands before one.
type described interface{ Fd() uintptr }

func isTerminal(stream any) bool {
	file, ok := stream.(described)
	return ok && term.IsTerminal(int(file.Fd()))
}

// terminalWidth is how wide the terminal behind w is; 0 if there is none.
func terminalWidth(w io.Writer) int {
	file, ok := w.(described)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// usual is how wide a terminal is that does not say, and what help is written for.
const usual = 80

// Width is how wide what a stream shows may be: as COLUMNS says, or else as the terminal does; 0 if there is none.
func (t *Terminal) Width(w io.Writer) int {
	if text, set := t.Lookup("COLUMNS"); set {
		if columns, err := strconv.Atoi(text); err == nil && columns > 0 {
			return columns
		}
	}
	if !t.IsTerminal(w) {
		return 0
	}
	return cmp.Or(t.Size(w), usual)
}

// IsDumb: a terminal that moves no cursor and shows no colour.
func (t *Terminal) IsDumb() bool {
	term, _ := t.Lookup("TERM")
	return term == "dumb"
}

// Ask puts a question to the person at the terminal; whatever is not yes is no.
func (t *Terminal) Ask(question string) bool {
	lines := hung("", question+" [y/N]", t.Width(t.Stderr))
	fmt.Fprint(t.Stderr, strings.Join(lines, "\n")+" ")
	answer, _ := bufio.NewReader(t.Stdin).ReadString('\n')
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer)))
}
