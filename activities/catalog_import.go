package activities

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// AwaitImportSetInput is the input of AwaitImportSet.
type AwaitImportSetInput struct {
	catalog.ID
	API       feed.API      `json:"api"`
	ImportSet string        `json:"import_set"`
	Deadline  time.Duration `json:"deadline"` // counted from when the workflow scheduled the activity
	// Likely is how long the import is likely to take; 0: nobody knows.
	Likely time.Duration `json:"likely,omitempty"`
	// Waited is how long the run had waited for the import until it heard that it has ended; 0: nobody said so.
	Waited time.Duration `json:"waited,omitempty"`
}

// AwaitedImport is what AwaitImportSet ends with.
type AwaitedImport struct {
	catalog.Import
	// Heard says that the step was ended from outside, by news of the import's end: nothing else is known of it.
	Heard bool `json:"heard,omitempty"`
}

// AwaitID is the id of the step that waits for an import. Whoever hears of its end completes the step by it, so what is
// heard of one import never ends the wait for another.
func AwaitID(importSet string) string { return "await " + importSet }

// How often AwaitImportSet reads an import: not before it is likely to have ended, if that is known. The first attempt
// polls in place, for no longer than a step may that waits for somebody else; those that come after it look once, ever
// later. So waiting holds no worker slot, adds nothing to history, and reads little: Stripe rations what it is read.
const (
	firstPoll    = 250 * time.Millisecond
	pollInPlace  = 1500 * time.Millisecond
	firstRecheck = 3 * time.Second
	lastRecheck  = 2 * time.Minute
	// longestLikely bounds what is expected of an import: after a full send the next change may be a row.
	longestLikely = time.Minute
)

// Answers that nobody can do anything about would otherwise be met again by every later run.
const (
	// confirmations is how many tries have to end with the same permanent answer about an import, before it is
	// believed.
	confirmations = 3
	// unclearTries is for answers that are not Stripe's, and for files that break off: some two minutes.
	unclearTries = 8
	// reasonsWithin is how long Stripe may fail whenever it is asked for a list of refused rows.
	reasonsWithin = 6 * time.Hour
	// abandonAfter is how long Stripe may take for an import before the feed goes on without it.
	abandonAfter = 24 * time.Hour
)

// answered reports whether Stripe has said for good that what was asked for is not to be had. That a key is not
// accepted is no such answer: it is about the key.
func answered(err error) bool {
	f, ok := fault.Of(err)
	return ok && f.Kind == fault.Permanent &&
		(f.Code == fault.StripeRejected || f.Code == fault.StripeForbidden || f.Code == fault.InputInvalid)
}

// inVain says why what was asked for will not be had, however often it is asked for: empty as long as another try is
// due.
func inVain(err error, tries int32, since time.Duration) string {
	switch {
	case answered(err) && tries >= confirmations,
		fault.Is(err, fault.StripeUnclear) && tries >= unclearTries,
		fault.Is(err, fault.StripeUnavailable) && since > reasonsWithin:
		return err.Error()
	}
	return ""
}

// again makes an error one that is tried again.
func again(err error) error {
	if f, ok := fault.Of(err); ok && f.Kind == fault.Permanent {
		return fault.NewPlain(f.Code, err)
	}
	return err
}

