package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/report"
)

const header = "id,title,description,link,image_link,availability,price\n"

// sound is a row without errors and warnings, but for what its feed recommends.
func sound(id string) string {
	return id + ",Linen shirt,A shirt,https://shop.example/p,https://shop.example/p.jpg,in_stock,9.99 USD\n"
}

func (s *stage) file(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	require.NoError(s.t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// validated runs validate with --output json.
func (s *stage) validated(exit int, args ...string) (v validation) {
	s.t.Helper()
	require.Equal(s.t, exit, s.run(append([]string{"validate", "-o", "json"}, args...)...), s.stderr.String())
	require.NoError(s.t, json.Unmarshal(s.stdout.Bytes(), &v))
	return v
}

func causeOf(t *testing.T, causes []foundCause, cause feed.Cause, column string) foundCause {
	t.Helper()
	for _, c := range causes {
		if c.Cause == cause && c.Column == column {
			return c
		}
	}
	require.Fail(t, "no such cause", "%s of %q in %+v", cause, column, causes)
	return foundCause{}
}

func TestFilesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, file, content, says string }{
		{"no columns", "c.csv", "id,title\n1,x\n",
			"required columns are missing: description, link, image_link, availability, price"},
		{"empty", "c.csv", "", "the file is empty: it has not even a header"},
		{"empty archive", "c.csv.gz", "", "the file is empty"},
		{"no gzip", "c.csv.gz", header, "cannot be unpacked"},
		{"a spreadsheet", "c.csv", "PK\x03\x04", "export it as CSV or TSV"},
		{"tabs in a csv", "c.csv", strings.ReplaceAll(header, ",", "\t"), "separated by tabs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			path := s.file(test.file, test.content)
			for _, output := range []string{"table", "csv"} {
				require.Equal(t, exitFailed, s.run("validate", path, "-o", output))
				require.Contains(t, s.stderr.String(), "starter: "+path+" cannot be sent: ")
				require.Contains(t, s.stderr.String(), test.says)
				require.Empty(t, s.stdout.String())
			}
			v := s.validated(exitFailed, path)
			require.False(t, v.OK)
			require.Contains(t, v.Error, test.says)
		})
	}
}

func TestAFolderIsNoFile(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.Mkdir(path, 0o700))
	require.Equal(t, exitUsage, s.run("validate", path))
	require.Contains(t, s.stderr.String(), "is a folder")
}

func TestWhatQuotesAreIsToldOrSet(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path := filepath.Join(t.TempDir(), "x.tsv")
	quoted := strings.ReplaceAll(header+sound("A")+sound("C")+sound("D")+sound("B"), ",", "\t")
	quoted = strings.Replace(quoted, "A\t", "A\t\"", 1)
	quoted = strings.Replace(quoted, "B\t", "B\t24\" ", 1)
	require.NoError(t, os.WriteFile(path, []byte(quoted), 0o600))
	v := s.validated(exitOK, path)
	require.Equal(t, lines.LiteralQuotes, v.Reading.Quotes)
	require.Equal(t, exitOK, s.run("validate", path))
	require.Contains(t, s.stdout.String(), "  reading  double quotes are read as ordinary text: 2 rows have a quote")
	v = s.validated(exitRows, path, "--quotes", "rfc4180")
	require.Equal(t, feed.BrokenQuotes, v.Causes[0].Cause)
	require.Equal(t, int64(1), v.RowsSound, "the rows behind it are read")
	require.Equal(t, exitUsage, s.run("validate", path, "--quotes", "single"))
	require.Contains(t, s.stderr.String(),
		`--quotes "single" is not known: expected auto, rfc4180, literal or backslash`)
}

func TestAnUnknownDialectIsAMistake(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitUsage, s.run("validate", "c.csv", "--dialect", "klingon"))
	require.Contains(t, s.stderr.String(), `--dialect "klingon" is not known: expected stripe or google`)
}

