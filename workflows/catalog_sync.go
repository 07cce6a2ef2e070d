package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
	"vitrine/internal/utc"
)

// steps names the activities of CatalogSync; it is never called.
var steps *activities.CatalogSync

// CatalogSync brings one feed of one account to Stripe: it looks whether the source changed, waits for its turn,
// compares it with what Stripe has, and uploads and imports the difference part by part. At the end it reports what was
// kept back and what Stripe refused. An unchanged source ends the run after one activity.
//
// If a guard strikes, the run holds before anything is uploaded, until somebody approves or rejects it (UpdateApprove,
// UpdateReject) or a newer source takes the place of the held one.
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
		catalog: catalog.ID{Account: in.Account, Feed: in.Feed},
		result:  CatalogSyncResult{Account: in.Account, Feed: in.Feed},
	}
	ctx = workflow.WithPriority(ctx, in.Priority())
	if err := errors.Join(sync.held.listen(ctx), sync.introduce(ctx)); err != nil {
		return sync.result, err
	}
	err := sync.run(ctx)
	if err != nil && !temporal.IsCanceledError(err) && !workflow.IsContinueAsNewError(err) {
		err = sync.fail(ctx, err)
	}
	countSync(ctx, sync.result, err)
	return sync.result, err
}

// catalogSync is one run: what it was asked and what it has found out so far.
type catalogSync struct {
	in      CatalogSyncInput
	catalog catalog.ID
	result  CatalogSyncResult
	held    hold
}

// introduce makes a run that was started by hand findable like one that the starter or a schedule began.
func (s *catalogSync) introduce(ctx workflow.Context) error {
	if _, known := workflow.GetTypedSearchAttributes(ctx).GetKeyword(SearchAccount); known {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, SearchAccount.ValueSet(s.in.Account),
		SearchFeed.ValueSet(string(s.in.Feed)))
}

// run takes turns at finding out what there is to do, and does it.
func (s *catalogSync) run(ctx workflow.Context) error {
	for {
		found, err := s.fetch(ctx)
		if err != nil {
			return err
		}
		if found.Action != activities.Hold {
			s.held = hold{} // a newer source took the place of a held one
		}
		switch found.Action {
		case activities.Skip:
			return s.unchanged(ctx, found)
		case activities.Wait:
			err = s.waitForTurn(ctx, found.NotBefore)
		case activities.Hold:
			var over bool
			if over, err = s.hold(ctx, found); over {
				return err
			}
		case activities.Resume:
			err = s.deliver(ctx, *found.Delivery)
		default:
			return s.deliver(ctx, *found.Delivery)
		}
		if err != nil {
			return err
		}
	}
}

func (s *catalogSync) fetch(ctx workflow.Context) (found activities.FetchCatalogResult, err error) {
	if !s.held.active() {
		workflow.SetCurrentDetails(ctx,
			"Looking at the source; if another run of this feed is importing, waiting for it to end.")
	}
	in := activities.FetchCatalogInput{ID: s.catalog, Force: s.in.Force, Full: s.in.Full, Held: s.held.version}
	ctx = streamStore(ctx, "Look for a new version of the source, check it, compare it, stage the difference")
	err = workflow.ExecuteActivity(ctx, steps.FetchCatalog, in).Get(ctx, &found)
	s.result.SourceVersion = found.Source
	return found, err
}

func (s *catalogSync) unchanged(ctx workflow.Context, found activities.FetchCatalogResult) error {
	s.result.Outcome, s.result.Note = catalog.Unchanged, found.Note
	if found.Parked {
		s.result.Outcome = catalog.Parked
		workflow.SetCurrentDetails(ctx, "Parked: "+found.Note+".")
		return s.recordOutcome(ctx)
	}
	details := "Unchanged: this version of the source was dealt with before."
	if found.Note != "" {
		details = "Unchanged: " + found.Note + "."
	}
	workflow.SetCurrentDetails(ctx, details)
	if _, recorded := workflow.GetTypedSearchAttributes(ctx).GetKeyword(SearchOutcome); found.Quiet && !recorded {
		return nil // most runs end so, and an upsert is billed
	}
	return s.recordOutcome(ctx)
}

