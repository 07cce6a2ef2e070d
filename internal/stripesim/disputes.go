package stripesim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// evidenceFields are what a dispute takes as evidence.
var evidenceFields = []string{
	"access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
	"cancellation_rebuttal",
	"customer_communication", "customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature",
	"duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id", "product_description",
	"receipt",
	"refund_policy", "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation",
	"shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number",
	"uncategorized_file", "uncategorized_text",
}

const (
	// maxEvidence is how many characters all texts of a dispute have together at most.
	maxEvidence = 150_000
	// disputeWindow is how long a merchant has; with card networks it is from 7 to 21 days.
	disputeWindow = 7 * 24 * time.Hour
)

// disputes are opened by buyers, answered by merchants and decided by banks.
type disputes struct {
	*core
	events *events
	all    []*dispute // in the order of creation
}

func (h *disputes) forgetLocked() { h.all = nil }

func (h *disputes) findDisputeLocked(id string) *dispute {
	i := slices.IndexFunc(h.all, func(d *dispute) bool { return d.id == id })
	if i < 0 {
		return nil
	}
	return h.all[i]
}

func (h *disputes) ownDisputeLocked(c orderCall) *dispute {
	if d := h.findDisputeLocked(c.id); d != nil && d.payment.account() == c.account {
		return d
	}
	return nil
}

func (h *disputes) getDispute(c orderCall) (any, *apiError) {
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	if d := h.ownDisputeLocked(c); d != nil {
		return d.object(h.options.Now()), nil
	}
	return nil, missingObject("dispute", "dispute", c.id)
}

func (h *disputes) listDisputes(c orderCall) (any, *apiError) {
	p, created, intent, charge := c.page(), c.period("created"), c.text("payment_intent"), c.text("charge")
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	now := h.options.Now()
	return listNewest(c, p, h.all, func(d *dispute) (string, string) { return d.payment.account(), d.id },
		func(d *dispute) bool {
			return created.fits(d.created.Unix()) && (intent == "" || intent == d.payment.intent) &&
				(charge == "" || charge == d.payment.charge)
		}, func(d *dispute) any { return d.object(now) })
}

// postDispute takes evidence, and submits it unless told not to: what was submitted is final. Files are taken by their
// id, whichever it is: the emulator takes no files of that purpose.
func (h *disputes) postDispute(c orderCall) (func() (any, *apiError), *apiError) {
	evidence, metadata, submit := c.hash("evidence"), c.metadata(), c.flag("submit", true)
	length := 0
	for name, value := range evidence {
		length += len([]rune(value))
		if !slices.Contains(evidenceFields, name) {
			c.fail(unknownParameter("evidence[" + name + "]"))
		}
	}
	if length > maxEvidence {
		c.fail(invalid("evidence", "The evidence has more than %d characters.", maxEvidence))
	}
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return func() (any, *apiError) {
		d, now := h.ownDisputeLocked(c), h.options.Now()
		switch {
		case d == nil:
			return nil, missingObject("dispute", "dispute", c.id)
		case len(evidence) > 0 && (d.closed() || d.submissions > 0):
			return nil, invalid("", "The evidence of this dispute was submitted, or the dispute is closed.")
		case len(evidence) > 0 && !now.Before(d.due):
			return nil, &apiError{Status: http.StatusBadRequest, Type: invalidRequest,
				Message: "The evidence comes after the dispute's due date."}
		}
		d.evidence, d.metadata = merged(d.evidence, evidence), merged(d.metadata, metadata)
		if submit && d.status == statusNeedsResponse && len(d.evidence) > 0 {
			d.submissions, d.status = 1, statusUnderReview
		}
		h.events.emitLocked("charge.dispute.updated", c.account, d.object(now), c.because())
		return d.object(now), nil
	}, nil
}

// disputeLocked lets a buyer dispute a payment; amount 0 means all of it.
func (h *disputes) disputeLocked(p *payment, amount int64, reason string) (*dispute, error) {
	if amount == 0 {
		amount = p.amountCaptured
	}
	switch {
	case !p.captured:
		return nil, fmt.Errorf("payment %s was not captured", p.intent)
	case p.dispute != nil:
		return nil, fmt.Errorf("payment %s is disputed already", p.intent)
	case amount < 1 || amount > p.amountCaptured:
		return nil, fmt.Errorf("amount %d is not within what was captured, %d", amount, p.amountCaptured)
	}
	now := h.options.Now()
	d := &dispute{
		id: newID("dp_"), payment: p, created: now, due: now.Add(disputeWindow), amount: amount, reason: reason,
		status: statusNeedsResponse,
	}
	p.dispute, h.all = d, append(h.all, d)
	h.events.emitLocked("charge.dispute.created", p.account(), d.object(now), cause{})
	return d, nil
}

// moveDisputeLocked is what the bank decides.
func (h *disputes) moveDisputeLocked(d *dispute, status string) error {
	switch {
	case d.closed():
		return fmt.Errorf("dispute %s is closed", d.id)
	case !slices.Contains([]string{statusNeedsResponse, statusUnderReview, statusWon, statusLost}, status):
		return fmt.Errorf("status %q is not one of needs_response, under_review, won, lost", status)
	}
	d.status = status
	event := "charge.dispute.updated"
	if d.closed() {
		event = "charge.dispute.closed"
	}
	h.events.emitLocked(event, d.payment.account(), d.object(h.options.Now()), cause{})
	return nil
}

func (h *disputes) postDisputeStatus(w http.ResponseWriter, r *http.Request) {
	var change orderChange
	if !readControl(w, r, &change) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.findDisputeLocked(r.PathValue("id"))
	if d == nil {
		complain(w, http.StatusNotFound, "there is no dispute %s", r.PathValue("id"))
		return
	}
	if err := h.moveDisputeLocked(d, change.Status); err != nil {
		complain(w, http.StatusConflict, "%v", err)
		return
	}
	show(w, d.order())
}
