package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/report"
	"vitrine/internal/statestore"
)

func page(t *testing.T, r catalog.Report, entries iter.Seq2[catalog.ReportEntry, error]) string {
	t.Helper()
	var html bytes.Buffer
	require.NoError(t, report.WritePage(&html, r, entries))
	return html.String()
}

func each(entries ...catalog.ReportEntry) iter.Seq2[catalog.ReportEntry, error] {
	return func(yield func(catalog.ReportEntry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestAPageIsNotWrittenInPart(t *testing.T) {
	t.Parallel()
	broken := errors.New("S3 broke off")
	var html bytes.Buffer
	err := report.WritePage(&html, catalog.Report{}, func(yield func(catalog.ReportEntry, error) bool) {
		_ = yield(badPrice(1, "a", "b"), nil) && yield(catalog.ReportEntry{}, broken)
	})
	require.ErrorIs(t, err, broken)
	require.Empty(t, html.String())

	require.ErrorIs(t, report.WritePage(failing{broken}, catalog.Report{}, nil), broken)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// attacks are what somebody might call a product.
var attacks = []string{
	`<script>alert(1)</script>`, `</style><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	`javascript:alert(1)`, `https://evil.example/`, `{{.Style}}`, `</title><svg/onload=alert(1)>`, `<!--`, `]]>`,
	"\x00\x1b[31m",
	"\u202egnp.exe", "\xff\xfe", `&lt;b&gt;`, `<a href="javascript:alert(1)">`,
}

var (
	links   = regexp.MustCompile(`(?i)(href|src|action|srcset|data)\s*=\s*"([^"]*)"`)
	element = regexp.MustCompile(`<(/?[a-zA-Z!][a-zA-Z0-9-]*)`)
)

func TestNothingThatAStrangerWroteBecomesMarkup(t *testing.T) {
	t.Parallel()
	harmless := elements(page(t, hostile("text"), each(hostile("text").Causes[0].Example)))
	for _, attack := range attacks {
		html := page(t, hostile(attack), each(hostile(attack).Causes[0].Example))
		require.Equal(t, harmless, elements(html), attack)
		for _, link := range links.FindAllStringSubmatch(html, -1) {
			require.Regexp(t, `^#cause-\d+$`, link[2], attack)
		}
		require.NotRegexp(t, `[\x00\x1b\x{202e}]`, html)
		require.NotContains(t, html, "ZgotmplZ", "html/template gave up on a place that a text stands in")
	}
}

func elements(html string) (names []string) {
	for _, match := range element.FindAllStringSubmatch(html, -1) {
		names = append(names, match[1])
	}
	return names
}

// hostile has the text wherever a text can be.
func hostile(text string) catalog.Report {
	e := catalog.ReportEntry{
		Line: 1, ID: text, Column: text, Value: text, Cause: feed.Cause(text), Reason: text, Severity: feed.Error,
		By: catalog.Teller(text), FirstSeen: now,
	}
	return catalog.Report{
		Account: text, Feed: feed.Kind(text), Outcome: catalog.Outcome(text), Reason: text, At: now, Full: text,
		Findings:   text + ".csv",
		Source:     statestore.Object{Bucket: text, Key: text, ETag: text, LastModified: now},
		Verdict:    &catalog.Verdict{By: text, Why: text, At: now},
		Imports:    []catalog.ReportImport{{File: text, Import: text, Status: catalog.ImportStatus(text)}},
		Normalised: []catalog.ReportNormalised{{Rule: text, Column: text, Count: 1}},
		Causes: []catalog.ReportCause{
			{Cause: e.Cause, Column: text, By: e.By, Severity: e.Severity, Reason: text, Fix: text, Count: 1,
				Example: e},
			{Cause: e.Cause, Column: text, By: e.By, Severity: feed.Severity(text), Reason: text, Fix: text, Count: 1,
				Example: e},
		},
	}
}

func TestThePageNeedsNothingElse(t *testing.T) {
	t.Parallel()
	summary, csv := aRun(t)
	html := page(t, summary, report.NewReader(strings.NewReader(csv)).All())
	for _, foreign := range []string{"<script", "<link", "<img", "<iframe", "<form", "@import", "url(", "style=",
		"javascript:"} {
		require.NotContains(t, strings.ToLower(html), foreign)
	}
	require.Contains(t, html,
		`<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-`)
	require.Contains(t, html, `<html lang="en">`)
}

func TestThePageOfARunThatSentNothing(t *testing.T) {
	t.Parallel()
	verdict := &catalog.Verdict{By: "Ada", Why: "half an export", At: now}
	for name, c := range map[string]struct {
		report catalog.Report
		says   []string
	}{
		"failed": {catalog.Report{Outcome: catalog.Failed, Reason: "line 7: a quote is not closed"},
			[]string{"The sync failed.", "line 7: a quote is not closed"}},
		"held": {catalog.Report{Outcome: catalog.Held, Reason: "45% would vanish"},
			[]string{"waits for a decision", "45% would vanish"}},
		"rejected": {catalog.Report{Outcome: catalog.Rejected, Verdict: verdict},
			[]string{"was rejected", "Rejected by Ada", "half an export"}},
		"unchanged": {catalog.Report{Outcome: catalog.Unchanged}, []string{"Nothing has changed."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.report.At = now
			html := page(t, c.report, nil)
			for _, text := range c.says {
				require.Contains(t, html, text)
			}
			for _, absent := range []string{"<h2", "<table", "legend"} {
				require.NotContains(t, body(html), absent)
			}
		})
	}
}

func body(html string) string { return html[strings.Index(html, "<body>"):] }

func TestThePageSaysWhatStopsTheWholeFile(t *testing.T) {
	t.Parallel()
	html := page(t, catalog.Report{Outcome: catalog.Failed,
		Causes: []catalog.ReportCause{{Severity: feed.File, Reason: "The header is broken.", Count: 1}}}, nil)
	require.Contains(t, html, "it stops the whole file")
}

func TestThePageOfARunThatWasApproved(t *testing.T) {
	t.Parallel()
	html := page(t, catalog.Report{Outcome: catalog.Succeeded,
		Verdict: &catalog.Verdict{Approved: true, By: "Ada", Why: "end of season"}}, nil)
	require.Contains(t, html, "Approved by Ada")
	require.Contains(t, html, "Every row is in order.")
}

func TestThePageListsErrorsFirstAndNoMoreThanAThousand(t *testing.T) {
	t.Parallel()
	read := 0
	entries := func(yield func(catalog.ReportEntry, error) bool) {
		for i := range int64(5000) {
			read++
			e := shortTitle(i, "W", "x")
			if i%2 == 1 {
				e = badPrice(i, "E", "x")
			}
			if !yield(e, nil) {
				return
			}
		}
	}
	r := catalog.Report{Findings: "reports/000007.csv",
		Causes: []catalog.ReportCause{{Severity: feed.Error, Count: 2500}, {Severity: feed.Warning, Count: 200_000}}}
	html := page(t, r, entries)
	require.Equal(t, 1000, strings.Count(html, "<code>E</code>"))
	require.Zero(t, strings.Count(html, "<code>W</code>"))
	require.Equal(t, 2000, read, "nobody reads on when the page is full")
	require.Contains(t, html,
		"The first 1,000 of 202,500 findings, errors first. All are in the CSV of this report, <code>000007.csv</code>.")
	require.Contains(t, html, "only the first 100,000 are listed there")

	html = page(t, r, each(shortTitle(1, "W", "x"), badPrice(2, "E", "x")))
	require.Less(t, strings.Index(html, "<code>E</code>"), strings.Index(html, "<code>W</code>"))
}

func TestAPartThatIsHardlyThereIsSeen(t *testing.T) {
	t.Parallel()
	html := page(t, catalog.Report{Rows: catalog.ReportRows{Source: 10_000_001, Unchanged: 10_000_000, KeptBack: 1}},
		nil)
	require.Contains(t, html, `class="fill-kept_back" x="997" y="0" width="3"`)
	require.Contains(t, html, "1 of 10,000,001 rows needs repair.")
}

func TestGolden(t *testing.T) {
	t.Parallel()
	summary, csv := aRun(t)
	golden(t, "run.csv", []byte(csv))
	document, err := json.MarshalIndent(summary, "", "  ")
	require.NoError(t, err)
	golden(t, "run.json", append(document, '\n'))
	golden(t, "run.html", []byte(page(t, summary, report.NewReader(strings.NewReader(csv)).All())))
	for _, outcome := range []catalog.Outcome{catalog.Held, catalog.Failed, catalog.Rejected, catalog.Succeeded} {
		golden(t, fmt.Sprintf("%s.html", outcome), []byte(page(t, ended(summary, outcome), nil)))
	}
}

// ended is a run without findings.
func ended(r catalog.Report, outcome catalog.Outcome) catalog.Report {
	end := catalog.Report{Account: r.Account, Feed: r.Feed, Outcome: outcome, At: r.At, Source: r.Source}
	switch outcome {
	case catalog.Succeeded:
		end.Rows = catalog.ReportRows{Source: 2000, Sent: 2000, Accepted: 2000}
	case catalog.Failed:
		end.Reason = "import impset_1PqRsT ended as failed: header unknown"
	default:
		end.Reason = "44,310 of 100,055 products would be deleted (44%), more than the 20% that a run may delete unasked"
		end.Rows = catalog.ReportRows{Source: 55_745, Unchanged: 55_000, Sent: 745, Deleted: 44_310}
	}
	if outcome == catalog.Rejected {
		end.Verdict = &catalog.Verdict{By: "Ada Lovelace", Why: "The export broke off at noon; a whole one follows.",
			At: r.At}
	}
	return end
}
