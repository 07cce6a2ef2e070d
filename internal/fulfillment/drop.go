package fulfillment

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

// Drop lays orders and notices into a bucket that the merchant reads (see statestore.Place): the state bucket, where
// the account's settings name none. Nothing is ever written over: what lies there may be with the merchant's warehouse
// already.
type Drop struct{ statestore.Store }

// Submit lays an order down.
func (d Drop) Submit(ctx context.Context, f order.Fulfillment, doc order.Document) (order.Decision, error) {
	place := f.Place(d.Layout)
	if err := lay(ctx, d.In(place.Bucket), place.OrderKey(doc.Account, doc.Session), doc, sameOrder); err != nil {
		return order.Decision{}, err
	}
	if f.AwaitAnswer {
		return order.Decision{Status: order.Pending}, nil
	}
	return order.Decision{Status: order.Accepted}, nil
}

// Notify lays a notice down.
func (d Drop) Notify(ctx context.Context, f order.Fulfillment, notice order.Notice) error {
	place := f.Place(d.Layout)
	key := place.NoticeKey(notice.Account, notice.Session, notice.ID)
	return lay(ctx, d.In(place.Bucket), key, notice, sameNotice)
}

// lay writes a document where there is none. One that is there and is the same was laid down by an earlier try.
func lay[T any](ctx context.Context, s statestore.Store, key string, document T, same func(there, here T) bool) error {
	_, err := statestore.Write(ctx, s, key, document, statestore.IfAbsent)
	if !fault.Is(err, fault.StateConflict) {
		return err
	}
	there, err := statestore.Read[T](ctx, s, key)
	unreadable := errors.As(err, new(*statestore.UnreadableError))
	switch uri := s.URI(key); {
	case unreadable, err == nil && there.Found() && !same(there.Value, document):
		return fault.NewPermanent(fault.OrderConflict, fmt.Errorf(
			"%s holds something else than what is to be laid there", uri))
	case err == nil && !there.Found(): // taken away in between: the next try lays it down again
		return fault.NewPlain(fault.StateConflict, fmt.Errorf("%s was there, and is gone", uri))
	}
	return err
}

// sameOrder compares what a warehouse ships by: who ordered what, where it goes, what it costs. The payment goes on
// between two tries, anybody may change the session's metadata, and a newer Vitrine may write more than an older one
// did.
func sameOrder(a, b order.Document) bool {
	return a.Type == b.Type && a.ID == b.ID && a.Livemode == b.Livemode &&
		a.Currency == b.Currency && a.Amounts == b.Amounts &&
		slices.Equal(linesOf(a), linesOf(b)) && reflect.DeepEqual(a.ShipTo, b.ShipTo)
}

// sameNotice compares two notices but for the time at which each was made.
func sameNotice(a, b order.Notice) bool {
	sameDeadline := a.Deadline.Equal(b.Deadline)
	a.At, a.Deadline = b.At, b.Deadline
	return sameDeadline && a == b
}
