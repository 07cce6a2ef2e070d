package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/drift"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
)

// Reports are Stripe's reports of what it has of accounts' catalogs. Errors carry a fault.
type Reports interface {
	// Available tells how far the data of an account's report reaches.
	Available(ctx context.Context, account string) (drift.Availability, error)
	// Create begins a report.
	Create(ctx context.Context, account, idempotencyKey string) (drift.Run, error)
	// Run reads a report run.
	Run(ctx context.Context, account, id string) (drift.Run, error)
	// Open streams the file of a report.
	Open(ctx context.Context, account, file string) (io.ReadCloser, error)
}

// CatalogAudit holds the steps of the workflow CatalogAudit.
type CatalogAudit struct {
	Accounts  account.Documents
	Documents catalog.Documents
	Stager    staging.Stager
	Reports   Reports
	Runs      Runs
}

// AuditInput names the account whose product catalog is audited.
type AuditInput struct {
	Account string `json:"account"`
}

// SetCopyAside makes states that were restored from a copy, and are older than Stripe, something to go on from: see
// catalog.Documents.SetCopyAside.
func (s *CatalogAudit) SetCopyAside(ctx context.Context, in AuditInput) error {
	if err := (catalog.ID{Account: in.Account, Feed: feed.Product}).Check(); err != nil {
		return err
	}
	return s.Documents.SetCopyAside(ctx, in.Account, s.isOpen)
}

// BeginAuditResult is what an audit compares with, once Stripe's report reaches as far.
type BeginAuditResult struct {
	Began    time.Time          `json:"began"`
	Reaches  time.Time          `json:"reaches"`            // what was sent before then, the report has to show
	Manifest *statestore.Object `json:"manifest,omitempty"` // as it was; nil: there was none
}

// settled is how long after a manifest was written Stripe's data has what it says, whatever the clocks say.
const settled = time.Minute

// BeginAudit keeps the manifest as it is. The report is to reach as far as what changed it last.
func (s *CatalogAudit) BeginAudit(ctx context.Context, in AuditInput) (BeginAuditResult, error) {
	id := catalog.ID{Account: in.Account, Feed: feed.Product}
	if err := id.Check(); err != nil {
		return BeginAuditResult{}, err
	}
	settings, err := s.Accounts.Settings(ctx, in.Account)
	if err != nil {
		return BeginAuditResult{}, err
	}
	if !slices.Contains(settings.FeedKinds(), feed.Product) {
		return BeginAuditResult{}, fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("%s has no product feed: there is nothing to audit", in.Account))
	}
	state, _, err := s.Documents.State(ctx, id)
	if err != nil {
		return BeginAuditResult{}, err
	}
	began := ServerTime(ctx).UTC()
	kept, changed, err := s.Documents.KeepManifest(ctx, in.Account)
	if err != nil {
		return BeginAuditResult{}, err
	}
	if kept == nil && state.Accepted == nil && state.Sequence == 0 {
		return BeginAuditResult{}, fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("the product feed of %s was never synced: there is nothing to audit", in.Account))
	}
	result := BeginAuditResult{Began: began, Reaches: began, Manifest: kept}
	if reaches := changed.Add(settled).UTC(); kept != nil && reaches.Before(began) {
		result.Reaches = reaches
	}
	return result, nil
}

// AwaitReportDataInput is the input of AwaitReportData.
type AwaitReportDataInput struct {
	AuditInput
	Reaches time.Time `json:"reaches"`
}

// AwaitReportData ends once the data of Stripe's report reaches far enough: it is up to a quarter of an hour old.
func (s *CatalogAudit) AwaitReportData(ctx context.Context, in AwaitReportDataInput) error {
	available, err := s.Reports.Available(ctx, in.Account)
	if err != nil {
		return err
	}
	lacks := in.Reaches.Sub(available.End)
	if lacks <= 0 {
		return nil
	}
	after := min(max(lacks, time.Second), time.Minute)
	return fault.NewPending(fault.ReportPending, after, fmt.Errorf(
		"the data of Stripe's report ends at %s, and has to reach %s: looking again in %s",
		available.End.Format(time.RFC3339), in.Reaches.Format(time.RFC3339), after.Round(time.Second)))
}

// BeginReport begins Stripe's report. A retry repeats the key of the audit, and begins no second one.
func (s *CatalogAudit) BeginReport(ctx context.Context, in AuditInput) (drift.Run, error) {
	run := thisRun(ctx)
	return s.Reports.Create(ctx, in.Account, fmt.Sprintf("vitrine/%s/product/audit/%s", in.Account, run.RunID))
}

// AwaitReportInput is the input of AwaitReport.
type AwaitReportInput struct {
	AuditInput
	Report string `json:"report"`
}