// parked ends a run whose account was parked: nothing more is sent. The feed is let go of, and what is open stays.
func (s *catalogSync) parked(ctx workflow.Context, why string) error {
	s.result.Outcome, s.result.Note = catalog.Parked, why
	in := activities.RecordFailureInput{ID: s.catalog, Reason: why, Code: fault.AccountParked}
	recording := quickStore(ctx, "Record that the account is parked")
	if err := workflow.ExecuteActivity(recording, steps.RecordFailure, in).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("that the account is parked could not be recorded in the state", "error", err)
	}
	workflow.SetCurrentDetails(ctx, "Parked: "+why+".")
	return s.recordOutcome(ctx)
}

func (s *catalogSync) waitForTurn(ctx workflow.Context, turn time.Time) error {
	workflow.SetCurrentDetails(ctx,
		"The source changed. Stripe takes an update every 15 minutes: waiting until "+utc.Text(turn)+".")
	timer := workflow.NewTimerWithOptions(ctx, turn.Sub(workflow.Now(ctx)), dated("Stripe takes the next update", turn))
	return timer.Get(ctx, nil)
}

// deliver sends what was staged, part by part and each seen through to its end: Stripe does not order imports. A part
// that failed ends the delivery; what the parts before it brought stays.
func (s *catalogSync) deliver(ctx workflow.Context, d catalog.Delivery) error {
	s.result.SourceVersion, s.result.Rows = d.Source.Version(), d.Rows
	s.in.Rows = max(s.in.Rows, d.Rows.Source)
	ctx = workflow.WithPriority(ctx, s.in.Priority())
	in := activities.SettleInput{ID: s.catalog, Delivery: d, Verdict: s.held.verdict}
	for i := range d.Parts {
		sent, err := s.send(ctx, d, i)
		if err != nil {
			return err
		}
		if i == len(d.Parts)-1 && joinsSteps(ctx) {
			return s.settleLast(ctx, activities.SettleLastInput{SettleInput: in, Last: sent})
		}
		settled, err := s.settlePart(ctx, sent, i, len(d.Parts))
		if err != nil {
			return err
		}
		in.Parts = append(in.Parts, settled)
		if settled.Outcome == catalog.Failed {
			break
		}
	}
	return s.settle(ctx, in)
}

// joinsSteps is false for runs that began when each call to Stripe had a step of its own, and nothing but a look ended
// the wait for an import.
func joinsSteps(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "joined steps", workflow.DefaultVersion, 1) == 1
}

// send brings one part to Stripe and waits for what becomes of it.
func (s *catalogSync) send(
	ctx workflow.Context, d catalog.Delivery, number int,
) (sent activities.SettlePartInput, err error) {
	of := partOf(number, len(d.Parts))
	d.Parts = d.Parts[number : number+1]
	return s.deliverPart(ctx, d, of)
}

// deliverPart brings the part of a delivery that has no other to Stripe, and sees its import to the end.
func (s *catalogSync) deliverPart(
	ctx workflow.Context, d catalog.Delivery, of string,
) (sent activities.SettlePartInput, err error) {
	in := activities.PartInput{ID: s.catalog, Delivery: d, File: d.File}
	created, err := s.bring(ctx, &in, of)
	if err != nil {
		return sent, err
	}
	imported, err := s.awaitImport(ctx, in, created, of)
	if err != nil {
		return sent, err
	}
	sent = activities.SettlePartInput{PartInput: in, Import: imported}
	sent.Refused, sent.Unreadable, err = s.fetchErrors(ctx, in, imported)
	return sent, err
}

func partOf(number, parts int) string { return fmt.Sprintf("part %d of %d", number+1, parts) }

// bring uploads a part, notes the file in its input, and starts the import.
func (s *catalogSync) bring(
	ctx workflow.Context, in *activities.PartInput, of string,
) (created activities.CreateImportSetResult, err error) {
	if joinsSteps(ctx) {
		return s.sendPart(ctx, in, of)
	}
	if in.File, err = s.upload(ctx, *in, of); err != nil {
		return created, err
	}
	return s.createImport(ctx, *in)
}

func (s *catalogSync) sendPart(
	ctx workflow.Context, in *activities.PartInput, of string,
) (activities.CreateImportSetResult, error) {
	text := of + ": " + in.Delivery.Parts[0].Text()
	summary := "Upload " + text + ", and create the import"
	if in.File != "" {
		summary = "Create the import of " + in.File
	}
	workflow.SetCurrentDetails(ctx, "Sending "+text+".")
	ctx = streamStripe(ctx, summary)
	var sent activities.SendPartResult
	if err := workflow.ExecuteActivity(ctx, steps.SendPart, *in).Get(ctx, &sent); err != nil {
		return activities.CreateImportSetResult{}, err
	}
	in.File = sent.File
	s.result.BytesSent += sent.Bytes
	countBytes(ctx, s.in.Feed, sent.Bytes)
	s.result.Imports = append(s.result.Imports, CatalogSyncImport{File: sent.File, Import: sent.ImportSet})
	return sent.CreateImportSetResult, nil
}

