package order

// State is where an order stands, as people see it: it is the value of the search attribute VitrineOrderState.
type State string

// The states of an order.
const (
	StateLoading        State = "loading"
	StateIgnored        State = "ignored"         // not an agent's, or the account has no orders fulfilled
	StateAwaitsPayment  State = "awaits_payment"  // a delayed payment method
	StateHeld           State = "held"            // a person has to look: cancel or retry
	StateSubmitting     State = "submitting"      // on its way to the merchant
	StateAwaitsMerchant State = "awaits_merchant" // the merchant will decide later
	StateAccepted       State = "accepted"        // and captured, if that was owed on acceptance
	StateShipped        State = "shipped"
	StateDelivered      State = "delivered"
	StateRejected       State = "rejected" // by the merchant; the money went back
	StateCanceled       State = "canceled"
	StateRefunded       State = "refunded" // in full
	StateDisputed       State = "disputed"
	StateDisputeLost    State = "dispute_lost" // the bank gave the money back to the buyer
	StateExpired        State = "expired"      // never paid
)

// States lists them.
func States() []State {
	return []State{
		StateLoading, StateIgnored, StateAwaitsPayment, StateHeld, StateSubmitting, StateAwaitsMerchant, StateAccepted,
		StateShipped,
		StateDelivered, StateRejected, StateCanceled, StateRefunded, StateDisputed, StateDisputeLost, StateExpired,
	}
}

// Waiting are those in which an order waits for somebody: its buyer, its merchant, a bank, or the platform.
func Waiting() []State {
	return []State{StateAwaitsPayment, StateHeld, StateSubmitting, StateAwaitsMerchant, StateAccepted, StateDisputed}
}

// Step is what is to be done next for an order. A Record keeps it by these names.
type Step string

// The steps of an order.
const (
	StepLoad         Step = ""               // read it from Stripe
	StepAwaitPayment Step = "await_payment"  // wait for a delayed payment method
	StepCheck        Step = "check"          // does it add up, and is it about known products?
	StepSubmit       Step = "submit"         // hand it to the merchant
	StepDecide       Step = "await_merchant" // wait for a merchant who left it pending
	StepAccept       Step = "accept"         // make the money agree with what the merchant took
	StepReturn       Step = "return_money"   // undo the payment of an order that is off
	StepWatch        Step = "watch"          // parcels, refunds and disputes, until it is settled
	StepHeld         Step = "held"           // wait for a person
	StepEnd          Step = "end"            // nothing more is expected of it
)
