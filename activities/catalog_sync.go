// Package activities holds the steps of the workflows: one method per step. It declares the ports that the steps need
// and translates errors for Temporal in one place (errors.go). The adapters behind the ports live under internal/.
package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// StripeTaskQueue is where the activities that call Stripe run.
const StripeTaskQueue = "vitrine-stripe"

// Imports is one of Stripe's two ways to bring a part into an account's catalog. Errors carry a fault.
type Imports interface {
	// Upload brings a part to Stripe and returns what CreateImport is to take: with V1 a file, with V2 the import that
	// has its bytes.
	Upload(ctx context.Context, u catalog.Upload) (uploaded string, err error)
	// CreateImport starts the import of what was uploaded; with V2 the upload has started it already.
	CreateImport(ctx context.Context, account, uploaded string, kind feed.Kind, idempotencyKey string) (catalog.Import, error)
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
	Interval     time.Duration // between two imports of a feed; Stripe's minimum is catalog.MinInterval
	Deadline     time.Duration // for Stripe to end an import
	MaxPartBytes int64         // Stripe's limit for one file
}

// CatalogSync holds the steps of the workflow CatalogSync.
type CatalogSync struct {
	Objects   catalog.Objects
	Documents catalog.Documents
	Imports   map[catalog.API]Imports
	Runs      Runs
	Policy    Policy
}

// Catalog names one feed of one account.
type Catalog struct {
	Account string    `json:"account"`
	Feed    feed.Kind `json:"feed"`
}

// Decision is what FetchCatalog found there is to do.
type Decision string

// The decisions.
const (
	// Skip: Stripe has this version of the source, or it is not due for another try yet.
	Skip Decision = "skip"
	// Wait: there is something to send, at NotBefore.
	Wait Decision = "wait"
	// Send: the parts are staged, and this run holds the feed.
	Send Decision = "send"
	// Resume: an earlier run began an import and never saw it end; this run holds the feed and finishes that one.
	Resume Decision = "resume"
)

// FetchCatalogInput is the input of FetchCatalog.
type FetchCatalogInput struct {
	Catalog
	Force bool `json:"force,omitempty"`
}

// FetchCatalogResult is what FetchCatalog found.
type FetchCatalogResult struct {
	Decision  Decision  `json:"decision"`
	NotBefore time.Time `json:"not_before,omitzero"` // Wait
	Note      string    `json:"note,omitempty"`      // Skip: what a person should know
	Delivery  *Delivery `json:"delivery,omitempty"`  // Send, Resume
	Source    string    `json:"source,omitempty"`    // version of the source that was looked at
}

// Delivery is one source version on its way to Stripe.
type Delivery struct {
	Source   catalog.Object `json:"source"`
	SHA256   string         `json:"sha256"`
	Rows     int64          `json:"rows"`
	Bytes    int64          `json:"bytes"`
	Sequence int64          `json:"sequence"` // catalog.State.Sequence when the delivery began
	Parts    []catalog.Part `json:"parts"`
	File     string         `json:"file,omitempty"` // Resume: what the earlier run uploaded
	Deadline time.Duration  `json:"deadline"`       // for Stripe to end each import
}

// FetchCatalog looks whether the source changed since Stripe last took it. If so, and if it is the feed's turn, it
// claims the feed for this run, reads the pinned version once, checks it and stages its parts.
//
// A source that did not change costs two small reads and one HEAD. While another run holds the feed the error is
// pending, so that the wait takes neither a worker's slot nor history.
func (s *CatalogSync) FetchCatalog(ctx context.Context, in FetchCatalogInput) (FetchCatalogResult, error) {
	result, err := s.fetchCatalog(ctx, in)
	return result, translate(err)
}

func (s *CatalogSync) fetchCatalog(ctx context.Context, in FetchCatalogInput) (FetchCatalogResult, error) {
	if err := in.check(); err != nil {
		return FetchCatalogResult{}, err
	}
	settings, err := s.Documents.Settings(ctx, in.Account)
	if err != nil {
		return FetchCatalogResult{}, err
	}
	state, etag, err := s.Documents.State(ctx, in.Account, in.Feed)
	if err != nil {
		return FetchCatalogResult{}, err
	}
	if state.Open != nil {
		return s.resume(ctx, in, state, etag)
	}
	source, err := s.source(ctx, settings, in.Feed)
	if err != nil {
		return FetchCatalogResult{}, err
	}
	if !in.Force {
		if result, settled := s.nothingToDo(state, source); settled {
			return result, nil
		}
	}
	if state, err = s.Documents.Claim(ctx, state, etag, thisRun(ctx), s.isOpen); err != nil {
		return FetchCatalogResult{}, err
	}
	if err := s.clearStaged(ctx, in.Catalog); err != nil {
		return FetchCatalogResult{}, err
	}
	delivery, err := s.stage(ctx, in.Catalog, source, state.Sequence)
	if err != nil {
		return FetchCatalogResult{}, err
	}
	return FetchCatalogResult{Decision: Send, Delivery: &delivery, Source: source.Version()}, nil
}

