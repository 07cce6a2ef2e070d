package stripesim

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"vitrine/internal/simcontrol"
)

func (o *session) order() simcontrol.Order {
	order := simcontrol.Order{
		Account: o.account, Session: o.id, Status: o.status, PaymentStatus: o.paymentStatus, Created: o.created,
		Currency: o.cart.currency, Total: o.cart.total(), Agent: o.agent, Metadata: orEmpty(o.metadata), Items: []simcontrol.OrderItem{},
	}
	for _, l := range o.cart.lines {
		order.Items = append(order.Items, simcontrol.OrderItem{SKU: l.sku, Quantity: l.quantity, UnitAmount: l.unitAmount, Total: l.total()})
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
		ID: d.id, Amount: d.amount, Reason: d.reason, Status: d.status, Due: d.due, Evidence: merged(nil, d.evidence), Submitted: d.submissions > 0,
	}
}

func (s *Server) orderControlRoutes(routes *http.ServeMux) {
	routes.HandleFunc("POST /_sim/agent/purchase", s.postPurchase)
	routes.HandleFunc("POST /_sim/agent/availability", s.postAvailability)
	routes.HandleFunc("POST /_sim/hooks", s.postHook)
	routes.HandleFunc("GET /_sim/hooks/calls", look(s, func(keep func(string) bool) []simcontrol.HookCall {
		return kept(s.ledger.hookCalls, func(c simcontrol.HookCall) bool { return keep(c.Account) })
	}))
	routes.HandleFunc("GET /_sim/orders", look(s, s.ordersLocked))
	routes.HandleFunc("GET /_sim/orders/{id}", s.onOrder(func(o *session, _ orderChange) (any, error) { return o.order(), nil }))
	routes.HandleFunc("POST /_sim/orders/{id}/refund", s.onOrder(s.staffRefundLocked))
	routes.HandleFunc("POST /_sim/orders/{id}/dispute", s.onOrder(s.buyerDisputeLocked))
	routes.HandleFunc("POST /_sim/orders/{id}/settle", s.onOrder(func(o *session, change orderChange) (any, error) {
		if change.Status != statusSucceeded && change.Status != statusFailed {
			return nil, fmt.Errorf("status %q is neither succeeded nor failed", change.Status)
		}
		err := s.settleLocked(o, change.Status == statusSucceeded)
		return o.order(), err
	}))
	routes.HandleFunc("POST /_sim/orders/{id}/expire", s.onOrder(func(o *session, _ orderChange) (any, error) {
		if o.payment != nil && o.payment.status == statusRequiresCapture {
			o.payment.authorizedUntil = s.options.Now()
			s.expireOrdersLocked()
			return o.order(), nil
		}
		err := s.expireSessionLocked(o)
		return o.order(), err
	}))
	routes.HandleFunc("POST /_sim/disputes/{id}", s.postDisputeStatus)
	routes.HandleFunc("POST /_sim/refunds/{id}", s.postRefundStatus)
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
func look[T any](s *Server, some func(keep func(account string) bool) []T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.expireOrdersLocked()
		found := some(narrowedTo(r))
		s.mu.Unlock()
		list(w, found)
	}
}

func (s *Server) ordersLocked(keep func(string) bool) []simcontrol.Order {
	orders := []simcontrol.Order{}
	for _, o := range s.ledger.sessions {
		if keep(o.account) {
			orders = append(orders, o.order())
		}
	}
	return orders
}

// orderChange is what the control API changes of an order.
type orderChange struct {
	Amount int64  `json:"amount"` // 0: all that is left
	Reason string `json:"reason"`
	Status string `json:"status"`
}

// onOrder finds an order by its session or its payment intent, and does something with it.
func (s *Server) onOrder(do func(*session, orderChange) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var change orderChange
		if r.Method == http.MethodPost && r.ContentLength != 0 && !readControl(w, r, &change) {
			return
		}
		s.mu.Lock()
		s.expireOrdersLocked()
		o := s.ledger.findSession(r.PathValue("id"))
		var result any
		var err error
		if o != nil {
			result, err = do(o, change)
		}
		s.mu.Unlock()
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
func (s *Server) staffRefundLocked(o *session, change orderChange) (any, error) {
	if o.payment == nil {
		return nil, fmt.Errorf("order %s was not paid", o.id)
	}
	made, failed := s.refundLocked(o.payment, change.Amount, change.Reason, nil, cause{})
	if failed != nil {
		return nil, errors.New(failed.Message)
	}
	return made.order(), nil
}

func (s *Server) buyerDisputeLocked(o *session, change orderChange) (any, error) {
	if o.payment == nil {
		return nil, fmt.Errorf("order %s was not paid", o.id)
	}
	made, err := s.disputeLocked(o.payment, change.Amount, cmp.Or(change.Reason, "product_not_received"))
	if err != nil {
		return nil, err
	}
	return made.order(), nil
}

func (s *Server) postDisputeStatus(w http.ResponseWriter, r *http.Request) {
	var change orderChange
	if !readControl(w, r, &change) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.findDisputeLocked(r.PathValue("id"))
	if d == nil {
		complain(w, http.StatusNotFound, "there is no dispute %s", r.PathValue("id"))
		return
	}
	if err := s.moveDisputeLocked(d, change.Status); err != nil {
		complain(w, http.StatusConflict, "%v", err)
		return
	}
	show(w, d.order())
}

func (s *Server) postRefundStatus(w http.ResponseWriter, r *http.Request) {
	var change orderChange
	if !readControl(w, r, &change) {
		return
	}
	if change.Status != statusSucceeded && change.Status != statusFailed {
		complain(w, http.StatusBadRequest, "status %q is neither succeeded nor failed", change.Status)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.ledger.refunds, func(made *refund) bool { return made.id == r.PathValue("id") })
	if i < 0 {
		complain(w, http.StatusNotFound, "there is no refund %s", r.PathValue("id"))
		return
	}
	made := s.ledger.refunds[i]
	if err := s.endRefundLocked(made, change.Status == statusSucceeded); err != nil {
		complain(w, http.StatusConflict, "%v", err)
		return
	}
	show(w, made.order())
}