// AwaitImportSet returns an import once Stripe has ended it, well or badly. A status that nobody documented means that
// Stripe is still at it. After the deadline the error is permanent; the import stays recorded as open, so the next run
// goes on waiting for it. An import that Stripe will not show, or does not end within a day, is returned as unreadable.
//
// Every attempt is billed, so the first one reads nothing where it is known that the import takes a while. Whoever
// hears of the end completes the step with AwaitedImport.Heard; the run looks then, and takes nobody's word for it.
func (s *CatalogSync) AwaitImportSet(ctx context.Context, in AwaitImportSetInput) (catalog.Import, error) {
	imports, err := s.imports(in.API)
	if err != nil {
		return catalog.Import{}, err
	}
	s.tellSlow(ctx, in.ID)
	info := activity.GetInfo(ctx)
	if info.Attempt == 1 && in.Likely > pollInPlace {
		return catalog.Import{}, stillPending(in.ImportSet, catalog.StatusPending, in.Likely)
	}
	waited := time.Duration(0)
	if info.Attempt == 1 && in.Likely > 0 {
		if err := rest(ctx, in, in.Likely); err != nil {
			return catalog.Import{}, err
		}
		waited = in.Likely
	}
	for pause, looks := firstPoll, 1; ; pause, waited, looks = pause*2, waited+pause, looks+1 {
		current, err := imports.Import(ctx, in.Account, in.ImportSet)
		took := in.Waited + ServerTime(ctx).Sub(info.ScheduledTime)
		overdue := took > in.Deadline
		switch {
		case err != nil:
			return s.unreadable(ctx, in, err, overdue)
		case current.Status.Final():
			countImport(ctx, in.API, current)
			current.NextTakes = likely(took, looks == 1 && in.looksFirst(info.Attempt))
			return current, nil
		case overdue && !current.Created.IsZero() && ServerTime(ctx).Sub(current.Created) > abandonAfter:
			return catalog.Import{ID: in.ImportSet,
				Unreadable: fmt.Sprintf("Stripe has not ended it within %s: its status is %q", abandonAfter,
					current.Status)}, nil
		case overdue:
			return current, fault.NewPermanent(fault.ImportDeadline, fmt.Errorf(
				"stripe has not ended import %s within %s: its status is %q; the next sync goes on waiting for it",
				in.ImportSet, in.Deadline, current.Status))
		case info.Attempt > 1, waited >= pollInPlace:
			return current, stillPending(in.ImportSet, current.Status, in.recheckAfter(info.Attempt))
		}
		if err := rest(ctx, in, pause); err != nil {
			return current, err
		}
	}
}

// rest waits without letting go of the slot.
func rest(ctx context.Context, in AwaitImportSetInput, pause time.Duration) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-activity.GetWorkerStopChannel(ctx): // another worker goes on
		return stillPending(in.ImportSet, catalog.StatusPending, time.Second)
	}
}

// looksFirst reports whether an attempt is the first that reads the import, with nobody knowing when it ended.
func (in AwaitImportSetInput) looksFirst(attempt int32) bool {
	return in.Waited == 0 && (attempt == 1 || attempt == 2 && in.Likely > pollInPlace)
}

// likely is how long the next import will probably take, by how long this one took. One that had ended when it was
// first looked at may have ended long before: the next ones are looked at ever earlier, until one is met under way. So
// two of three are read once, and the third twice.
func likely(took time.Duration, atFirst bool) time.Duration {
	if atFirst {
		took = took * 7 / 8
	}
	if took < firstPoll {
		return 0
	}
	return min(took, longestLikely).Round(time.Millisecond)
}

// unreadable is an import that Stripe does not show. What is merely unclear has until the deadline. Where Stripe fails
// or is too busy whenever it is asked, the next run asks on, until the import is a day old.
func (s *CatalogSync) unreadable(
	ctx context.Context, in AwaitImportSetInput, err error, overdue bool,
) (catalog.Import, error) {
	none := catalog.Import{ID: in.ImportSet, Unreadable: err.Error()}
	switch {
	case answered(err) && activity.GetInfo(ctx).Attempt >= confirmations, fault.Is(err, fault.StripeUnclear) && overdue:
		return none, nil
	case answered(err):
		return catalog.Import{}, again(err)
	case !overdue || !fault.Is(err, fault.StripeUnavailable) && !fault.Is(err, fault.StripeThrottled):
		return catalog.Import{}, err
	}
	state, _, unknown := s.Documents.State(ctx, in.ID)
	switch {
	case unknown != nil:
		return catalog.Import{}, unknown
	case !state.LastImportAt.IsZero() && ServerTime(ctx).Sub(state.LastImportAt) > abandonAfter:
		return none, nil
	}
	return catalog.Import{}, fault.NewPermanent(fault.ImportDeadline, fmt.Errorf(
		"import %s could not be read within %s: %w; the next sync goes on waiting for it", in.ImportSet, in.Deadline,
		err))
}

