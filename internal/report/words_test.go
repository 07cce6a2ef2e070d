package report_test

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
)

// told is what a report says of a run that ended in some way; one place makes it, and the terminal, the page and the
// JSON all show it. The starter's tests have the same table for the terminal.
var told = map[string]struct {
	report         catalog.Report
	headline, lead string
	rows, stripe   string
	bar            []string
}{
	"held": {
		report: catalog.Report{Outcome: catalog.Held,
			Rows: catalog.ReportRows{Source: 1423, Unchanged: 1000, Sent: 20, KeptBack: 403, Deleted: 423}},
		headline: "The sync waits for a decision.", lead: "Nothing was sent.",
		rows: "1,423 in the source: 1,000 unchanged, 20 to send, 403 kept back; 423 to delete",
		bar:  []string{"unchanged", "sent", "kept_back"},
	},
	"rejected": {
		report: catalog.Report{Outcome: catalog.Rejected,
			Rows: catalog.ReportRows{Source: 1020, Unchanged: 1000, Sent: 20, Deleted: 423}},
		headline: "The sync was rejected.", lead: "Nothing was sent.",
		rows: "1,020 in the source: 1,000 unchanged, 20 not sent; 423 not deleted",
		bar:  []string{"unchanged", "sent"},
	},
	"failed at once": {
		report: catalog.Report{Outcome: catalog.Failed,
			Rows: catalog.ReportRows{Source: 10, Sent: 9, KeptBack: 1, Deleted: 1}},
		headline: "The sync failed.", lead: "What agents see stays as it was.",
		rows: "10 in the source: 9 new or changed, 1 kept back; 1 deletion due", stripe: "10 not taken",
		bar: []string{"not_taken", "kept_back"},
	},
	"failed at its second part": {
		report: catalog.Report{Outcome: catalog.Failed,
			Rows: catalog.ReportRows{Source: 10, Sent: 10, Accepted: 5, Refused: 1}},
		headline: "The sync failed.", lead: "Stripe took a part of what was new.",
		rows: "10 in the source: 10 new or changed", stripe: "5 accepted, 1 refused, 4 not taken",
		bar: []string{"refused", "not_taken", "accepted"},
	},
	"succeeded": {
		report: catalog.Report{Outcome: catalog.Succeeded,
			Rows: catalog.ReportRows{Source: 3, Unchanged: 1, Sent: 2, Deleted: 1, Accepted: 3}},
		headline: "Every row is in order.", lead: "Stripe has the catalog as the file has it.",
		rows: "3 in the source: 1 unchanged, 2 sent; 1 deletion sent", stripe: "3 accepted",
		bar: []string{"unchanged", "accepted"},
	},
	"a deletion waits": {
		report: catalog.Report{Outcome: catalog.Succeeded,
			Rows: catalog.ReportRows{Source: 3, Unchanged: 1, Sent: 2, Waiting: 1, Accepted: 2}},
		headline: "Every row is in order.", lead: "It also has products that are not in it",
		rows: "3 in the source: 1 unchanged, 2 sent", stripe: "2 accepted",
		bar: []string{"unchanged", "accepted"},
	},
	"succeeded with errors": {
		report: catalog.Report{Outcome: catalog.SucceededWithErrors, Rows: catalog.ReportRows{
			Source: 20, Unchanged: 5, Sent: 10, KeptBack: 2, StillRefused: 2, Superseded: 1, Accepted: 7, Refused: 2,
			Skipped: 1,
		}},
		headline: "6 of 20 rows need repair.", lead: "Everything else is with Stripe.",
		rows:   "20 in the source: 5 unchanged, 10 sent, 2 kept back, 2 still refused, 1 superseded",
		stripe: "7 accepted, 2 refused, 1 skipped",
		bar:    []string{"unchanged", "refused", "skipped", "accepted", "kept_back", "still_refused", "superseded"},
	},
	"one row refused": {
		report: catalog.Report{Outcome: catalog.SucceededWithErrors,
			Rows: catalog.ReportRows{Source: 1, Sent: 1, Refused: 1}},
		headline: "1 of 1 row needs repair.", lead: "Everything else is with Stripe.",
		rows: "1 in the source: 1 sent", stripe: "1 refused",
		bar: []string{"refused"},
	},
	"unreadable": { // nobody counted its rows: that is not to say that there are none
		report:   catalog.Report{Outcome: catalog.Failed},
		headline: "The sync failed.", lead: "What agents see stays as it was.",
	},
	"unchanged": {
		report:   catalog.Report{Outcome: catalog.Unchanged, Rows: catalog.ReportRows{Source: 3, Unchanged: 3}},
		headline: "Nothing has changed.", lead: "Stripe has this version of the file already.",
		rows: "3 in the source: 3 unchanged", bar: []string{"unchanged"},
	},
	"resumed": {
		report: catalog.Report{Outcome: catalog.Succeeded, Resumed: true,
			Rows: catalog.ReportRows{Sent: 4, Accepted: 4}},
		headline: "An interrupted import has come to its end.",
		lead:     "This is about what a run before this one had begun to send.",
		rows:     "4 sent", stripe: "4 accepted", bar: []string{"accepted"},
	},
	"resumed with errors": {
		report: catalog.Report{Outcome: catalog.SucceededWithErrors, Resumed: true,
			Rows: catalog.ReportRows{Sent: 4, Accepted: 3, Refused: 1}},
		headline: "1 of 4 rows needs repair.", lead: "This is about what a run before this one had begun to send.",
		rows: "4 sent", stripe: "3 accepted, 1 refused", bar: []string{"refused", "accepted"},
	},
}

