package stripesim

import "fmt"

// sessions are the checkout sessions.
type sessions struct {
	*core
	events *events
}

// expireSessionLocked ends a session that nobody paid.
func (h *sessions) expireSessionLocked(o *session) error {
	if o.status != statusOpen {
		return fmt.Errorf("session %s is %s", o.id, o.status)
	}
	o.status = statusExpired
	h.events.emitLocked("checkout.session.expired", o.account, o.object(expands{}), cause{})
	return nil
}

// sessionExpands can be expanded in a session.
var sessionExpands = []string{
	"line_items", "line_items.data.price.product", "line_items.data.taxes", "payment_intent",
	"payment_intent.latest_charge",
	"payment_intent.agent_details", "shipping_cost.shipping_rate",
}

func (h *sessions) getSession(c orderCall) (any, *apiError) {
	e := c.expand(c.request, "", sessionExpands...)
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	found := h.ledger.ownSession(c.account, c.id)
	if found == nil {
		return nil, missingObject("checkout.session", "session", c.id)
	}
	return found.object(e), nil
}

func (h *sessions) listSessions(c orderCall) (any, *apiError) {
	e := c.expand(c.request, "data.", sessionExpands...)
	p, created := c.page(), c.period("created")
	intent, status := c.text("payment_intent"), c.oneOf("status", statusOpen, statusComplete, statusExpired)
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return listNewest(c, p, h.ledger.sessions, func(o *session) (string, string) { return o.account, o.id },
		func(o *session) bool {
			return created.fits(o.created.Unix()) && (status == "" || status == o.status) &&
				(intent == "" || (o.payment != nil && o.payment.intent == intent))
		}, func(o *session) any { return o.object(e) })
}

func (h *sessions) listLineItems(c orderCall) (any, *apiError) {
	e := c.expand(c.request, "data.", "price.product", "taxes")
	p := c.page()
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	found := h.ledger.ownSession(c.account, c.id)
	if found == nil {
		return nil, missingObject("checkout.session", "session", c.id)
	}
	if _, _, failed := found.linePage(p); failed != nil {
		return nil, failed
	}
	return found.lineItems(p, e), nil
}