func (c Catalog) check() error {
	if err := catalog.CheckAccount(c.Account); err != nil {
		return err
	}
	if _, err := feed.ParseKind(string(c.Feed)); err != nil || c.Feed == "" {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("feed %q is not known", c.Feed))
	}
	return nil
}

// resume takes over an import that was begun and never settled. Stripe does not order imports, so it has to end before
// the next one begins.
func (s *CatalogSync) resume(ctx context.Context, in FetchCatalogInput, state catalog.State, etag string) (FetchCatalogResult, error) {
	state, err := s.Documents.Claim(ctx, state, etag, thisRun(ctx), s.isOpen)
	if err != nil {
		return FetchCatalogResult{}, err
	}
	open := state.Open
	return FetchCatalogResult{Decision: Resume, Source: open.Source.Version(), Delivery: &Delivery{
		Source: open.Source, SHA256: open.SHA256, Rows: open.Rows, Bytes: open.Part.Object.Size,
		Sequence: state.Sequence, Parts: []catalog.Part{open.Part}, File: open.File, Deadline: s.Policy.Deadline,
	}}, nil
}

func (s *CatalogSync) source(ctx context.Context, settings catalog.Settings, kind feed.Kind) (catalog.Object, error) {
	bucket, key := s.Documents.Layout.Source(settings, kind)
	source, err := s.Objects.Head(ctx, bucket, key)
	if err != nil {
		return source, fmt.Errorf("source of the %s feed: %w", kind, err)
	}
	return source, nil
}

