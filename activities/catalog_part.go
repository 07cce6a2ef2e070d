package activities

import (
	"bytes"
	"cmp"
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
	"vitrine/internal/statestore"
)

// PartInput is one part of a delivery, as the steps that bring it to Stripe take it.
type PartInput struct {
	catalog.ID
	Delivery catalog.Delivery `json:"delivery"` // with this part only
	File     string           `json:"file,omitempty"`
}

func (in PartInput) part() catalog.Part { return in.Delivery.Parts[0] }

// sequence is State.Sequence when this part's turn comes: every part that is settled moves it on by one.
func (in PartInput) sequence() int64 { return in.Delivery.Sequence + int64(in.part().Number) - 1 }

// idempotencyKey names one step of one part. It is made from business facts alone: a retry after a crash repeats it,
// whichever worker or run retries. A deliberate new attempt has the next sequence, and so another key; without the
// sequence Stripe would replay the old answer to an attempt after a failure, to a full send, and to a source that went
// back to earlier content. The digest tells parts of one number apart that a crash in between made different. Stripe
// allows 255 characters and keeps keys for 24 hours or more (https://docs.stripe.com/api/idempotent_requests).
func (in PartInput) idempotencyKey(step string) string {
	return fmt.Sprintf("vitrine/%s/%s/%06d/%s/%s", in.Account, in.Feed, in.sequence(), in.part().Digest, step)
}

// SettlePartInput is the input of SettlePart.
type SettlePartInput struct {
	PartInput
	Import     catalog.Import     `json:"import"`
	Refused    *statestore.Object `json:"refused,omitempty"`    // Stripe's list of refused rows, in S3
	Unreadable string             `json:"unreadable,omitempty"` // why that list is not to be had, or is not whole
}

// SettlePart records what Stripe made of a part: the rows that it took go into the manifest, the refused ones are noted
// there with the reason, and listed for the report with their lines; those of which its answer leaves that open are
// noted as unknown. It may run any number of times.
func (s *CatalogSync) SettlePart(ctx context.Context, in SettlePartInput) (catalog.PartResult, error) {
	result := resultOf(in)
	if err := s.enter(ctx, in, &result); err != nil {
		return result, err
	}
	return result, s.closePart(ctx, in)
}

// enter brings what Stripe took into the manifest, and what it may have taken. Of a failed import that is nothing, but
// its list of refused rows helps the merchant as well.
func (s *CatalogSync) enter(ctx context.Context, in SettlePartInput, result *catalog.PartResult) error {
	table, err := s.Documents.Table(ctx, in.part().Table, in.Feed)
	var damaged *feed.ManifestError
	if fault.Is(err, fault.SourceMissing) || errors.As(err, &damaged) {
		if result.Outcome == catalog.Failed {
			return nil
		}
		result.Reason = fmt.Sprintf(
			"what was staged of part %d is gone: its rows are sent again with the next change of the source",
			in.part().Number)
		return s.forgetAssortment(ctx, in)
	}
	if err != nil {
		return err
	}
	list, err := s.listRefused(ctx, in, table, result)
	if err != nil {
		return err
	}
	verdicts := judge(in, table, list, result)
	if result.Outcome == catalog.Failed && !verdicts.doubt {
		return nil
	}
	if err := s.settleAssortment(ctx, in, verdicts); err != nil {
		return err
	}
	return s.settleManifest(ctx, in.ID, table, verdicts, in.Import)
}

func resultOf(in SettlePartInput) catalog.PartResult {
	i := in.Import
	r := catalog.PartResult{Part: in.part(), File: in.File, Import: i, Accepted: i.RowsSucceeded, Refused: i.RowsFailed}
	switch {
	case i.Unreadable != "":
		r.Outcome, r.Code = catalog.Failed, fault.ImportUnreadable
	case i.Failed():
		r.Outcome = catalog.Failed
		r.Reason = fmt.Sprintf("import %s ended as %s", i.ID, i.Status)
		if i.FailedReason != "" {
			r.Reason += ": " + i.FailedReason
		}
	case i.RowsFailed > 0 || i.Status == catalog.StatusSucceededWithErrors:
		r.Outcome = catalog.SucceededWithErrors
	default:
		r.Outcome = catalog.Succeeded
	}
	return r
}

// refusedList is what Stripe's list of refused rows tells.
type refusedList struct {
	named     map[string]feed.RowVerdict
	strangers int64  // entries that name no row of the part
	problem   string // why it cannot be read, or not to its end
}

// rowVerdicts are what Stripe made of the rows of a part.
type rowVerdicts struct {
	refused map[string]feed.RowVerdict
	doubt   bool // nobody knows which of the others it took
}

func (v rowVerdicts) of(id []byte) (feed.RowVerdict, bool) {
	if refused, ok := v.refused[string(id)]; ok {
		return refused, true
	}
	return feed.RowVerdict{Unknown: v.doubt}, v.doubt
}

