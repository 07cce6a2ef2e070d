package order

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

// Shipment is a parcel of the order, as the merchant reports it.
type Shipment struct {
	ID          string         `json:"id"` // the merchant's; the same id again is the same parcel, with news
	Carrier     string         `json:"carrier,omitempty"`
	Tracking    string         `json:"tracking,omitempty"`
	ShippedAt   time.Time      `json:"shipped_at,omitzero"`
	DeliveredAt time.Time      `json:"delivered_at,omitzero"`
	Lines       []AcceptedLine `json:"lines,omitempty"` // empty: it is not said what is in it
}

// mostParcelLines is far above what a parcel holds: a hundred parcels of them fit into one document.
const mostParcelLines = 200

// carriers and tracking numbers go into history: no room for a name or an address.
var (
	carrierPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._&-]{0,39}$`)
	trackingPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
)

// Check returns a permanent error that names every problem with the shipment.
func (p Shipment) Check() error {
	errs := []error{kind{"a shipment", "letters, digits, - and _", noticeKind.pattern}.check(p.ID)}
	if p.Carrier != "" && !carrierPattern.MatchString(p.Carrier) {
		errs = append(errs, errors.New("carrier: expected a name such as UPS, at most 40 letters and digits"))
	}
	if p.Tracking != "" && !trackingPattern.MatchString(p.Tracking) {
		errs = append(errs, errors.New("tracking: expected a number of at most 64 letters, digits and hyphens"))
	}
	if !p.DeliveredAt.IsZero() && p.DeliveredAt.Before(p.ShippedAt) {
		errs = append(errs, errors.New("delivered_at is before shipped_at"))
	}
	if len(p.Lines) > mostParcelLines {
		errs = append(errs, fmt.Errorf("lines: there are %d, more than %d", len(p.Lines), mostParcelLines))
	}
	if slices.ContainsFunc(p.Lines, func(l AcceptedLine) bool { return !l.sound() || l.Quantity == 0 }) {
		errs = append(errs, errors.New("lines: expected a sku and a quantity of at least 1 in each"))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("shipment: %w", err))
	}
	return nil
}

// Fits returns a permanent error if the parcel holds what was not ordered, or more of it.
func (p Shipment) Fits(s Summary) error { return p.within(s.quantities(), "ordered") }

// FitsBeside is Fits beside the other parcels of the order, and by what the merchant accepted. A parcel of the same id is
// the same parcel, and parcels that do not say what is in them count for nothing.
func (p Shipment) FitsBeside(others []Shipment, s Summary, d *Decision) error {
	left, what := s.quantities(), "ordered"
	if d != nil && d.Verdict == Accepted && len(d.Lines) > 0 {
		left, what = quantitiesOf(d.Lines), "accepted"
	}
	for _, other := range others {
		if other.ID == p.ID {
			continue
		}
		for _, line := range other.Lines {
			left[line.SKU] = max(left[line.SKU]-line.Quantity, 0)
		}
	}
	return p.within(left, what+", and is not in another parcel")
}

func (p Shipment) within(left map[string]int64, what string) error {
	for _, line := range p.Lines {
		if left[line.SKU] -= line.Quantity; left[line.SKU] < 0 {
			return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("shipment: lines: it holds more of SKU %.80q than was %s", line.SKU, what))
		}
	}
	return nil
}

func quantitiesOf(lines []AcceptedLine) map[string]int64 {
	quantities := map[string]int64{}
	for _, line := range lines {
		quantities[line.SKU] += line.Quantity
	}
	return quantities
}

// clockTolerance is how far clocks, and dates without a time or a zone, may be off.
const clockTolerance = 24 * time.Hour

// Plausible returns a permanent error if the parcel was sent or delivered before the order was placed, or in the future:
// money may be captured because goods are on their way.
func (p Shipment) Plausible(s Summary, now time.Time) error {
	for _, moment := range []struct {
		name string
		at   time.Time
	}{{"shipped_at", p.ShippedAt}, {"delivered_at", p.DeliveredAt}} {
		switch at := moment.at; {
		case at.IsZero():
		case at.After(now.Add(clockTolerance)):
			return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("shipment: %s %s is in the future", moment.name, at.UTC().Format(time.RFC3339)))
		case at.Before(s.PlacedAt().Add(-clockTolerance)):
			return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("shipment: %s %s is before the order was placed, at %s",
				moment.name, at.UTC().Format(time.RFC3339), s.PlacedAt().UTC().Format(time.RFC3339)))
		}
	}
	return nil
}

// Refund is money that goes back to the buyer.
type Refund struct {
	ID       string    `json:"id"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Status   string    `json:"status"` // pending, requires_action, succeeded, failed or canceled
	Reason   string    `json:"reason,omitempty"`
	Created  time.Time `json:"created,omitzero"`
	// Key is the idempotency key that Vitrine made it under; empty if somebody else did.
	Key string `json:"key,omitempty"`
}

