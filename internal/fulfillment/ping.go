package fulfillment

import (
	"context"
	"crypto/rand"

	"vitrine/internal/order"
)

// ping asks a merchant's endpoint nothing but whether it answers, and takes our signature.
type ping struct {
	Version int    `json:"version"`
	Type    string `json:"type"` // ping
	ID      string `json:"id"`
	Account string `json:"account"`
}

// Ping posts a signed ping to where orders go. It is about nobody; any 2xx or 409 will do.
func (e *Endpoint) Ping(ctx context.Context, account string, f order.Fulfillment) error {
	id := "ping/" + account + "/" + rand.Text()
	_, _, err := e.post(ctx, f.Endpoint(), pingPosted, id, ping{Version: 1, Type: "ping", ID: id, Account: account})
	return err
}