// judge decides what is known of the rows, and counts them. Only a failed import leaves none of them in doubt although
// Stripe told of nothing: it took none. If it says at the same time that it took some, that is no answer either.
func judge(in SettlePartInput, table *feed.Table, list refusedList, result *catalog.PartResult) rowVerdicts {
	rows, i := int64(table.Len()), in.Import
	doubt := i.Doubt(rows, int64(len(list.named)), list.strangers)
	v := rowVerdicts{refused: list.named, doubt: doubt != ""}
	if i.NamesTooMany(rows, int64(len(list.named))) {
		v.refused = nil
	}
	if result.Outcome == catalog.Failed {
		v.doubt = i.Unreadable != "" || i.RowsSucceeded > 0
		if v.doubt {
			v.refused = nil
		}
		result.Accepted, result.Refused = 0, max(i.RowsFailed, int64(len(list.named)))
	}
	if result.Outcome != catalog.Failed || v.doubt {
		tally(table, v, result)
		result.Accepted = max(rows-result.Refused-result.Unknown-i.RowsSkipped, 0)
	}
	result.Reason, result.Code = reasonOf(in, list, doubt, v, *result)
	return v
}

// tally counts the rows that Stripe refused, those that are unknown, and the tombstones among both.
func tally(table *feed.Table, v rowVerdicts, result *catalog.PartResult) {
	result.Refused, result.Unknown, result.NotDeleted = 0, 0, 0
	for n := range table.Len() {
		row := table.Entry(n)
		verdict, open := v.of(row.ID)
		switch {
		case !open:
			continue
		case verdict.Unknown:
			result.Unknown++
		default:
			result.Refused++
		}
		if row.Fingerprint == feed.Tombstone {
			result.NotDeleted++
		}
	}
}

// reasonOf puts together what there is to say about a part that was not plainly taken.
func reasonOf(
	in SettlePartInput, list refusedList, doubt string, v rowVerdicts, r catalog.PartResult,
) (reason string, code fault.Code) {
	reason, code = r.Reason, r.Code
	add := func(format string, values ...any) {
		if reason != "" {
			reason += "; "
		}
		reason += fmt.Sprintf(format, values...)
	}
	switch {
	case in.Import.Unreadable != "":
		add("what became of import %s cannot be learnt: %s", in.Import.ID, in.Import.Unreadable)
	case list.problem != "" && (v.doubt || r.Outcome == catalog.Failed):
		code = fault.ImportUnreadable
		add("Stripe's reasons cannot be read: import %s refused %d rows, and its error file: %s", in.Import.ID,
			in.Import.RowsFailed, list.problem)
	case v.doubt && r.Outcome == catalog.Failed:
		add("at the same time Stripe says that %d rows of it succeeded", in.Import.RowsSucceeded)
	case v.doubt:
		add("Stripe's answer about import %s does not add up: %s", in.Import.ID, doubt)
	}
	if v.doubt {
		add("%d rows that it may or may not have taken are sent again", r.Unknown)
	}
	return reason, code
}

// listRefused writes the refused rows as the report lists them, each with its line in the merchant's own file.
func (s *CatalogSync) listRefused(
	ctx context.Context, in SettlePartInput, table *feed.Table, result *catalog.PartResult,
) (refusedList, error) {
	list := refusedList{named: map[string]feed.RowVerdict{}, problem: in.Unreadable}
	if in.Refused == nil {
		return list, nil
	}
	own, err := s.ownValues(ctx, in, table)
	if err != nil {
		return list, fmt.Errorf("refused rows of part %d: %w", in.part().Number, err)
	}
	layout := s.Documents.Layout
	key := layout.Catalog(in.Account, in.Feed).FindingsKey(in.Delivery.Sequence, in.part().Number)
	object, err := s.writeObject(ctx, key, "text/csv", func(w io.Writer) error {
		entries := report.NewWriter(w)
		hint := 0
		err := s.readObject(ctx, *in.Refused, func(r io.Reader) error {
			return feed.ReadRefused(r, in.Feed, func(row feed.Refused) error {
				if len(row.ID) == 0 && row.Reason == "" {
					return nil // a blank line
				}
				e := refusedEntry(row)
				e.Column = feed.Header{Renamed: in.Delivery.Renamed}.Own(row.Column)
				if i, found := findRow(table, row.ID, hint); found {
					entry := table.Entry(i)
					hint, e.Line = i+1, entry.Line
					if value, rewritten := own[string(entry.ID)]; rewritten {
						e.Value = report.Shorten(value)
					}
					if entry.Fingerprint == feed.Tombstone {
						e.Cause = feed.DeletionRefused
					}
					list.named[string(entry.ID)] = feed.RowVerdict{Column: row.Column, Reason: row.Reason}
				} else {
					list.strangers++
				}
				e.Reason = feed.RefusalText(e.Cause, row.Reason)
				return entries.Write(e)
			})
		})
		problem, err := problemOf(err)
		if err != nil {
			return err
		}
		list.problem = cmp.Or(in.Unreadable, problem)
		return entries.Flush()
	})
	if err != nil {
		return list, fmt.Errorf("refused rows of part %d: %w", in.part().Number, err)
	}
	result.Findings = &object
	return list, nil
}

