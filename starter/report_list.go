package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/dustin/go-humanize"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/terminal"
)

// newest stands for the newest report: they are numbered from 0.
const newest = -1

func (a *app) listReports(ctx context.Context, docs catalog.Documents, id catalog.ID, limit int) error {
	if limit < 1 {
		return badUsage("--limit %d: expected at least 1", limit)
	}
	rows, more, err := desk.Desk{Documents: docs}.Reports(ctx, id, desk.FromNewest, limit)
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(rows)
	}
	a.printReports(id, rows, more)
	return nil
}

func (a *app) printReports(id catalog.ID, rows []desk.ReportRow, more int) {
	if len(rows) == 0 {
		a.Say("No report is kept: a sync that has something to say writes one.")
		return
	}
	t := a.Table("#NUMBER", "WHEN", "OUTCOME", "~SUMMARY")
	for _, row := range rows {
		t.Add(strconv.FormatInt(row.Number, 10), terminal.Relative(a.Now(), row.At),
			terminal.Spaced(string(row.Outcome)), row.Summary)
	}
	t.Write(a.Stdout)
	if more > 0 {
		a.Say("\n… and %s older: --limit %d", humanize.Comma(int64(more)), len(rows)+more)
	}
	a.Blank()
	a.Tell(a.Stdout, "One of them: ", fmt.Sprintf("starter report %s --number %d", target(id), rows[0].Number))
}
