// Package fulfillment hands orders to merchants, and tells buyers: an HTTPS endpoint of the merchant's, signed by the
// Standard Webhooks scheme ([Endpoint]), a bucket that the merchant reads ([Drop]), and mail ([Mailer]). While a buyer
// checks out, it asks the merchant's endpoint what the merchant has to say.
//
// What goes out here is about a buyer. Errors say which order, where and why; never what the order says, nor what the
// other side answered in words of its own.
//
// Nobody retries here. Temporal does, for days if it has to, and the faults say when and whether. So everything can
// happen twice, and everything is made to be recognised: by idempotency keys, by conditional writes, by message ids.
package fulfillment

import (
	"context"
	"fmt"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// Merchants hands orders to each merchant in the way that the account's settings say.
type Merchants struct {
	Endpoint *Endpoint
	Drop     Drop
}

// Submit hands an order to the merchant and returns the answer. Submitting it again is harmless.
func (m Merchants) Submit(ctx context.Context, f order.Fulfillment, doc order.Document) (order.Decision, error) {
	if err := (order.ID{Account: doc.Account, Session: doc.Session}).Check(); err != nil {
		return order.Decision{}, err
	}
	switch f.Kind {
	case order.HTTPS:
		return m.Endpoint.Submit(ctx, f, doc)
	case order.S3:
		return m.Drop.Submit(ctx, f, doc)
	}
	return order.Decision{}, noWay(f)
}

// Notify tells the merchant what became of an order later. Telling it again is harmless.
func (m Merchants) Notify(ctx context.Context, f order.Fulfillment, notice order.Notice) error {
	if err := notice.Check(); err != nil {
		return err
	}
	switch f.Kind {
	case order.HTTPS:
		return m.Endpoint.Notify(ctx, f, notice)
	case order.S3:
		return m.Drop.Notify(ctx, f, notice)
	}
	return noWay(f)
}

func noWay(f order.Fulfillment) error {
	return fault.NewPermanent(fault.SettingsInvalid,
		fmt.Errorf("fulfillment.kind %.40q leads to no merchant: expected https or s3", string(f.Kind)))
}