func (s *catalogSync) settlePart(
	ctx workflow.Context, sent activities.SettlePartInput, number, parts int,
) (settled catalog.PartResult, err error) {
	ctx = streamStore(ctx, "Record what Stripe made of "+partOf(number, parts))
	err = workflow.ExecuteActivity(ctx, steps.SettlePart, sent).Get(ctx, &settled)
	return settled, err
}

func (s *catalogSync) upload(ctx workflow.Context, in activities.PartInput, of string) (string, error) {
	if in.File != "" { // a resumed delivery is at Stripe already
		return in.File, nil
	}
	part := in.Delivery.Parts[0]
	workflow.SetCurrentDetails(ctx, "Uploading "+of+": "+part.Text()+".")
	ctx = streamStripe(ctx, "Upload "+of+": "+part.Text())
	var uploaded activities.UploadFileResult
	err := workflow.ExecuteActivity(ctx, steps.UploadFile, in).Get(ctx, &uploaded)
	s.result.BytesSent += uploaded.Bytes
	countBytes(ctx, s.in.Feed, uploaded.Bytes)
	return uploaded.File, err
}

func (s *catalogSync) createImport(
	ctx workflow.Context, in activities.PartInput,
) (created activities.CreateImportSetResult, err error) {
	workflow.SetCurrentDetails(ctx, "Uploaded as "+in.File+". Creating the import.")
	ctx = quickStripe(ctx, "Create the import of "+in.File)
	err = workflow.ExecuteActivity(ctx, steps.CreateImportSet, in).Get(ctx, &created)
	s.result.Imports = append(s.result.Imports, CatalogSyncImport{File: in.File, Import: created.ImportSet})
	return created, err
}

func (s *catalogSync) awaitImport(
	ctx workflow.Context, in activities.PartInput, created activities.CreateImportSetResult, of string,
) (imported catalog.Import, err error) {
	d, importSet := in.Delivery, created.ImportSet
	workflow.SetCurrentDetails(ctx,
		fmt.Sprintf("Stripe is processing %s, %s, as %s.", of, d.Parts[0].Text(), importSet))
	await := activities.AwaitImportSetInput{
		ID: s.catalog, API: d.API, ImportSet: importSet, Deadline: d.Deadline, Likely: created.Likely,
	}
	ctx = awaitStripe(ctx, "Wait for Stripe to end "+importSet+"; each look is an attempt", d.Deadline)
	if joinsSteps(ctx) {
		return listenForImport(ctx, await)
	}
	err = workflow.ExecuteActivity(ctx, steps.AwaitImportSet, await).Get(ctx, &imported)
	return imported, err
}

// listenForImport waits for an import until a look finds it ended, or until somebody hears that it has; then it looks.
func listenForImport(ctx workflow.Context, in activities.AwaitImportSetInput) (catalog.Import, error) {
	began := workflow.Now(ctx)
	waiting := workflow.GetActivityOptions(ctx)
	waiting.ActivityID = activities.AwaitID(in.ImportSet)
	var awaited activities.AwaitedImport
	await := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, waiting), steps.AwaitImportSet, in)
	if err := await.Get(ctx, &awaited); err != nil || !awaited.Heard {
		return awaited.Import, err
	}
	in.Likely, in.Waited = 0, workflow.Now(ctx).Sub(began)
	err := workflow.ExecuteActivity(ctx, steps.AwaitImportSet, in).Get(ctx, &awaited)
	return awaited.Import, err
}

// fetchErrors brings Stripe's list of refused rows to S3. A failed import may or may not have one. unreadable says why
// it is not to be had, or why it is not whole.
func (s *catalogSync) fetchErrors(
	ctx workflow.Context, in activities.PartInput, imported catalog.Import,
) (list *statestore.Object, unreadable string, err error) {
	if imported.ErrorFile == "" {
		return nil, "", nil
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Stripe refused %s of %s. Fetching its reasons.",
		humanize.Comma(imported.RowsFailed), catalog.Counted(imported.RowsProcessed, "row")))
	fetch := activities.FetchImportErrorsInput{
		ID: s.catalog, API: in.Delivery.API, Sequence: in.Delivery.Sequence, Part: in.Delivery.Parts[0].Number,
		File: imported.ErrorFile,
	}
	ctx = streamStripe(ctx, "Fetch the reasons for "+catalog.Counted(imported.RowsFailed, "refused row"))
	var refused activities.FetchImportErrorsResult
	err = workflow.ExecuteActivity(ctx, steps.FetchImportErrors, fetch).Get(ctx, &refused)
	if refused.Unreadable != "" {
		return nil, refused.Unreadable, err
	}
	return &refused.Object, refused.Broken, err
}

