package order

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/utc"
)

// inbox is what has come in and is not dealt with yet.
type inbox struct {
	payment, refunds bool      // they must be read anew, as events say
	disputes         []string  // these too
	decision         *Decision // of a merchant whose decision is awaited
	revoked          bool      // a merchant who had accepted rejects
}

const (
	mostPassedOver = 20
	mostSeen       = 200 // events: far more than an order has; a repetition beyond them is only read again
	mostParcels    = 100
	mostDisputes   = 20
)

var (
	errEnded       = conflicting("the order has come to its end")
	errNotLoaded   = conflicting("the order could not be read from Stripe yet")
	errNotAtTheirs = conflicting("the merchant does not have the order yet")
)

// conflicting is why an order, as it stands, does not take what is asked or reported.
func conflicting(format string, args ...any) error {
	return fault.NewPermanent(fault.OrderConflict, fmt.Errorf(format, args...))
}

// NoteEvent takes an event of Stripe's: it says that something is to be read anew, never what. One that is known
// changes nothing.
func (l *Lifecycle) NoteEvent(e Event, now time.Time) {
	if CheckEvent(e.ID) != nil || !l.remember(e.ID) {
		return
	}
	l.r.LastNews = now
	switch {
	case strings.HasPrefix(e.Type, "charge.dispute."):
		if CheckDispute(e.Object) == nil && len(l.inbox.disputes) < mostDisputes {
			l.readAgain(e.Object)
		}
	case e.Type == "charge.refunded", strings.HasPrefix(e.Type, "refund."):
		l.inbox.refunds = true
	case e.Type == "checkout.session.async_payment_failed", e.Type == "checkout.session.expired":
		l.r.Unpaid, l.inbox.payment = true, true
	default:
		l.inbox.payment = true
	}
}

// remember reports whether the event is new.
func (l *Lifecycle) remember(event string) bool {
	if slices.Contains(l.r.Seen, event) {
		return false
	}
	l.r.Events++
	l.r.Seen = append(l.r.Seen, event)
	if more := len(l.r.Seen) - mostSeen; more > 0 {
		l.r.Seen = slices.Delete(l.r.Seen, 0, more)
	}
	return true
}

func (l *Lifecycle) readAgain(dispute string) {
	if !slices.Contains(l.inbox.disputes, dispute) {
		l.inbox.disputes = append(l.inbox.disputes, dispute)
	}
}

// PaymentNews reports whether the payment is to be read anew.
func (l *Lifecycle) PaymentNews() bool { return l.inbox.payment }

// Loading takes news of the payment for read: what comes in while the order is loaded is read again.
func (l *Lifecycle) Loading() { l.inbox.payment = false }

// Reading says what of the money is to be read anew, and takes it for read: what comes in meanwhile is read again, and
// what fails is not read again before somebody retries. Nothing may turn in circles.
func (l *Lifecycle) Reading() (payment, refunds bool) {
	payment, refunds = l.inbox.payment, l.inbox.refunds
	l.inbox.payment, l.inbox.refunds = false, false
	return payment, refunds
}

// ReadingDispute is the next dispute that is to be read anew, and takes it for read; empty if there is none.
func (l *Lifecycle) ReadingDispute() string {
	if len(l.inbox.disputes) == 0 {
		return ""
	}
	next := l.inbox.disputes[0]
	l.inbox.disputes = l.inbox.disputes[1:]
	return next
}

// Unread keeps a dispute that could not be read, for somebody who retries.
func (l *Lifecycle) Unread(dispute string) { l.r.Unread = append(l.r.Unread, dispute) }

// Pending reports whether something has come in that is to be dealt with.
func (l *Lifecycle) Pending() bool {
	news := l.inbox.payment || l.inbox.refunds || len(l.inbox.disputes) > 0
	return l.r.Summary != nil && news || l.inbox.revoked || l.shippedInVain() || l.unstopped() != nil
}

// Quiescent reports whether the record says all that there is to know of the order.
func (l *Lifecycle) Quiescent() bool {
	return !l.Pending() && l.inbox.decision == nil && len(l.outbox) == 0 && l.r.Step != StepSubmit
}

