package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// till is Stripe as far as an order's money goes: it keeps the books, and fails as scripted.
type till struct {
	mu       sync.Mutex
	session  order.Session
	refunds  []order.Refund
	disputes map[string]order.Dispute
	calls    []string           // step and key or id, in order
	errors   map[string][]error // by step, one for each call
	sent     []string           // evidence, by dispute
	fee      *int64             // of the capture, as it was asked for
	feeBack  bool
}

// errAnswerLost comes when Stripe has done what it was asked.
var errAnswerLost = fault.NewPlain(fault.StripeUnavailable, errors.New("the answer was lost"))

func (f *till) next(step, what string) error {
	f.calls = append(f.calls, strings.TrimSpace(step+" "+what))
	if scripted := f.errors[step]; len(scripted) > 0 {
		f.errors[step] = scripted[1:]
		return scripted[0]
	}
	return nil
}

func (f *till) Session(context.Context, string, string) (order.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.session
	s.Summary.Payment = f.payment()
	return s, f.next("session", "")
}

func (f *till) Payment(context.Context, string, string) (order.Payment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.payment(), f.next("payment", "")
}

// payment counts what a partial capture released as refunded, like a charge's amount_refunded.
func (f *till) payment() order.Payment {
	p := f.session.Summary.Payment
	if p.State == order.Paid {
		p.Refunded += p.Amount - p.Captured
	}
	return p
}

func (f *till) Capture(
	_ context.Context, _, _ string, amount int64, fee *int64, key string,
) (order.Payment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &f.session.Summary.Payment
	if err := f.next("capture", fmt.Sprint(amount, " ", key)); err != nil {
		return *p, err
	}
	f.fee = fee
	if p.State == order.Canceled {
		return *p, fault.NewPermanent(fault.AuthorizationExpired, errors.New("pi_1 cannot be captured any more"))
	}
	if p.State == order.RequiresCapture {
		if amount == 0 {
			amount = p.Amount
		}
		*p = order.Payment{State: order.Paid, Amount: p.Amount, Captured: amount}
	}
	return f.payment(), nil
}

func (f *till) Cancel(_ context.Context, _, _, key string) (order.Payment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &f.session.Summary.Payment
	if err := f.next("cancel", key); err != nil {
		return *p, err
	}
	if p.State == order.Paid {
		return *p, fault.NewPermanent(fault.PaymentConflict, errors.New("pi_1 is captured"))
	}
	*p = order.Payment{State: order.Canceled, Amount: p.Amount}
	return *p, nil
}

func (f *till) Refund(
	_ context.Context, _, _ string, amount int64, feeBack bool, key string, spent ...string,
) (order.Refund, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.next("refund", fmt.Sprint(amount, " ", key))
	if err != nil && !errors.Is(err, errAnswerLost) {
		return order.Refund{}, err
	}
	ours := func(r order.Refund) bool { return r.Key == key || slices.Contains(spent, r.Key) && !r.Failed() }
	if i := slices.IndexFunc(f.refunds, ours); i >= 0 {
		if found := f.refunds[i]; amount > 0 && found.Amount != amount && !found.Failed() {
			return order.Refund{}, fault.NewPermanent(fault.PaymentConflict, errors.New("of another amount"))
		}
		return f.refunds[i], err
	}
	f.feeBack = feeBack
	return f.giveBack(amount, key), err
}

// fails lets a refund come back.
func (f *till) fails(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refunds[i].Status = "failed"
	f.session.Summary.Payment.Refunded -= f.refunds[i].Amount
}

// giveBack is a refund; without a key somebody else made it.
func (f *till) giveBack(amount int64, key string) order.Refund {
	p := &f.session.Summary.Payment
	if amount == 0 {
		amount = p.Captured - p.Refunded
	}
	p.Refunded += amount
	r := order.Refund{ID: fmt.Sprintf("re_%d", len(f.refunds)+1), Amount: amount, Currency: "usd", Status: "succeeded",
		Key: key}
	f.refunds = append([]order.Refund{r}, f.refunds...)
	return r
}

func (f *till) Refunds(context.Context, string, string) ([]order.Refund, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.refunds), f.next("refunds", "")
}

func (f *till) Dispute(_ context.Context, _, id string) (order.Dispute, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.disputes[id], f.next("dispute", id)
}

func (f *till) SubmitEvidence(
	_ context.Context, _, id string, e order.Evidence, _ bool, key string,
) (order.Dispute, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.next("evidence", key); err != nil {
		return order.Dispute{}, err
	}
	f.sent = append(f.sent, e.CustomerName)
	d := f.disputes[id]
	d.Status, d.Submissions = "under_review", d.Submissions+1
	f.disputes[id] = d
	return d, nil
}

func (f *till) count(step string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c == step || strings.HasPrefix(c, step+" ") {
			n++
		}
	}
	return n
}

func (f *till) pay(change func(*order.Payment)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.session.Summary.Payment)
}

func (f *till) dispute(d order.Dispute) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d.PaymentIntent = "pi_1"
	f.disputes[d.ID] = d
}

// shop is the merchant, and the buyer's letter box.
type shop struct {
	mu        sync.Mutex
	answers   []order.Decision // to submissions, the last one for ever
	errors    map[string][]error
	down      bool
	submitted []order.Document
	notices   []order.Notice
	letters   []order.Decision
}

func (f *shop) fail(step string) error {
	if f.down {
		// The test environment tries ten times, so the pauses must be long for an outage of days.
		return fault.NewThrottled(fault.MerchantUnavailable, 11*time.Hour, errors.New("no answer"))
	}
	if scripted := f.errors[step]; len(scripted) > 0 {
		f.errors[step] = scripted[1:]
		return scripted[0]
	}
	return nil
}

func (f *shop) Submit(_ context.Context, _ order.Fulfillment, doc order.Document) (order.Decision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail("submit"); err != nil {
		return order.Decision{}, err
	}
	f.submitted = append(f.submitted, doc)
	answer := f.answers[0]
	if len(f.answers) > 1 {
		f.answers = f.answers[1:]
	}
	return answer, nil
}

func (f *shop) Notify(_ context.Context, _ order.Fulfillment, n order.Notice) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail("notify"); err != nil {
		return err
	}
	f.notices = append(f.notices, n)
	return nil
}

func (f *shop) Send(
	_ context.Context, kind order.MailKind, _ order.Mail, s order.Session, d order.Decision,
) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail("mail"); err != nil {
		return false, err
	}
	if s.Buyer.Email == "" || (kind == order.RejectionMail) != (d.Status == order.Rejected) {
		return false, errors.New("to whom, and what?")
	}
	f.letters = append(f.letters, d)
	return true, nil
}

// told are the kinds of notices, in order.
func (f *shop) told() (kinds []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.notices {
		kinds = append(kinds, string(n.Kind))
	}
	slices.Sort(kinds)
	return kinds
}