// AwaitReport returns Stripe's report once it is made.
func (s *CatalogAudit) AwaitReport(ctx context.Context, in AwaitReportInput) (drift.Run, error) {
	run, err := s.Reports.Run(ctx, in.Account, in.Report)
	switch {
	case err != nil:
		return drift.Run{}, err
	case run.Status == drift.RunFailed:
		return run, fault.NewPermanent(fault.ReportFailed,
			fmt.Errorf("stripe could not make the report %s: %s", run.ID, run.Error))
	case !run.Status.Final():
		after := min(time.Second<<(min(activity.GetInfo(ctx).Attempt, 7)-1), time.Minute)
		return run, fault.NewPending(fault.ReportPending, after,
			fmt.Errorf("report %s is %q: looking again in %s", run.ID, run.Status, after))
	}
	return run, nil
}

// CompareReportInput is the input of CompareReport.
type CompareReportInput struct {
	AuditInput
	Began BeginAuditResult `json:"began"`
	Run   drift.Run        `json:"run"`
}

// CompareReportResult is what was found, without what it says of single products.
type CompareReportResult struct {
	Audit   catalog.Audit      `json:"audit"`
	Again   statestore.Object  `json:"again"`             // rows that are missing or different
	Foreign statestore.Object  `json:"foreign"`           // ids that Stripe has alone
	Rebuilt *statestore.Object `json:"rebuilt,omitempty"` // the manifest, if it was lost
}

// CompareReport compares Stripe's report with the manifest, as it was and as it is, and with the source, and keeps what
// it found. While an import is under way it is pending: nobody knows yet what that brings.
func (s *CatalogAudit) CompareReport(ctx context.Context, in CompareReportInput) (CompareReportResult, error) {
	id := catalog.ID{Account: in.Account, Feed: feed.Product}
	settings, err := s.Accounts.Settings(ctx, in.Account)
	if err != nil {
		return CompareReportResult{}, err
	}
	rules := s.Stager.RulesOf(settings)
	result := CompareReportResult{Audit: catalog.Audit{
		Format: catalog.AuditFormat, Account: in.Account, Reaches: in.Began.Reaches, At: ServerTime(ctx).UTC(),
		Report: in.Run.ID, Heal: rules.Heal,
	}}
	with, reason, err := s.input(ctx, id, in.Began)
	if err != nil || reason != "" {
		result.Audit.Reason = reason
		return result, errors.Join(err, s.saveUnless(ctx, err, result.Audit))
	}
	noValues := ""
	if with.Source, noValues, err = s.source(ctx, settings); err != nil {
		return result, err
	}
	if with.Now == nil && (with.Source == nil || rules.Source == account.ChangesSource) {
		result.Audit.Reason = "the manifest is lost, and cannot be made from the report without a source that is the " +
			"whole catalog; the next sync sends everything"
		return result, s.Documents.SaveAudit(ctx, result.Audit)
	}
	found, err := s.compare(ctx, in, with)
	if err != nil {
		return result, err
	}
	result.Audit.Found = found.Result
	if found.Incomplete != "" {
		result.Audit.Reason = found.Incomplete + "; nothing is healed by such a report. If Stripe lacks them indeed, " +
			"'starter sync " + in.Account + " --full' sends them"
	}
	if noValues != "" {
		result.Audit.Found.NoValues = noValues
	} else if err := s.addSent(ctx, settings, &result.Audit.Found); err != nil {
		return result, err
	}
	if err := s.keep(ctx, id, found, &result); err != nil {
		return result, err
	}
	err = s.Documents.SaveAudit(ctx, result.Audit)
	result.Audit = result.Audit.Told()
	return result, err
}

func (s *CatalogAudit) saveUnless(ctx context.Context, failed error, a catalog.Audit) error {
	if failed != nil {
		return nil
	}
	return s.Documents.SaveAudit(ctx, a)
}

// input reads both manifests; reason says why they cannot be compared.
func (s *CatalogAudit) input(
	ctx context.Context, id catalog.ID, began BeginAuditResult,
) (with drift.Input, reason string, err error) {
	state, _, err := s.Documents.State(ctx, id)
	if err != nil {
		return with, "", err
	}
	if state.Open != nil {
		return with, "", fault.NewPending(fault.RunWaiting, time.Minute,
			errors.New("an import is under way: the catalog is compared once it is settled"))
	}
	with.At = ServerTime(ctx)
	if with.Now, _, _, err = s.Documents.Manifest(ctx, id); err != nil {
		return with, "", err
	}
	if began.Manifest != nil {
		with.Before, err = s.Documents.ManifestAt(ctx, *began.Manifest, id.Feed)
		if damaged := new(feed.ManifestError); errors.As(err, &damaged) {
			with.Before, err = nil, nil
		}
	}
	switch {
	case err != nil:
		return with, "", err
	case with.Now == nil && (with.Before != nil || state.LastImportAt.After(began.Began)):
		return with, "the manifest was lost while the catalog was audited: audit it again", nil
	case with.Now != nil && with.Before == nil:
		return with, "the manifest was lost when the audit began, and was made anew meanwhile: audit it again", nil
	}
	return with, "", nil
}

