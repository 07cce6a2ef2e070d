package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/report"
	"vitrine/internal/statestore"
)

// SettleInput is the input of Settle.
type SettleInput struct {
	catalog.ID
	Delivery catalog.Delivery     `json:"delivery"`
	Parts    []catalog.PartResult `json:"parts,omitempty"`   // that were imported, the last one perhaps in vain
	Verdict  *catalog.Verdict     `json:"verdict,omitempty"` // of the person who was asked
}

// SettleResult is what Settle recorded.
type SettleResult struct {
	Outcome catalog.Outcome    `json:"outcome"`
	Reason  string             `json:"reason,omitempty"` // of a failed or rejected run, and of what could not be learnt
	Code    fault.Code         `json:"code,omitempty"`   // what goes with the reason
	Rows    catalog.ReportRows `json:"rows"`
	Report  string             `json:"report"`            // s3:// address
	Waiting string             `json:"waiting,omitempty"` // the deletions that wait, and for what
	New     int64              `json:"new"`               // errors that the previous report did not have
	Fixed   int64              `json:"fixed"`             // errors that are gone
}

// Settle ends a run that had something to say: it writes the merchant's report, records in the state what was dealt
// with, lets go of the feed and removes what was staged. It may run any number of times.
func (s *CatalogSync) Settle(ctx context.Context, in SettleInput) (SettleResult, error) {
	state, _, err := s.Documents.State(ctx, in.ID)
	if err != nil {
		return SettleResult{}, err
	}
	key := s.reportKey(in, "json")
	var r catalog.Report
	if concluded(state, thisRun(ctx), key) {
		if r, err = s.Documents.Report(ctx, key); err != nil {
			return SettleResult{}, err
		}
	} else if r, err = s.conclude(ctx, in, state.Report); err != nil {
		return SettleResult{}, err
	}
	if len(in.Parts) > 0 {
		s.Standing.noteAnswer(ctx, in.Account)
	}
	if err = s.tellSettled(ctx, in.ID, r, key); err != nil {
		return SettleResult{}, err
	}
	s.Reports.tell(ctx, in.ID, r, key)
	return s.settled(r, key), s.removeStaged(ctx, in)
}

// concluded reports whether an earlier attempt did all that there is to do, and its answer was lost.
func concluded(state catalog.State, run catalog.Run, report string) bool {
	return state.Run == nil && state.Last != nil && state.Last.Run == run && state.Last.Report == report
}

// SettleLastInput is the input of SettleLast.
type SettleLastInput struct {
	SettleInput                 // with the parts before
	Last        SettlePartInput `json:"last"`
}

// SettleLast records what Stripe made of the last part of a delivery, and ends the run: SettlePart and Settle in one
// step, since every step is billed.
func (s *CatalogSync) SettleLast(ctx context.Context, in SettleLastInput) (SettleResult, error) {
	if activity.GetInfo(ctx).Attempt > 1 {
		state, _, err := s.Documents.State(ctx, in.ID)
		if err != nil {
			return SettleResult{}, err
		}
		if concluded(state, thisRun(ctx), s.reportKey(in.SettleInput, "json")) {
			s.Standing.noteAnswer(ctx, in.Account)
			return s.Settle(ctx, in.SettleInput) // what was staged of the part is gone
		}
	}
	part, err := s.SettlePart(ctx, in.Last)
	if err != nil {
		return SettleResult{}, err
	}
	in.Parts = append(in.Parts, part)
	return s.Settle(ctx, in.SettleInput)
}

// conclude writes the report and commits what was dealt with.
func (s *CatalogSync) conclude(ctx context.Context, in SettleInput, previous string) (catalog.Report, error) {
	r := newReport(ctx, in)
	if err := s.writeReport(ctx, in, previous, &r); err != nil {
		return r, fmt.Errorf("report: %w", err)
	}
	if err := s.forget(ctx, in); err != nil {
		return r, err
	}
	return r, s.commit(ctx, in, r)
}

