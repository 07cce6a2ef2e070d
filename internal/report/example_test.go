package report_test

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/report"
)

// What was found on the way was staged as CSV; the report puts it together with what is known since.
func Example() {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var staged, findings bytes.Buffer
	found := report.NewWriter(&staged)
	_ = found.Write(catalog.ReportEntry{
		Line: 7, ID: "SKU-1", Column: "price", Value: report.Shorten([]byte("free\n")), Cause: "bad_price",
		Reason: "The price is no number.", Severity: feed.Error, By: catalog.SaidByVitrine,
	})
	_ = found.Flush()

	summary := catalog.Report{Outcome: catalog.SucceededWithErrors, At: at, Findings: "reports/000042.csv"}
	b := report.NewBuilder(&findings, nil, at)
	for entry, err := range report.NewReader(&staged).All() {
		if err == nil {
			err = b.Add(entry, "Write amount and currency, as in 9.99 USD.")
		}
		if err != nil {
			fmt.Println(err)
		}
	}
	_ = b.Finish(&summary)
	_ = report.WritePage(io.Discard, summary, report.NewReader(bytes.NewReader(findings.Bytes())).All())

	fmt.Println(summary.Causes[0].Count, summary.Causes[0].Reason, summary.Causes[0].Fix)
	fmt.Print(findings.String()[len("\ufeff"):])
	// Output:
	// 1 The price is no number. Write amount and currency, as in 9.99 USD.
	// line,id,column,value,reason,severity,by,first_seen,cause
	// 7,SKU-1,price,free␊,The price is no number.,error,vitrine,2026-11-24T12:00:00Z,bad_price
}