func stillPending(importSet string, status catalog.ImportStatus, after time.Duration) error {
	return fault.NewPending(fault.ImportPending, after,
		fmt.Errorf("import %s is %q: looking again in %s", importSet, status, after))
}

// recheckAfter is the pause behind an attempt that found the import under way. Behind the time that it was likely to
// take, not much of it is left.
func (in AwaitImportSetInput) recheckAfter(attempt int32) time.Duration {
	after, passed := firstRecheck, attempt-1
	if in.Likely > pollInPlace {
		after, passed = max(in.Likely/4, time.Second), attempt-2
	}
	for ; passed > 0 && after < lastRecheck; passed-- {
		after *= 2
	}
	return min(after, lastRecheck)
}

// FetchImportErrorsInput is the input of FetchImportErrors.
type FetchImportErrorsInput struct {
	catalog.ID
	API      feed.API `json:"api"`
	Sequence int64    `json:"sequence"`
	Part     int      `json:"part"`
	File     string   `json:"file"` // catalog.Import.ErrorFile
}

// FetchImportErrorsResult is where Stripe's list of refused rows is kept.
type FetchImportErrorsResult struct {
	statestore.Object
	Unreadable string `json:"unreadable,omitempty"` // why there is none
	// Broken says why the list is not whole: it breaks off there whenever it is read.
	Broken string `json:"broken,omitempty"`
}

// FetchImportErrors streams Stripe's list of refused rows to S3, for SettlePart to read as often as it needs. A list
// that is not to be had is a result, and so is one that always breaks off.
func (s *CatalogSync) FetchImportErrors(
	ctx context.Context, in FetchImportErrorsInput,
) (FetchImportErrorsResult, error) {
	result, err := s.fetchImportErrors(ctx, in)
	info := activity.GetInfo(ctx)
	if result.Unreadable = inVain(err, info.Attempt, ServerTime(ctx).Sub(info.ScheduledTime)); result.Unreadable != "" {
		err = nil
	} else if answered(err) {
		err = again(err)
	}
	return result, err
}

func (s *CatalogSync) fetchImportErrors(
	ctx context.Context, in FetchImportErrorsInput,
) (result FetchImportErrorsResult, err error) {
	imports, err := s.imports(in.API)
	if err != nil {
		return result, err
	}
	body, err := imports.Refused(ctx, in.Account, in.File)
	if err != nil {
		return result, fmt.Errorf("error file %s: %w", in.File, err)
	}
	defer body.Close()
	tries := activity.GetInfo(ctx).Attempt
	arriving := &breakingOff{r: body, accept: tries >= unclearTries}
	list := bufio.NewReaderSize(arriving, 4<<10)
	if head, _ := list.Peek(512); bytes.HasPrefix(bytes.TrimSpace(head), []byte("<")) && tries < confirmations {
		return result, fault.NewPlain(fault.StripeUnclear, fmt.Errorf(
			"error file %s: a web page came in its place, perhaps of a proxy", in.File))
	}
	key := s.Documents.Layout.Catalog(in.Account, in.Feed).ErrorFileKey(in.Sequence, in.Part)
	result.Object, err = s.Documents.Write(ctx, key, "text/csv", pulseOf(ctx).reading(list))
	result.Broken = arriving.broke
	return result, err
}

// breakingOff takes the place where a stream breaks off for its end, if that is to be accepted.
type breakingOff struct {
	r      io.Reader
	accept bool
	broke  string // why it did
}

func (b *breakingOff) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.accept && fault.Is(err, fault.StripeUnavailable) {
		b.broke, err = err.Error(), io.EOF
	}
	return n, err
}
