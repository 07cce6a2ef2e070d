package activities

import (
	"context"
	"fmt"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// UploadFileResult is the file that UploadFile made.
type UploadFileResult struct {
	File  string `json:"file"` // file_…, or with V2 pcimprt_…
	Bytes int64  `json:"bytes"`
}

// UploadProgress is the heartbeat of the steps that move many bytes.
type UploadProgress struct {
	Bytes int64 `json:"bytes"`           // moved so far
	Total int64 `json:"total,omitempty"` // zero if unknown
}

// UploadFile streams a staged part from S3 to Stripe in constant memory. The intent is written to the state before:
// with V2 the upload begins the import, and a run that finds the intent finishes it. A retry sends the same bytes under
// the same idempotency key, so a lost answer makes no second file.
func (s *CatalogSync) UploadFile(ctx context.Context, in PartInput) (UploadFileResult, error) {
	imports, err := s.imports(in.Delivery.API)
	if err != nil {
		return UploadFileResult{}, err
	}
	if err := checkParked(ctx, s.Accounts, in.Account); err != nil { // since the source was looked at
		return UploadFileResult{}, err
	}
	state, err := s.updateClaimed(ctx, in.ID, func(state *catalog.State) {
		if state.Open == nil || state.Open.Part().Digest != in.part().Digest {
			state.Open = &catalog.OpenImport{Delivery: in.Delivery}
		}
	})
	if err != nil {
		return UploadFileResult{}, err
	}
	s.tellSlow(ctx, in.ID)
	result := UploadFileResult{File: state.Open.File, Bytes: in.part().Object.Size}
	if result.File != "" { // an earlier attempt's answer was recorded, and then lost on its way to Temporal
		return result, nil
	}
	if in.Delivery.API == feed.V2 { // the upload begins the import
		if err := awaitTurn(ctx, in.Delivery.NotBefore); err != nil {
			return UploadFileResult{}, err
		}
	}
	result.File, err = withFreshKey(in.idempotencyKey("upload"),
		func(key string) (string, error) { return s.streamPart(ctx, in, imports, key) })
	if err != nil {
		return UploadFileResult{}, s.dropRefusedIntent(ctx, in.ID, err)
	}
	_, err = s.updateClaimed(ctx, in.ID, func(state *catalog.State) { state.Open.File = result.File })
	return result, err
}

func (s *CatalogSync) streamPart(ctx context.Context, in PartInput, imports Imports, key string) (string, error) {
	part := in.part()
	body, err := s.Documents.Objects.Open(ctx, part.Object)
	if err != nil {
		return "", fmt.Errorf("staged part %d: %w", part.Number, err)
	}
	defer body.Close()
	pulse := pulseOf(ctx)
	pulse.expect(part.Object.Size)
	return imports.Upload(ctx, catalog.Upload{
		Account:        in.Account,
		Feed:           in.Feed,
		Mode:           in.Delivery.Mode,
		Filename:       part.Filename,
		ContentType:    part.ContentType,
		Size:           part.Object.Size,
		Body:           body,
		IdempotencyKey: key,
		Sent:           pulse.set,
	})
}

// CreateImportSetResult is the import that CreateImportSet made or found.
type CreateImportSetResult struct {
	ImportSet string `json:"import_set"` // impset_…, or with V2 pcimprt_…
	// Likely is how long the import is likely to take; 0: nobody knows, or it was begun before.
	Likely time.Duration `json:"likely,omitempty"`
}

// CreateImportSet starts Stripe's import of an uploaded part; with V2 the upload has started it, and this reads it. A
// run that finds the part open repeats the request under the same idempotency key and so learns the id of an import
// that nobody else knows of.
func (s *CatalogSync) CreateImportSet(ctx context.Context, in PartInput) (CreateImportSetResult, error) {
	imports, err := s.imports(in.Delivery.API)
	if err != nil {
		return CreateImportSetResult{}, err
	}
	state, err := s.updateClaimed(ctx, in.ID, func(*catalog.State) {})
	if err != nil {
		return CreateImportSetResult{}, err
	}
	if open := state.Open; open != nil && open.File == in.File && open.Import != "" {
		return CreateImportSetResult{ImportSet: open.Import}, nil
	}
	if err := awaitTurn(ctx, in.Delivery.NotBefore); err != nil {
		return CreateImportSetResult{}, err
	}
	created, err := withFreshKey(in.idempotencyKey("import"), func(key string) (catalog.Import, error) {
		return imports.CreateImport(ctx, in.ID, in.File, key)
	})
	if answered(err) && in.Delivery.API == feed.V2 {
		created, err = catalog.Import{ID: in.File}, nil // the upload has started it: whoever waits for it learns more
	}
	if err != nil {
		return CreateImportSetResult{}, s.dropRefusedIntent(ctx, in.ID, err)
	}
	_, err = s.updateClaimed(ctx, in.ID, func(state *catalog.State) {
		state.Open = &catalog.OpenImport{Delivery: in.Delivery, File: in.File, Import: created.ID}
		state.LastImportAt = ServerTime(ctx).UTC()
	})
	return CreateImportSetResult{ImportSet: created.ID, Likely: state.ImportTakes}, err
}

// SendPartResult is what SendPart made or found.
type SendPartResult struct {
	UploadFileResult
	CreateImportSetResult
}

// SendPart brings a part to Stripe and starts its import: UploadFile and CreateImportSet in one step, since every step
// is billed. What an earlier attempt brought about is in the state, and is not repeated.
func (s *CatalogSync) SendPart(ctx context.Context, in PartInput) (result SendPartResult, err error) {
	if in.File == "" { // else an earlier run has uploaded it
		if result.UploadFileResult, err = s.UploadFile(ctx, in); err != nil {
			return result, err
		}
		in.File = result.File
	}
	result.File = in.File
	result.CreateImportSetResult, err = s.CreateImportSet(ctx, in)
	return result, err
}

// dropRefusedIntent forgets the intent if Stripe refused the request for good: there is no import to finish.
func (s *CatalogSync) dropRefusedIntent(ctx context.Context, id catalog.ID, refused error) error {
	if reason, ok := fault.Of(refused); !ok || reason.Kind != fault.Permanent {
		return refused
	}
	if _, err := s.updateClaimed(ctx, id, func(state *catalog.State) { state.Open = nil }); err != nil {
		return err
	}
	return refused
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