func TestAFileWithErrorsInRows(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.app.openTemporal, s.app.openDocuments = nil, nil // it works offline
	// No id is a word of the row without one: it would be in doubt as well.
	content := header + sound("SKU-A") + strings.Replace(sound("B"), "https://", "http://", 1)
	for i := range 5 {
		content += strings.Replace(sound(fmt.Sprintf("C%d", i)), "9.99 USD", "fr\x1bee", 1)
	}
	path := s.file("c.csv", content+sound(""))
	require.Equal(t, exitRows, s.run("validate", path))
	require.Equal(t, "starter: 6 rows of "+path+" have errors: a sync would not send them\n", s.stderr.String())
	got := s.stdout.String()
	require.Contains(t, got,
		path+
			": 6 of 8 rows with errors\n  rows     8 in the file: 2 can be sent, 6 with errors, which a sync keeps back\n  columns  7\n")
	require.Contains(t, got, `
  What keeps rows from agents
  ████████████ 5  price is not an amount, one space and a currency
                  e.g. line 4, id C0, "fr␛ee"
                       line 5, id C1, "fr␛ee"
                       line 6, id C2, "fr␛ee"
                  fix: write it as 15.00 USD`)
	require.Contains(t, got, "  ██░░░░░░░░░░ 1  the row has no id\n                  e.g. line 9\n")
	require.NotContains(t, got, "C3", "a few examples are enough")
	require.NotContains(t, got, "\x1b")
	require.Contains(t, got, "Warnings: none of these keeps a row back", got)
	require.Less(t, strings.Index(got, "Errors:"), strings.Index(got, "Warnings:"))

	v := s.validated(exitRows, path)
	require.True(t, v.OK, "the other rows can be sent")
	require.Equal(t, []int64{8, 2, 6}, []int64{v.Rows, v.RowsSound, v.RowsWithErrors})
	price := causeOf(t, v.Causes, feed.NotAmount, "price")
	require.Equal(t, int64(5), price.Count)
	require.Equal(t, feed.Error, price.Severity)
	require.Equal(t, foundExample{Line: 4, ID: "C0", Column: "price", Value: "fr␛ee"}, price.Examples[0])
	require.Len(t, price.Examples, shownExamples)
}

func TestAllFindingsAsCSV(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path := s.file("c.csv", header+sound("A")+strings.Replace(sound("=B"), "9.99 USD", "free", 1))
	require.Equal(t, exitRows, s.run("validate", path, "-o", "csv"))
	var found []catalog.ReportEntry
	for e, err := range report.NewReader(bytes.NewReader(s.stdout.Bytes())).All() {
		require.NoError(t, err)
		found = append(found, e)
	}
	require.NotEmpty(t, found)
	bad := found[len(found)-1]
	for _, e := range found {
		if e.Cause == feed.NotAmount {
			bad = e
		}
	}
	require.Equal(t, catalog.ReportEntry{
		Line: 3, ID: "=B", Column: "price", Value: "free", Cause: feed.NotAmount, Severity: feed.Error,
		By:     catalog.SaidByVitrine,
		Reason: "price is not an amount, one space and a currency",
	}, bad)
}

func TestAFileWithWarningsOnlyIsFine(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path := s.file("c.csv",
		strings.Replace(header, "price", "price,colour\x07,sizes_", 1)+
			strings.Replace(sound("A"), "USD", "USD,red,L", 1))
	require.Equal(t, exitOK, s.run("validate", path), s.stderr.String())
	got := s.stdout.String()
	require.Contains(t, got, path+": no row has errors, and there are warnings\n")
	require.Contains(t, got, "  unknown  Stripe documents no colour , sizes_\n")
	require.Regexp(t, `2  Stripe documents no such column\n +e\.g\. line 1, "colour␇?\s?"\n +line 1, "sizes_"\n`, got)

	v := s.validated(exitOK, path)
	require.Equal(t, []string{"colour\x07", "sizes_"}, v.UnknownColumns)
	require.Equal(t, int64(2), causeOf(t, v.Causes, feed.UnknownColumn, "").Count)
}

func TestRepeatedIDsAreReadTwice(t *testing.T) {
	t.Parallel()
	content := header + strings.Replace(sound("A"), "9.99 USD", "free", 1) + sound("B") + sound("A")
	s := newStage(t)
	v := s.validated(exitRows, s.file("c.csv", content))
	require.Equal(t, []int64{3, 1, 1, 1, 1},
		[]int64{v.Rows, v.RowsSound, v.RowsWithErrors, v.RowsSuperseded, v.RowsDuplicate})
	twice := causeOf(t, v.Causes, feed.DuplicateID, "id")
	require.Equal(t, int64(2), twice.Count)
	require.Equal(t, int64(2), twice.Examples[0].Line)
	for _, c := range v.Causes {
		require.NotEqual(t, feed.NotAmount, c.Cause, "the first pass is forgotten")
	}
	require.Equal(t, exitRows, s.run("validate", s.file("c.csv", content), "-o", "csv"))
	require.Equal(t, 2, strings.Count(s.stdout.String(), ",duplicate_id\n"))
	require.NotContains(t, s.stdout.String(), "not_amount")
	require.Equal(t, 1, strings.Count(s.stdout.String(), "\ufeffline,id,"))
}

func TestAFileThatIsNotThereIsNamed(t *testing.T) {
	s := newStage(t)
	require.NotEqual(t, exitOK, s.run("validate", "nofile.csv"))
	here, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, "starter: there is no file nofile.csv: check its name, and the folder that you are in, "+here+"\n",
		s.stderr.String())
}

func TestStdinIsKeptForASecondPassAndRemoved(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	s := newStage(t)
	s.stdin = header + sound("A") + sound("B") + sound("A")
	v := s.validated(exitOK, "-", "--format", "csv")
	require.Equal(t, []int64{3, 2, 1}, []int64{v.Rows, v.RowsSound, v.RowsSuperseded})
	require.Equal(t, exitOK, s.run("validate", "-", "--format", "csv", "-o", "csv"))
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left, "temporary files are removed")
}

