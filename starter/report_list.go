package main

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"vitrine/internal/catalog"
	"vitrine/internal/terminal"
)

// newest stands for the newest report: they are numbered from 0.
const newest = -1

// reportRow is a report in a list.
type reportRow struct {
	Number  int64           `json:"number"`
	At      time.Time       `json:"at"`
	Outcome catalog.Outcome `json:"outcome"`
	Summary string          `json:"summary"`
	Key     string          `json:"key"` // of the JSON in the state bucket
}

func (a *app) listReports(ctx context.Context, docs catalog.Documents, id catalog.ID, limit int) error {
	if limit < 1 {
		return badUsage("--limit %d: expected at least 1", limit)
	}
	numbers, err := reportNumbers(ctx, docs, id)
	if err != nil {
		return err
	}
	rows := []reportRow{}
	for _, number := range numbers[:min(limit, len(numbers))] {
		key := docs.Keys(id).ReportKey(number, "json")
		r, err := docs.Report(ctx, key)
		if err != nil {
			return err
		}
		rows = append(rows, reportRow{number, r.At, r.Outcome, r.Summarized(), key})
	}
	if a.json() {
		return a.printJSON(rows)
	}
	a.printReports(id, rows, len(numbers)-len(rows))
	return nil
}

// reportNumbers are those of the reports that are kept, the newest first.
func reportNumbers(ctx context.Context, docs catalog.Documents, id catalog.ID) (numbers []int64, err error) {
	keys, err := docs.Objects.List(ctx, docs.Layout.StateBucket, docs.Keys(id).ReportsPrefix())
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		name, isReport := strings.CutSuffix(path.Base(key), ".json")
		if number, err := strconv.ParseInt(name, 10, 64); isReport && err == nil {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	return numbers, nil
}

func (a *app) printReports(id catalog.ID, rows []reportRow, more int) {
	if len(rows) == 0 {
		a.Say("No report is kept: a sync that has something to say writes one.")
		return
	}
	t := a.Table("#NUMBER", "WHEN", "OUTCOME", "~SUMMARY")
	for _, row := range rows {
		t.Add(strconv.FormatInt(row.Number, 10), terminal.Relative(a.Now(), row.At), terminal.Spaced(string(row.Outcome)), row.Summary)
	}
	t.Write(a.Stdout)
	if more > 0 {
		a.Say("\n… and %s older: --limit %d", humanize.Comma(int64(more)), len(rows)+more)
	}
	a.Blank()
	a.Tell(a.Stdout, "One of them: ", fmt.Sprintf("starter report %s --number %d", target(id), rows[0].Number))
}