var (
	barred = regexp.MustCompile(`<rect class="fill-([a-z_]+)" x=`)
	tags   = regexp.MustCompile(`<[^>]*>`)
)

func TestEveryOutcomeIsToldTheSameEverywhere(t *testing.T) {
	t.Parallel()
	for name, c := range told {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.headline, c.report.Headline())
			require.Contains(t, c.report.Lead(), c.lead)
			require.Equal(t, c.rows, c.report.Rows.RowsText(c.report.Outcome))
			require.Equal(t, c.stripe, c.report.Rows.StripeText(c.report.Outcome))

			html := page(t, c.report, nil)
			text := textOf(html)
			require.Contains(t, text, c.headline)
			require.Contains(t, text, c.report.Lead())
			var bar []string
			for _, part := range barred.FindAllStringSubmatch(html, -1) {
				bar = append(bar, part[1])
			}
			require.Equal(t, c.bar, bar)
			require.Equal(t, c.rows+c.stripe != "", strings.Contains(html, `class="figures"`),
				"counts are shown where there are some")
			if c.report.Outcome == catalog.Held || c.report.Outcome == catalog.Rejected {
				require.NotRegexp(t, `(?i)([^t] deleted|deletions|accepted)\b`, text, "nothing was sent")
			}
		})
	}
}

func textOf(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(body(page), " "))), " ")
}

func TestTheBarHasNoMoreRowsThanTheSource(t *testing.T) {
	t.Parallel()
	// Stripe refused the row, and both deletions.
	rows := catalog.ReportRows{Source: 2, Unchanged: 1, Sent: 1, Deleted: 2, Refused: 3}
	html := page(t, catalog.Report{Outcome: catalog.SucceededWithErrors, Rows: rows}, nil)
	require.Contains(t, html, "</svg>1 unchanged</li>")
	require.Contains(t, html, "</svg>1 refused</li>")
	require.NotContains(t, html, "</svg>3 refused</li>")
}

func TestOlderReportsHaveNoSummaryAndTellTheSame(t *testing.T) {
	t.Parallel()
	var r catalog.Report
	require.NoError(t, json.Unmarshal([]byte(`{"outcome":"rejected","rows":{"source":3,"sent":1,"deleted":2}}`), &r))
	require.Equal(t, "3 in the source: 1 not sent; 2 not deleted", r.Rows.RowsText(r.Outcome))
	require.Equal(t, "The sync was rejected.", r.Headline())
}
