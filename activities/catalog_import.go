package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

// AwaitImportSetInput is the input of AwaitImportSet.
type AwaitImportSetInput struct {
	Catalog
	API       catalog.API   `json:"api"`
	ImportSet string        `json:"import_set"`
	Deadline  time.Duration `json:"deadline"` // counted from when the workflow scheduled the activity
}

// How often AwaitImportSet reads an import. The first attempt polls in place, for no longer than a step may that waits for
// somebody else; those that come after it look once, ever later. So waiting holds no worker slot, adds nothing to history, and
// reads little: Stripe rations what it is read.
const (
	firstPoll    = 250 * time.Millisecond
	pollInPlace  = 1500 * time.Millisecond
	firstRecheck = 3 * time.Second
	lastRecheck  = 2 * time.Minute
)

// AwaitImportSet returns an import once Stripe has ended it, well or badly. A status that nobody documented means that
// Stripe is still at it. After the deadline the error is permanent; the import stays recorded as open, so the next run
// goes on waiting for it.
func (s *CatalogSync) AwaitImportSet(ctx context.Context, in AwaitImportSetInput) (catalog.Import, error) {
	defer startPulse(ctx, 0).stop() // Stripe may take longer to answer than a dead worker is given
	result, err := s.awaitImportSet(ctx, in)
	return result, translate(err)
}

func (s *CatalogSync) awaitImportSet(ctx context.Context, in AwaitImportSetInput) (catalog.Import, error) {
	imports, err := s.imports(in.API)
	if err != nil {
		return catalog.Import{}, err
	}
	info := activity.GetInfo(ctx)
	for pause, waited := firstPoll, time.Duration(0); ; pause, waited = pause*2, waited+pause {
		current, err := imports.Import(ctx, in.Account, in.ImportSet)
		switch {
		case err != nil:
			return current, err
		case current.Status.Final():
			return current, nil
		case time.Since(info.ScheduledTime) > in.Deadline:
			return current, fault.NewPermanent(fault.ImportDeadline, fmt.Errorf(
				"stripe has not ended import %s within %s: its status is %q; the next sync goes on waiting for it", in.ImportSet, in.Deadline, current.Status))
		case info.Attempt > 1, waited >= pollInPlace:
			return current, stillPending(in.ImportSet, current.Status, recheckAfter(info.Attempt))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return current, ctx.Err()
		case <-activity.GetWorkerStopChannel(ctx): // another worker goes on
			return current, stillPending(in.ImportSet, current.Status, time.Second)
		}
	}
}

func stillPending(importSet string, status catalog.ImportStatus, after time.Duration) error {
	return fault.NewPending(fault.ImportPending, after, fmt.Errorf("import %s is %q: looking again in %s", importSet, status, after))
}

func recheckAfter(attempt int32) time.Duration {
	after := firstRecheck
	for ; attempt > 1 && after < lastRecheck; attempt-- {
		after *= 2
	}
	return min(after, lastRecheck)
}

// FetchImportErrorsInput is the input of FetchImportErrors.
type FetchImportErrorsInput struct {
	Catalog
	API      catalog.API `json:"api"`
	Sequence int64       `json:"sequence"`
	Part     int         `json:"part"`
	File     string      `json:"file"` // catalog.Import.ErrorFile
}

// FetchImportErrors streams Stripe's list of refused rows to S3, for SettlePart to read as often as it needs.
func (s *CatalogSync) FetchImportErrors(ctx context.Context, in FetchImportErrorsInput) (catalog.Object, error) {
	result, err := s.fetchImportErrors(ctx, in)
	return result, translate(err)
}

func (s *CatalogSync) fetchImportErrors(ctx context.Context, in FetchImportErrorsInput) (catalog.Object, error) {
	imports, err := s.imports(in.API)
	if err != nil {
		return catalog.Object{}, err
	}
	pulse := startPulse(ctx, 0)
	defer pulse.stop()
	body, err := imports.Refused(ctx, in.Account, in.File)
	if err != nil {
		return catalog.Object{}, fmt.Errorf("error file %s: %w", in.File, err)
	}
	defer body.Close()
	layout := s.Documents.Layout
	key := layout.ErrorFileKey(in.Account, in.Feed, in.Sequence, in.Part)
	return s.Objects.Write(ctx, layout.StateBucket, key, "text/csv", pulse.reading(body))
}
