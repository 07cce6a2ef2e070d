package order

import (
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"vitrine/internal/currency"
	"vitrine/internal/fault"
)

// DecisionStatus is what the merchant says to an order.
type DecisionStatus string

const (
	Accepted DecisionStatus = "accepted" // the merchant takes all of it, or the lines named
	// Pending means that the merchant has the order and will decide later (accepted asynchronously).
	Pending  DecisionStatus = "pending"
	Rejected DecisionStatus = "rejected" // the merchant takes nothing of it
)

// Reason is why a merchant rejects. It is a closed list: what a merchant writes freely may name the buyer, and a reason
// goes into history and into a mail.
type Reason string

const (
	OutOfStock         Reason = "out_of_stock"          // it is not there, and will not be in time
	Discontinued       Reason = "discontinued"          // it is not sold any more
	PriceChanged       Reason = "price_changed"         // it is not sold at that price
	CannotShip         Reason = "cannot_ship"           // not to this address
	FraudSuspected     Reason = "fraud_suspected"       // the merchant does not believe the order
	Duplicate          Reason = "duplicate"             // the same order came before
	OtherReason        Reason = "other"                 // none of these
	NotDecidedInTime   Reason = "not_decided_in_time"   // Vitrine's own: a pending order that nobody decided
	AuthorizationEnded Reason = "authorization_expired" // Vitrine's own: the money is not there any more
	OrderFaulty        Reason = "order_faulty"          // Vitrine's own: Check or Unknown found problems
)

var merchantReasons = []Reason{OutOfStock, Discontinued, PriceChanged, CannotShip, FraudSuspected, Duplicate,
	OtherReason}

// Reasons are those that a merchant may give.
func Reasons() []Reason { return slices.Clone(merchantReasons) }

// ReasonOf is the reason that a merchant's text names; OtherReason if it names none.
func ReasonOf(text string) Reason {
	if reason := Reason(text); slices.Contains(merchantReasons, reason) {
		return reason
	}
	return OtherReason
}

// ours reports whether the reason is Vitrine's own: a merchant who did not give it has to be told.
func (r Reason) ours() bool {
	return slices.Contains([]Reason{NotDecidedInTime, AuthorizationEnded, OrderFaulty}, r)
}

// Decision is the merchant's answer, as history keeps it.
type Decision struct {
	Status DecisionStatus `json:"verdict"`
	Reason Reason         `json:"reason,omitempty"` // of a rejection
	// Lines are what a partial acceptance takes, by SKU; empty means everything. A SKU that is not named is refused.
	Lines []AcceptedLine `json:"lines,omitempty"`
	// Refused is what the merchant says they refuse of the SKUs of Lines. It is for Check alone, where the answer is
	// read, and goes nowhere: what is not accepted is refused in any case.
	Refused []AcceptedLine `json:"-"`
	// Reference is the merchant's own number of the order; one that could be more than a number is dropped.
	Reference string `json:"reference,omitempty"`
}

// AcceptedLine is how much of a SKU the merchant ships.
type AcceptedLine struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// sound reports whether the line could be one of an order: it goes into history before anybody can compare.
func (l AcceptedLine) sound() bool {
	return l.SKU != "" && len(l.SKU) <= maxSKU && !strings.ContainsFunc(l.SKU, unicode.IsControl) && l.Quantity >= 0
}

// maxSKU is how long the id of a row in a feed may be, in bytes (100 characters).
const maxSKU = 400

var referencePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/#-]{0,63}$`)

// ReferenceOf is the merchant's number of an order if it looks like one, otherwise nothing.
func ReferenceOf(text string) string {
	if referencePattern.MatchString(text) {
		return text
	}
	return ""
}

// Tidy is the decision without anything that a merchant may have written freely, as it is kept.
func (d Decision) Tidy() Decision {
	d.Reference, d.Refused = ReferenceOf(d.Reference), nil
	if d.Status != Rejected {
		d.Reason = ""
		return d
	}
	d.Reason, d.Lines = ReasonOf(string(d.Reason)), nil
	return d
}