// RefundStep names a refund that a person asks for by what it is: how much, and why; an id tells two that are alike apart on
// purpose. Who asks, and from where, is no part of it, nor the case of a letter: the same question is the same refund.
func RefundStep(amount int64, why, id string) string {
	words := strings.Join(strings.Fields(strings.ToLower(why)), " ")
	facts := strings.Join([]string{strconv.FormatInt(amount, 10), words, strings.TrimSpace(id)}, "\x00")
	digest := sha256.Sum256([]byte(facts))
	return "refund/asked/" + hex.EncodeToString(digest[:16])
}

// KeyOf is the idempotency key of a step of which some keys are spent.
func (id ID) KeyOf(step string, spent int) string {
	if spent > 0 {
		return id.Key(step, strconv.Itoa(spent))
	}
	return id.Key(step)
}

// MadeBy finds the refund that a step made, under whichever of its keys; nil if there is none, or none that holds.
func MadeBy(id ID, step string, spent int, refunds []Refund) *Refund {
	for i, r := range refunds {
		for n := range spent + 1 {
			if !r.Failed() && r.Key == id.KeyOf(step, n) {
				return &refunds[i]
			}
		}
	}
	return nil
}

// Failed reports whether the money came back to the merchant instead.
func (r Refund) Failed() bool { return r.Status == "failed" || r.Status == "canceled" }

// Dispute is a buyer's claim at the bank.
type Dispute struct {
	ID            string    `json:"id"`
	Charge        string    `json:"charge,omitempty"`
	PaymentIntent string    `json:"payment_intent,omitempty"`
	Amount        int64     `json:"amount"`
	Currency      string    `json:"currency"`
	Reason        string    `json:"reason,omitempty"`
	Status        string    `json:"status"` // needs_response, under_review, won, lost, warning_…
	EvidenceDueBy time.Time `json:"evidence_due_by,omitzero"`
	Submissions   int64     `json:"submissions,omitempty"` // how often evidence went to the bank
	Created       time.Time `json:"created,omitzero"`
}

// Closed reports whether the bank has decided.
func (d Dispute) Closed() bool {
	return slices.Contains([]string{"won", "lost", "warning_closed", "prevented"}, d.Status)
}

// Lost reports whether the bank has given the disputed amount back to the buyer.
func (d Dispute) Lost() bool { return d.Status == "lost" }

// Event is what may be remembered of an event of Stripe's: which object it is about, never what the object says. The
// workflow reads that anew.
type Event struct {
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	Account  string    `json:"account,omitempty"` // empty: the platform's own
	Created  time.Time `json:"created"`
	Livemode bool      `json:"livemode"`
	Object   string    `json:"object,omitempty"` // the id of the object: cs_…, pi_…, ch_…, re_…, du_…

	// What the object says it belongs to. The session is known of session events alone; for the others it is looked up by
	// the payment intent.
	Session       string `json:"session,omitempty"`
	PaymentIntent string `json:"payment_intent,omitempty"`
	Charge        string `json:"charge,omitempty"`
}

// Unrecognised reports whether the event is about an object whose id is none that is known. A session's event without a
// session's id is one, whatever else it names: an order may hang on it.
func (e Event) Unrecognised() bool {
	return e.Object == "" || e.Session == "" && strings.HasPrefix(e.Type, "checkout.session.")
}

