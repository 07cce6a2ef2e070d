package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// steps names the activities of CatalogSync; it is never called.
var steps *activities.CatalogSync

// CatalogSync brings one feed of one account to Stripe: it looks whether the source changed, waits for its turn, uploads
// what changed, imports it, and reports what Stripe refused. An unchanged source ends the run after one activity.
//
// It does not matter who starts it or how many at once: one run at a time imports, the others wait and then find
// nothing left to do. A run fails, with the type of the cause, if nothing was taken; rows that Stripe refused are a
// result.
func CatalogSync(ctx workflow.Context, in CatalogSyncInput) (CatalogSyncResult, error) {
	if in.Feed == "" {
		in.Feed = feed.Product
	}
	sync := catalogSync{
		in:      in,
		catalog: activities.Catalog{Account: in.Account, Feed: in.Feed},
		result:  CatalogSyncResult{Account: in.Account, Feed: in.Feed},
	}
	ctx = workflow.WithPriority(ctx, in.Priority())
	if err := sync.introduce(ctx); err != nil {
		return sync.result, err
	}
	err := sync.run(ctx)
	if err != nil && !temporal.IsCanceledError(err) {
		err = sync.fail(ctx, err)
	}
	return sync.result, err
}

// catalogSync is one run: what it was asked and what it has found out so far.
type catalogSync struct {
	in      CatalogSyncInput
	catalog activities.Catalog
	result  CatalogSyncResult
}

// introduce makes a run that was started by hand findable like one that the starter or a schedule began.
func (s *catalogSync) introduce(ctx workflow.Context) error {
	if _, known := workflow.GetTypedSearchAttributes(ctx).GetKeyword(SearchAccount); known {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, SearchAccount.ValueSet(s.in.Account), SearchFeed.ValueSet(string(s.in.Feed)))
}

// run takes turns at finding out what there is to do, and does it.
func (s *catalogSync) run(ctx workflow.Context) error {
	for {
		found, err := s.fetch(ctx)
		if err != nil {
			return err
		}
		switch found.Decision {
		case activities.Skip:
			return s.unchanged(ctx, found)
		case activities.Wait:
			if err := s.waitForTurn(ctx, found.NotBefore); err != nil {
				return err
			}
		case activities.Resume:
			if err := s.deliver(ctx, *found.Delivery); err != nil || !s.in.Force {
				return err
			}
		default:
			return s.deliver(ctx, *found.Delivery)
		}
	}
}

func (s *catalogSync) fetch(ctx workflow.Context) (found activities.FetchCatalogResult, err error) {
	workflow.SetCurrentDetails(ctx, "Looking at the source; if another run of this feed is importing, waiting for it to end.")
	in := activities.FetchCatalogInput{Catalog: s.catalog, Force: s.in.Force}
	ctx = streamStore(ctx, "Look for a new version of the source, check and stage it")
	err = workflow.ExecuteActivity(ctx, steps.FetchCatalog, in).Get(ctx, &found)
	s.result.SourceVersion = found.Source
	return found, err
}

func (s *catalogSync) unchanged(ctx workflow.Context, found activities.FetchCatalogResult) error {
	s.result.Outcome, s.result.Note = catalog.Unchanged, found.Note
	details := "Unchanged: Stripe has this version of the source."
	if found.Note != "" {
		details = "Unchanged: " + found.Note + "."
	}
	workflow.SetCurrentDetails(ctx, details)
	return s.recordOutcome(ctx)
}

func (s *catalogSync) waitForTurn(ctx workflow.Context, turn time.Time) error {
	until := turn.UTC().Format("15:04:05 MST on 2006-01-02")
	workflow.SetCurrentDetails(ctx, "The source changed. Stripe takes an update every 15 minutes: waiting until "+until+".")
	timer := workflow.NewTimerWithOptions(ctx, turn.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: "Stripe takes the next update at " + until})
	return timer.Get(ctx, nil)
}

// deliver sends what was staged and sees it through to the report.
func (s *catalogSync) deliver(ctx workflow.Context, d activities.Delivery) error {
	s.result.SourceVersion, s.result.SHA256, s.result.Rows = d.Source.Version(), d.SHA256, d.Rows
	part := d.Parts[0]
	file, err := s.upload(ctx, d, part)
	if err != nil {
		return err
	}
	created, err := s.createImport(ctx, d, part, file)
	if err != nil {
		return err
	}
	imported, err := s.awaitImport(ctx, d, created.ImportSet)
	if err != nil {
		return err
	}
	refused, err := s.fetchErrors(ctx, d, part, imported)
	if err != nil {
		return err
	}
	return s.settle(ctx, activities.SettleInput{
		Catalog: s.catalog, Delivery: d, Part: part, File: file, Import: imported, Refused: refused,
	})
}

