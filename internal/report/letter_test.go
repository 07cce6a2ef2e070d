package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/report"
)

func reported() catalog.Report {
	return catalog.Report{
		Account: "acct_1", Feed: feed.Product, Outcome: catalog.SucceededWithErrors,
		At:      time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC),
		Summary: "Two rows were kept back.", Rows: catalog.ReportRows{Source: 9, Sent: 7, KeptBack: 2},
		Before: "state/acct_1/product/reports/000001.json",
		Since:  &catalog.ReportSince{New: 2, Fixed: 1, Still: 3, At: time.Date(2026, 11, 29, 11, 0, 0, 0, time.UTC)},
		Causes: []catalog.ReportCause{
			{Column: "price", Severity: feed.Error, Reason: "is no <amount>", Fix: "write 9.99 USD", Count: 3, New: 2,
				Example: catalog.ReportEntry{Line: 17, ID: "sku\r\nBcc: x", Value: "<script>alert(1)</script>"}},
			{Column: "title", Severity: feed.Error, Reason: "an old error", Count: 3},
			{Column: "link", Severity: feed.Warning, Reason: "a warning", Count: 3, New: 3},
		},
	}
}

func TestALetterNamesWhatIsNew(t *testing.T) {
	t.Parallel()
	l, err := report.WriteLetter(reported(), true)
	require.NoError(t, err)
	require.Equal(t, "2 new errors in your product feed", l.Subject)
	for _, text := range []string{l.Text, l.HTML} {
		for _, says := range []string{"Two rows were kept back.", "29 November 2026, 11:00 UTC", "price", "line 17",
			"3 rows, 2 of them new", "write 9.99 USD", "The enclosed list", "acct_1"} {
			require.Contains(t, text, says)
		}
		for _, not := range []string{"an old error", "a warning", "\r"} {
			require.NotContains(t, text, not)
		}
	}
	require.NotContains(t, l.HTML, "<script>")
	require.NotContains(t, l.HTML, "<amount>")
	require.Contains(t, l.Text, "is no <amount>")
	require.NotContains(t, l.HTML, "http://", "it loads nothing")
	require.NotContains(t, l.HTML, "src=")
}

func TestALetterIsNotALongOne(t *testing.T) {
	t.Parallel()
	r := reported()
	r.Since = nil
	for range 30 {
		r.Causes = append(r.Causes, r.Causes[0])
	}
	l, err := report.WriteLetter(r, false)
	require.NoError(t, err)
	require.Equal(t, "2 rows of your product feed to repair", l.Subject)
	require.Equal(t, 9, strings.Count(l.Text, "is no <amount>"), "and the old error: of a first report all are new")
	require.Contains(t, l.Text, "And 22 other causes.")
	require.NotContains(t, l.Text, "enclosed")
}

func TestWhichReportsHaveNews(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*catalog.Report)
		want   bool
	}{
		"new errors":         {func(*catalog.Report) {}, true},
		"the same as before": {func(r *catalog.Report) { r.Since.New = 0 }, false},
		"the first":          {func(r *catalog.Report) { r.Since, r.Before = nil, "" }, true},
		"the first, all well": {func(r *catalog.Report) {
			r.Since, r.Before, r.Rows = nil, "", catalog.ReportRows{Sent: 1}
		}, false},
		"not comparable":      {func(r *catalog.Report) { r.Since = nil }, false},
		"it failed":           {func(r *catalog.Report) { r.Outcome = catalog.Failed }, false},
		"it was rejected":     {func(r *catalog.Report) { r.Outcome = catalog.Rejected }, false},
		"a rest of an import": {func(r *catalog.Report) { r.Resumed = true }, false},
	} {
		r := reported()
		c.change(&r)
		require.Equal(t, c.want, report.HasNews(r), name)
	}
}
