package report_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/report"
)

const header = "line,id,column,value,reason,severity,by,first_seen,cause\n"

func TestReaderRefusesWhatNoWriterWrote(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"a report of an earlier release": "line,id,title,reason\n2,SKU-1,Shirt,Field price is required.\n",
		"a page":                         "<!doctype html>\n",
		"a line that is no number":       header + "two,a,b,c,d,error,vitrine,,x\n",
		"a time that is none":            header + "2,a,b,c,d,error,vitrine,yesterday,x\n",
		"too few fields":                 header + "2,a,b\n",
		"a broken quote":                 header + "2,\"a,b\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := report.NewReader(strings.NewReader(content)).Read()
			require.ErrorIs(t, err, report.ErrForeign)
			require.ErrorIs(t, report.NewSeen("", now).Load(strings.NewReader(content)), report.ErrForeign)
		})
	}
}

func TestReaderTellsABrokenStreamFromAForeignFile(t *testing.T) {
	t.Parallel()
	broken := errors.New("S3 broke off")
	seen := 0
	for _, err := range report.NewReader(io.MultiReader(strings.NewReader(header), iotest.ErrReader(broken))).All() {
		seen++
		require.ErrorIs(t, err, broken)
		require.NotErrorIs(t, err, report.ErrForeign)
	}
	require.Equal(t, 1, seen, "nothing comes after an error")
}

func TestReaderOfNothing(t *testing.T) {
	t.Parallel()
	require.Empty(t, read(t, ""))
	require.Empty(t, read(t, header))
}

func TestReaderGoesByTheNamesOfColumns(t *testing.T) {
	t.Parallel()
	e := read(t,
		"cause,by,severity,reason,value,column,id,line,first_seen,more\nbad_price,vitrine,error,r,v,price,SKU-1,7,2026-11-24T12:00:00Z,!\n")
	require.Equal(t, []catalog.ReportEntry{{
		Line: 7, ID: "SKU-1", Column: "price", Value: "v", Cause: "bad_price", Reason: "r", Severity: feed.Error,
		By: catalog.SaidByVitrine, FirstSeen: now,
	}}, e)
}

func TestWriterFailsWithItsDestination(t *testing.T) {
	t.Parallel()
	broken := errors.New("S3 broke off")
	w := report.NewWriter(failing{broken})
	require.ErrorIs(t, w.Write(badPrice(1, "a", "b")), broken)

	b := report.NewBuilder(failing{broken}, nil, now)
	require.ErrorIs(t, b.Finish(&catalog.Report{}), broken)
}

func TestWriterWithoutFindingsWritesTheHeader(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, report.NewWriter(&b).Flush())
	require.Equal(t, "\ufeff"+header, b.String())
}

func TestNoCellOfAStrangersIsAFormula(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"=1+1", "+1", "-5.00 USD", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "''=1", "=", "'@", "＝1+1",
		"=cmd|' /C calc'!A0", "'90s shirt", "'", "''", "plain", "",
	} {
		e := catalog.ReportEntry{Line: 3, ID: text, Column: text, Value: text, Reason: text, Cause: feed.Cause(text),
			Severity: feed.Severity(text), By: catalog.Teller(text)}
		var b bytes.Buffer
		w := report.NewWriter(&b)
		require.NoError(t, w.Write(e))
		require.NoError(t, w.Flush())
		records, err := csv.NewReader(&b).ReadAll()
		require.NoError(t, err)
		for _, cell := range records[1] {
			require.NotRegexp(t, "^[=+\\-@\t\r\n＝＋－＠]", cell)
		}
		require.Equal(t, "3", records[1][0], "numbers stay numbers")

		b.Reset()
		w = report.NewWriter(&b)
		require.NoError(t, w.Write(e))
		require.NoError(t, w.Flush())
		require.Equal(t, []catalog.ReportEntry{e}, read(t, b.String()))
	}
}

// What is written comes back, except that encoding/csv reads CR LF as LF and times keep their second.
func FuzzReportRoundTrip(f *testing.F) {
	f.Add(int64(7), "SKU-1", "price", "=1+1", "The price is no number.", "error", "vitrine", "bad_price",
		int64(1_800_000_000))
	f.Add(int64(0), "a\r\nb\rc\n", "\"", "'=x", ",", "", "stripe", "\xff\x00", int64(-1))
	f.Add(int64(-1), "\ufeff", "\\.", " ", "\u2028", "'", "''", "'-", int64(0))
	f.Fuzz(func(t *testing.T, line int64, id, column, value, reason, severity, by, cause string, first int64) {
		e := catalog.ReportEntry{
			Line: line, ID: id, Column: column, Value: value, Reason: reason, Severity: feed.Severity(severity),
			By:    catalog.Teller(by),
			Cause: feed.Cause(cause), FirstSeen: time.Unix(first%100_000_000_000, 0).UTC(),
		}
		var b bytes.Buffer
		w := report.NewWriter(&b)
		require.NoError(t, w.Write(e))
		require.NoError(t, w.Write(e))
		require.NoError(t, w.Flush())
		for _, text := range []*string{&e.ID, &e.Column, &e.Value, &e.Reason, (*string)(&e.Severity), (*string)(&e.By),
			(*string)(&e.Cause)} {
			*text = strings.ReplaceAll(*text, "\r\n", "\n")
		}
		require.Equal(t, []catalog.ReportEntry{e, e}, read(t, b.String()))
		require.NoError(t, report.NewSeen("", now).Load(bytes.NewReader(b.Bytes())))
	})
}
