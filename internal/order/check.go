package order

import (
	"fmt"
	"strings"
)

// ProblemCode says for machines what is wrong with an order.
type ProblemCode string

const (
	CurrencyInvalid ProblemCode = "currency_invalid" // not three letters
	NoLines         ProblemCode = "no_lines"         // nothing was bought
	QuantityInvalid ProblemCode = "quantity_invalid" // a line has no pieces, or fewer than none
	// an amount is below zero, or the parts do not add up to the total
	AmountInvalid    ProblemCode = "amount_invalid"
	ReferenceMissing ProblemCode = "reference_missing" // a line that names no row of a feed
	SubtotalMismatch ProblemCode = "subtotal_mismatch" // the lines do not add up to the subtotal
	TotalMismatch    ProblemCode = "total_mismatch"    // the amounts do not add up to the total
	PaymentMismatch  ProblemCode = "payment_mismatch"  // the payment is not over the total
	// there is something to pay, and no payment that could be given back
	PaymentMissing  ProblemCode = "payment_missing"
	ModeUnsupported ProblemCode = "mode_unsupported" // the session is not for one payment
	UnknownSKU      ProblemCode = "unknown_sku"      // no row of the account's catalog has this id
)

// Problem is one thing that is wrong with an order, for history and for people.
type Problem struct {
	Code   ProblemCode `json:"code"`
	SKU    string      `json:"sku,omitempty"`
	Detail string      `json:"detail"`
}

// String is the code, and what was found.
func (p Problem) String() string { return string(p.Code) + ": " + p.Detail }

// maxAmount is far above what Stripe takes for a payment (12 digits) and low enough for sums of it not to overflow.
const maxAmount = 1e15

// Check returns what is wrong with the order in itself; nil means that it adds up.
func (s Summary) Check() []Problem {
	var problems []Problem
	if !currencyPattern.MatchString(s.Currency) {
		problems = append(problems,
			Problem{Code: CurrencyInvalid, Detail: fmt.Sprintf("%.10q is not a currency", s.Currency)})
	}
	if len(s.Lines) == 0 {
		return append(problems, Problem{Code: NoLines, Detail: "the session has no line items"})
	}
	for i, line := range s.Lines {
		problems = append(problems, line.check(i+1)...)
	}
	if !s.Amounts.sane() {
		return append(problems,
			Problem{Code: AmountInvalid, Detail: "an amount of the session is negative, or too large to be one"})
	}
	return append(problems, s.checkSums()...)
}

func (l Line) check(number int) (problems []Problem) {
	if l.Quantity < 1 || l.Quantity > 1e9 {
		problems = append(problems,
			Problem{Code: QuantityInvalid, SKU: l.SKU,
				Detail: fmt.Sprintf("line %d has the quantity %d", number, l.Quantity)})
	}
	if !sane(l.UnitAmount, l.Subtotal, l.Discount, l.Tax, l.Total) {
		problems = append(problems,
			Problem{Code: AmountInvalid, SKU: l.SKU,
				Detail: fmt.Sprintf("line %d has an amount that is negative, or too large to be one", number)})
	}
	return problems
}

// checkSums allows for taxes that prices include: Stripe counts them in the tax, but does not add them to the total.
func (s Summary) checkSums() (problems []Problem) {
	var subtotal int64
	for _, line := range s.Lines {
		subtotal += line.Subtotal
	}
	a := s.Amounts
	if subtotal != a.Subtotal {
		problems = append(problems,
			Problem{Code: SubtotalMismatch,
				Detail: fmt.Sprintf("the lines add up to %s, the subtotal is %s", s.money(subtotal),
					s.money(a.Subtotal))})
	}
	if net := a.Subtotal - a.Discount + a.Shipping; a.Total < net || a.Total > net+a.Tax {
		problems = append(problems, Problem{Code: TotalMismatch, Detail: fmt.Sprintf(
			"the total is %s, but subtotal %s, discount %s, shipping %s and tax %s make %s to %s", s.money(a.Total),
			s.money(a.Subtotal),
			s.money(a.Discount), s.money(a.Shipping), s.money(a.Tax), s.money(net), s.money(net+a.Tax))})
	}
	if s.PaymentIntent == "" && s.Payment.State != NoPaymentRequired {
		problems = append(problems,
			Problem{Code: PaymentMissing,
				Detail: "the session has no payment intent, so its money could not be given back"})
	}
	if s.PaymentIntent != "" && s.Payment.Amount != a.Total {
		problems = append(problems,
			Problem{Code: PaymentMismatch,
				Detail: fmt.Sprintf("the payment is over %s, the total is %s", s.money(s.Payment.Amount),
					s.money(a.Total))})
	}
	return problems
}

func (s Summary) money(amount int64) string { return Money(amount, s.Currency) }

// Contradictions are what the session says of itself that does not go together. Without a payment there is nothing to
// capture or give back, so goods for such an order would leave for nothing.
func (s Summary) Contradictions() (problems []Problem) {
	if s.Mode != "" && s.Mode != PaymentMode {
		problems = append(problems,
			Problem{Code: ModeUnsupported,
				Detail: fmt.Sprintf("the session's mode is %.20q, not payment: Vitrine fulfils what is paid for once",
					s.Mode)})
	}
	if s.Payment.State == NoPaymentRequired && s.Amounts.Total > 0 {
		problems = append(problems,
			Problem{Code: PaymentMismatch,
				Detail: "Stripe says that nothing is to pay, and the total is " + s.money(s.Amounts.Total)})
	}
	if s.PaymentIntent != "" {
		problems = append(problems, s.contradictionsOfPayment()...)
	}
	return problems
}

// contradictionsOfPayment are why a payment is not the one for the session: the number alone may agree with the total.
func (s Summary) contradictionsOfPayment() (problems []Problem) {
	p := s.Payment
	if p.Currency != "" && p.Currency != s.Currency {
		problems = append(problems,
			Problem{Code: PaymentMismatch,
				Detail: fmt.Sprintf("the currency of the payment is %.20q, that of the session %.20q", p.Currency,
					s.Currency)})
	}
	if p.State == Paid && p.Captured < p.Amount {
		problems = append(problems,
			Problem{Code: PaymentMismatch,
				Detail: fmt.Sprintf("only %s of %s was captured, by somebody else", s.money(p.Captured),
					s.money(p.Amount))})
	}
	return problems
}

func (a Amounts) sane() bool { return sane(a.Subtotal, a.Discount, a.Shipping, a.Tax, a.Total) }

func sane(amounts ...int64) bool {
	for _, amount := range amounts {
		if amount < 0 || amount > maxAmount {
			return false
		}
	}
	return true
}

// Unreferenced returns a problem for every line that names no row of a feed: what is bought without an agent may be
// sold without a catalog.
func (s Summary) Unreferenced() (problems []Problem) {
	for i, line := range s.Lines {
		if line.SKU == "" {
			problems = append(problems,
				Problem{Code: ReferenceMissing, Detail: fmt.Sprintf("line %d has no external reference", i+1)})
		}
	}
	return problems
}

// Describe puts problems into one line; an order with hundreds of them needs a person anyway.
func Describe(problems []Problem) string {
	const most = 5
	var texts []string
	for _, p := range problems[:min(len(problems), most)] {
		texts = append(texts, p.String())
	}
	if more := len(problems) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}