// removeStaged removes what was staged under the delivery's own sequence: by now another run may stage under the next.
func (s *CatalogSync) removeStaged(ctx context.Context, in SettleInput) error {
	return s.deleteAll(ctx, s.Documents.Keys(in.ID).StagedPrefix(in.Delivery.Sequence))
}

func (s *CatalogSync) settled(r catalog.Report, key string) SettleResult {
	result := SettleResult{Outcome: r.Outcome, Reason: r.Reason, Code: r.Code, Rows: r.Rows,
		Waiting: deletionsWaiting(r), Report: s.Documents.URI(key)}
	if r.Since != nil {
		result.New, result.Fixed = r.Since.New, r.Since.Fixed
	}
	return result
}

// newReport is the report as far as the run itself tells it.
func newReport(ctx context.Context, in SettleInput) catalog.Report {
	d := in.Delivery
	r := catalog.Report{
		Account: in.Account, Feed: in.Feed, At: activity.GetInfo(ctx).ScheduledTime.UTC().Truncate(time.Second),
		Source: d.Source, Full: d.Full, Verdict: in.Verdict, Rows: d.Rows, Normalised: d.Normalised, Reading: d.Reading,
		Resumed: d.Resumed,
	}
	for _, p := range in.Parts {
		r.Rows.Accepted += p.Accepted
		r.Rows.Refused += p.Refused
		r.Rows.Unknown += p.Unknown
		r.Rows.Deleted -= p.NotDeleted
		r.Rows.NotDeleted += p.NotDeleted
		r.Rows.Skipped += p.Import.RowsSkipped
		r.Imports = append(r.Imports, catalog.ReportImport{
			API: d.API, Part: p.Part.Number, Rows: p.Part.Rows, Bytes: p.Part.Object.Size,
			File: p.File, Import: p.Import.ID, Status: p.Import.Status, ErrorFile: p.Import.ErrorFile,
			Succeeded: p.Import.RowsSucceeded, Failed: p.Import.RowsFailed,
		})
		if p.Reason != "" {
			r.Reason, r.Code = p.Reason, p.Code
		}
	}
	r.Outcome = outcome(in, r.Rows)
	switch {
	case r.Outcome == catalog.Failed && r.Reason == "":
		r.Reason = refusal(r.Rows)
	case r.Outcome == catalog.Rejected:
		r.Reason = fmt.Sprintf("%s rejected this version of the source: %s", in.Verdict.By, in.Verdict.Why)
	}
	r.Summary = r.Summarized()
	return r
}

func outcome(in SettleInput, rows catalog.ReportRows) catalog.Outcome {
	if importFailed(in.Parts) {
		return catalog.Failed
	}
	open := rows.Open()
	switch {
	case in.Verdict != nil && !in.Verdict.Approved:
		return catalog.Rejected
	case refusedAll(in.Parts):
		return catalog.Failed // a success with errors has successes
	case !in.Delivery.Resumed && rows.Refused+rows.StillRefused > 0 && rows.Unchanged+rows.Accepted+open == 0:
		return catalog.Failed // of all that the source has, Stripe has nothing
	case rows.ToRepair()+open > 0:
		return catalog.SucceededWithErrors
	case len(in.Parts) == 0:
		return catalog.Unchanged
	}
	return catalog.Succeeded
}

func refusal(rows catalog.ReportRows) string {
	if rows.Refused > 0 {
		return fmt.Sprintf("Stripe refused every row that it got, %d of them", rows.Refused)
	}
	return fmt.Sprintf("Stripe refused every row before, %d of them, and none has changed", rows.StillRefused)
}

func importFailed(parts []catalog.PartResult) bool {
	return slices.ContainsFunc(parts, func(p catalog.PartResult) bool { return p.Outcome == catalog.Failed })
}