// EventsPage is a page of an account's events, the newest first.
type EventsPage struct {
	Events []Event `json:"events,omitempty"`
	Next   string  `json:"next,omitempty"`   // what to go on from, to the next, older page; empty: this was the last
	Unread int     `json:"unread,omitempty"` // events that cannot be read
}

// EventTypes are the types that concern orders, for a webhook endpoint and for the sweep.
func EventTypes() []string {
	return []string{
		"checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed", "checkout.session.expired",
		"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.amount_capturable_updated",
		"charge.captured", "charge.expired", "charge.refunded", "refund.created", "refund.updated", "refund.failed",
		"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
	}
}

// Begins reports whether the event may be the first that is heard of an order. Those that say that nothing was, or will be,
// paid begin none: to a session that nobody has heard of, they are no news.
func (e Event) Begins() bool {
	switch e.Type {
	case "checkout.session.async_payment_failed", "checkout.session.expired", "payment_intent.payment_failed", "payment_intent.canceled", "charge.expired":
		return false
	}
	return true
}

// MailKind is what a mail tells the buyer, and what its templates are called.
type MailKind string

const (
	ConfirmationMail MailKind = "confirmation"
	RejectionMail    MailKind = "rejection"
)

// NoticeKind is what a notice tells the merchant.
type NoticeKind string

const (
	NoticeRefunded      NoticeKind = "refunded"
	NoticeDisputed      NoticeKind = "disputed"
	NoticeDisputeClosed NoticeKind = "dispute_closed"
	NoticeCanceled      NoticeKind = "canceled"      // the order is off: do not ship
	NoticeStopShipment  NoticeKind = "stop_shipment" // the money went back: stop the parcel if that can be
	NoticeExpiring      NoticeKind = "authorization_expiring"
)

var noticeKinds = []NoticeKind{NoticeRefunded, NoticeDisputed, NoticeDisputeClosed, NoticeCanceled, NoticeStopShipment, NoticeExpiring}

// NoticeVersion is the version of the notice's JSON. It grows with changes that a reader must know of.
const NoticeVersion = 1

// Notice tells the merchant what became of an order later. It holds nothing personal.
type Notice struct {
	Version  int        `json:"version"`
	Type     string     `json:"type"` // notice
	ID       string     `json:"id"`   // of this notice; the same news has the same id
	Kind     NoticeKind `json:"kind"`
	Order    string     `json:"order"`
	Account  string     `json:"account"`
	Session  string     `json:"session"`
	Livemode bool       `json:"livemode"`
	At       time.Time  `json:"at"`
	Amount   int64      `json:"amount,omitempty"`
	Currency string     `json:"currency,omitempty"`
	Refund   string     `json:"refund,omitempty"`
	Dispute  string     `json:"dispute,omitempty"`
	Status   string     `json:"status,omitempty"` // of the refund or dispute
	Reason   string     `json:"reason,omitempty"`
	Deadline time.Time  `json:"deadline,omitzero"` // evidence due, or the end of the authorisation
}

// NewNotice makes a notice of news that fact identifies: the id of a refund or dispute, with its status where one object
// makes news more than once. Details are for the caller to fill in.
func NewNotice(s Summary, kind NoticeKind, fact string, at time.Time) Notice {
	id := string(kind)
	if fact != "" {
		id += "-" + fact
	}
	return Notice{
		Version: NoticeVersion, Type: "notice", ID: id, Kind: kind, At: at.UTC(),
		Order: s.ID.String(), Account: s.ID.Account, Session: s.ID.Session, Livemode: s.Livemode, Currency: s.Currency,
	}
}

// Stops reports whether the merchant would ship, or go on shipping, without the notice.
func (n Notice) Stops() bool { return n.Kind == NoticeCanceled || n.Kind == NoticeStopShipment }

// Check returns a permanent error if the notice could not be delivered under its ids.
func (n Notice) Check() error {
	errs := []error{catalog.CheckAccount(n.Account), CheckSession(n.Session), noticeKind.check(n.ID)}
	if !slices.Contains(noticeKinds, n.Kind) {
		errs = append(errs, fmt.Errorf("notice kind %.40q is not known", string(n.Kind)))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.NewPermanent(fault.InputInvalid, err)
	}
	return nil
}