// source reads what a sync would send of the source; why says why it cannot be read.
func (s *CatalogAudit) source(
	ctx context.Context, settings account.Settings,
) (source *drift.Source, why string, err error) {
	read, err := s.read(ctx, settings, nil)
	if f, known := fault.Of(err); known && (f.Kind == fault.Permanent || f.Code == fault.SourceMissing) {
		return nil, err.Error(), nil
	}
	return read, "", err
}

// read reads the source, and keeps the values of the rows whose ids are named.
func (s *CatalogAudit) read(ctx context.Context, settings account.Settings, capture []string) (*drift.Source, error) {
	found, err := s.Stager.Look(ctx, settings, feed.Product)
	if err != nil {
		return nil, err
	}
	format, _, err := lines.FormatOf(found.Source.Key)
	if err != nil {
		return nil, fault.NewPermanent(fault.CatalogInvalid, err)
	}
	var without []string
	for _, kind := range settings.FeedKinds() {
		without = append(without, drift.SetByFeed(kind)...)
	}
	source := drift.NewSource(format, without)
	source.Capture(capture)
	compared, err := s.Stager.Compare(ctx, found, "an audit compares every row", source, pulseOf(ctx).reading)
	if err != nil {
		return nil, err
	}
	return source, source.End(compared.Delta.Parts)
}

func (s *CatalogAudit) compare(ctx context.Context, in CompareReportInput, with drift.Input) (drift.Comparison, error) {
	body, err := s.Reports.Open(ctx, in.Account, in.Run.File)
	if err != nil {
		return drift.Comparison{}, fmt.Errorf("report %s: %w", in.Run.ID, err)
	}
	defer body.Close()
	found, err := drift.Compare(pulseOf(ctx).reading(body), with)
	if unusable := new(drift.ReportError); errors.As(err, &unusable) {
		return found, fault.NewPermanent(fault.ReportFailed, fmt.Errorf("report %s: %w", in.Run.ID, err))
	}
	return found, err
}

