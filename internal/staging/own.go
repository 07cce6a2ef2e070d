package staging

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

// OwnValues are what the merchant's own file has in the columns that Stripe refused rows for, by the ids of the rows.
// Where a dialect rewrote values, Stripe knows others. refused are the rows of the delivery's part as Stripe answered
// them; the source is read as it was for the delivery, and a row that reads otherwise has no value. There are none
// either if the source is gone, or a newer version is in its place.
func (s Stager) OwnValues(
	ctx context.Context, d catalog.Delivery, kind feed.Kind, refused *feed.Manifest,
) (map[string][]byte, error) {
	format, gzipped, err := lines.FormatOf(d.Source.Key)
	if err != nil {
		return nil, nil //nolint:nilerr // it was read once; how is all that is unknown
	}
	o := feed.Options{
		Kind: kind, Format: format, Gzipped: gzipped, Dialect: d.Dialect, MaxBytes: s.Limits.MaxSourceBytes,
		Changes: d.Changes, SendInvalid: true, Manifest: refused, Now: time.Now(),
	}
	if d.Reading != nil {
		o.Quotes = d.Reading.Quotes
	}
	own := &ownValues{}
	_, err = feed.Compare(func() (io.ReadCloser, error) { return s.Documents.Objects.Open(ctx, d.Source) }, o, own)
	switch {
	case fault.Is(err, fault.SourceMissing), fault.Is(err, fault.SourceChanged):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("source of the refused rows: %w", err)
	}
	return own.values, nil
}

// ownValues is the output of a comparison that is made for what it says of refused rows alone.
type ownValues struct{ values map[string][]byte }

var _ feed.Output = (*ownValues)(nil)

// Begin forgets what was found so far.
func (o *ownValues) Begin() error {
	o.values = map[string][]byte{}
	return nil
}

// Part begins a part that nobody reads.
func (o *ownValues) Part(int) (feed.PartFile, error) { return unread{io.Discard}, nil }

// Found keeps the value that Stripe refused a row for.
func (o *ownValues) Found(f feed.Finding, _ *feed.Refusal) error {
	if f.Cause == feed.RefusedByStripe && len(f.Value) > 0 {
		o.values[string(f.ID)] = bytes.Clone(f.Value)
	}
	return nil
}

// unread is a part that nobody reads.
type unread struct{ io.Writer }

// Close ends the part.
func (unread) Close() error { return nil }

// Abort gives the part up.
func (unread) Abort() {}
