package catalog

import (
	"fmt"
	"slices"
	"time"
)

// Settlement decides how a run ends that had something to say, and what is to be remembered of it. Everything that it
// needs to know is in it: an attempt that is repeated decides the same.
type Settlement struct {
	Delivery Delivery
	Parts    []PartResult // that were imported, the last one perhaps in vain
	Verdict  *Verdict     // of the person who was asked; nil: nobody was
}

// Rejected reports whether a person said no: nothing was sent, and nothing is to be forgotten.
func (s Settlement) Rejected() bool { return s.Verdict != nil && !s.Verdict.Approved }

// Report is the report as far as the run itself tells it: without findings.
func (s Settlement) Report(id ID, at time.Time) Report {
	d := s.Delivery
	r := Report{
		Account: id.Account, Feed: id.Feed, At: at,
		Source: d.Source, Full: d.Full, Verdict: s.Verdict, Rows: d.Rows, Normalised: d.Normalised, Reading: d.Reading,
		Resumed: d.Resumed,
	}
	for _, p := range s.Parts {
		r.Rows.Accepted += p.Accepted
		r.Rows.Refused += p.Refused
		r.Rows.Unknown += p.Unknown
		r.Rows.Deleted -= p.NotDeleted
		r.Rows.NotDeleted += p.NotDeleted
		r.Rows.Skipped += p.Import.RowsSkipped
		r.Imports = append(r.Imports, ReportImport{
			API: d.API, Part: p.Part.Number, Rows: p.Part.Rows, Bytes: p.Part.Object.Size,
			File: p.File, Import: p.Import.ID, Status: p.Import.Status, ErrorFile: p.Import.ErrorFile,
			Succeeded: p.Import.RowsSucceeded, Failed: p.Import.RowsFailed,
		})
		if p.Reason != "" {
			r.Reason, r.Code = p.Reason, p.Code
		}
	}
	r.Outcome = s.outcome(r.Rows)
	switch {
	case r.Outcome == Failed && r.Reason == "":
		r.Reason = refusal(r.Rows)
	case r.Outcome == Rejected:
		r.Reason = fmt.Sprintf("%s rejected this version of the source: %s", s.Verdict.By, s.Verdict.Why)
	}
	r.Summary = r.Summarized()
	return r
}

func (s Settlement) outcome(rows ReportRows) Outcome {
	if s.importFailed() {
		return Failed
	}
	open := rows.Open()
	switch {
	case s.Rejected():
		return Rejected
	case s.refusedAll():
		return Failed // a success with errors has successes
	case !s.Delivery.Resumed && rows.Refused+rows.StillRefused > 0 && rows.Unchanged+rows.Accepted+open == 0:
		return Failed // of all that the source has, Stripe has nothing
	case rows.ToRepair()+open > 0:
		return SucceededWithErrors
	case len(s.Parts) == 0:
		return Unchanged
	}
	return Succeeded
}

// refusal is why a run failed of which no part says why.
func refusal(rows ReportRows) string {
	switch {
	case rows.Refused > 0:
		return fmt.Sprintf("Stripe refused every row that it got, %d of them", rows.Refused)
	case rows.StillRefused > 0:
		return fmt.Sprintf("Stripe refused every row before, %d of them, and none has changed", rows.StillRefused)
	}
	return "Stripe failed the import, and does not say why"
}

func (s Settlement) importFailed() bool {
	return slices.ContainsFunc(s.Parts, func(p PartResult) bool { return p.Outcome == Failed })
}

// refusedAll reports whether Stripe refused every row that it was sent. Deletions are no rows: refused ones are tried
// again by themselves, and one that was taken is something that the run brought.
func (s Settlement) refusedAll() bool {
	var taken, refused int64
	for _, p := range s.Parts {
		taken += p.Accepted + p.Unknown + p.Import.RowsSkipped
		refused += p.Refused - p.NotDeleted
	}
	return taken == 0 && refused > 0
}

// dealtWith reports whether a source version is not to be looked at again, though its run failed: what Stripe refused
// is refused as it is, and of the rest of the source Stripe has something.
func (s Settlement) dealtWith(rows ReportRows) bool {
	return !s.importFailed() && s.refusedAll() && rows.Unchanged > 0
}