// AdmitDecision takes a decision that fits the order, and does not contradict one that was taken. A merchant who
// rejects what they had accepted is heard: a person has to look.
func (l *Lifecycle) AdmitDecision(d Decision) error {
	switch {
	case l.r.Summary == nil:
		return errNotLoaded
	case !l.r.Submitted:
		return errNotAtTheirs
	case d.Status == Pending:
		return fault.NewPermanent(fault.InputInvalid, errors.New("status pending: expected accepted or rejected"))
	}
	if err := d.Check(*l.r.Summary); err != nil {
		return err
	}
	switch {
	case l.awaitsDecision(), d.Status == Rejected:
		return nil
	case l.r.Ended != "":
		return conflicting("the order is %s: it cannot be accepted any more", l.r.Ended)
	case l.Accepted() && !d.Same(*l.r.Decision, *l.r.Summary):
		return conflicting("the order is accepted already, otherwise: refund what is not shipped")
	}
	return nil
}

// AdmitBesideParcels holds a decision that is awaited against the parcels: what is on its way was not refused.
func (l *Lifecycle) AdmitBesideParcels(d Decision) error {
	if l.r.Summary == nil || !l.awaitsDecision() || !l.Shipped() {
		return nil
	}
	if d.Status == Rejected {
		return conflicting("goods are on their way: accept what was shipped")
	}
	accepted := d.quantities(*l.r.Summary)
	for _, parcel := range l.r.Shipments {
		for _, line := range parcel.Lines {
			if accepted[line.SKU] -= line.Quantity; accepted[line.SKU] < 0 && d.Status == Accepted {
				return conflicting("parcels hold more of SKU %.80q than it accepts", line.SKU)
			}
		}
	}
	return nil
}

// NoteDecision takes a decision that was admitted, for the step that waits for it.
func (l *Lifecycle) NoteDecision(d Decision, now time.Time) {
	d = d.Tidy()
	switch {
	case l.awaitsDecision():
		l.inbox.decision = &d
	case l.taken() && d.Status == Rejected:
		l.inbox.revoked = true
	case l.Accepted() && d.Status == Accepted: // the same once more, with a number perhaps
		l.r.Decision.Reference = cmp.Or(l.r.Decision.Reference, d.Reference)
		return
	default: // no once more
		return
	}
	l.r.LastNews = now
}

// Heard is a decision of the merchant's that nothing was made of yet; nil if there is none.
func (l *Lifecycle) Heard() *Decision { return l.inbox.decision }

// awaitsDecision reports whether the merchant's decision is awaited, or will be once somebody lets the order go on.
func (l *Lifecycle) awaitsDecision() bool {
	step := l.r.Step
	if step == StepHeld {
		step = l.r.Resume
	}
	return step == StepSubmit || step == StepDecide
}

// AdmitShipment takes every parcel of a merchant who has the order: it is on its way, whatever became of the order.
func (l *Lifecycle) AdmitShipment(p Shipment) error {
	switch {
	case l.r.Summary == nil:
		return errNotLoaded
	case !l.r.Submitted:
		return errNotAtTheirs
	case l.parcel(p.ID) == nil && len(l.r.Shipments) >= mostParcels:
		return conflicting("the order has %d parcels already", mostParcels)
	}
	return errors.Join(p.Check(), p.Fits(*l.r.Summary))
}

// AdmitContents holds a parcel against the other parcels, what was accepted, and the calendar.
func (l *Lifecycle) AdmitContents(p Shipment, now time.Time) error {
	if l.r.Summary == nil {
		return errNotLoaded
	}
	decision := l.r.Decision
	if l.r.Ended != "" {
		decision = nil
	}
	return errors.Join(p.FitsBeside(l.r.Shipments, *l.r.Summary, decision), p.Plausible(*l.r.Summary, now))
}

// NoteShipment adds a parcel, or its news. What the news does not say stays as it was.
func (l *Lifecycle) NoteShipment(p Shipment, now time.Time) {
	l.r.LastNews = now
	had := l.parcel(p.ID)
	if had == nil {
		if p.ShippedAt.IsZero() {
			p.ShippedAt = now.UTC()
		}
		l.r.Shipments = append(l.r.Shipments, p)
		return
	}
	had.Carrier, had.Tracking = cmp.Or(p.Carrier, had.Carrier), cmp.Or(p.Tracking, had.Tracking)
	had.ShippedAt, had.DeliveredAt = cmp.Or(p.ShippedAt, had.ShippedAt), cmp.Or(p.DeliveredAt, had.DeliveredAt)
	if len(p.Lines) > 0 {
		had.Lines = p.Lines
	}
}

