package stripesim

import (
	"time"

	"vitrine/internal/simcontrol"
)

// ledger is what agents bought and paid. Each list is in the order of creation.
type ledger struct {
	sessions []*session
	payments map[string]*payment // by the id of the payment intent
	charges  map[string]*payment // by the id of the charge
}

func newLedger() *ledger {
	return &ledger{payments: map[string]*payment{}, charges: map[string]*payment{}}
}

// The statuses of sessions, payment intents, charges, refunds and disputes.
const (
	statusOpen            = "open"
	statusComplete        = "complete"
	statusExpired         = "expired"
	statusPaid            = "paid"
	statusUnpaid          = "unpaid"
	statusRequiresCapture = "requires_capture"
	statusRequiresMethod  = "requires_payment_method"
	statusCanceled        = "canceled"
	statusNeedsResponse   = "needs_response"
	statusUnderReview     = "under_review"
	statusWon             = "won"
	statusLost            = "lost"
)

const (
	captureAutomatic = "automatic"
	captureManual    = "manual"
)

// session is a checkout session that an agent went through.
type session struct {
	id            string
	account       string
	created       time.Time
	expires       time.Time
	status        string
	paymentStatus string
	cart          cart
	buyer         simcontrol.Buyer
	agent         simcontrol.Agent
	plain         bool // not an agent's
	metadata      map[string]string
	payment       *payment // nil until the agent pays
}

// payment is a payment intent and its only charge.
type payment struct {
	intent, charge  string
	session         *session
	created         time.Time
	amount          int64
	currency        string
	method          string // card or us_bank_account
	captureMethod   string
	status          string    // of the intent
	authorizedUntil time.Time // of an authorization that waits for its capture
	canceled        time.Time
	canceledBecause string
	fee             int64 // the platform's; 0 for none
	chargeStatus    string
	captured        bool
	amountCaptured  int64
	released        int64 // what was authorized and given back uncaptured; Stripe counts it as refunded
	metadata        map[string]string
	refunds         []*refund
	dispute         *dispute // the newest one
}

// refunded is what refunds took from the capture; those that failed took nothing.
func (p *payment) refunded() (sum int64) {
	for _, r := range p.refunds {
		if r.status != statusFailed {
			sum += r.amount
		}
	}
	return sum
}

func (p *payment) account() string { return p.session.account }

type refund struct {
	id       string
	payment  *payment
	created  time.Time
	amount   int64
	reason   string
	status   string
	failed   string // why
	metadata map[string]string
}

type dispute struct {
	id          string
	payment     *payment
	created     time.Time
	due         time.Time
	amount      int64
	reason      string
	status      string
	evidence    map[string]string
	submissions int
	metadata    map[string]string
}

func (d *dispute) closed() bool { return d.status == statusWon || d.status == statusLost }

// findSession finds a session by its id or its payment intent's, in any account: the control API looks into all.
func (l *ledger) findSession(id string) *session {
	for _, s := range l.sessions {
		if s.id == id || (s.payment != nil && s.payment.intent == id) {
			return s
		}
	}
	return nil
}

// ownSession finds a session of an account.
func (l *ledger) ownSession(account, id string) *session {
	if s := l.findSession(id); s != nil && s.account == account && s.id == id {
		return s
	}
	return nil
}

// ownPayment finds a payment of an account by the id of its intent or its charge.
func ownPayment(by map[string]*payment, account, id string) *payment {
	if p, found := by[id]; found && p.account() == account {
		return p
	}
	return nil
}