func (s *catalogSync) settle(ctx workflow.Context, in activities.SettleInput) error {
	settling := streamStore(ctx, concluding)
	settled := workflow.ExecuteActivity(settling, steps.Settle, in)
	return s.conclude(ctx, in, settled, len(in.Parts) > 0)
}

func (s *catalogSync) settleLast(ctx workflow.Context, in activities.SettleLastInput) error {
	settling := streamStore(ctx, concluding)
	settled := workflow.ExecuteActivity(settling, steps.SettleLast, in)
	return s.conclude(ctx, in.SettleInput, settled, true)
}

const concluding = "Write the report and record what was dealt with"

// conclude ends a run as its last step did. imported says that something went to Stripe.
func (s *catalogSync) conclude(
	ctx workflow.Context, in activities.SettleInput, settling workflow.Future, imported bool,
) error {
	var settled activities.SettleResult
	if err := settling.Get(ctx, &settled); err != nil {
		return err
	}
	s.result.Outcome, s.result.Report, s.result.Rows = settled.Outcome, settled.Report, settled.Rows
	s.result.Note = settled.Waiting
	countRows(ctx, in, settled, imported)
	if settled.Outcome == catalog.Failed {
		return &importFailed{settled.Reason, cmp.Or(settled.Code, fault.ImportFailed)}
	}
	details := conclusion(settled)
	if v := in.Verdict; v != nil && v.Approved {
		details += " Approved by " + v.By + ": " + v.Why + "."
	}
	workflow.SetCurrentDetails(ctx, details)
	return s.recordOutcome(ctx)
}

// conclusion is the one line that stays in the Web UI.
func conclusion(settled activities.SettleResult) string {
	switch settled.Outcome {
	case catalog.Rejected:
		return "Rejected: " + settled.Reason + "."
	case catalog.Unchanged:
		if settled.Waiting != "" {
			return "Unchanged: " + settled.Waiting + "."
		}
		return "Unchanged: Stripe has all that this version of the source has: " +
			catalog.Counted(settled.Rows.Source, "row") + "."
	}
	text := "Succeeded"
	if settled.Outcome == catalog.SucceededWithErrors {
		text = "Succeeded with errors"
	}
	text += ": " + settled.Rows.RowsText(settled.Outcome) + "."
	if answers := settled.Rows.StripeText(settled.Outcome); answers != "" {
		text += " Stripe: " + answers + "."
	}
	if settled.Reason != "" {
		text += " " + settled.Reason + "."
	}
	if settled.Waiting != "" {
		text += " " + settled.Waiting + "."
	}
	if settled.New+settled.Fixed > 0 {
		text += " Since the report before: " + catalog.Counted(settled.New, "new error") + ", " +
			humanize.Comma(settled.Fixed) + " fixed."
	}
	return text
}

// importFailed is an import that Stripe ended without taking the rows; Settle has recorded it already.
type importFailed struct {
	reason string
	code   fault.Code
}

func (e *importFailed) Error() string { return e.reason }

// fail ends a run in which an import failed or none came about: recorded for the status that people read, then failed
// for good with the type of its cause. The result goes along as the error's details.
func (s *catalogSync) fail(ctx workflow.Context, cause error) error {
	reason, code := explain(cause)
	if code == fault.AccountParked {
		return s.parked(ctx, reason)
	}
	s.result.Outcome = catalog.Failed
	var settled *importFailed
	if !errors.As(cause, &settled) {
		in := activities.RecordFailureInput{ID: s.catalog, Reason: reason, Code: code}
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
		return settled.reason, settled.code
	case errors.As(cause, &application):
		return application.Message(), fault.Code(application.Type())
	}
	return cause.Error(), fault.StepTimeout
}

func (s *catalogSync) recordOutcome(ctx workflow.Context) error {
	failed := s.result.Rows.ToRepair()
	return workflow.UpsertTypedSearchAttributes(ctx, SearchOutcome.ValueSet(string(s.result.Outcome)),
		SearchRowsFailed.ValueSet(failed))
}