// Check returns a permanent error if the decision does not fit the order: an unknown status, a SKU that was not
// ordered, or more than was ordered.
func (d Decision) Check(s Summary) error {
	switch d.Status {
	case Accepted, Pending, Rejected:
	default:
		return unfit("its status is %.20q: expected accepted, pending or rejected", statusText(string(d.Status)))
	}
	ordered := s.quantities()
	seen := map[string]bool{}
	for _, line := range d.Lines {
		quantity, known := ordered[line.SKU]
		switch {
		case !known || line.SKU == "":
			return unfit("it names a SKU that was not ordered")
		case seen[line.SKU]:
			return unfit("it names SKU %q twice", line.SKU)
		case line.Quantity < 0 || line.Quantity > quantity:
			return unfit("it accepts %d of SKU %q, of which %d were ordered", line.Quantity, line.SKU, quantity)
		}
		seen[line.SKU] = true
	}
	if len(d.Lines) > 0 && d.Status == Accepted &&
		!slices.ContainsFunc(d.Lines, func(l AcceptedLine) bool { return l.Quantity > 0 }) {
		return unfit("it accepts, but nothing of what was ordered: expected the status rejected")
	}
	return d.checkRefused(ordered)
}

// checkRefused refuses a decision that accepts and refuses the same piece.
func (d Decision) checkRefused(ordered map[string]int64) error {
	accepted := quantitiesOf(d.Lines)
	for _, line := range d.Refused {
		accepted[line.SKU] += line.Quantity
		if line.Quantity < 0 || accepted[line.SKU] > ordered[line.SKU] {
			return unfit("it accepts and refuses more of SKU %.80q than the %d that were ordered", line.SKU,
				ordered[line.SKU])
		}
	}
	return nil
}

// Same reports whether two decisions come to the same, however they are spelled: all of the lines, or no lines.
func (d Decision) Same(other Decision, s Summary) bool {
	if d.Status != other.Status || d.Status != Accepted {
		return d.Status == other.Status
	}
	is, was := d.quantities(s), other.quantities(s)
	differs := func(l AcceptedLine) bool { return is[l.SKU] != was[l.SKU] }
	return !slices.ContainsFunc(d.Lines, differs) && !slices.ContainsFunc(other.Lines, differs) &&
		!slices.ContainsFunc(s.Lines, func(l Line) bool { return is[l.SKU] != was[l.SKU] })
}

func (d Decision) quantities(s Summary) map[string]int64 {
	if len(d.Lines) > 0 {
		return quantitiesOf(d.Lines)
	}
	return s.quantities()
}

// Took is what an accepted order takes of the merchant's stock, by SKU.
func (s Summary) Took(d Decision) (took []AcceptedLine) {
	left := d.quantities(s)
	for _, line := range s.Lines {
		if quantity := left[line.SKU]; quantity > 0 && d.Status == Accepted {
			took = append(took, AcceptedLine{SKU: line.SKU, Quantity: quantity})
		}
		delete(left, line.SKU) // a SKU may stand in several lines
	}
	return took
}

func unfit(format string, args ...any) error {
	return unusable(fmt.Errorf(format, args...))
}

func unusable(why error) error {
	return fault.NewPermanent(fault.MerchantAnswerInvalid, fmt.Errorf("the merchant's answer cannot be used: %w", why))
}

// AcceptedAmount is what the buyer owes for what the merchant accepted, the total at most. What is refused is taken off
// in proportion of its line and rounded in the buyer's favour, to what Stripe can charge; shipping stays as it was
// bought. It expects a decision that passed Check.
func (s Summary) AcceptedAmount(d Decision) int64 {
	switch {
	case d.Status != Accepted:
		return 0
	case len(d.Lines) == 0:
		return s.Amounts.Total
	}
	left := map[string]int64{}
	for _, line := range d.Lines {
		left[line.SKU] += line.Quantity
	}
	amount := s.Amounts.Total
	for _, line := range s.Lines {
		accepted := min(left[line.SKU], line.Quantity)
		left[line.SKU] -= accepted
		amount -= line.Total - line.TotalOf(accepted)
	}
	if amount == s.Amounts.Total {
		return amount
	}
	return currency.Parse(s.Currency).Floor(max(amount, 0))
}

// TotalOf is what so many pieces of the line cost, taxes and discounts included.
func (l Line) TotalOf(quantity int64) int64 {
	return l.Total - share(l.Total, l.Quantity-quantity, l.Quantity)
}

// share is total*part/whole, rounded up.
func share(total, part, whole int64) int64 {
	if whole <= 0 || part <= 0 || total <= 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(total), uint64(min(part, whole)))
	quotient, rest := bits.Div64(high, low, uint64(whole))
	if rest > 0 {
		quotient++
	}
	return int64(quotient)
}

// statusText quotes a status only if it is a word: anything else could be about the buyer.
func statusText(status string) string {
	for _, r := range status {
		if (r < 'a' || r > 'z') && r != '_' {
			return "(something else)"
		}
	}
	return status
}

func quantitiesOf(lines []AcceptedLine) map[string]int64 {
	quantities := map[string]int64{}
	for _, line := range lines {
		quantities[line.SKU] += line.Quantity
	}
	return quantities
}
