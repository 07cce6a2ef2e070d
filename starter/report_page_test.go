package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
)

const pageKey = "state/acct_1/product/reports/000001.html"

// newStageWithPage keeps temporary files in a folder of the test's own; so it cannot run beside others.
func newStageWithPage(t *testing.T) *stage {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	s := newStage(t)
	s.saveReport(firstReport)
	s.remember("acct_1", &catalog.Last{Report: firstReport})
	s.put(pageKey, "text/html", "<h1>Report</h1>")
	return s
}

func TestAReportWithoutAPageCannotBeOpened(t *testing.T) {
	s := newStageWithPage(t)
	s.saveReport(firstReport, func(r *catalog.Report) { r.Page = "" })
	for _, flags := range [][]string{{"--open"}, {"--page", "-"}} {
		require.Equal(t, exitFailed, s.run(append([]string{"report", "acct_1"}, flags...)...))
		require.Contains(t, s.stderr.String(), "has no page")
		require.Empty(t, s.stdout.String())
	}
}

func TestAPageThatIsGoneLeavesNoFileBehind(t *testing.T) {
	s := newStageWithPage(t)
	require.NoError(t, s.store.Delete(t.Context(), "state", pageKey))
	require.Equal(t, exitFailed, s.run("report", "acct_1", "--open"))
	require.Contains(t, s.stderr.String(), "000001.html does not exist")
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left)

	kept := filepath.Join(t.TempDir(), "kept.html")
	require.NoError(t, os.WriteFile(kept, []byte("before"), 0o600))
	require.Equal(t, exitFailed, s.run("report", "acct_1", "--page", kept))
	require.FileExists(t, kept)
	content, err := os.ReadFile(kept)
	require.NoError(t, err)
	require.Equal(t, "before", string(content))
}

func TestThePageIsNotWrittenWhereItCannotBe(t *testing.T) {
	s := newStageWithPage(t)
	require.Equal(t, exitUsage, s.run("report", "acct_1", "--page", filepath.Join(t.TempDir(), "nowhere", "r.html")))
	require.Contains(t, s.stderr.String(), "nor a folder ")
}

func TestThePageOpensInTheBrowser(t *testing.T) {
	s := newStageWithPage(t)
	s.app.IsTerminal = func(any) bool { return true }
	require.Equal(t, exitOK, s.run("report", "acct_1", "--open"))
	require.Len(t, s.browsed, 1)
	require.Equal(t, s.browsed[0]+"\n", s.stdout.String())
	require.Empty(t, s.stderr.String())
	s.requirePrivate(s.browsed[0])
}

func (s *stage) requirePrivate(name string) {
	s.t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(s.t, err)
	require.Equal(s.t, "<h1>Report</h1>", string(content))
	file, err := os.Stat(name)
	require.NoError(s.t, err)
	require.Equal(s.t, os.FileMode(0o600), file.Mode().Perm())
	folder, err := os.Stat(filepath.Dir(name))
	require.NoError(s.t, err)
	require.Equal(s.t, os.FileMode(0o700), folder.Mode().Perm())
}

func TestThePageStaysWhereNoBrowserOpens(t *testing.T) {
	for _, c := range []struct {
		name     string
		terminal bool
		err      error
		says     string
	}{
		{"no terminal", false, nil, "There is no terminal, so no browser was opened. The page is here:\n"},
		{"no browser", true, errors.New("xdg-open is not installed"),
			"No browser could be opened (xdg-open is not installed). The page is here:\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStageWithPage(t)
			s.app.IsTerminal, s.browseErr = func(any) bool { return c.terminal }, c.err
			require.Equal(t, exitOK, s.run("report", "acct_1", "--open"))
			require.Equal(t, c.says, s.stderr.String())
			s.requirePrivate(strings.TrimSuffix(s.stdout.String(), "\n"))
		})
	}
}

func TestThePageGoesToAFileOrToStdout(t *testing.T) {
	s := newStageWithPage(t)
	require.Equal(t, exitOK, s.run("report", "acct_1", "--page", "-"))
	require.Equal(t, "<h1>Report</h1>", s.stdout.String())

	name := filepath.Join(t.TempDir(), "report.html")
	require.Equal(t, exitOK, s.run("report", "acct_1", "--page", name))
	require.Empty(t, s.stdout.String())
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "<h1>Report</h1>", string(content))
	require.Empty(t, s.browsed)
}

func TestOpeners(t *testing.T) {
	require.Equal(t, []string{"xdg-open"}, opener("linux"))
	require.Equal(t, []string{"xdg-open"}, opener("freebsd"))
	require.Equal(t, []string{"open"}, opener("darwin"))
	require.Equal(t, []string{"rundll32", "url.dll,FileProtocolHandler"}, opener("windows"))
}

func TestASystemWithoutAnOpenerSaysSo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	require.ErrorIs(t, openInBrowser(t.Context(), "page.html"), exec.ErrNotFound)
}

func TestAnOpenerThatFailsSaysSo(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the stand-in is a shell script called xdg-open")
	}
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "xdg-open"), []byte("#!/bin/sh\nexit 3\n"), 0o700))
	t.Setenv("PATH", folder)
	require.ErrorContains(t, openInBrowser(t.Context(), "page.html"), "exit status 3")
}
