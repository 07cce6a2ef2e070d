package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// maxManifest bounds what is read into memory: a hundred million rows, far beyond any catalog.
const maxManifest = 4 << 30

// Manifest reads what Stripe has of a feed, and the ETag to write the next one under. The manifest is nil if there is
// none, or if it cannot be used; lost then says why. That is no error: everything is sent, and the manifest made anew.
func (d Documents) Manifest(ctx context.Context, id ID) (m *feed.Manifest, etag, lost string, err error) {
	object, err := d.Head(ctx, d.Keys(id).ManifestKey())
	if fault.Is(err, fault.SourceMissing) {
		return nil, statestore.IfAbsent, "it is not known what Stripe has", nil
	}
	if err != nil {
		return nil, "", "", fmt.Errorf("manifest of %s: %w", id.Name(), err)
	}
	m, err = d.readManifest(ctx, object, id.Feed)
	var damaged *feed.ManifestError
	if errors.As(err, &damaged) {
		return nil, object.ETag, "the record of what Stripe has cannot be used (" + damaged.Problem + ")", nil
	}
	return m, object.ETag, "", err
}

func (d Documents) readManifest(ctx context.Context, o statestore.Object, kind feed.Kind) (*feed.Manifest, error) {
	if o.Size > maxManifest {
		return nil, &feed.ManifestError{Problem: fmt.Sprintf("it has %d bytes", o.Size)}
	}
	body, err := d.Objects.Open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	defer body.Close()
	data := make([]byte, o.Size)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, fmt.Errorf("manifest %s: %w", o.URI(), err)
	}
	return feed.ParseManifest(kind, data)
}

// SaveManifest writes what Stripe has, if the document is still the one that etag names; otherwise the error is
// fault.StateConflict.
func (d Documents) SaveManifest(ctx context.Context, account string, m *feed.Manifest, etag string) error {
	_, err := d.putManifest(ctx, d.Keys(ID{account, m.Feed}).ManifestKey(), m, etag)
	return err
}

// Table reads the rows of a part, as SaveTable wrote them.
func (d Documents) Table(ctx context.Context, o statestore.Object, kind feed.Kind) (*feed.Table, error) {
	m, err := d.readManifest(ctx, o, kind)
	if err != nil {
		return nil, fmt.Errorf("rows of a part, %s: %w", o.URI(), err)
	}
	return &m.Rows, nil
}

// SaveTable writes the rows of a part under key: as a manifest, because that is what they become.
func (d Documents) SaveTable(
	ctx context.Context, key string, kind feed.Kind, t *feed.Table,
) (statestore.Object, error) {
	m := feed.NewManifest(kind)
	m.Rows = *t
	return d.putManifest(ctx, key, m, "")
}

func (d Documents) putManifest(
	ctx context.Context, key string, m *feed.Manifest, etag string,
) (statestore.Object, error) {
	encoded, err := m.Encode()
	if err != nil {
		return statestore.Object{}, fault.NewPermanent(fault.InputInvalid, fmt.Errorf("encode %s: %w", key, err))
	}
	return d.Put(ctx, key, "application/octet-stream", encoded, etag)
}
