package stripesim

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"vitrine/internal/simcontrol"
)

func (o *session) order() simcontrol.Order {
	order := simcontrol.Order{
		Account: o.account, Session: o.id, Status: o.status, PaymentStatus: o.paymentStatus, Created: o.created,
		Currency: o.cart.currency, Total: o.cart.total(), Agent: o.agent, Metadata: orEmpty(o.metadata),
		Items: []simcontrol.OrderItem{},
	}
	for _, l := range o.cart.lines {
		order.Items = append(order.Items,
			simcontrol.OrderItem{SKU: l.sku, Quantity: l.quantity, UnitAmount: l.unitAmount, Total: l.total()})
	}
	p := o.payment
	if p == nil {
		return order
	}
	order.PaymentIntent, order.Charge, order.IntentStatus = p.intent, p.charge, p.status
	order.Captured, order.Refunded, order.ApplicationFee = p.amountCaptured, p.refunded(), p.fee
	order.Released = p.released
	if p.status == statusRequiresCapture {
		until := p.authorizedUntil
		order.AuthorizedUntil = &until
	}
	for _, r := range p.refunds {
		order.Refunds = append(order.Refunds, r.order())
	}
	if d := p.dispute; d != nil {
		shown := d.order()
		order.Disputed, order.Dispute = d.amount, &shown
	}
	return order
}

func (r *refund) order() simcontrol.OrderRefund {
	return simcontrol.OrderRefund{ID: r.id, Amount: r.amount, Status: r.status}
}

func (d *dispute) order() simcontrol.OrderDispute {
	return simcontrol.OrderDispute{
		ID: d.id, Amount: d.amount, Reason: d.reason, Status: d.status, Due: d.due, Evidence: merged(nil, d.evidence),
		Submitted: d.submissions > 0,
	}
}

func (s *Server) orderControlRoutes(routes *http.ServeMux) {
	routes.HandleFunc("POST /_sim/agent/purchase", s.agents.postPurchase)
	routes.HandleFunc("POST /_sim/agent/availability", s.hooks.postAvailability)
	routes.HandleFunc("POST /_sim/hooks", s.hooks.postHook)
	routes.HandleFunc("GET /_sim/hooks/calls", look(s.payments, func(keep func(string) bool) []simcontrol.HookCall {
		return kept(s.hooks.calls, func(c simcontrol.HookCall) bool { return keep(c.Account) })
	}))
	routes.HandleFunc("GET /_sim/orders", look(s.payments, s.orderControl.ordersLocked))
	routes.HandleFunc("GET /_sim/orders/{id}",
		s.orderControl.onOrder(func(o *session, _ orderChange) (any, error) { return o.order(), nil }))
	routes.HandleFunc("POST /_sim/orders/{id}/refund", s.orderControl.onOrder(s.orderControl.staffRefundLocked))
	routes.HandleFunc("POST /_sim/orders/{id}/dispute", s.orderControl.onOrder(s.orderControl.buyerDisputeLocked))
	routes.HandleFunc("POST /_sim/orders/{id}/settle",
		s.orderControl.onOrder(func(o *session, change orderChange) (any, error) {
			if change.Status != statusSucceeded && change.Status != statusFailed {
				return nil, fmt.Errorf("status %q is neither succeeded nor failed", change.Status)
			}
			err := s.payments.settleLocked(o, change.Status == statusSucceeded)
			return o.order(), err
		}))
	routes.HandleFunc("POST /_sim/orders/{id}/authorization",
		s.orderControl.onOrder(func(o *session, change orderChange) (any, error) {
			return s.payments.authorizeUntilLocked(o, change.Until)
		}))
	routes.HandleFunc("POST /_sim/orders/{id}/expire",
		s.orderControl.onOrder(func(o *session, _ orderChange) (any, error) {
			if o.payment != nil && o.payment.status == statusRequiresCapture {
				o.payment.authorizedUntil = s.options.Now()
				s.payments.expireOrdersLocked()
				return o.order(), nil
			}
			err := s.sessions.expireSessionLocked(o)
			return o.order(), err
		}))
	routes.HandleFunc("POST /_sim/disputes/{id}", s.disputes.postDisputeStatus)
	routes.HandleFunc("POST /_sim/refunds/{id}", s.refunds.postRefundStatus)
	s.webhookControlRoutes(routes)
}

func kept[T any](all []T, keep func(T) bool) []T {
	some := []T{}
	for _, one := range all {
		if keep(one) {
			some = append(some, one)
		}
	}
	return some
}

// look lists what the ledger has of an account, or of all.
func look[T any](h *payments, some func(keep func(account string) bool) []T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.expireOrdersLocked()
		found := some(narrowedTo(r))
		h.mu.Unlock()
		list(w, found)
	}
}

// orderControl looks into orders, and does what staff, buyers and banks do to them.
type orderControl struct {
	*core
	payments *payments
	refunds  *refunds
	disputes *disputes
}

func (h *orderControl) ordersLocked(keep func(string) bool) []simcontrol.Order {
	orders := []simcontrol.Order{}
	for _, o := range h.ledger.sessions {
		if keep(o.account) {
			orders = append(orders, o.order())
		}
	}
	return orders
}

// orderChange is what the control API changes of an order.
type orderChange struct {
	Amount int64     `json:"amount"` // 0: all that is left
	Reason string    `json:"reason"`
	Status string    `json:"status"`
	Until  time.Time `json:"until"`
}

// onOrder finds an order by its session or its payment intent, and does something with it.
func (h *orderControl) onOrder(do func(*session, orderChange) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var change orderChange
		if r.Method == http.MethodPost && r.ContentLength != 0 && !readControl(w, r, &change) {
			return
		}
		h.mu.Lock()
		h.payments.expireOrdersLocked()
		o := h.ledger.findSession(r.PathValue("id"))
		var result any
		var err error
		if o != nil {
			result, err = do(o, change)
		}
		h.mu.Unlock()
		switch {
		case o == nil:
			complain(w, http.StatusNotFound, "there is no order %s", r.PathValue("id"))
		case err != nil:
			complain(w, http.StatusConflict, "%v", err)
		default:
			show(w, result)
		}
	}
}

// staffRefundLocked is a refund that the merchant's staff makes in the dashboard.
func (h *orderControl) staffRefundLocked(o *session, change orderChange) (any, error) {
	if o.payment == nil {
		return nil, fmt.Errorf("order %s was not paid", o.id)
	}
	made, failed := h.refunds.refundLocked(o.payment, change.Amount, change.Reason, nil, cause{})
	if failed != nil {
		return nil, errors.New(failed.Message)
	}
	return made.order(), nil
}

func (h *orderControl) buyerDisputeLocked(o *session, change orderChange) (any, error) {
	if o.payment == nil {
		return nil, fmt.Errorf("order %s was not paid", o.id)
	}
	made, err := h.disputes.disputeLocked(o.payment, change.Amount, cmp.Or(change.Reason, "product_not_received"))
	if err != nil {
		return nil, err
	}
	return made.order(), nil
}
