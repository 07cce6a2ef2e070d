package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/report"
)

// SettleInput is the input of Settle.
type SettleInput struct {
	Catalog
	Delivery Delivery        `json:"delivery"`
	Part     catalog.Part    `json:"part"`
	File     string          `json:"file"`
	Import   catalog.Import  `json:"import"`
	Refused  *catalog.Object `json:"refused,omitempty"` // Stripe's list of refused rows, in S3
}

// SettleResult is what Settle recorded.
type SettleResult struct {
	Outcome      catalog.Outcome `json:"outcome"`
	Reason       string          `json:"reason,omitempty"` // of a failed import
	RowsAccepted int64           `json:"rows_accepted"`
	RowsFailed   int64           `json:"rows_failed"`
	Report       string          `json:"report"` // s3:// address
}

// Settle writes the merchant's report, records in the state what Stripe took, lets go of the feed and removes the
// staged parts. It may run any number of times.
func (s *CatalogSync) Settle(ctx context.Context, in SettleInput) (SettleResult, error) {
	result, err := s.settle(ctx, in)
	return result, translate(err)
}

func (s *CatalogSync) settle(ctx context.Context, in SettleInput) (SettleResult, error) {
	pulse := startPulse(ctx, 0)
	defer pulse.stop()
	report := newReport(in)
	if err := s.reportRefused(ctx, in, &report); err != nil {
		return SettleResult{}, err
	}
	layout := s.Documents.Layout
	reportKey := layout.ReportKey(in.Account, in.Feed, in.Delivery.Sequence, "json")
	if err := s.Documents.SaveReport(ctx, reportKey, report); err != nil {
		return SettleResult{}, fmt.Errorf("report: %w", err)
	}
	if err := s.commit(ctx, in, report, reportKey); err != nil {
		return SettleResult{}, err
	}
	if err := s.removeStaged(ctx, in); err != nil {
		return SettleResult{}, err
	}
	return SettleResult{
		Outcome: report.Outcome, Reason: report.Reason, RowsAccepted: report.Rows.Accepted, RowsFailed: report.Rows.Refused,
		Report: "s3://" + layout.StateBucket + "/" + reportKey,
	}, nil
}

func newReport(in SettleInput) catalog.Report {
	i := in.Import
	r := catalog.Report{
		Account: in.Account, Feed: in.Feed, At: time.Now().UTC(), Source: in.Delivery.Source,
		Rows: catalog.ReportRows{
			Source: in.Delivery.Rows, Sent: in.Part.Rows, Accepted: i.RowsSucceeded, Refused: i.RowsFailed, Skipped: i.RowsSkipped,
		},
		Imports: []catalog.ReportImport{{
			API: catalog.V1, Part: in.Part.Number, Rows: in.Part.Rows, Bytes: in.Part.Object.Size,
			File: in.File, Import: i.ID, Status: i.Status, ErrorFile: i.ErrorFile,
		}},
	}
	switch i.Status {
	case catalog.StatusSucceeded:
		r.Outcome = catalog.Succeeded
	case catalog.StatusSucceededWithErrors:
		r.Outcome = catalog.SucceededWithErrors
	default: // failed, and the archive statuses: terminal without the catalog being live
		r.Outcome = catalog.Failed
		r.Reason = fmt.Sprintf("import %s ended as %s", i.ID, i.Status)
		if i.FailedReason != "" {
			r.Reason += ": " + i.FailedReason
		}
	}
	return r
}

// reportRefused writes the CSV of refused rows and counts their reasons. Each row is looked up in the staged part, so
// that the merchant reads the line of their own file.
func (s *CatalogSync) reportRefused(ctx context.Context, in SettleInput, into *catalog.Report) error {
	if in.Refused == nil {
		return nil
	}
	lines := map[string]int64{}
	err := s.readObject(ctx, *in.Refused, func(r io.Reader) error {
		return feed.ReadRefused(r, func(row feed.Refused) error { lines[row.ID] = 0; return nil })
	})
	if err != nil {
		return err
	}
	err = s.readObject(ctx, in.Part.Object, func(r io.Reader) error {
		return feed.FindLines(r, formatOf(in.Part), lines)
	})
	if err != nil {
		return err
	}
	layout := s.Documents.Layout
	into.Findings = layout.ReportKey(in.Account, in.Feed, in.Delivery.Sequence, "csv")
	return s.writeRefused(ctx, into, *in.Refused, lines)
}

func formatOf(p catalog.Part) feed.Format {
	if p.ContentType == feed.TSV.ContentType() {
		return feed.TSV
	}
	return feed.CSV
}

func (s *CatalogSync) readObject(ctx context.Context, o catalog.Object, read func(io.Reader) error) error {
	body, err := s.Objects.Open(ctx, o)
	if err != nil {
		return err
	}
	defer body.Close()
	return read(body)
}

