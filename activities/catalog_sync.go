package activities

import (
	"context"
	"fmt"
	"io"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/staging"
)

// StripeTaskQueue is where the activities that call Stripe run, for catalogs and for sweeps.
const StripeTaskQueue = "vitrine-stripe"

// OrderTaskQueue is where the activities run that call Stripe for one order: they have slots and a share of the rate of
// their own, so that nothing about catalogs is waited for.
const OrderTaskQueue = "vitrine-stripe-orders"

// MerchantTaskQueue is where the activities run that wait for merchants' endpoints and mail servers: one that hangs
// must not take the place of a catalog, or of another step of an order.
const MerchantTaskQueue = "vitrine-merchant"

// Imports is one of Stripe's two ways to bring a part into an account's catalog. Errors carry a fault.
type Imports interface {
	// Upload brings a part to Stripe and returns what CreateImport is to take: with V1 a file, with V2 the import that
	// has its bytes.
	Upload(ctx context.Context, u catalog.Upload) (uploaded string, err error)
	// CreateImport starts the import of what was uploaded; with V2 the upload has started it already.
	CreateImport(ctx context.Context, id catalog.ID, uploaded, idempotencyKey string) (catalog.Import, error)
	// Import reads an import.
	Import(ctx context.Context, account, id string) (catalog.Import, error)
	// Refused streams the CSV of rows that an import refused, by its ErrorFile.
	Refused(ctx context.Context, account, errorFile string) (io.ReadCloser, error)
}

// Runs tells whether a workflow run is still open, so that a run which ended without a word blocks nobody.
type Runs interface {
	IsOpen(ctx context.Context, workflowID, runID string) (bool, error)
}

// Policy is what an operator sets for all syncs.
type Policy struct {
	Interval time.Duration // between two imports of a feed; Stripe's minimum is account.MinInterval
	Deadline time.Duration // for Stripe to end an import
}

// CatalogSync holds the steps of the workflow CatalogSync.
type CatalogSync struct {
	Accounts  account.Documents
	Documents catalog.Documents
	Stager    staging.Stager
	Imports   map[feed.API]Imports
	Runs      Runs
	Policy    Policy
	// Standing hears of accounts that Stripe refuses; nil: nobody does.
	Standing *AccountStanding
	// News tells the platform; nil: nobody listens. StaleAfter is how long a run may take before that is news.
	News       *AccountNews
	StaleAfter time.Duration
	Reports    *ReportMail // writes to merchants; nil: nobody does
}

func (s *CatalogSync) isOpen(ctx context.Context, run catalog.Run) (bool, error) {
	return s.Runs.IsOpen(ctx, run.WorkflowID, run.RunID)
}

func thisRun(ctx context.Context) catalog.Run {
	execution := activity.GetInfo(ctx).WorkflowExecution
	return catalog.Run{WorkflowID: execution.ID, RunID: execution.RunID}
}

func (s *CatalogSync) updateClaimed(
	ctx context.Context, id catalog.ID, change func(*catalog.State),
) (catalog.State, error) {
	return s.Documents.UpdateClaimed(ctx, id, thisRun(ctx), change)
}

// imports is the API that a delivery goes by.
func (s *CatalogSync) imports(api feed.API) (Imports, error) {
	if i, ok := s.Imports[api]; ok {
		return i, nil
	}
	return nil, fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("import API %q is not known to this worker", api))
}

// clearStaged removes what earlier runs left behind when they were killed. Only the run that claimed the feed may call
// it, and only while no import is open.
func (s *CatalogSync) clearStaged(ctx context.Context, id catalog.ID) error {
	return s.deleteAll(ctx, s.Documents.Keys(id).PartsPrefix())
}

func (s *CatalogSync) deleteAll(ctx context.Context, prefix string) error {
	keys, err := s.Documents.List(ctx, prefix)
	if err != nil {
		return fmt.Errorf("staged parts: %w", err)
	}
	for _, key := range keys {
		if err := s.Documents.Delete(ctx, key); err != nil {
			return fmt.Errorf("staged parts: %w", err)
		}
	}
	return nil
}
