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