func TestStdinThatBreaksIsNoVerdict(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	a := newStage(t).app
	a.Stdin, a.Stderr = io.MultiReader(strings.NewReader(header), brokenReader{}), io.Discard
	_, err := a.openLocal(t.Context(), "-", 1000)
	require.ErrorContains(t, err, "the pipe broke")
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the pipe broke") }

func TestStdinWithoutEndIsCutOffBehindTheLimit(t *testing.T) {
	t.Parallel()
	a := newStage(t).app
	a.Stdin, a.Stderr = strings.NewReader(header), io.Discard
	kept, err := a.openLocal(t.Context(), "-", 10)
	require.NoError(t, err)
	defer kept.close()
	info, err := os.Stat(kept.path)
	require.NoError(t, err)
	require.Equal(t, int64(11), info.Size())
	_, err = feed.Compare(kept.open, feed.Options{Format: lines.CSV, Kind: feed.Product, MaxBytes: 10},
		newFindings(feed.Product, nil))
	require.ErrorIs(t, err, lines.ErrTooLarge)
}

func TestAPipeByNameIsReadTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path := filepath.Join(t.TempDir(), "pipe.csv")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte(header+sound("A")+sound("A")), 0o600) }()
	v := s.validated(exitOK, path)
	require.NoError(t, <-written)
	require.Equal(t, []int64{2, 1, 1}, []int64{v.Rows, v.RowsSound, v.RowsSuperseded})
}

func TestACompressedFileOnStdin(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(strings.ReplaceAll(header, ",", "\t")))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	s.stdin = packed.String()
	require.Equal(t, exitOK, s.run("validate", "-", "--format", "tsv.gz"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "stdin: there is a header but no row: a sync would hold it")
}

func TestWhatADialectRewritesIsListed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path := s.file("c.csv",
		strings.Replace(header, "image_link", "Image Link", 1)+strings.Replace(sound("A"), "in_stock", "In Stock", 1))
	require.Equal(t, exitFailed, s.run("validate", path))
	require.Equal(t, exitOK, s.run("validate", path, "--dialect", "google"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "  renamed  Image Link → image_link\n")
	require.Contains(t, s.stdout.String(),
		"\n  Rewritten on the way to Stripe\n  1  availability  names of values are written in lower case with underscores\n")
	v := s.validated(exitOK, path, "--dialect", "google")
	require.Equal(t, []renamedColumn{{"Image Link", "image_link"}}, v.RenamedColumns)
	require.Equal(t, []catalog.ReportNormalised{{Rule: "names of values are written in lower case with underscores",
		Column: "availability", Count: 1}}, v.Normalised)
}

func TestTheMerchantsOwnWordsAreShown(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path := s.file("c.csv",
		strings.Replace(header, "image_link", "Image Link", 1)+
			strings.NewReplacer("in_stock", "In  Shops", ".jpg", ".webp").Replace(sound("A")))
	require.Equal(t, exitRows, s.run("validate", path, "--dialect", "google"), s.stderr.String())
	require.Contains(t, s.stdout.String(), `"In  Shops"`)
	require.Contains(t, s.stdout.String(), "Image Link ")
	s.run("validate", path, "--dialect", "google", "--output", "csv")
	require.Contains(t, s.stdout.String(), ",Image Link,")
	require.Contains(t, s.stdout.String(), ",In  Shops,")
}

func TestAFileOfAnotherFeed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path := s.file("c.csv", header+sound("A"))
	require.Equal(t, exitFailed, s.run("validate", path, "--feed", "inventory"))
	require.Contains(t, s.stderr.String(), "required columns are missing")
}

func TestValidationStopsAtCtrlC(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted{syscall.SIGINT})
	s.ctx = ctx
	require.Equal(t, 130, s.run("validate", s.file("c.csv", header)))
	require.Contains(t, s.stderr.String(), "stopped by Ctrl-C")
}

func TestCausesBeyondTheBoundAreCountedTogether(t *testing.T) {
	t.Parallel()
	f := newFindings(feed.Product, nil)
	require.NoError(t, f.Begin())
	for i := range maxFoundCauses + 7 {
		stands := &feed.Refusal{Reason: fmt.Sprintf("no such value: %d", i)}
		require.NoError(t, f.Found(feed.Finding{Line: 2, Cause: feed.RefusedByStripe}, stands))
	}
	require.Len(t, f.top(), maxFoundCauses)
	require.Equal(t, int64(7), f.other)
}

func TestTheSampleCatalogIsSound(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitOK, s.run("validate", "../examples/product.csv"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "no problems found")
	require.Contains(t, s.stdout.String(), "13 can be sent")
}