// addSent adds to the examples what Stripe was sent. The source is read once more for that, if there are any.
func (s *CatalogAudit) addSent(ctx context.Context, settings account.Settings, found *drift.Result) error {
	var wanted []string
	for _, e := range found.Examples {
		if e.Kind == drift.Different {
			wanted = append(wanted, e.ID)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	source, err := s.read(ctx, settings, wanted)
	if err != nil {
		return err
	}
	for i, e := range found.Examples {
		if e.Kind == drift.Different {
			found.Examples[i].Sent, _ = source.Value(e.ID, e.Column)
		}
	}
	return nil
}

func (s *CatalogAudit) keep(
	ctx context.Context, id catalog.ID, found drift.Comparison, result *CompareReportResult,
) (err error) {
	keys := s.Documents.Keys(id)
	if result.Again, err = s.Documents.SaveTable(ctx, keys.AuditRowsKey("again"), id.Feed, &found.Again); err != nil {
		return err
	}
	if result.Foreign, err = s.Documents.SaveTable(ctx, keys.AuditRowsKey("foreign"), id.Feed,
		&found.Foreigners); err != nil {
		return err
	}
	if found.Manifest != nil {
		rebuilt, err := s.Documents.KeepRebuilt(ctx, id.Account, found.Manifest)
		if err != nil {
			return err
		}
		result.Rebuilt = &rebuilt
	}
	return nil
}

// HealCatalogInput is the input of HealCatalog.
type HealCatalogInput struct {
	AuditInput
	Compared CompareReportResult `json:"compared"`
}

// HealCatalog marks in the manifest what has drifted, as far as the account's settings allow, so that the next sync
// deals with it as with any row that nobody knows of. It touches nothing at Stripe, and may run any number of times.
func (s *CatalogAudit) HealCatalog(ctx context.Context, in HealCatalogInput) (catalog.Audit, error) {
	audit, found, err := s.Documents.Audit(ctx, in.Account)
	if err != nil {
		return audit, err
	}
	if !found || audit.Report != in.Compared.Audit.Report {
		return in.Compared.Audit, fault.NewPermanent(fault.RunSuperseded,
			fmt.Errorf("another audit of %s took over", in.Account))
	}
	again, foreign, reason, err := s.mayHeal(ctx, audit, in.Compared)
	if err != nil {
		return audit, err
	}
	if reason == "" {
		reason, err = s.heal(ctx, in, again, foreign, &audit)
	}
	if err != nil {
		return audit, err
	}
	if audit.Reason == "" {
		audit.Reason = reason
	}
	return audit.Told(), s.Documents.SaveAudit(ctx, audit)
}

// mayHeal reads the rows that the settings let be healed; reason says why there are none, although there is drift.
func (s *CatalogAudit) mayHeal(
	ctx context.Context, audit catalog.Audit, compared CompareReportResult,
) (again, foreign *feed.Table, reason string, err error) {
	settings, err := s.Accounts.Settings(ctx, audit.Account)
	if err != nil {
		return nil, nil, "", err
	}
	if audit.Heal == account.HealReport {
		return nil, nil, "the settings say to report drift only (heal)", nil
	}
	if again, err = s.Documents.Table(ctx, compared.Again, feed.Product); err != nil {
		return nil, nil, "", err
	}
	foreign = new(feed.Table)
	deletes := audit.Heal == account.HealResendAndDelete && audit.Found.Doubt == "" &&
		s.Stager.RulesOf(settings).Source != account.ChangesSource
	if deletes {
		foreign, err = s.Documents.Table(ctx, compared.Foreign, feed.Product)
	}
	return again, foreign, "", err
}

// heal changes manifest and state in the name of this run, once no other one has claimed them. held says that a person
// has to look at a sync first.
func (s *CatalogAudit) heal(
	ctx context.Context, in HealCatalogInput, again, foreign *feed.Table, audit *catalog.Audit,
) (held string, err error) {
	id := catalog.ID{Account: in.Account, Feed: feed.Product}
	state, etag, err := s.Documents.State(ctx, id)
	if err != nil {
		return "", err
	}
	if state.Held != nil {
		return "a sync of the catalog waits for a person: decide about it, and audit again", nil
	}
	if state, err = s.Documents.Claim(ctx, state, etag, thisRun(ctx), s.isOpen); err != nil {
		return "", err
	}
	if state.Open == nil {
		err = s.mark(ctx, id, in.Compared.Rebuilt, again, foreign, audit)
	}
	_, freed := s.Documents.UpdateClaimed(ctx, id, thisRun(ctx), func(state *catalog.State) {
		state.Run = nil
		if audit.Healed() {
			state.Unsettled = drifted(state.Unsettled, *audit)
		}
	})
	if state.Open != nil && freed == nil {
		freed = fault.NewPending(fault.RunWaiting, time.Minute,
			errors.New("an import was begun and not settled: what drifted is healed once it is"))
	}
	return "", errors.Join(err, freed)
}

// mark marks rows as unknown in the manifest, or puts the one in its place that was made from the report.
func (s *CatalogAudit) mark(
	ctx context.Context, id catalog.ID, rebuilt *statestore.Object, again, foreign *feed.Table, audit *catalog.Audit,
) error {
	now, etag, _, err := s.Documents.Manifest(ctx, id)
	if err != nil {
		return err
	}
	if now == nil && rebuilt != nil {
		if now, err = s.Documents.ManifestAt(ctx, *rebuilt, id.Feed); err != nil {
			return fmt.Errorf("the manifest that was made from the report: %w", err)
		}
	}
	if now == nil {
		return nil // it was lost since: the next sync sends everything
	}
	healed, marked, gone, err := drift.Heal(now, again, foreign, ServerTime(ctx))
	if err != nil {
		return fault.NewPermanent(fault.CatalogTooLarge, fmt.Errorf("manifest of %s: %w", id.Name(), err))
	}
	if err := s.Documents.SaveManifest(ctx, id.Account, healed, etag); err != nil {
		return fmt.Errorf("manifest of %s: %w", id.Name(), err)
	}
	audit.Again, audit.Gone = marked, gone
	if r := audit.Found.Rebuilt; r != nil {
		audit.Again += r.Unknown + r.New
	}
	return nil
}

// drifted makes the next look at the source one that sends, though the source may not have changed.
func drifted(before *catalog.Unsettled, audit catalog.Audit) *catalog.Unsettled {
	u := catalog.Unsettled{}
	if before != nil {
		u = *before
	}
	u.Rows, u.At, u.NextTry = max(u.Rows, audit.Again+audit.Gone), audit.At, audit.At
	u.Reason = "an audit found that Stripe has something else than it should"
	return &u
}

func (s *CatalogAudit) isOpen(ctx context.Context, run catalog.Run) (bool, error) {
	return s.Runs.IsOpen(ctx, run.WorkflowID, run.RunID)
}
