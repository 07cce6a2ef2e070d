package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// listener is where an order listens. What comes in only changes what is remembered: the steps act on it.
type listener struct {
	life     *order.Lifecycle
	asked    []*request
	canceled *request      // the one that called the order off, until the money is back
	byType   bool          // events under their types are heard
	missed   []order.Event // those that came under their types before
}

// request is what somebody asked for by an update. The handler notes it and waits; a step carries it out.
type request struct {
	update  string
	command OrderCommand
	refund  OrderRefund

	done bool
	err  error
}

func (q *request) reason() string {
	return fmt.Sprintf("%s by %s: %s", q.update, q.command.By, q.command.Why)
}

func (q *request) answer(err error) { q.done, q.err = true, err }

// listen takes everything in that an order listens to.
func (l *listener) listen(ctx workflow.Context) error {
	workflow.Go(ctx, l.receive)
	return errors.Join(
		workflow.SetQueryHandler(ctx, QueryOrder, func() (OrderView, error) { return viewOf(l.life), nil }),
		l.handleShip(ctx),
		l.handleDecide(ctx),
		l.handleCommand(ctx, UpdateCancel, l.life.AdmitCancel, "Call the order off: no goods, money back."),
		l.handleCommand(ctx, UpdateRetry, l.life.AdmitRetry, "Go on with an order that is held."),
		l.handleCommand(ctx, UpdateEvidence, l.life.AdmitEvidence,
			"Submit the evidence against the open dispute to the bank, which takes it once."),
		l.handleRefund(ctx),
	)
}

// receive takes signals, in the order in which they come.
func (l *listener) receive(ctx workflow.Context) {
	s := workflow.NewSelector(ctx)
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalEvent), func(c workflow.ReceiveChannel, _ bool) {
		var e order.Event
		c.Receive(ctx, &e)
		l.life.NoteEvent(e, workflow.Now(ctx))
	})
	for _, name := range order.EventTypes() {
		s.AddReceive(workflow.GetSignalChannel(ctx, name), func(c workflow.ReceiveChannel, _ bool) {
			var e order.Event
			c.Receive(ctx, &e)
			l.noteByType(ctx, e)
		})
	}
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalDecision), func(c workflow.ReceiveChannel, _ bool) {
		var decision order.Decision
		c.Receive(ctx, &decision)
		l.noteDecision(ctx, decision)
	})
	s.AddReceive(workflow.GetSignalChannel(ctx, SignalShipment), func(c workflow.ReceiveChannel, _ bool) {
		var p order.Shipment
		c.Receive(ctx, &p)
		l.noteShipment(ctx, p)
	})
	for {
		s.Select(ctx)
	}
}

// noteByType notes an event that came under its type. Workers of before did not listen to those, and may have had the
// order when some came: these stay unheard, as they were, until the first one that came to a worker that listens.
func (l *listener) noteByType(ctx workflow.Context, e order.Event) {
	if !l.byType {
		change := "events-by-type/" + strconv.Itoa(len(l.missed))
		if workflow.GetVersion(ctx, change, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			l.missed = append(l.missed, e)
			return
		}
		l.byType = true
		for _, missed := range l.missed {
			l.life.NoteEvent(missed, workflow.Now(ctx))
		}
		l.missed = nil
	}
	l.life.NoteEvent(e, workflow.Now(ctx))
}

func (l *listener) noteDecision(ctx workflow.Context, decision order.Decision) {
	if err := l.life.AdmitDecision(decision); err != nil {
		l.passOver(ctx, "decision", err)
		return
	}
	l.life.NoteDecision(decision, workflow.Now(ctx))
}

func (l *listener) noteShipment(ctx workflow.Context, p order.Shipment) {
	err := l.life.AdmitShipment(p)
	beside := l.life.AdmitContents(p, workflow.Now(ctx))
	if err == nil && beside != nil && workflow.GetVersion(ctx, "parcels-counted", workflow.DefaultVersion, 1) == 1 {
		err = beside
	}
	if err != nil {
		l.passOver(ctx, "shipment", err)
		return
	}
	l.life.NoteShipment(p, workflow.Now(ctx))
}

// passOver keeps what a signal brought and cannot be taken: nobody waits for an answer to it.
func (l *listener) passOver(ctx workflow.Context, what string, why error) {
	workflow.GetLogger(ctx).Warn("a "+what+" is passed over", "error", why)
	l.life.PassOver(what, why, workflow.Now(ctx))
}

func (l *listener) handleShip(ctx workflow.Context) error {
	ship := func(ctx workflow.Context, p order.Shipment) (OrderView, error) {
		l.life.NoteShipment(p, workflow.Now(ctx))
		return viewOf(l.life), nil
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateShip, ship, workflow.UpdateHandlerOptions{
		Validator: func(ctx workflow.Context, p order.Shipment) error {
			if err := l.life.AdmitNews(); err != nil {
				return refusing(err)
			}
			if err := l.life.AdmitShipment(p); err != nil {
				return refusing(err)
			}
			return refusing(l.life.AdmitContents(p, workflow.Now(ctx)))
		}, Description: "Add a parcel, or what is new of it.",
	})
}

