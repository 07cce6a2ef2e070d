package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"vitrine/internal/checkout"
	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// checkoutMerchants asks merchants while Stripe waits. An answer comes within ctx, or there is an error: then what the
// assortment says holds.
type checkoutMerchants interface {
	ApproveCheckout(context.Context, order.Endpoint, checkout.Question) (checkout.Approval, error)
	CustomizeCheckout(context.Context, order.Endpoint, checkout.Question) (checkout.Customization, error)
}

// lastWord lets the merchant refuse what would be sold. One who is not heard refuses nothing.
func (h *Hooks) lastWord(ctx context.Context, c cart, v checkout.Approval) checkout.Approval {
	q := c.asked.Ask(order.AskApproval, c.hook())
	said, heard := ask(ctx, h, c, order.AskApproval, q, h.Merchants.ApproveCheckout)
	if !heard || said.Approved {
		return v
	}
	h.reservations.Release(c.event.account, c.holder)
	return said
}

// merchantsCustomization is what the merchant says of shipping and taxes; empty if they are not asked or not heard.
func (h *Hooks) merchantsCustomization(
	ctx context.Context, c cart, offered checkout.Customization,
) checkout.Customization {
	q := c.asked.Ask(order.AskCustomization, c.hook())
	q.ShippingOptions = offered.ShippingOptions
	said, _ := ask(ctx, h, c, order.AskCustomization, q, h.Merchants.CustomizeCheckout)
	return said
}

func (c cart) hook() checkout.Hook {
	return checkout.Hook{Event: c.event.ID, Account: c.event.account, Livemode: c.event.Livemode}
}

// ask puts a question to the merchant, if they want to be asked, within their share of the time.
func ask[T any](
	ctx context.Context, h *Hooks, c cart, about order.CheckoutQuestion, q checkout.Question,
	put func(context.Context, order.Endpoint, checkout.Question) (T, error),
) (none T, heard bool) {
	merchant := c.settings.Checkout.Merchant
	if !merchant.Hears(about) {
		return none, false
	}
	began := h.Now()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(merchant.Within))
	defer cancel()
	said, err := inTurn(h.turns, c.event.account, func() (T, error) { return put(ctx, merchant.Endpoint, q) })
	h.Count.asked(about, hearing(err), h.Now().Sub(began))
	if err != nil {
		h.Log.Warn("a merchant was not heard about a checkout", "question", q.ID, "error", err)
		return none, false
	}
	return said, true
}

var errBusy = errors.New("the merchant has as many questions to answer as may be put at once")

// hearing is how asking a merchant ended, for counters.
func hearing(err error) string {
	switch {
	case err == nil:
		return "answered"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled): // or Stripe waits no longer
		return "late"
	case errors.Is(err, errBusy):
		return "busy"
	case fault.Is(err, fault.MerchantAnswerInvalid):
		return "unusable"
	case fault.Is(err, fault.MerchantUnavailable), fault.Is(err, fault.MerchantThrottled):
		return "down"
	}
	return "refused" // by them, or by the rules for endpoints and secrets
}

// questionsAtOnce is how many questions one merchant is put at once: one who is slow must not take all the requests
// that the server has room for.
const questionsAtOnce = 32

// turns counts the questions that are under way, by account.
type turns struct {
	mu    sync.Mutex
	taken map[string]int
}

func newTurns() *turns { return &turns{taken: map[string]int{}} }

// inTurn puts a question if it is its account's turn.
func inTurn[T any](t *turns, account string, put func() (T, error)) (none T, err error) {
	if !t.take(account) {
		return none, errBusy
	}
	defer t.give(account)
	return put()
}

func (t *turns) take(account string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken[account] >= questionsAtOnce {
		return false
	}
	t.taken[account]++
	return true
}

func (t *turns) give(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken[account]--; t.taken[account] == 0 {
		delete(t.taken, account)
	}
}
