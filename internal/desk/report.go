package desk

import (
	"context"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"vitrine/internal/catalog"
)

// ReportRow is a report in a list.
type ReportRow struct {
	Number  int64           `json:"number"`
	At      time.Time       `json:"at"`
	Outcome catalog.Outcome `json:"outcome"`
	Summary string          `json:"summary"`
	Key     string          `json:"key"` // of the JSON in the state bucket
	// Rows are the counts of the report.
	Rows catalog.ReportRows `json:"rows"`
}

// FromNewest as before of Reports leaves none out.
const FromNewest = math.MaxInt64

// Reports lists the reports of a catalog that are kept and have a number below before, the newest first, and says how
// many more there are.
func (d Desk) Reports(ctx context.Context, id catalog.ID, before int64, limit int) ([]ReportRow, int, error) {
	numbers, err := d.reportNumbers(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	numbers = slices.DeleteFunc(numbers, func(number int64) bool { return number >= before })
	listed := numbers[:min(limit, len(numbers))]
	rows := make([]ReportRow, len(listed))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, number := range listed {
		group.Go(func() error {
			key := d.Documents.Keys(id).ReportKey(number, "json")
			r, err := d.Documents.Report(reading, key)
			rows[i] = ReportRow{number, r.At, r.Outcome, r.Summarized(), key, r.Rows}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	return rows, len(numbers) - len(rows), nil
}

// Report is one report of a catalog.
func (d Desk) Report(ctx context.Context, id catalog.ID, number int64) (catalog.Report, error) {
	return d.Documents.Report(ctx, d.Documents.Keys(id).ReportKey(number, "json"))
}

// Findings opens what a report lists, as report.Reader reads it.
func (d Desk) Findings(ctx context.Context, id catalog.ID, number int64) (io.ReadCloser, error) {
	key := d.Documents.Keys(id).ReportKey(number, "csv")
	object, err := d.Documents.Head(ctx, key)
	if err != nil {
		return nil, err
	}
	return d.Documents.Objects.Open(ctx, object)
}

// reportNumbers are those of the reports that are kept, the newest first.
func (d Desk) reportNumbers(ctx context.Context, id catalog.ID) (numbers []int64, err error) {
	keys, err := d.Documents.List(ctx, d.Documents.Keys(id).ReportsPrefix())
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