func (l *listener) handleDecide(ctx workflow.Context) error {
	decide := func(ctx workflow.Context, decision MerchantDecision) (OrderView, error) {
		l.life.NoteDecision(decision.Decision, workflow.Now(ctx))
		return viewOf(l.life), nil
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateDecide, decide, workflow.UpdateHandlerOptions{
		Validator: func(decision MerchantDecision) error {
			if err := l.life.AdmitNews(); err != nil {
				return refusing(err)
			}
			if err := l.life.AdmitDecision(decision.Decision); err != nil {
				return refusing(err)
			}
			return refusing(l.life.AdmitBesideParcels(decision.Decision))
		}, Description: "Take the decision of a merchant who left the order pending.",
	})
}

func (l *listener) handleCommand(ctx workflow.Context, update string, admit func() error, description string) error {
	handle := func(ctx workflow.Context, c OrderCommand) (OrderView, error) {
		return l.ask(ctx, &request{update: update, command: c})
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, update, handle, workflow.UpdateHandlerOptions{
		Validator: func(c OrderCommand) error {
			if err := l.life.AdmitNews(); err != nil {
				return refusing(err)
			}
			return refusing(errors.Join(c.check(), admit()))
		}, Description: description,
	})
}

func (l *listener) handleRefund(ctx workflow.Context) error {
	handle := func(ctx workflow.Context, in OrderRefund) (OrderView, error) {
		return l.ask(ctx, &request{update: UpdateRefund, command: in.OrderCommand, refund: in})
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateRefund, handle, workflow.UpdateHandlerOptions{
		Validator: func(in OrderRefund) error { return refusing(l.admitRefund(in)) },
		Description: "Give money back; without an amount, all that is left. " +
			"The same amount for the same reason is the same refund.",
	})
}

func (l *listener) admitRefund(in OrderRefund) error {
	if err := in.OrderCommand.check(); err != nil {
		return err
	}
	return l.life.AdmitRefund(in.request())
}

// ask notes a request and waits until it is carried out.
func (l *listener) ask(ctx workflow.Context, q *request) (OrderView, error) {
	l.life.Asked(workflow.Now(ctx))
	l.asked = append(l.asked, q)
	if err := workflow.Await(ctx, func() bool { return q.done }); err != nil {
		return viewOf(l.life), err
	}
	return viewOf(l.life), q.err
}

// waiting reports whether somebody waits for a step to do what they asked for.
func (l *listener) waiting() bool { return len(l.asked) > 0 }

// canceling reports whether one of them wants the order called off.
func (l *listener) canceling() bool {
	return slices.ContainsFunc(l.asked, func(q *request) bool { return q.update == UpdateCancel })
}

// requests are those that wait, as of now.
func (l *listener) requests() []*request { return slices.Clone(l.asked) }

// admit takes a request off the list, and looks once more whether the order takes it: things may have changed since it
// was asked.
func (l *listener) admit(q *request) error {
	l.asked = slices.DeleteFunc(l.asked, func(other *request) bool { return other == q })
	switch q.update {
	case UpdateCancel:
		return l.life.AdmitCancel()
	case UpdateRetry:
		return l.life.AdmitRetry()
	case UpdateEvidence:
		return l.life.AdmitEvidence()
	}
	return l.admitRefund(q.refund)
}

// answerCancel answers whoever called the order off, once the money is back, or cannot be given back.
func (l *listener) answerCancel() {
	q, step := l.canceled, l.life.Step()
	if q == nil || step == order.StepReturn {
		return
	}
	l.canceled = nil
	if step == order.StepHeld {
		text := "the order is off, but its money could not be given back: " + l.life.Record().Reason
		q.answer(temporal.NewNonRetryableApplicationError(text, string(fault.PaymentConflict), nil))
		return
	}
	q.answer(nil)
}

// refuse answers whoever still waits for something.
func (l *listener) refuse() {
	for _, q := range l.asked {
		q.answer(l.life.AdmitNews())
	}
	l.asked = nil
}

// refusing gives a validator's error its code, which whoever asks can tell cases apart by.
func refusing(err error) error {
	if f, known := fault.Of(err); known {
		return temporal.NewNonRetryableApplicationError(err.Error(), string(f.Code), nil)
	}
	return err
}

// whyNot is why something could not be done, with its code, be it an activity's error or the order's own.
func whyNot(err error) (reason string, code fault.Code) {
	reason, code = explain(err)
	if f, known := fault.Of(err); known {
		code = f.Code
	}
	return reason, code
}

// MaxCommandText is how long each of By and Why may be, in bytes.
const MaxCommandText = 200

func (c OrderCommand) check() error {
	absent := strings.TrimSpace(c.By) == "" || strings.TrimSpace(c.Why) == ""
	if !absent && len(c.By) <= MaxCommandText && len(c.Why) <= MaxCommandText {
		return nil
	}
	const text = "both by (who decides) and why are needed, at most %d bytes each: they are recorded"
	return fault.NewPermanent(fault.InputInvalid, fmt.Errorf(text, MaxCommandText))
}
