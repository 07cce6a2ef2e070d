package activities

import (
	"context"
	"errors"
	"io"

	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// settleAssortment brings what Stripe took of a part into what hooks answer from. The staged part is read again: its rows
// are as Stripe got them, and nothing more has to be staged for syncs whose platform answers no hooks.
//
// Rows that are gone from S3, or more than a file holds, cannot be told. That is no reason to fail a sync: the account's
// file is forgotten, and hooks fall back until the next full send.
func (s *CatalogSync) settleAssortment(ctx context.Context, in SettlePartInput, verdicts map[string]feed.Verdict) error {
	if !assortment.Keeps(in.Feed) {
		return nil
	}
	part := in.part()
	format, _, err := feed.FormatOf(part.Object.Key)
	if err != nil {
		return err
	}
	assortments := assortment.Documents{Objects: s.Objects, Layout: s.Documents.Layout}
	err = assortments.Settle(ctx, in.Account, assortment.Part{
		Kind: in.Feed, Format: format, At: importedAt(ctx, in.Import),
		Refused:  func(id []byte) bool { _, refused := verdicts[string(id)]; return refused },
		Replaces: in.Delivery.Mode == catalog.Replace,
		Full:     in.Delivery.Full != "", Delivery: in.Delivery.Sequence, Number: part.Number, Parts: part.Of,
	}, func() (io.ReadCloser, error) { return s.Objects.Open(ctx, part.Object) })
	if cannotBeTold(err) {
		return assortments.Forget(ctx, in.Account)
	}
	return err
}

func cannotBeTold(err error) bool {
	var file *assortment.FileError
	var syntax *feed.SyntaxError
	return fault.Is(err, fault.SourceMissing) || fault.Is(err, fault.SourceChanged) || errors.As(err, &file) || errors.As(err, &syntax)
}