func (s *CatalogSync) writeRefused(ctx context.Context, into *catalog.Report, refused catalog.Object, lines map[string]int64) error {
	out, in := io.Pipe()
	b := report.NewBuilder(in, nil, into.At)
	go func() {
		err := s.readObject(ctx, refused, func(r io.Reader) error {
			return feed.ReadRefused(r, func(row feed.Refused) error { return b.Add(entryOf(row, lines[row.ID]), "") })
		})
		in.CloseWithError(cmp.Or(err, b.Finish(into)))
	}()
	_, err := s.Objects.Write(ctx, s.Documents.Layout.StateBucket, into.Findings, "text/csv", out)
	out.CloseWithError(err)
	if err != nil {
		return fmt.Errorf("report of refused rows: %w", err)
	}
	return nil
}

func entryOf(row feed.Refused, line int64) catalog.ReportEntry {
	return catalog.ReportEntry{
		Line: line, ID: row.ID, Cause: feed.RefusedByStripe, Reason: row.Reason, Severity: feed.Error, By: catalog.SaidByStripe,
	}
}

// commit records the outcome and lets go of the feed.
func (s *CatalogSync) commit(ctx context.Context, in SettleInput, report catalog.Report, reportKey string) error {
	run := thisRun(ctx)
	state, _, err := s.Documents.State(ctx, in.Account, in.Feed)
	if err != nil {
		return err
	}
	if state.Sequence == in.Delivery.Sequence+1 && state.Last != nil && state.Last.Run == run {
		return nil // an earlier attempt committed and its answer was lost
	}
	_, err = s.hold(ctx, in.Catalog, func(state *catalog.State) {
		state.Sequence = in.Delivery.Sequence + 1
		state.Run, state.Open = nil, nil
		state.Last = &catalog.Last{
			Outcome: report.Outcome, At: report.At, Run: run, Reason: report.Reason, Report: reportKey,
			RowsSent: report.Rows.Sent, RowsFailed: report.Rows.Refused,
		}
		if report.Outcome == catalog.Failed {
			state.Failure = s.failure(state.Failure, in.Delivery.Source.Version(), report)
			return
		}
		state.Failure = nil
		state.Accepted = &catalog.Accepted{Source: in.Delivery.Source, SHA256: in.Delivery.SHA256, Rows: report.Rows.Sent, At: report.At}
	})
	return err
}

// maxSpacing bounds how long a source version whose import keeps failing rests between two tries.
const maxSpacing = 24 * time.Hour

// failure counts the failed imports of one source version and doubles the time to the next try with each.
func (s *CatalogSync) failure(before *catalog.Failure, version string, report catalog.Report) *catalog.Failure {
	count := 1
	if before != nil && before.Version == version {
		count = before.Count + 1
	}
	spacing := s.Policy.Interval
	for i := 1; i < count && spacing < maxSpacing; i++ {
		spacing *= 2
	}
	return &catalog.Failure{Version: version, Count: count, At: report.At, NextTry: report.At.Add(min(spacing, maxSpacing)), Reason: report.Reason}
}

func (s *CatalogSync) removeStaged(ctx context.Context, in SettleInput) error {
	staged := []catalog.Object{in.Part.Object}
	if in.Refused != nil {
		staged = append(staged, *in.Refused)
	}
	var errs []error
	for _, o := range staged {
		errs = append(errs, s.Objects.Delete(ctx, o.Bucket, o.Key))
	}
	return errors.Join(errs...)
}

// RecordFailureInput is the input of RecordFailure.
type RecordFailureInput struct {
	Catalog
	Reason string `json:"reason"`
}

// RecordFailure records why a run ended without an import, for the status that people read, and lets go of the feed. An
// import that was begun stays recorded as open.
func (s *CatalogSync) RecordFailure(ctx context.Context, in RecordFailureInput) error {
	return translate(s.recordFailure(ctx, in))
}

func (s *CatalogSync) recordFailure(ctx context.Context, in RecordFailureInput) error {
	if err := in.check(); err != nil {
		return err
	}
	run := thisRun(ctx)
	state, etag, err := s.Documents.State(ctx, in.Account, in.Feed)
	if err != nil {
		return err
	}
	held := state.Run != nil && *state.Run == run
	if state.Run != nil && !held {
		return nil // another run is at work, and its outcome will be the newer one
	}
	if held && state.Open == nil {
		// What Stripe refused may be stored under this delivery's idempotency keys: the next attempt needs other ones.
		state.Sequence++
		if err := s.clearStaged(ctx, in.Catalog); err != nil {
			return err
		}
	}
	state.Run = nil
	state.Last = &catalog.Last{Outcome: catalog.Failed, At: time.Now().UTC(), Run: run, Reason: in.Reason}
	_, err = s.Documents.SaveState(ctx, state, etag)
	return err
}
