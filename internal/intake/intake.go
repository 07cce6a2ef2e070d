package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/workflows"
)

// Outcome is what became of an event.
type Outcome string

const (
	// Delivered means that the order's workflow has the event, for good. The workflow drops one that it had already.
	Delivered Outcome = "delivered"
	// NotAnOrder means that the event is about a payment without a checkout session.
	NotAnOrder Outcome = "not_an_order"
	// UnknownAccount means that the account has no settings for orders, or that the event is the platform's own.
	UnknownAccount Outcome = "unknown_account"
	// NotBegun means that the event is about the end of a session that no order has begun for: nothing was paid.
	NotBegun Outcome = "not_begun"
	// Noticed means that the event is about an agreement with an agent, or an account that may take charges. It is
	// counted: whoever wants to know more asks Stripe, so nothing is kept that could be out of date.
	Noticed Outcome = "noticed"
	// Parking means that the account has disconnected: a workflow parks it.
	Parking Outcome = "parking"
	// ChargesDisabled means that Stripe lets the account take no charges any more: no agent can pay it.
	ChargesDisabled Outcome = "charges_disabled"
	// Heard means that the event told a run of the end of the import that it waits for.
	Heard Outcome = "heard"
	// NotAwaited means that the event is about an import that no run waits for, or not any more. With an error, nobody
	// knows: the run looks itself.
	NotAwaited Outcome = "not_awaited"
	// Undeliverable comes with an error that no repetition heals: Stripe does not let this key see the account's
	// sessions, or an id is none that this version knows.
	Undeliverable Outcome = "undeliverable"
)

// EventTypes are the types of all events that are delivered.
func EventTypes() []string {
	return slices.Concat(order.EventTypes(), AccountEventTypes(), AgreementEventTypes(), importEventTypes())
}

func importEventTypes() []string {
	return slices.Concat(ImportSetEventTypes(), CatalogImportEventTypes())
}

const (
	deauthorized = "account.application.deauthorized"
	updated      = "account.updated"
)

// AccountEventTypes are those that are about accounts themselves.
func AccountEventTypes() []string { return []string{deauthorized, updated} }

// AgreementEventTypes are those that are about accounts' agreements with agents; they come as thin events alone.
func AgreementEventTypes() []string {
	const agreement = "v2.orchestrated_commerce.agreement."
	return []string{agreement + "created", agreement + "partially_confirmed", agreement + "confirmed",
		agreement + "terminated"}
}

// Intake delivers events. It is safe for concurrent use.
type Intake struct {
	Temporal client.Client
	// Namespace is that of Temporal; only Importing needs it.
	Namespace string
	// Known reports whether the account has settings for orders.
	Known func(ctx context.Context, account string) (bool, error)
	// Ours reports whether the account has settings of any kind; nil: no event about accounts comes here.
	Ours func(ctx context.Context, account string) (bool, error)
	// SessionOf finds the checkout session of a payment; empty: it has none.
	SessionOf func(ctx context.Context, account, paymentIntent string) (string, error)
	// Importing finds the run that waits for an import of the account; nil: no event about imports comes here.
	Importing func(ctx context.Context, account, importID string) (run catalog.Run, waits bool, err error)
}

const (
	// An account that is added, or a payment whose session was not found, is looked up again after this long.
	rememberFor = time.Minute
	rememberMax = 10_000
)

// Remembering is the intake with the answers of Known and SessionOf kept for a minute: one purchase makes half a dozen
// events within seconds.
func (i Intake) Remembering() Intake {
	find := i.SessionOf
	known := newMemory(i.Known)
	if i.Ours != nil {
		i.Ours = newMemory(i.Ours).get
	}
	sessions := newMemory(func(ctx context.Context, p payment) (string, error) {
		return find(ctx, p.account, p.intent)
	})
	i.Known = known.get
	i.SessionOf = func(ctx context.Context, account, intent string) (string, error) {
		return sessions.get(ctx, payment{account, intent})
	}
	return i
}

type payment struct{ account, intent string }

