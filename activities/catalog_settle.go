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
	"vitrine/internal/statestore"
)

// SettleInput is the input of Settle.
type SettleInput struct {
	catalog.ID
	Delivery catalog.Delivery     `json:"delivery"`
	Parts    []catalog.PartResult `json:"parts,omitempty"`   // that were imported, the last one perhaps in vain
	Verdict  *catalog.Verdict     `json:"verdict,omitempty"` // of the person who was asked
}

func (in SettleInput) settlement() catalog.Settlement {
	return catalog.Settlement{Delivery: in.Delivery, Parts: in.Parts, Verdict: in.Verdict}
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
	at := activity.GetInfo(ctx).ScheduledTime.UTC().Truncate(time.Second)
	r := in.settlement().Report(in.ID, at)
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
		Waiting: r.DeletionsWaiting(), Report: s.Documents.URI(key)}
	if r.Since != nil {
		result.New, result.Fixed = r.Since.New, r.Since.Fixed
	}
	return result
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
	if in.Delivery.Forgotten == nil || in.settlement().Rejected() {
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
	run := thisRun(ctx)
	_, err := s.updateClaimed(ctx, in.ID, func(state *catalog.State) {
		in.settlement().Enter(state, r, run, s.reportKey(in, "json"), s.Policy.Interval)
	})
	return err
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
