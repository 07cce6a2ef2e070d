// Package activities holds the steps of the workflows: one method per step. It declares the ports that the steps need
// and translates errors for Temporal in one place (errors.go). The adapters behind the ports live under internal/.
package activities

import (
	"context"
	"io"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// StripeTaskQueue is where the activities that call Stripe run.
const StripeTaskQueue = "vitrine-stripe"

// Stripe is what the sync needs of Stripe. Errors carry a fault.
type Stripe interface {
	// UploadFile streams a part to the Files API and returns the file's id.
	UploadFile(ctx context.Context, u catalog.Upload) (fileID string, err error)
	// CreateImportSet starts the import of an uploaded file.
	CreateImportSet(ctx context.Context, account, fileID string, kind feed.Kind, idempotencyKey string) (catalog.Import, error)
	// ImportSet reads an import.
	ImportSet(ctx context.Context, account, importSetID string) (catalog.Import, error)
	// FileContents streams a file, such as an import's list of refused rows.
	FileContents(ctx context.Context, account, fileID string) (io.ReadCloser, error)
}

// Runs tells whether a workflow run is still open, so that a run which ended without a word blocks nobody.
type Runs interface {
	IsOpen(ctx context.Context, workflowID, runID string) (bool, error)
}

// Policy is what an operator sets for all syncs.
type Policy struct {
	Interval     time.Duration // between two imports of a feed; Stripe's minimum is catalog.MinInterval
	Deadline     time.Duration // for Stripe to end an import
	MaxPartBytes int64         // Stripe's limit for one file
}

// CatalogSync holds the steps of the workflow CatalogSync.
type CatalogSync struct {
	Objects   catalog.Objects
	Documents catalog.Documents
	Stripe    Stripe
	Runs      Runs
	Policy    Policy
}

// UploadProgress is the heartbeat of UploadFile.
type UploadProgress struct {
	Bytes int64 `json:"bytes"` // sent so far
	Total int64 `json:"total"`
}