func (l *Lifecycle) parcel(id string) *Shipment {
	if i := slices.IndexFunc(l.r.Shipments, func(p Shipment) bool { return p.ID == id }); i >= 0 {
		return &l.r.Shipments[i]
	}
	return nil
}

// NoteDispute reports whether the dispute, or its status, is new.
func (l *Lifecycle) NoteDispute(d Dispute) bool {
	i := slices.IndexFunc(l.r.Disputes, func(known Dispute) bool { return known.ID == d.ID })
	if i < 0 {
		l.r.Disputes = append(l.r.Disputes, d)
		return true
	}
	changed := l.r.Disputes[i].Status != d.Status
	l.r.Disputes[i] = d
	return changed
}

// NoteLost remembers that a bank has decided for the buyer.
func (l *Lifecycle) NoteLost() { l.r.Lost = true }

// PassOver keeps what was reported and cannot be taken where people see it: nobody waits for an answer to it.
func (l *Lifecycle) PassOver(what string, why error, now time.Time) {
	text := strings.ReplaceAll(strings.TrimPrefix(why.Error(), what+": "), "\n", "; ")
	l.r.PassedOver = append(l.r.PassedOver, utc.Text(now)+": "+what+": "+text)
	if more := len(l.r.PassedOver) - mostPassedOver; more > 0 {
		l.r.PassedOver = slices.Delete(l.r.PassedOver, 0, more)
	}
}

// Asked notes that a person wants something of the order: that is news of it.
func (l *Lifecycle) Asked(now time.Time) { l.r.LastNews = now }

// AdmitNews returns an error if the order has come to its end: whoever asks or reports something then would not be
// heard.
func (l *Lifecycle) AdmitNews() error {
	if l.r.Step == StepEnd {
		return errEnded
	}
	return nil
}

// AdmitCancel returns an error if the order cannot be called off any more.
func (l *Lifecycle) AdmitCancel() error {
	switch {
	case l.r.Ended != "" && l.r.Step == StepHeld:
		return conflicting("the order is %s already, and held: retry it, to give its money back", l.r.Ended)
	case l.r.Ended != "":
		return conflicting("the order is %s already", l.r.Ended)
	case l.r.Summary == nil:
		return errNotLoaded
	case l.Accepted() && l.Shipped():
		return conflicting("the goods are shipped: refund the order instead")
	}
	return nil
}

// AdmitRetry returns an error if the order is not held.
func (l *Lifecycle) AdmitRetry() error {
	if l.r.Step != StepHeld {
		return conflicting("the order is not held: there is nothing to retry")
	}
	return nil
}

// AdmitEvidence returns an error if there is nothing to submit evidence against.
func (l *Lifecycle) AdmitEvidence() error {
	switch d := l.OpenDispute(); {
	case d == nil:
		return conflicting("there is no open dispute")
	case d.Submissions > 0:
		return conflicting("the evidence is with the bank already, which takes it once")
	}
	return nil
}

// AdmitRefund returns an error if the refund cannot be made. The same question again is answered, and moves nothing.
func (l *Lifecycle) AdmitRefund(asked RefundRequest) error {
	switch {
	case l.r.Step == StepEnd:
		return errEnded
	case l.r.Summary == nil:
		return errNotLoaded
	case l.Made(asked) != nil:
		return nil
	}
	if err := asked.Check(); err != nil {
		return err
	}
	switch left := l.Kept(); {
	case left <= 0:
		return conflicting("there is no captured money left to refund; an order that is not captured is canceled")
	case asked.Amount < 0 || asked.Amount > left:
		text := fmt.Errorf("%s cannot be refunded: %s are left", l.Money(asked.Amount), l.Money(left))
		return fault.NewPermanent(fault.InputInvalid, text)
	}
	return CheckAmount(asked.Amount, l.r.Summary.Currency)
}

// Made is the refund that was made of what is asked for; nil if none was, or none that holds.
func (l *Lifecycle) Made(asked RefundRequest) *Refund {
	step := asked.Step()
	return MadeBy(l.id, step, l.r.Keys[step], l.r.Refunds)
}