// refusedAll reports whether Stripe refused every row that it was sent. Deletions are no rows: refused ones are tried
// again by themselves, and one that was taken is something that the run brought.
func refusedAll(parts []catalog.PartResult) bool {
	var taken, refused int64
	for _, p := range parts {
		taken += p.Accepted + p.Unknown + p.Import.RowsSkipped
		refused += p.Refused - p.NotDeleted
	}
	return taken == 0 && refused > 0
}

// dealtWith reports whether a source version is not to be looked at again, though its run failed: what Stripe refused
// is refused as it is, and of the rest of the source Stripe has something.
func dealtWith(in SettleInput, rows catalog.ReportRows) bool {
	return !importFailed(in.Parts) && refusedAll(in.Parts) && rows.Unchanged > 0
}

func (s *CatalogSync) reportKey(in SettleInput, extension string) string {
	return s.Documents.Keys(in.ID).ReportKey(in.Delivery.Sequence, extension)
}

// writeReport writes the list of findings, the page for people, and the summary, in this order: the summary names the
// other two.
func (s *CatalogSync) writeReport(ctx context.Context, in SettleInput, before string, r *catalog.Report) error {
	previous, err := s.previous(ctx, before)
	if err != nil {
		return err
	}
	r.Before = previous.Report()
	list, err := s.writeObject(ctx, s.reportKey(in, "csv"), "text/csv; charset=utf-8", func(w io.Writer) error {
		b := report.NewBuilder(w, previous, r.At)
		if err := s.addFindings(ctx, in, b); err != nil {
			return err
		}
		return s.compareWith(ctx, in, previous, b, r)
	})
	if err != nil {
		return err
	}
	r.Findings, r.Page = list.Key, s.reportKey(in, "html")
	_, err = s.writeObject(ctx, r.Page, "text/html; charset=utf-8", func(w io.Writer) error {
		return s.readObject(ctx, list, func(findings io.Reader) error {
			return report.WritePage(w, *r, report.NewReader(findings).All())
		})
	})
	if err != nil {
		return err
	}
	return s.Documents.SaveReport(ctx, s.reportKey(in, "json"), *r)
}

// compareWith ends the list, and says what became of the errors before it. A run that was not carried through does not
// compare: what is repaired in its source is not repaired at Stripe.
func (s *CatalogSync) compareWith(
	ctx context.Context, in SettleInput, previous *report.Seen, b *report.Builder, r *catalog.Report,
) error {
	if previous != nil && r.CarriedThrough() {
		manifest, _, _, err := s.Documents.Manifest(ctx, in.ID)
		if err != nil {
			return err
		}
		for i := range rowsOf(manifest) {
			previous.Present(manifest.Rows.Entry(i).ID)
		}
	}
	if err := b.Finish(r); err != nil {
		return err
	}
	if !r.CarriedThrough() {
		r.Since = nil
	}
	return nil
}

func rowsOf(m *feed.Manifest) int {
	if m == nil {
		return 0
	}
	return m.Rows.Len()
}

// previous is what the last report that can be compared with listed; key is the one of the newest. One that is gone is
// no reason to write none: all is new then.
func (s *CatalogSync) previous(ctx context.Context, key string) (*report.Seen, error) {
	if key == "" {
		return nil, nil
	}
	before, err := s.Documents.Report(ctx, key)
	if err == nil && !before.CarriedThrough() && before.Before != "" {
		key = before.Before
		before, err = s.Documents.Report(ctx, key)
	}
	if err != nil {
		return nil, ignoreLost(err)
	}
	seen := report.NewSeen(key, before.At)
	if before.Findings == "" {
		return seen, nil
	}
	list, err := s.Documents.Head(ctx, before.Findings)
	if err == nil {
		err = s.readObject(ctx, list, seen.Load)
	}
	if err != nil {
		return nil, ignoreLost(err)
	}
	return seen, nil
}

