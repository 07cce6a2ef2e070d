package order

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/fault"
)

// NoticeKind is what a notice tells the merchant.
type NoticeKind string

const (
	NoticeRefunded      NoticeKind = "refunded"       // money went back to the buyer
	NoticeDisputed      NoticeKind = "disputed"       // the buyer disputes the payment at their bank
	NoticeDisputeClosed NoticeKind = "dispute_closed" // the bank decided a dispute
	NoticeCanceled      NoticeKind = "canceled"       // the order is off: do not ship
	NoticeStopShipment  NoticeKind = "stop_shipment"  // the money went back: stop the parcel if that can be
	// an authorisation is about to end, and nothing was shipped
	NoticeExpiring NoticeKind = "authorization_expiring"
)

var noticeKinds = []NoticeKind{NoticeRefunded, NoticeDisputed, NoticeDisputeClosed, NoticeCanceled, NoticeStopShipment,
	NoticeExpiring}

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

// NewNotice makes a notice of news that fact identifies: the id of a refund or dispute, with its status where one
// object makes news more than once. Details are for the caller to fill in.
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

// noticeTexts are what the merchant is told.
var noticeTexts = map[NoticeKind]string{
	NoticeRefunded:      "that money went back to the buyer",
	NoticeDisputed:      "that the buyer disputes the payment",
	NoticeDisputeClosed: "how the bank decided a dispute",
	NoticeCanceled:      "that the order is off, and not to be shipped",
	NoticeStopShipment:  "to stop the parcel, if that can be: its money went back, or may",
	NoticeExpiring:      "that the authorisation is about to end, and nothing was shipped",
}

// Text goes on from "tell the merchant", with what the notice is about.
func (n Notice) Text() string {
	var facts []string
	if n.Amount > 0 {
		facts = append(facts, Money(n.Amount, n.Currency))
	}
	if about := cmp.Or(n.Refund, n.Dispute); about != "" {
		facts = append(facts, about)
	}
	text := noticeTexts[n.Kind]
	if len(facts) > 0 {
		text += " (" + strings.Join(facts, ", ") + ")"
	}
	return text
}

// Stops reports whether the merchant would ship, or go on shipping, without the notice.
func (n Notice) Stops() bool { return n.Kind == NoticeCanceled || n.Kind == NoticeStopShipment }

// Check returns a permanent error if the notice could not be delivered under its ids.
func (n Notice) Check() error {
	errs := []error{account.Check(n.Account), CheckSession(n.Session), noticeKind.check(n.ID)}
	if !slices.Contains(noticeKinds, n.Kind) {
		errs = append(errs, fmt.Errorf("notice kind %.40q is not known", string(n.Kind)))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.NewPermanent(fault.InputInvalid, err)
	}
	return nil
}
