package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"vitrine/internal/order"
	"vitrine/internal/strictjson"
)

// OrderFulfillmentType is the workflow type of OrderFulfillment, as the CLIs spell it.
const OrderFulfillmentType = "OrderFulfillment"

// OrderSweepType is the workflow type of OrderSweep.
const OrderSweepType = "OrderSweep"

// OrderInput starts an OrderFulfillment; whoever starts it signals an event or starts it with one.
type OrderInput struct {
	Account string `json:"account"` // the connected account, acct_…
	Session string `json:"session"` // the checkout session, cs_…

	// Record is what an earlier run of the same order hands on; nobody else sets it.
	Record *order.Record `json:"record,omitempty"`
}

// ID names the order that the input is about.
func (in OrderInput) ID() order.ID { return order.ID{Account: in.Account, Session: in.Session} }

// Summary is the one line that the Web UI shows for an order.
func (in OrderInput) Summary() string { return "Fulfil the order " + in.Session + " of " + in.Account }

// SearchAttributes are what an order bears from its start; setting them there costs nothing.
func (in OrderInput) SearchAttributes() temporal.SearchAttributes {
	loading := SearchOrderState.ValueSet(string(order.StateLoading))
	return temporal.NewSearchAttributes(SearchAccount.ValueSet(in.Account), loading)
}

// What an order listens to. Signals are facts that nobody waits for; updates answer.
const (
	// SignalEvent brings an event of Stripe's (order.Event); the same event id again changes nothing. Signals that are
	// named after the type of their event (order.EventTypes) bring the same, and say in the Web UI which.
	SignalEvent = "event"
	// SignalDecision brings the decision of a merchant who left the order pending (order.Decision).
	SignalDecision = "decision"
	// SignalShipment brings news of a parcel (order.Shipment); the same shipment id again is the same parcel.
	SignalShipment = "shipment"

	UpdateShip     = "ship"     // order.Shipment
	UpdateDecide   = "decide"   // MerchantDecision: what a merchant says who left the order pending
	UpdateCancel   = "cancel"   // OrderCommand: no goods, money back
	UpdateRefund   = "refund"   // OrderRefund
	UpdateRetry    = "retry"    // OrderCommand: go on with an order that is held, or whose step failed for good
	UpdateEvidence = "evidence" // OrderCommand: submit the evidence against the open dispute

	// QueryOrder answers with an OrderView.
	QueryOrder = "order"
)

// The updates answer with the OrderView as it is once they are carried out.

// OrderCommand is what a person has done to an order.
type OrderCommand struct {
	By  string `json:"by"`  // who decides, as they say themselves
	Why string `json:"why"` // in their words; never about the buyer
}

// OrderRefund is a refund that a person asks for. The same amount for the same reason is the same refund, whoever asks
// and how often; another one that is alike on purpose has an ID.
type OrderRefund struct {
	OrderCommand
	Amount int64  `json:"amount,omitempty"` // in the smallest unit; 0: all that is left
	ID     string `json:"id,omitempty"`     // tells it from another refund of the same amount and reason
}

// UnmarshalJSON takes a mistyped amount for no amount of all, and an amount of 0 neither.
func (r *OrderRefund) UnmarshalJSON(body []byte) error {
	var in struct {
		OrderCommand
		Amount *int64 `json:"amount"`
		ID     string `json:"id"`
	}
	if err := strictjson.Decode(body, &in); err != nil {
		return err
	}
	*r = OrderRefund{OrderCommand: in.OrderCommand, ID: in.ID}
	if in.Amount != nil {
		if r.Amount = *in.Amount; r.Amount <= 0 {
			return errors.New("amount: expected at least 1, in the smallest unit of the currency; " +
				"without one it is all that is left")
		}
	}
	return nil
}

// Step names the refund by what it is; see OrderView.Made and OrderView.Spent.
func (r OrderRefund) Step() string { return r.request().Step() }