func ignoreLost(err error) error {
	if fault.Is(err, fault.SourceMissing) || fault.Is(err, fault.SettingsInvalid) || errors.Is(err, report.ErrForeign) {
		return nil
	}
	return err
}

// addFindings adds what Vitrine found before the upload, then what Stripe said of each part.
func (s *CatalogSync) addFindings(ctx context.Context, in SettleInput, b *report.Builder) error {
	lists := []*statestore.Object{in.Delivery.Findings}
	for _, p := range in.Parts {
		lists = append(lists, p.Findings)
	}
	for _, list := range lists {
		if list == nil {
			continue
		}
		err := s.readObject(ctx, *list, func(r io.Reader) error {
			for e, err := range report.NewReader(r).All() {
				if err != nil {
					return err
				}
				_, fix := feed.Explain(in.Feed, e.Cause, e.Column)
				if err := b.Add(e, fix); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// forget takes rows out of the manifest that nothing was sent for.
func (s *CatalogSync) forget(ctx context.Context, in SettleInput) error {
	if in.Delivery.Forgotten == nil || in.Verdict != nil && !in.Verdict.Approved {
		return nil
	}
	rows, err := s.Documents.Table(ctx, *in.Delivery.Forgotten, in.Feed)
	if err != nil {
		return err
	}
	return s.settleManifest(ctx, in.ID, rows, rowVerdicts{}, catalog.Import{})
}

// commit records the outcome and lets go of the feed.
func (s *CatalogSync) commit(ctx context.Context, in SettleInput, r catalog.Report) error {
	run, d := thisRun(ctx), in.Delivery
	_, err := s.updateClaimed(ctx, in.ID, func(state *catalog.State) {
		state.Sequence++
		state.Run, state.Open, state.Held = nil, nil, nil
		state.Report = s.reportKey(in, "json")
		state.Last = &catalog.Last{
			Outcome: r.Outcome, At: r.At, Run: run, Reason: r.Reason, Code: r.Code, Report: state.Report,
			RowsUnknown: r.Rows.Unknown + r.Rows.Unsettled, NotDeleted: r.Rows.NotDeleted,
			RowsSent: r.Rows.Sent, RowsDeleted: r.Rows.Deleted, RowsHeldBack: r.Rows.KeptBack,
			RowsFailed: r.Rows.Refused, RowsStillRefused: r.Rows.StillRefused,
			RowsWaiting: r.Rows.Waiting, Waiting: deletionsWaiting(r),
		}
		state.Unsettled = s.unsettled(state.Unsettled, in, r)
		switch {
		case r.Outcome == catalog.Failed && !dealtWith(in, r.Rows):
			state.Failure = s.failure(state.Failure, d.Source.Version(), r)
			state.Partly = partly(state.Partly, d)
		case r.Outcome == catalog.Rejected:
			state.Last.RowsSent, state.Last.RowsDeleted = 0, 0 // the report says what would have been
			state.Rejected = &catalog.Decided{Version: d.Source.Version(), Verdict: *in.Verdict}
		case d.Resumed: // one part of a source whose others nobody knows of: the next look compares anew
			state.Failure, state.Partly = nil, partly(state.Partly, d)
		default:
			state.Failure, state.Rejected, state.Partly = nil, nil, nil
			state.Accepted = catalog.Accepted{Source: d.Source, Basis: d.Basis, Rows: r.Rows.Source, At: r.At,
				Misplaced: d.Misplaced, Delayed: d.Delayed}.After(state.Accepted)
			if d.Full != "" {
				state.FullAt = r.At
			}
		}
	})
	return err
}

// deletionsWaiting says which deletions wait, and for what.
func deletionsWaiting(r catalog.Report) string {
	if r.Reading == nil {
		return ""
	}
	return r.Reading.WaitingText()
}

// maxSpacing bounds how long a source version whose import keeps failing rests between two tries.
const maxSpacing = 24 * time.Hour

// failure counts the failed imports of one source version and doubles the time to the next try with each.
func (s *CatalogSync) failure(before *catalog.Failure, version string, r catalog.Report) *catalog.Failure {
	count := 1
	if before != nil && before.Version == version {
		count = before.Count + 1
	}
	return &catalog.Failure{Version: version, Count: count, At: r.At, NextTry: r.At.Add(s.spacing(count)),
		Reason: r.Reason}
}

// partly is what is to be remembered of a version that will be compared again: products that wait for another one.
func partly(before *catalog.Partly, d catalog.Delivery) *catalog.Partly {
	if len(d.Delayed) == 0 {
		return before
	}
	return &catalog.Partly{Version: d.Source.Version(), Delayed: d.Delayed}
}

// spacing is the time to the next try after so many in vain: it doubles with each.
func (s *CatalogSync) spacing(tries int) time.Duration {
	spacing := s.Policy.Interval
	for i := 1; i < tries && spacing < maxSpacing; i++ {
		spacing *= 2
	}
	return min(spacing, maxSpacing)
}

// unsettled is what has to be sent again. The more sends in a row leave something open, the longer it rests. A part
// that an earlier run left behind tells nothing of the other rows, and a run that was rejected or failed of none.
func (s *CatalogSync) unsettled(before *catalog.Unsettled, in SettleInput, r catalog.Report) *catalog.Unsettled {
	after := catalog.Unsettled{Rows: r.Rows.Unsettled, NotDeleted: r.Rows.NotDeleted}
	fresh := false
	for _, p := range in.Parts {
		after.Rows += p.Unknown
		if p.Unknown+p.NotDeleted > 0 {
			fresh, after.Reason = true, p.Reason
		}
	}
	blind := in.Delivery.Resumed || r.Outcome == catalog.Rejected || r.Outcome == catalog.Failed
	switch {
	case before == nil && after.Rows+after.NotDeleted == 0:
		return nil
	case before == nil:
		before = &catalog.Unsettled{}
	case blind:
		after.Rows, after.NotDeleted = max(after.Rows, before.Rows), max(after.NotDeleted, before.NotDeleted)
	case after.Rows+after.NotDeleted == 0:
		return nil
	}
	if !fresh && r.Outcome != catalog.Failed {
		after.Count, after.At, after.NextTry, after.Reason = before.Count, before.At, before.NextTry, before.Reason
		return &after
	}
	after.Count = before.Count + 1
	after.At, after.NextTry = r.At, r.At.Add(s.spacing(after.Count))
	return &after
}

// RecordFailureInput is the input of RecordFailure.
type RecordFailureInput struct {
	catalog.ID
	Reason string `json:"reason"`
	// Code is what goes with the reason; older runs do not say.
	Code fault.Code `json:"code,omitempty"`
}

// RecordFailure records why a run ended without an import, for the status that people read, and lets go of the feed. An
// import that was begun stays recorded as open.
func (s *CatalogSync) RecordFailure(ctx context.Context, in RecordFailureInput) error {
	if err := in.Check(); err != nil {
		return err
	}
	s.Standing.noteRefusal(ctx, in.Account, in.Code, in.Reason)
	run := thisRun(ctx)
	state, etag, err := s.Documents.State(ctx, in.ID)
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
		if err := s.clearStaged(ctx, in.ID); err != nil {
			return err
		}
	}
	state.Run, state.Held = nil, nil
	// The time is that of all its tries: what is told of the failure is named by it.
	at := activity.GetInfo(ctx).ScheduledTime.UTC()
	state.Last = &catalog.Last{Outcome: catalog.Failed, At: at, Run: run, Reason: in.Reason, Code: in.Code}
	if in.Code == fault.AccountParked {
		state.Last.Outcome = catalog.Parked
	}
	if _, err = s.Documents.SaveState(ctx, state, etag); err != nil || in.Code == fault.AccountParked {
		return err
	}
	return s.tellTroubles(ctx, in.ID, false)
}
