package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/terminal"
)

func TestHelpFitsTheTerminal(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	commands := [][]string{{}, {"sync"}, {"report"}, {"status"}, {"approve"}, {"accounts", "apply"}, {"validate"}, {"serve"}, {"order", "refund"}, {"source", "put"}}
	for _, command := range commands {
		require.Equal(t, exitOK, s.run(append(command, "--help")...))
		whole := strings.Join(strings.Fields(s.stdout.String()), "")
		s.app.IsTerminal = func(any) bool { return true }
		for _, width := range []int{40, 80, 200} {
			s.columns = width
			require.Equal(t, exitOK, s.run(append(command, "--help")...))
			for line := range strings.Lines(s.stdout.String()) {
				line = strings.TrimRight(line, "\n")
				whole := len(strings.Fields(line)) == 1 || strings.HasPrefix(strings.TrimSpace(line), "starter ") || strings.HasPrefix(line, "  # ")
				if !whole {
					require.LessOrEqual(t, terminal.Breadth(line), width, "%v: %q", command, line)
				}
			}
			require.Len(t, strings.Join(strings.Fields(s.stdout.String()), ""), len(whole), "no word is lost")
		}
		s.app.IsTerminal = func(any) bool { return false }
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
		require.Equal(t, c.coloured, strings.Contains(s.stdout.String(), "\x1b[33msucceeded with errors\x1b[0m"), c.name)
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
