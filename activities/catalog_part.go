package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/report"
)

// SettlePartInput is the input of SettlePart.
type SettlePartInput struct {
	PartInput
	Import  catalog.Import  `json:"import"`
	Refused *catalog.Object `json:"refused,omitempty"` // Stripe's list of refused rows, in S3
}

// SettlePart records what Stripe made of a part: the rows that it took go into the manifest, the refused ones are noted
// there with the reason, and listed for the report with their lines. It may run any number of times.
func (s *CatalogSync) SettlePart(ctx context.Context, in SettlePartInput) (catalog.PartResult, error) {
	result, err := s.settlePart(ctx, in)
	return result, translate(err)
}

func (s *CatalogSync) settlePart(ctx context.Context, in SettlePartInput) (catalog.PartResult, error) {
	pulse := startPulse(ctx, 0)
	defer pulse.stop()
	result := resultOf(in)
	if result.Outcome != catalog.Failed {
		if err := s.enter(ctx, in, &result); err != nil {
			return result, err
		}
	}
	return result, s.closePart(ctx, in)
}

// enter brings what Stripe took into the manifest, unless it cannot be told: then the reason says so, and the rows are
// sent again with the next change of the source.
func (s *CatalogSync) enter(ctx context.Context, in SettlePartInput, result *catalog.PartResult) error {
	table, err := s.Documents.Table(ctx, in.part().Table, in.Feed)
	var damaged *feed.ManifestError
	if fault.Is(err, fault.SourceMissing) || errors.As(err, &damaged) {
		result.Reason = fmt.Sprintf("what was staged of part %d is gone: its rows are sent again with the next change of the source", in.part().Number)
		return s.forgetAssortment(ctx, in)
	}
	if err != nil {
		return err
	}
	verdicts, err := s.listRefused(ctx, in, table, result)
	if err != nil {
		return err
	}
	if result.Reason != "" {
		return s.forgetAssortment(ctx, in)
	}
	if err := s.settleAssortment(ctx, in, verdicts); err != nil {
		return err
	}
	return s.settleManifest(ctx, in.Catalog, table, verdicts, in.Import)
}

func resultOf(in SettlePartInput) catalog.PartResult {
	i := in.Import
	r := catalog.PartResult{Part: in.part(), File: in.File, Import: i, Accepted: i.RowsSucceeded, Refused: i.RowsFailed}
	switch i.Status {
	case catalog.StatusSucceeded:
		r.Outcome = catalog.Succeeded
	case catalog.StatusSucceededWithErrors:
		r.Outcome = catalog.SucceededWithErrors
	default: // failed, and the archive statuses: terminal without the rows being live
		r.Outcome = catalog.Failed
		r.Reason = fmt.Sprintf("import %s ended as %s", i.ID, i.Status)
		if i.FailedReason != "" {
			r.Reason += ": " + i.FailedReason
		}
	}
	return r
}

// unnamed says that Stripe refused more rows than it named. The part is not settled then: a manifest that holds rows which
// Stripe may not have would keep them from ever being sent.
func unnamed(i catalog.Import, named int) string {
	if int64(named) >= i.RowsFailed {
		return ""
	}
	return fmt.Sprintf("import %s refused %d rows and named %d of them: its part is sent again with the next change of the source", i.ID, i.RowsFailed, named)
}

// listRefused writes the refused rows as the report lists them, each with its line in the merchant's own file.
func (s *CatalogSync) listRefused(ctx context.Context, in SettlePartInput, table *feed.Table, result *catalog.PartResult) (map[string]feed.Verdict, error) {
	verdicts := map[string]feed.Verdict{}
	if in.Refused == nil {
		result.Reason = unnamed(in.Import, 0)
		return verdicts, nil
	}
	layout := s.Documents.Layout
	key := layout.FindingsKey(in.Account, in.Feed, in.Delivery.Sequence, in.part().Number)
	object, err := s.writeObject(ctx, key, "text/csv", func(w io.Writer) error {
		entries := report.NewWriter(w)
		hint := 0
		err := s.readObject(ctx, *in.Refused, func(r io.Reader) error {
			return feed.ReadRefused(r, in.Feed, func(row feed.Refused) error {
				e := refusedEntry(row)
				if i, found := table.Find(row.ID, hint); found {
					hint, e.Line = i+1, table.Entry(i).Line
					verdicts[string(row.ID)] = feed.Verdict{Column: row.Column, Reason: row.Reason}
				}
				return entries.Write(e)
			})
		})
		if err != nil {
			return err
		}
		return entries.Flush()
	})
	if err != nil {
		return nil, fmt.Errorf("refused rows of part %d: %w", in.part().Number, err)
	}
	result.Findings, result.Reason = &object, unnamed(in.Import, len(verdicts))
	return verdicts, nil
}

func refusedEntry(row feed.Refused) catalog.ReportEntry {
	return catalog.ReportEntry{
		ID: string(row.ID), Column: row.Column, Value: report.Shorten(row.Value), Cause: feed.RefusedByStripe,
		Reason: row.Reason, Severity: feed.Error, By: catalog.SaidByStripe,
	}
}

// settleManifest brings the rows of a part into the manifest. The manifest of an earlier attempt has them already, and
// stays as it is.
func (s *CatalogSync) settleManifest(ctx context.Context, c Catalog, rows *feed.Table, verdicts map[string]feed.Verdict, i catalog.Import) error {
	before, etag, _, err := s.Documents.Manifest(ctx, c.Account, c.Feed)
	if err != nil {
		return err
	}
	if before == nil {
		before = feed.NewManifest(c.Feed)
	}
	after, err := before.Settle(rows, importedAt(ctx, i), func(id []byte) (feed.Verdict, bool) {
		v, refused := verdicts[string(id)]
		return v, refused
	})
	if err != nil {
		return fault.NewPermanent(fault.CatalogTooLarge, fmt.Errorf("manifest of %s/%s: %w", c.Account, c.Feed, err))
	}
	if err := s.Documents.SaveManifest(ctx, c.Account, after, etag); err != nil {
		return fmt.Errorf("manifest of %s/%s: %w", c.Account, c.Feed, err)
	}
	return nil
}

func importedAt(ctx context.Context, i catalog.Import) time.Time {
	if i.Created.IsZero() {
		return activity.GetInfo(ctx).ScheduledTime
	}
	return i.Created
}

// closePart records that the part needs no more finishing, whatever became of it.
func (s *CatalogSync) closePart(ctx context.Context, in SettlePartInput) error {
	_, err := s.hold(ctx, in.Catalog, func(state *catalog.State) {
		if state.Open == nil {
			return // an earlier attempt closed it, and its answer was lost
		}
		state.Open = nil
		state.Sequence = in.sequence() + 1
	})
	return err
}

func (s *CatalogSync) readObject(ctx context.Context, o catalog.Object, read func(io.Reader) error) error {
	body, err := s.Objects.Open(ctx, o)
	if err != nil {
		return err
	}
	defer body.Close()
	return read(body)
}

// writeObject streams what write writes into an object of the state bucket. If write fails, nothing is written.
func (s *CatalogSync) writeObject(ctx context.Context, key, contentType string, write func(io.Writer) error) (catalog.Object, error) {
	content, in := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		err := write(in)
		in.CloseWithError(err)
		failed <- err
	}()
	object, err := s.Objects.Write(ctx, s.Documents.Layout.StateBucket, key, contentType, content)
	content.CloseWithError(err)
	if written := <-failed; err == nil {
		err = written
	}
	return object, err
}