// Enter enters the outcome into the state and lets go of the feed. key is where the report is kept, interval the time
// between two syncs, from which the tries of what failed are spaced.
func (s Settlement) Enter(state *State, r Report, run Run, key string, interval time.Duration) {
	d := s.Delivery
	state.Sequence++
	state.Run, state.Open, state.Held = nil, nil, nil
	state.Report = key
	state.Last = &Last{
		Outcome: r.Outcome, At: r.At, Run: run, Reason: r.Reason, Code: r.Code, Report: key,
		RowsUnknown: r.Rows.Unknown + r.Rows.Unsettled, NotDeleted: r.Rows.NotDeleted,
		RowsSent: r.Rows.Sent, RowsDeleted: r.Rows.Deleted, RowsHeldBack: r.Rows.KeptBack,
		RowsFailed: r.Rows.Refused, RowsStillRefused: r.Rows.StillRefused,
		RowsWaiting: r.Rows.Waiting, Waiting: r.DeletionsWaiting(),
	}
	state.Unsettled = s.unsettled(state.Unsettled, r, interval)
	switch {
	case r.Outcome == Failed && !s.dealtWith(r.Rows):
		state.Failure = failure(state.Failure, d.Source.Version(), r, interval)
		state.Partly = partly(state.Partly, d)
	case r.Outcome == Rejected:
		state.Last.RowsSent, state.Last.RowsDeleted = 0, 0 // the report says what would have been
		state.Rejected = &Decided{Version: d.Source.Version(), Verdict: *s.Verdict}
	case d.Resumed: // one part of a source whose others nobody knows of: the next look compares anew
		state.Failure, state.Partly = nil, partly(state.Partly, d)
	default:
		state.Failure, state.Rejected, state.Partly = nil, nil, nil
		state.Accepted = Accepted{Source: d.Source, Basis: d.Basis, Rows: r.Rows.Source, At: r.At,
			Misplaced: d.Misplaced, Delayed: d.Delayed}.After(state.Accepted)
		if d.Full != "" {
			state.FullAt = r.At
		}
	}
}

// DeletionsWaiting says which deletions wait, and for what.
func (r Report) DeletionsWaiting() string {
	if r.Reading == nil {
		return ""
	}
	return r.Reading.WaitingText()
}

// failure counts the failed imports of one source version and doubles the time to the next try with each.
func failure(before *Failure, version string, r Report, interval time.Duration) *Failure {
	count := 1
	if before != nil && before.Version == version {
		count = before.Count + 1
	}
	return &Failure{Version: version, Count: count, At: r.At, NextTry: r.At.Add(rest(count, interval)),
		Reason: r.Reason}
}

// partly is what is to be remembered of a version that will be compared again: products that wait for another one.
func partly(before *Partly, d Delivery) *Partly {
	if len(d.Delayed) == 0 {
		return before
	}
	return &Partly{Version: d.Source.Version(), Delayed: d.Delayed}
}

// maxRest bounds how long a source version whose import keeps failing rests between two tries.
const maxRest = 24 * time.Hour

// rest is the time to the next try after so many in vain: it doubles with each.
func rest(tries int, interval time.Duration) time.Duration {
	for i := 1; i < tries && interval < maxRest; i++ {
		interval *= 2
	}
	return min(interval, maxRest)
}

// unsettled is what has to be sent again. The more sends in a row leave something open, the longer it rests. A part
// that an earlier run left behind tells nothing of the other rows, and a run that was rejected or failed of none.
func (s Settlement) unsettled(before *Unsettled, r Report, interval time.Duration) *Unsettled {
	after := Unsettled{Rows: r.Rows.Unsettled, NotDeleted: r.Rows.NotDeleted}
	fresh := false
	for _, p := range s.Parts {
		after.Rows += p.Unknown
		if p.Unknown+p.NotDeleted > 0 {
			fresh, after.Reason = true, p.Reason
		}
	}
	blind := s.Delivery.Resumed || r.Outcome == Rejected || r.Outcome == Failed
	switch {
	case before == nil && after.Rows+after.NotDeleted == 0:
		return nil
	case before == nil:
		before = &Unsettled{}
	case blind:
		after.Rows, after.NotDeleted = max(after.Rows, before.Rows), max(after.NotDeleted, before.NotDeleted)
	case after.Rows+after.NotDeleted == 0:
		return nil
	}
	if !fresh && r.Outcome != Failed {
		after.Count, after.At, after.NextTry, after.Reason = before.Count, before.At, before.NextTry, before.Reason
		return &after
	}
	after.Count = before.Count + 1
	after.At, after.NextTry = r.At, r.At.Add(rest(after.Count, interval))
	return &after
}
