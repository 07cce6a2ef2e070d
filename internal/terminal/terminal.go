package terminal

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"
)

// Terminal is where somebody, or a script, runs a command: what it reads and writes, and whether a person sits there.
type Terminal struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Lookup         func(name string) (value string, set bool) // of the environment: TERM, NO_COLOR
	Now            func() time.Time
	IsTerminal     func(stream any) bool // whether a person sits at one of the streams
	Size           func(io.Writer) int   // how many columns the terminal behind a stream has; 0: nobody knows
}

// OfProcess is the terminal of this process.
func OfProcess() Terminal {
	return Terminal{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.LookupEnv, Now: time.Now,
		IsTerminal: isTerminal, Size: terminalWidth,
	}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// terminalWidth is how wide the terminal behind w is; 0 if there is none.
func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// Width is how wide a stream's terminal is; 0 if it is none.
func (t *Terminal) Width(w io.Writer) int {
	if !t.IsTerminal(w) {
		return 0
	}
	return t.Size(w)
}

// IsDumb: a terminal that moves no cursor and shows no colour.
func (t *Terminal) IsDumb() bool {
	term, _ := t.Lookup("TERM")
	return term == "dumb"
}

// Headline is the first line about a feed: whose it is, how it went, coloured, and what else there is to say.
func (t *Terminal) Headline(who, how, more string) {
	between := " "
	if width := t.Width(t.Stdout); width > 0 && Breadth(who+" "+how+more) > width {
		between = "\n  "
	}
	fmt.Fprintln(t.Stdout, who+between+t.Painted(t.Stdout, mood(how), how)+more)
}

// Tell prints a line that begins with lead, a name for instance; further lines stand below the text.
func (t *Terminal) Tell(w io.Writer, lead, text string) {
	fmt.Fprintln(w, strings.TrimRight(Hung(lead, Printable(text), t.Width(w)), " "))
}

// Ask puts a question to the person at the terminal; whatever is not yes is no.
func (t *Terminal) Ask(question string) bool {
	fmt.Fprintf(t.Stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(t.Stdin).ReadString('\n')
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer)))
}