func (r OrderRefund) request() order.RefundRequest {
	return order.RefundRequest{Amount: r.Amount, Why: r.Why, ID: r.ID}
}

// MerchantDecision is the argument of UpdateDecide.
type MerchantDecision struct{ order.Decision }

// UnmarshalJSON reads what somebody may have written by hand as strictly as a merchant's answer.
func (d *MerchantDecision) UnmarshalJSON(body []byte) (err error) {
	d.Decision, err = order.DecodeDecision(body)
	return err
}

// OrderView is what QueryOrder shows; nothing in it is personal.
type OrderView struct {
	ID        order.ID         `json:"id"`
	State     order.State      `json:"state"`
	Reason    string           `json:"reason,omitempty"` // of a held, ignored, rejected or canceled order
	Since     time.Time        `json:"since,omitzero"`   // when it came into the state
	Summary   *order.Summary   `json:"summary,omitempty"`
	Decision  *order.Decision  `json:"decision,omitempty"`
	Shipments []order.Shipment `json:"shipments,omitempty"`
	Captured  int64            `json:"captured,omitempty"`
	Refunded  int64            `json:"refunded,omitempty"`
	Refunds   []order.Refund   `json:"refunds,omitempty"`
	Disputes  []order.Dispute  `json:"disputes,omitempty"`
	Events    int              `json:"events"` // of Stripe's, without repetitions

	// Spent are the refunds that persons asked for, by OrderRefund.Step, and how many keys of each were given up.
	Spent map[string]int `json:"spent,omitempty"`
	// RefundsOnce says that the worker makes the same refund once, whoever repeats it. Earlier ones do not say so.
	RefundsOnce bool `json:"refunds_once,omitempty"`

	PassedOver []string `json:"passed_over,omitempty"` // reports of the merchant's that did not fit, and why

	// Undelivered is what did not reach the merchant or the buyer, such as merchant: canceled.
	Undelivered []string `json:"undelivered,omitempty"`
}

// Made is the refund that was made of what is asked for; nil if none was, or none that holds.
func (v OrderView) Made(r OrderRefund) *order.Refund {
	return order.MadeBy(v.ID, r.Step(), v.Spent[r.Step()], v.Refunds)
}

// Search attributes of orders, beside SearchAccount. The amount is none: what can be searched is not encrypted.
var (
	SearchOrderState = temporal.NewSearchAttributeKeyKeyword("VitrineOrderState")
	SearchAgent      = temporal.NewSearchAttributeKeyKeyword("VitrineAgent")
)

// OrderPriority puts orders before catalogs, and gives every account its fair share of a busy queue.
func OrderPriority(account string) temporal.Priority {
	return temporal.Priority{PriorityKey: 2, FairnessKey: account}
}

// OrderSweepInput is the input of OrderSweep.
type OrderSweepInput struct {
	Accounts []string `json:"accounts,omitempty"` // empty: all that have orders fulfilled
	// Since has everything since then delivered once more: to orders that Temporal has lost. Zero: what is new alone.
	Since time.Time `json:"since,omitzero"`
	All   bool      `json:"all,omitempty"` // quiet accounts too that were swept within a day

	// After and Result are what a run hands on to the next batch of accounts.
	After  string           `json:"after,omitempty"`
	Result OrderSweepResult `json:"result,omitzero"`
}

// OrderSweepResult is what a sweep found.
type OrderSweepResult struct {
	Accounts  int      `json:"accounts"`
	Events    int      `json:"events"`
	Delivered int      `json:"delivered"`
	Failures  int      `json:"failures,omitempty"`
	Failed    []string `json:"failed,omitempty"` // the first accounts that could not be swept
	Gaps      int      `json:"gaps,omitempty"`   // accounts that were last swept longer ago than Stripe keeps events
	Unread    int      `json:"unread,omitempty"` // events that could not be read
	Parked    int      `json:"parked,omitempty"` // accounts that are parked, and were not swept
	Rested    int      `json:"rested,omitempty"` // quiet accounts that were swept within a day
}
