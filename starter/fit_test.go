package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
)

func TestTextsBreakBetweenWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lead, text string
		width      int
		want       string
	}{
		{"  rows     ", "one two three four five", 0, "  rows     one two three four five"},
		{"  rows     ", "one two three four five", 80, "  rows     one two three four five"},
		{"  rows     ", "one two three four five six", 27, "  rows     one two three\n           four five six"},
		{"  rows     ", "s3://catalogs/acct_1/product.csv", 27, "  rows     s3://catalogs/acct_1/product.csv"},
		{"  rows     ", "one two three", 20, "  rows\n    one two three"},
		{"", "日本語 日本語 日本語", 14, "日本語 日本語\n日本語"},
	} {
		require.Equal(t, c.want, hung(c.lead, c.text, c.width), "%q in %d", c.text, c.width)
	}
}

func TestHelpFitsTheTerminal(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	commands := [][]string{{}, {"sync"}, {"report"}, {"status"}, {"approve"}, {"accounts", "apply"}, {"validate"}, {"serve"}, {"order", "refund"}, {"source", "put"}}
	for _, command := range commands {
		require.Equal(t, exitOK, s.run(append(command, "--help")...))
		whole := strings.Join(strings.Fields(s.stdout.String()), "")
		s.app.isTerminal = func(any) bool { return true }
		for _, width := range []int{40, 80, 200} {
			s.columns = width
			require.Equal(t, exitOK, s.run(append(command, "--help")...))
			for line := range strings.Lines(s.stdout.String()) {
				line = strings.TrimRight(line, "\n")
				whole := len(strings.Fields(line)) == 1 || strings.HasPrefix(strings.TrimSpace(line), "starter ") || strings.HasPrefix(line, "  # ")
				if !whole {
					require.LessOrEqual(t, breadth(line), width, "%v: %q", command, line)
				}
			}
			require.Len(t, strings.Join(strings.Fields(s.stdout.String()), ""), len(whole), "no word is lost")
		}
		s.app.isTerminal = func(any) bool { return false }
	}
}

func shopTable(width int) *table {
	t := &table{header: []string{"ACCOUNT", "LAST", "#ROWS", "#DELETED", "~REASON"}, spare: []string{"DELETED", "ROWS"}, width: width}
	t.add("acct_日本", "failed", "1,200", "3", "the source has 700 rows, 300 fewer than Stripe")
	t.add("acct_2", "succeeded", "12", "0", "")
	return t
}

func TestATableGivesWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, `
ACCOUNT    LAST        ROWS  DELETED  REASON
acct_日本  failed     1,200        3  the source has 700 rows, 300 fewer than Stripe
acct_2     succeeded     12        0
`},
		{70, `
ACCOUNT    LAST        ROWS  DELETED  REASON
acct_日本  failed     1,200        3  the source has 700 rows, 300
                                      fewer than Stripe
acct_2     succeeded     12        0
`},
		{50, `
ACCOUNT    LAST        ROWS  DELETED
acct_日本  failed     1,200        3
    the source has 700 rows, 300 fewer than Stripe
acct_2     succeeded     12        0
`},
		{30, `
ACCOUNT    LAST        ROWS
acct_日本  failed     1,200
    the source has 700 rows,
    300 fewer than Stripe
acct_2     succeeded     12

There is no room here for
DELETED. --output json has
everything.
`},
		{12, `
account
   acct_日本
last failed
rows 1,200
deleted 3
reason
   the
   source
   has 700
   rows, 300
   fewer
   than
   Stripe

account
   acct_2
last
   succeeded
rows 12
deleted 0
`},
	} {
		var out strings.Builder
		shopTable(c.width).write(&out)
		require.Equal(t, c.want, "\n"+out.String(), "width %d", c.width)
	}
}

// An address can only be copied whole: its column is never made narrower than it.
func TestATableBreaksNoAddressAndIsNotTooWide(t *testing.T) {
	t.Parallel()
	const address = "s3://catalogs/catalogs/acct_demo/product.csv"
	for width := 50; width < 100; width++ {
		var out strings.Builder
		list := &table{header: []string{"ACCOUNT", "FEEDS", "EVERY", "~SOURCE"}, spare: []string{"EVERY", "FEEDS"}, width: width}
		list.add("acct_demo", "product,inventory", "15m", address)
		list.write(&out)
		require.Contains(t, out.String(), address)
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, breadth(strings.TrimSuffix(line, "\n")), width, out.String())
		}
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
		s.app.isTerminal = func(any) bool { return c.terminal }
		s.app.lookup = func(name string) (string, bool) { value, is := c.env[name]; return value, is }
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
	s.app.isTerminal = func(any) bool { return true }
	s.app.lookup = func(name string) (string, bool) { return "1", name == "NO_COLOR" }
	for _, s.columns = range []int{80, 60, 40} {
		require.Equal(t, exitOK, s.run("report", "acct_1"))
		for line := range strings.Lines(s.stdout.String()) {
			if line = strings.TrimRight(line, "\n"); !strings.Contains(line, "s3://") {
				require.LessOrEqual(t, breadth(line), s.columns, "%q", line)
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
