package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/terminal"
)

// commandLines are those of all commands.
func commandLines(c *cobra.Command) (all [][]string) {
	all = [][]string{strings.Fields(c.CommandPath())[1:]}
	for _, below := range c.Commands() {
		all = append(all, commandLines(below)...)
	}
	return all
}

func TestTheHelpOfEveryCommandFits(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	root := s.app.rootCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	commands := commandLines(root)
	require.Greater(t, len(commands), 40)
	for _, command := range commands {
		s.app.IsTerminal = func(any) bool { return false }
		require.Equal(t, exitOK, s.run(append(command, "--help")...))
		requireFits(t, s.stdout.String(), 80)
		whole := bareWords(s.stdout.String())
		s.app.IsTerminal = func(any) bool { return true }
		for _, width := range []int{80, 60, 200} {
			s.columns = width
			require.Equal(t, exitOK, s.run(append(command, "--help")...))
			requireFits(t, s.stdout.String(), width)
			require.Equal(t, whole, bareWords(s.stdout.String()), "no word is lost")
		}
	}
}

// bareWords are the words of a text in an order of their own, without what only breaks lines or explains commands.
func bareWords(text string) []string {
	words := slices.DeleteFunc(strings.Fields(text), func(word string) bool { return word == "\\" || word == "#" })
	slices.Sort(words)
	return words
}

func requireFits(t *testing.T, text string, width int) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		require.LessOrEqual(t, terminal.Breadth(line), width, "%q of\n%s", line, text)
	}
}

func TestColourIsForTerminalsThatShowIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		terminal bool
		env      map[string]string
		coloured bool
	}{
		{"a terminal", true, nil, true},
		{"a file", false, nil, false},
		{"NO_COLOR", true, map[string]string{"NO_COLOR": "1"}, false},
		{"NO_COLOR, but empty", true, map[string]string{"NO_COLOR": ""}, true},
		{"a dumb terminal", true, map[string]string{"TERM": "dumb"}, false},
	} {
		s := newStage(t)
		s.saveReport(firstReport)
		s.remember("acct_1", &catalog.Last{Outcome: catalog.SucceededWithErrors, Report: firstReport, At: noon})
		s.app.IsTerminal = func(any) bool { return c.terminal }
		s.app.Lookup = func(name string) (string, bool) { value, is := c.env[name]; return value, is }
		require.Equal(t, exitOK, s.run("report", "acct_1"), c.name)
		require.Equal(t, c.coloured, strings.Contains(s.stdout.String(), "\x1b[33msucceeded with errors\x1b[0m"),
			c.name)
		require.Equal(t, c.coloured, strings.Contains(s.stdout.String(), "\x1b"), c.name)
		require.Equal(t, exitOK, s.run("status", "acct_1"), c.name)
		require.Equal(t, c.coloured, strings.Contains(s.stdout.String(), "\x1b"), c.name)
		require.Equal(t, exitOK, s.run("status", "acct_1", "-o", "json"), c.name)
		require.NotContains(t, s.stdout.String(), "\x1b", c.name)
	}
}

func TestAReportFitsEightyColumns(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.saveReport(firstReport)
	s.remember("acct_1", &catalog.Last{Report: firstReport})
	s.app.IsTerminal = func(any) bool { return true }
	s.app.Lookup = func(name string) (string, bool) { return "1", name == "NO_COLOR" }
	for _, s.columns = range []int{80, 60, 40} {
		require.Equal(t, exitOK, s.run("report", "acct_1"))
		for line := range strings.Lines(s.stdout.String()) {
			if line = strings.TrimRight(line, "\n"); !strings.Contains(line, "s3://") {
				require.LessOrEqual(t, terminal.Breadth(line), s.columns, "%q", line)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, command := range [][]string{{"version"}, {"--version"}} {
		require.Equal(t, exitOK, s.run(command...))
		require.Regexp(t, `^starter \S+`, s.stdout.String())
	}
	require.Equal(t, exitOK, s.run("version", "-o", "json"))
	require.Regexp(t, `"version": ".+"`, s.stdout.String())
}

func TestAVariableThatMeansNothingIsPointedOut(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.app.environ = func() []string { return []string{"VITRINE_SOURCE_BUKET=x", "VITRINE_LOG_LEVEL=info", "HOME=/"} }
	require.Equal(t, exitOK, s.run("version"))
	_, err := s.app.configuration()
	require.NoError(t, err)
	_, err = s.app.configuration()
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(fmt.Sprint(s.stderr.String()), "VITRINE_SOURCE_BUKET is set and means nothing"))
	require.NotContains(t, s.stderr.String(), "VITRINE_LOG_LEVEL")
}

// Whatever a command prints fits the terminal: but for a word that is longer than a line, as addresses may be, or than
// what its label leaves of one.
func TestWhatCommandsPrintFits(t *testing.T) {
	t.Parallel()
	s := fleetOfFour(t)
	s.sells()
	s.saveReport(firstReport)
	s.remember("acct_6",
		&catalog.Last{Outcome: catalog.SucceededWithErrors, Report: firstReport, At: noon.Add(-time.Hour)})
	s.holds("acct_5", feed.Product)
	list := filepath.Join(t.TempDir(), "accounts.csv")
	require.NoError(t, os.WriteFile(list, []byte("account,every\nacct_1,1m\nacct_1,2h\n"), 0o600))
	s.app.IsTerminal = func(any) bool { return true }
	s.app.Lookup = func(name string) (string, bool) { return "1", name == "NO_COLOR" }
	for _, s.columns = range []int{80, 60} {
		for _, line := range []string{
			"status", "status --held", "status acct_1 --failed", "report acct_6", "report acct_6 --list",
			"report acct_1", "report acct_5",
			"accounts list", "accounts show acct_1", "accounts show acct_5", "accounts apply -f " + list,
			"schedule list", "schedule describe acct_1",
			"schedule describe acct_9", "schedule trigger acct_1", "schedule pause acct_1", "schedule pause",
			"approve acct_1 --why so", "approve acct_5",
			"reject acct_5 --why so --by ada --version v3", "order list", "order list --state hold",
			"order show " + lampOrder,
			"order refund " + lampOrder + " --amount 5.001 --why so --by ada", "order ship " + lampOrder, "env --all",
			"platform", "privacy show " + lampOrder,
			"source show acct_1", "source put acct_1 nowhere.csv", "validate nowhere.csv", "validate x.xlsx",
			"sync acct_1 --dry-run", "sync acct_1 --feed prices",
			"serve", "healthcheck", "doctor", "completion fish", "acounts", "version",
		} {
			s.stdin = "n\n"
			s.run(strings.Fields(line)...)
			require.NotEmpty(t, s.stdout.String()+s.stderr.String(), line)
			if strings.HasPrefix(line, "completion") { // a script
				continue
			}
			for shown := range strings.Lines(s.stdout.String() + s.stderr.String()) {
				shown = strings.TrimSuffix(shown, "\n")
				words := strings.Fields(shown)
				if len(words) > 0 && terminal.Breadth(words[len(words)-1]) > s.columns-16 {
					continue
				}
				require.LessOrEqual(t, terminal.Breadth(shown), s.columns, "%s: %q", line, shown)
			}
		}
	}
}