func (s *catalogSync) upload(ctx workflow.Context, d activities.Delivery, part catalog.Part) (string, error) {
	s.result.File = d.File
	if d.File != "" { // a resumed delivery is at Stripe already
		return d.File, nil
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Uploading %d rows, %d bytes, to Stripe.", part.Rows, part.Object.Size))
	in := activities.UploadFileInput{Catalog: s.catalog, Part: part, Version: d.Source.Version(), Sequence: d.Sequence}
	ctx = streamStripe(ctx, fmt.Sprintf("Upload %d rows (%d bytes) to Stripe", part.Rows, part.Object.Size))
	var uploaded activities.UploadFileResult
	err := workflow.ExecuteActivity(ctx, steps.UploadFile, in).Get(ctx, &uploaded)
	s.result.File, s.result.BytesSent = uploaded.File, uploaded.Bytes
	return uploaded.File, err
}

func (s *catalogSync) createImport(ctx workflow.Context, d activities.Delivery, part catalog.Part, file string) (created activities.CreateImportSetResult, err error) {
	workflow.SetCurrentDetails(ctx, "Uploaded as "+file+". Creating the import.")
	in := activities.CreateImportSetInput{Catalog: s.catalog, Delivery: d, Part: part, File: file}
	ctx = quickStripe(ctx, "Create the import of "+file)
	err = workflow.ExecuteActivity(ctx, steps.CreateImportSet, in).Get(ctx, &created)
	s.result.ImportSet = created.ImportSet
	return created, err
}

func (s *catalogSync) awaitImport(ctx workflow.Context, d activities.Delivery, importSet string) (imported catalog.Import, err error) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Stripe is processing %d rows as %s.", d.Rows, importSet))
	in := activities.AwaitImportSetInput{Catalog: s.catalog, ImportSet: importSet, Deadline: d.Deadline}
	ctx = awaitStripe(ctx, "Wait for Stripe to end "+importSet, d.Deadline)
	err = workflow.ExecuteActivity(ctx, steps.AwaitImportSet, in).Get(ctx, &imported)
	return imported, err
}

// fetchErrors brings Stripe's list of refused rows to S3. A failed import may or may not have one.
func (s *catalogSync) fetchErrors(ctx workflow.Context, d activities.Delivery, part catalog.Part, imported catalog.Import) (*catalog.Object, error) {
	if imported.ErrorFile == "" {
		return nil, nil
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Stripe refused %d of %d rows. Fetching its reasons.", imported.RowsFailed, imported.RowsProcessed))
	in := activities.FetchImportErrorsInput{Catalog: s.catalog, Sequence: d.Sequence, Part: part.Number, File: imported.ErrorFile}
	ctx = streamStripe(ctx, fmt.Sprintf("Fetch the reasons for %d refused rows", imported.RowsFailed))
	var refused catalog.Object
	err := workflow.ExecuteActivity(ctx, steps.FetchImportErrors, in).Get(ctx, &refused)
	return &refused, err
}

func (s *catalogSync) settle(ctx workflow.Context, in activities.SettleInput) error {
	var settled activities.SettleResult
	settling := streamStore(ctx, "Write the report and record what Stripe took")
	if err := workflow.ExecuteActivity(settling, steps.Settle, in).Get(ctx, &settled); err != nil {
		return err
	}
	s.result.Outcome, s.result.Report = settled.Outcome, settled.Report
	s.result.RowsAccepted, s.result.RowsFailed = settled.RowsAccepted, settled.RowsFailed
	if settled.Outcome == catalog.Failed {
		return &importFailed{settled.Reason}
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("%s: Stripe accepted %d of %d rows and refused %d.",
		spell(settled.Outcome), settled.RowsAccepted, in.Part.Rows, settled.RowsFailed))
	return s.recordOutcome(ctx)
}

func spell(o catalog.Outcome) string {
	if o == catalog.SucceededWithErrors {
		return "Succeeded with errors"
	}
	return "Succeeded"
}

// importFailed is an import that Stripe ended without taking the catalog; Settle has recorded it already.
type importFailed struct{ reason string }

func (e *importFailed) Error() string { return e.reason }

// fail ends a run in which nothing was taken: recorded for the status that people read, then failed for good with the
// type of its cause. The result goes along as the error's details.
func (s *catalogSync) fail(ctx workflow.Context, cause error) error {
	s.result.Outcome = catalog.Failed
	reason, code := explain(cause)
	var settled *importFailed
	if !errors.As(cause, &settled) {
		in := activities.RecordFailureInput{Catalog: s.catalog, Reason: reason}
		recording := quickStore(ctx, "Record why nothing was imported")
		if err := workflow.ExecuteActivity(recording, steps.RecordFailure, in).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("the failure could not be recorded in the state", "error", err)
		}
	}
	workflow.SetCurrentDetails(ctx, "Failed: "+reason)
	if err := s.recordOutcome(ctx); err != nil {
		return err
	}
	return temporal.NewNonRetryableApplicationError(reason, string(code), nil, s.result)
}

// explain takes the reason and the code out of what Temporal wraps around an activity's error.
func explain(cause error) (reason string, code fault.Code) {
	var settled *importFailed
	var application *temporal.ApplicationError
	switch {
	case errors.As(cause, &settled):
		return settled.reason, fault.ImportFailed
	case errors.As(cause, &application):
		return application.Message(), fault.Code(application.Type())
	}
	return cause.Error(), fault.StepTimeout
}

func (s *catalogSync) recordOutcome(ctx workflow.Context) error {
	return workflow.UpsertTypedSearchAttributes(ctx,
		SearchOutcome.ValueSet(string(s.result.Outcome)), SearchRowsFailed.ValueSet(s.result.RowsFailed))
}