// nothingToDo says whether the run ends, or waits, before anything is read or claimed.
func (s *CatalogSync) nothingToDo(state catalog.State, source catalog.Object) (FetchCatalogResult, bool) {
	now := time.Now()
	version := source.Version()
	if a := state.Accepted; a != nil && a.Source.Version() == version && a.Source.Key == source.Key && a.Source.Bucket == source.Bucket {
		return FetchCatalogResult{Decision: Skip, Source: version}, true
	}
	if f := state.Failure; f != nil && f.Version == version && now.Before(f.NextTry) {
		note := fmt.Sprintf("the import of this source version failed %s; the next try is due at %s", times(f.Count), f.NextTry.UTC().Format(time.RFC3339))
		return FetchCatalogResult{Decision: Skip, Source: version, Note: note}, true
	}
	if turn := state.LastImportAt.Add(s.Policy.Interval); !state.LastImportAt.IsZero() && now.Before(turn) {
		return FetchCatalogResult{Decision: Wait, Source: version, NotBefore: turn}, true
	}
	return FetchCatalogResult{}, false
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// clearStaged removes what earlier runs left behind when they were killed. Only the run that holds the feed may call it,
// and only while no import is open.
func (s *CatalogSync) clearStaged(ctx context.Context, c Catalog) error {
	layout := s.Documents.Layout
	keys, err := s.Objects.List(ctx, layout.StateBucket, layout.PartsPrefix(c.Account, c.Feed))
	if err != nil {
		return fmt.Errorf("staged parts: %w", err)
	}
	for _, key := range keys {
		if err := s.Objects.Delete(ctx, layout.StateBucket, key); err != nil {
			return fmt.Errorf("staged parts: %w", err)
		}
	}
	return nil
}

// stage reads the pinned source once, checks it, and writes what Stripe is to get.
func (s *CatalogSync) stage(ctx context.Context, c Catalog, source catalog.Object, sequence int64) (Delivery, error) {
	format, gzipped, err := feed.FormatOf(source.Key)
	if err != nil {
		return Delivery{}, fault.NewPermanent(fault.CatalogInvalid, fmt.Errorf("source %s: %w", source.URI(), err))
	}
	if !gzipped && source.Size > s.Policy.MaxPartBytes {
		return Delivery{}, s.tooLarge(source)
	}
	body, err := s.Objects.Open(ctx, source)
	if err != nil {
		return Delivery{}, fmt.Errorf("source of the %s feed: %w", c.Feed, err)
	}
	defer body.Close()

	summary, staged, err := s.copyChecked(ctx, c, body, feed.Options{
		Kind: c.Feed, Format: format, Gzipped: gzipped, MaxBytes: s.Policy.MaxPartBytes,
	}, s.Documents.Layout.PartKey(c.Account, c.Feed, sequence, 1, format))
	if err != nil {
		return Delivery{}, s.explain(source, err)
	}
	return Delivery{
		Source: source, SHA256: summary.SHA256, Rows: summary.Rows, Bytes: summary.Bytes, Sequence: sequence, Deadline: s.Policy.Deadline,
		Parts: []catalog.Part{{
			Number: 1, Object: staged, Rows: summary.Rows, ContentType: format.ContentType(),
			Filename: fmt.Sprintf("%s-%s-%06d.%s", c.Account, c.Feed, sequence, format),
		}},
	}, nil
}

// copyChecked writes the feed to key while it is being checked; a feed that does not pass is not written.
func (s *CatalogSync) copyChecked(ctx context.Context, c Catalog, body io.Reader, o feed.Options, key string) (feed.Summary, catalog.Object, error) {
	pipeOut, pipeIn := io.Pipe()
	o.Copy = pipeIn
	type inspected struct {
		summary feed.Summary
		err     error
	}
	done := make(chan inspected, 1)
	pulse := startPulse(ctx, 0)
	defer pulse.stop()
	go func() {
		summary, err := feed.Inspect(pulse.reading(body), o)
		pipeIn.CloseWithError(err)
		done <- inspected{summary, err}
	}()
	staged, writeErr := s.Objects.Write(ctx, s.Documents.Layout.StateBucket, key, o.Format.ContentType(), pipeOut)
	pipeOut.CloseWithError(writeErr)
	check := <-done
	if check.err != nil && !errors.Is(check.err, writeErr) { // otherwise the check failed because the write did
		return check.summary, staged, check.err
	}
	if writeErr != nil {
		return check.summary, staged, fmt.Errorf("stage the %s feed: %w", c.Feed, writeErr)
	}
	return check.summary, staged, nil
}

func (s *CatalogSync) tooLarge(source catalog.Object) error {
	return fault.NewPermanent(fault.CatalogTooLarge, fmt.Errorf(
		"source %s is larger than the %d bytes that Stripe takes in one file: remove rows or columns that agents do not need", source.URI(), s.Policy.MaxPartBytes))
}

// explain makes what is wrong with a file permanent: the same version would be wrong again.
func (s *CatalogSync) explain(source catalog.Object, err error) error {
	var header *feed.HeaderError
	var syntax *feed.SyntaxError
	switch {
	case errors.Is(err, feed.ErrTooLarge):
		return s.tooLarge(source)
	case errors.As(err, &header), errors.As(err, &syntax), errors.Is(err, feed.ErrEmpty):
		return fault.NewPermanent(fault.CatalogInvalid, fmt.Errorf("source %s, version %s: %w", source.URI(), source.Version(), err))
	}
	return err
}

func (s *CatalogSync) isOpen(ctx context.Context, run catalog.Run) (bool, error) {
	return s.Runs.IsOpen(ctx, run.WorkflowID, run.RunID)
}

func thisRun(ctx context.Context) catalog.Run {
	execution := activity.GetInfo(ctx).WorkflowExecution
	return catalog.Run{WorkflowID: execution.ID, RunID: execution.RunID}
}

// UploadFileInput is the input of UploadFile.
type UploadFileInput struct {
	Catalog
	Part     catalog.Part `json:"part"`
	Version  string       `json:"version"` // of the source
	Sequence int64        `json:"sequence"`
}

// UploadFileResult is the file that UploadFile made.
type UploadFileResult struct {
	File  string `json:"file"` // file_…
	Bytes int64  `json:"bytes"`
}

// UploadProgress is the heartbeat of UploadFile.
type UploadProgress struct {
	Bytes int64 `json:"bytes"`           // sent so far
	Total int64 `json:"total,omitempty"` // zero if unknown
}

// UploadFile streams a staged part from S3 to Stripe's Files API in constant memory. A retry sends the same bytes under
// the same idempotency key, so a lost answer makes no second file.
func (s *CatalogSync) UploadFile(ctx context.Context, in UploadFileInput) (UploadFileResult, error) {
	result, err := s.uploadFile(ctx, in)
	return result, translate(err)
}

func (s *CatalogSync) uploadFile(ctx context.Context, in UploadFileInput) (UploadFileResult, error) {
	key := idempotencyKey(in.Catalog, in.Version, in.Sequence, in.Part.Number, "upload")
	file, err := withFreshKey(key, func(key string) (string, error) { return s.streamPart(ctx, in, key) })
	return UploadFileResult{File: file, Bytes: in.Part.Object.Size}, err
}

func (s *CatalogSync) streamPart(ctx context.Context, in UploadFileInput, key string) (string, error) {
	body, err := s.Objects.Open(ctx, in.Part.Object)
	if err != nil {
		return "", fmt.Errorf("staged part %d: %w", in.Part.Number, err)
	}
	defer body.Close()
	pulse := startPulse(ctx, in.Part.Object.Size)
	defer pulse.stop()
	return s.Imports[catalog.V1].Upload(ctx, catalog.Upload{
		Account:        in.Account,
		Feed:           in.Feed,
		Filename:       in.Part.Filename,
		ContentType:    in.Part.ContentType,
		Size:           in.Part.Object.Size,
		Body:           body,
		IdempotencyKey: key,
		Sent:           pulse.set,
	})
}

// CreateImportSetInput is the input of CreateImportSet.
type CreateImportSetInput struct {
	Catalog
	Delivery Delivery     `json:"delivery"`
	Part     catalog.Part `json:"part"`
	File     string       `json:"file"`
}

// CreateImportSetResult is the import that CreateImportSet made or found.
type CreateImportSetResult struct {
	ImportSet string `json:"import_set"` // impset_…
}

// CreateImportSet starts Stripe's import of an uploaded part. The intent is written to the state before the request
// and Stripe's answer after it: a run that finds an intent repeats the request under the same idempotency key and so
// learns the id of an import that nobody else knows of.
func (s *CatalogSync) CreateImportSet(ctx context.Context, in CreateImportSetInput) (CreateImportSetResult, error) {
	result, err := s.createImportSet(ctx, in)
	return result, translate(err)
}

func (s *CatalogSync) createImportSet(ctx context.Context, in CreateImportSetInput) (CreateImportSetResult, error) {
	d := in.Delivery
	intent := catalog.OpenImport{Source: d.Source, SHA256: d.SHA256, Rows: d.Rows, Part: in.Part, File: in.File}
	state, err := s.hold(ctx, in.Catalog, func(state *catalog.State) {
		if state.Open == nil || state.Open.File != in.File {
			state.Open = &intent
		}
	})
	if err != nil {
		return CreateImportSetResult{}, err
	}
	if known := state.Open.Import; known != "" {
		return CreateImportSetResult{ImportSet: known}, nil
	}
	key := idempotencyKey(in.Catalog, d.Source.Version(), d.Sequence, in.Part.Number, "import")
	created, err := withFreshKey(key, func(key string) (catalog.Import, error) {
		return s.Imports[catalog.V1].CreateImport(ctx, in.Account, in.File, in.Feed, key)
	})
	if err != nil {
		return CreateImportSetResult{}, s.dropRefusedIntent(ctx, in.Catalog, err)
	}
	_, err = s.hold(ctx, in.Catalog, func(state *catalog.State) {
		state.Open.Import = created.ID
		state.LastImportAt = time.Now().UTC()
	})
	return CreateImportSetResult{ImportSet: created.ID}, err
}

// dropRefusedIntent forgets the intent if Stripe refused the request for good: there is no import to finish.
func (s *CatalogSync) dropRefusedIntent(ctx context.Context, c Catalog, refused error) error {
	if reason, ok := fault.Of(refused); !ok || reason.Kind != fault.Permanent {
		return refused
	}
	if _, err := s.hold(ctx, c, func(state *catalog.State) { state.Open = nil }); err != nil {
		return err
	}
	return refused
}

func (s *CatalogSync) hold(ctx context.Context, c Catalog, change func(*catalog.State)) (catalog.State, error) {
	return s.Documents.Hold(ctx, c.Account, c.Feed, thisRun(ctx), change)
}

// idempotencyKey names one step of one delivery. It is made from business facts alone: a retry after a crash repeats
// it, whichever worker or run retries. A deliberate new attempt has the next sequence, and so another key; without the
// sequence Stripe would replay the old answer to an attempt after a failure, a forced one, and to a source that went
// back to earlier content. Stripe allows 255 characters and keeps keys for 24 hours or more
// (https://docs.stripe.com/api/idempotent_requests).
func idempotencyKey(c Catalog, version string, sequence int64, part int, step string) string {
	digest := sha256.Sum256([]byte(version))
	return fmt.Sprintf("vitrine/%s/%s/%06d/%s/part-%d/%s", c.Account, c.Feed, sequence, hex.EncodeToString(digest[:12]), part, step)
}

// withFreshKey calls Stripe under key, and under key/2, key/3 … where Stripe has stored a server error under the one
// before: it would replay that error for a day. Walking the same keys in the same order on every retry finds the first
// one that holds a success, so this needs no memory of its own.
func withFreshKey[T any](key string, call func(key string) (T, error)) (T, error) {
	const keys = 5
	result, err := call(key)
	for i := 2; i <= keys && fault.Is(err, fault.StripeKeySpent); i++ {
		result, err = call(fmt.Sprintf("%s/%d", key, i))
	}
	return result, err
}
