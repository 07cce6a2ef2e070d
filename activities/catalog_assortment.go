package activities

import (
	"context"
	"errors"
	"io"

	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/report"
)

// settleAssortment brings what Stripe took of a part into what hooks answer from. The staged part is read again: its
// rows are as Stripe got them, and nothing more has to be staged for syncs whose platform answers no hooks.
//
// Rows that are gone from S3, or more than a file holds, cannot be told. That is no reason to fail a sync: the
// account's file is forgotten, and hooks fall back until the next full send.
func (s *CatalogSync) settleAssortment(ctx context.Context, in SettlePartInput, v rowVerdicts) error {
	if !assortment.Keeps(in.Feed) {
		return nil
	}
	part := in.part()
	format, _, err := lines.FormatOf(part.Object.Key)
	if err != nil {
		return err
	}
	full := in.full()
	var withheld []string
	if full && part.Number == part.Of {
		if withheld, full, err = s.withheld(ctx, in); err != nil {
			return err
		}
	}
	err = s.assortments().Settle(ctx, in.Account, assortment.Part{
		Kind: in.Feed, Format: format, At: importedAt(ctx, in.Import),
		Refused:  func(id []byte) bool { _, refused := v.refused[string(id)]; return refused },
		InDoubt:  v.doubt,
		Replaces: in.Delivery.Mode == catalog.Replace,
		Full:     full, Withheld: withheld, Delivery: in.Delivery.Sequence, Number: part.Number, Parts: part.Of,
	}, func() (io.ReadCloser, error) { return s.Documents.Objects.Open(ctx, part.Object) })
	if cannotBeTold(err) {
		return s.forgetAssortment(ctx, in)
	}
	return err
}

// full reports whether the part belongs to a send of all that could be sent. Of a part that an earlier run left behind
// nobody knows any more what that run kept back.
func (in SettlePartInput) full() bool {
	return in.Feed == feed.Product && in.Delivery.Full != "" && !in.Delivery.Resumed && !in.Delivery.Changes
}

// withheld are the rows that a full send kept back: the merchant offers them, and Stripe may have what it got of them
// before. all is false if some cannot be named, or nobody remembers: then no file that this send makes is complete.
func (s *CatalogSync) withheld(ctx context.Context, in SettlePartInput) (ids []string, all bool, err error) {
	if in.Delivery.Findings == nil {
		return nil, true, nil
	}
	all = true
	err = s.readObject(ctx, *in.Delivery.Findings, func(r io.Reader) error {
		for e, err := range report.NewReader(r).All() {
			switch {
			case err != nil:
				return err
			case e.Severity != feed.Error:
			case e.ID == "":
				all = false
			default:
				ids = append(ids, e.ID)
			}
		}
		return nil
	})
	if fault.Is(err, fault.SourceMissing) || fault.Is(err, fault.SourceChanged) || errors.Is(err, report.ErrForeign) {
		return nil, false, nil
	}
	return ids, all, err
}

// forgetAssortment is for what cannot be told: no answer is better than a wrong one.
func (s *CatalogSync) forgetAssortment(ctx context.Context, in SettlePartInput) error {
	if !assortment.Keeps(in.Feed) {
		return nil
	}
	return s.assortments().Forget(ctx, in.Account)
}

func (s *CatalogSync) assortments() assortment.Documents {
	return assortment.Documents{Store: s.Documents.Store}
}

func cannotBeTold(err error) bool {
	var file *assortment.FileError
	var syntax *lines.SyntaxError
	return fault.Is(err, fault.SourceMissing) || fault.Is(err, fault.SourceChanged) || errors.As(err, &file) ||
		errors.As(err, &syntax)
}