// ownValues are what the merchant wrote where Stripe found fault with rows that the dialect rewrote; see
// staging.Stager.OwnValues.
func (s *CatalogSync) ownValues(
	ctx context.Context, in SettlePartInput, table *feed.Table,
) (map[string][]byte, error) {
	if in.Delivery.Dialect == "" || len(in.Delivery.Normalised) == 0 {
		return nil, nil
	}
	columns, hint := map[string]string{}, 0
	err := s.readObject(ctx, *in.Refused, func(r io.Reader) error {
		return feed.ReadRefused(r, in.Feed, func(row feed.Refused) error {
			if i, found := findRow(table, row.ID, hint); found && row.Column != "" {
				hint = i + 1
				columns[string(table.Entry(i).ID)] = row.Column
			}
			return nil
		})
	})
	if _, err = problemOf(err); err != nil || len(columns) == 0 {
		return nil, err
	}
	refused, err := feed.NewManifest(in.Feed).Settle(table, time.Time{}, func(id []byte) (feed.RowVerdict, bool) {
		column, is := columns[string(id)]
		return feed.RowVerdict{Column: column}, is
	})
	if err != nil {
		return nil, err
	}
	return s.Stager.OwnValues(ctx, in.Delivery, in.Feed, refused)
}

// findRow finds a row of the part by its id, which may have got spaces around it on its way.
func findRow(table *feed.Table, id []byte, hint int) (int, bool) {
	i, found := table.Find(id, hint)
	if !found {
		i, found = table.Find(bytes.TrimSpace(id), hint)
	}
	return i, found
}

// problemOf takes what is wrong with the list itself out of an error: reading it again would not help.
func problemOf(err error) (problem string, other error) {
	var unreadable *feed.RefusedError
	switch {
	case errors.As(err, &unreadable):
		return unreadable.Problem, nil
	case fault.Is(err, fault.SourceMissing), fault.Is(err, fault.SourceChanged):
		return "it was fetched, and is gone", nil
	}
	return "", err
}

func refusedEntry(row feed.Refused) catalog.ReportEntry {
	return catalog.ReportEntry{
		ID: string(row.ID), Column: row.Column, Value: report.Shorten(row.Value), Cause: feed.RefusedByStripe,
		Severity: feed.Error, By: catalog.SaidByStripe,
	}
}

// settleManifest brings the rows of a part into the manifest. The manifest of an earlier attempt has them already, and
// stays as it is.
func (s *CatalogSync) settleManifest(
	ctx context.Context, id catalog.ID, rows *feed.Table, v rowVerdicts, i catalog.Import,
) error {
	before, etag, _, err := s.Documents.Manifest(ctx, id)
	if err != nil {
		return err
	}
	if before == nil {
		before = feed.NewManifest(id.Feed)
	}
	after, err := before.Settle(rows, importedAt(ctx, i), v.of)
	if err != nil {
		return fault.NewPermanent(fault.CatalogTooLarge, fmt.Errorf("manifest of %s: %w", id.Name(), err))
	}
	if err := s.Documents.SaveManifest(ctx, id.Account, after, etag); err != nil {
		return fmt.Errorf("manifest of %s: %w", id.Name(), err)
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
	_, err := s.updateClaimed(ctx, in.ID, func(state *catalog.State) {
		if state.Open == nil {
			return // an earlier attempt closed it, and its answer was lost
		}
		state.Open = nil
		state.Sequence = in.sequence() + 1
		if in.Import.Unreadable == "" {
			state.ImportTakes = in.Import.NextTakes
		}
	})
	return err
}

func (s *CatalogSync) readObject(ctx context.Context, o statestore.Object, read func(io.Reader) error) error {
	body, err := s.Documents.Objects.Open(ctx, o)
	if err != nil {
		return err
	}
	defer body.Close()
	return read(body)
}

// writeObject streams what write writes into an object of the state bucket. If write fails, nothing is written.
func (s *CatalogSync) writeObject(
	ctx context.Context, key, contentType string, write func(io.Writer) error,
) (statestore.Object, error) {
	content, in := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		err := write(in)
		in.CloseWithError(err)
		failed <- err
	}()
	object, err := s.Documents.Write(ctx, key, contentType, content)
	content.CloseWithError(err)
	if written := <-failed; err == nil {
		err = written
	}
	return object, err
}
