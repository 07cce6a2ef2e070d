package fulfillment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

// Drop lays orders and notices into a bucket that the merchant reads:
//
//	<prefix><account>/<session>.json                the order
//	<prefix><account>/<session>/<notice id>.json    what became of it later
//
// Nothing is ever written over: what lies there may be with the merchant's warehouse already.
type Drop struct {
	Objects statestore.Objects
	Bucket  string // where the account's settings name none
}

// Submit lays an order down.
func (d Drop) Submit(ctx context.Context, f order.Fulfillment, doc order.Document) (order.Decision, error) {
	place := f.Place(d.Bucket)
	key := place.OrderKey(order.ID{Account: doc.Account, Session: doc.Session})
	if err := d.lay(ctx, place.Bucket, key, doc, sameOrder); err != nil {
		return order.Decision{}, err
	}
	if f.AwaitAnswer {
		return order.Decision{Verdict: order.Pending}, nil
	}
	return order.Decision{Verdict: order.Accepted}, nil
}

// Notify lays a notice down.
func (d Drop) Notify(ctx context.Context, f order.Fulfillment, notice order.Notice) error {
	place := f.Place(d.Bucket)
	key := place.NoticeKey(order.ID{Account: notice.Account, Session: notice.Session}, notice.ID)
	return d.lay(ctx, place.Bucket, key, notice, sameNotice)
}

func (d Drop) lay(ctx context.Context, bucket, key string, document any, same func(there, here []byte) bool) error {
	body, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("s3://%s/%s cannot be encoded", bucket, key))
	}
	body = append(body, '\n')
	_, err = d.Objects.Put(ctx, bucket, key, "application/json", body, statestore.IfAbsent)
	if !fault.Is(err, fault.StateConflict) {
		return err
	}
	return d.compare(ctx, bucket, key, body, same)
}

// compare finds out whether an earlier try laid down what is there.
func (d Drop) compare(ctx context.Context, bucket, key string, body []byte, same func(there, here []byte) bool) error {
	there, object, err := d.Objects.Get(ctx, bucket, key)
	switch {
	case fault.Is(err, fault.SourceMissing): // taken away in between: the next try lays it down again
		return fault.NewPlain(fault.StateConflict, fmt.Errorf("s3://%s/%s was there, and is gone", bucket, key))
	case err != nil:
		return err
	case bytes.Equal(there, body) || same(there, body):
		return nil
	}
	return fault.NewPermanent(fault.OrderConflict, fmt.Errorf("%s holds something else than what is to be laid there", object.URI()))
}

// sameOrder compares what a warehouse ships by: who ordered what, where it goes, what it costs. The payment goes on
// between two tries, anybody may change the session's metadata, and a newer Vitrine may write more than an older one
// did.
func sameOrder(there, here []byte) bool {
	var a, b order.Document
	if json.Unmarshal(there, &a) != nil || json.Unmarshal(here, &b) != nil {
		return false
	}
	return a.Type == b.Type && a.ID == b.ID && a.Livemode == b.Livemode && a.Currency == b.Currency && a.Amounts == b.Amounts &&
		slices.Equal(linesOf(a), linesOf(b)) && reflect.DeepEqual(a.ShipTo, b.ShipTo)
}

// sameNotice compares two notices but for the time at which each was made.
func sameNotice(there, here []byte) bool {
	var a, b order.Notice
	if json.Unmarshal(there, &a) != nil || json.Unmarshal(here, &b) != nil {
		return false
	}
	a.At = b.At
	return a == b
}