// Deliver gives the event to the workflow of its order, which starts if it is the first. An outcome is final; after an
// error without one, deliver the event again.
func (i Intake) Deliver(ctx context.Context, e order.Event) (Outcome, error) {
	if err := order.CheckEvent(e.ID); err != nil {
		return Undeliverable, err
	}
	if slices.Contains(AgreementEventTypes(), e.Type) {
		return Noticed, nil
	}
	if e.Account == "" {
		return UnknownAccount, nil
	}
	if slices.Contains(AccountEventTypes(), e.Type) {
		return i.aboutAccount(ctx, e)
	}
	if slices.Contains(importEventTypes(), e.Type) {
		return i.aboutImport(ctx, e)
	}
	known, err := i.Known(ctx, e.Account)
	switch {
	case err != nil:
		return "", fmt.Errorf("look for the settings of %s: %w", e.Account, err)
	case !known:
		return UnknownAccount, nil
	}
	session, err := i.session(ctx, e)
	switch {
	case err != nil:
		return hopeless(err), fmt.Errorf("find the order of %s: %w", e.ID, err)
	case session == "" && e.Unrecognised():
		return Undeliverable, fault.NewPermanent(fault.InputInvalid, fmt.Errorf(
			"%s of type %s names its object by an id that this version of Vitrine does not know: if an order is "+
				"missing, look at the event at Stripe", e.ID, e.Type))
	case session == "":
		return NotAnOrder, nil
	}
	return i.signal(ctx, order.ID{Account: e.Account, Session: session}, e)
}

// session does not wait for the session's own event: refunds and payments may be heard of first.
func (i Intake) session(ctx context.Context, e order.Event) (string, error) {
	if e.Session != "" || e.PaymentIntent == "" {
		return e.Session, nil
	}
	return i.SessionOf(ctx, e.Account, e.PaymentIntent)
}

// hopeless is Undeliverable if Stripe will refuse the same question again. A key that it does not know is not: that is
// a mistake of the deployment, which stops everything and is soon corrected.
func hopeless(err error) Outcome {
	if f, ok := fault.Of(err); ok && f.Kind == fault.Permanent && f.Code != fault.StripeUnauthorized {
		return Undeliverable
	}
	return ""
}

func (i Intake) signal(ctx context.Context, id order.ID, e order.Event) (Outcome, error) {
	if err := id.Check(); err != nil {
		return Undeliverable, err
	}
	err := i.give(ctx, id, e)
	switch {
	case errors.As(err, new(*serviceerror.NotFound)) && !e.Begins():
		return NotBegun, nil
	case err != nil:
		return "", fmt.Errorf("signal %s: %w", id, err)
	}
	return Delivered, nil
}

// give starts nothing for carts that were abandoned: a platform has many of them, and each would cost a run.
func (i Intake) give(ctx context.Context, id order.ID, e order.Event) error {
	if !e.Begins() {
		return i.Temporal.SignalWorkflow(ctx, id.String(), "", signalOf(e), e)
	}
	in := workflows.OrderInput{Account: id.Account, Session: id.Session}
	_, err := i.Temporal.SignalWithStartWorkflow(ctx, id.String(), signalOf(e), e, startOptions(in),
		workflows.OrderFulfillmentType, in)
	return err
}

// signalOf names the signal after the event's type, which is what the Web UI shows of it. A type that no workflow
// listens to by name comes as an event like any other.
func signalOf(e order.Event) string {
	if slices.Contains(order.EventTypes(), e.Type) {
		return e.Type
	}
	return workflows.SignalEvent
}

// startOptions let news of an order that is over begin another run, whether the server remembers the first or not: a
// payment that arrives after all, a dispute months later. The run goes on from the order's record in the state bucket,
// so nothing is fulfilled twice.
func startOptions(in workflows.OrderInput) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       in.ID().String(),
		TaskQueue:                workflows.TaskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            in.Summary(),
		Priority:                 workflows.OrderPriority(in.Account),
		TypedSearchAttributes:    in.SearchAttributes(),
	}
}
