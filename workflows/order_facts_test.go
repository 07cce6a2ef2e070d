package workflows_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/workflows"
)

// gives is a refund that somebody asks for.
func gives(by string, amount int64, why, id string) workflows.OrderRefund {
	return workflows.OrderRefund{OrderCommand: workflows.OrderCommand{By: by, Why: why}, Amount: amount, ID: id}
}

// refusals are answers that nothing came of, and that Stripe repeats under the same key for a day.
var refusals = []fault.Code{
	fault.StripeRejected, fault.StripeForbidden, fault.StripeUnauthorized, fault.PaymentConflict,
}

func TestTheSameRefundIsMadeOnceWhoeverAsks(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	var replies [6]reply
	view := s.ends(order.StateAccepted,
		s.asks(day, workflows.UpdateRefund, gives("ada@host-1", 500, "one was broken", ""), &replies[0]),
		s.asks(day, workflows.UpdateRefund, gives("ada@host-2", 500, "one was broken", ""), &replies[1]),
		s.asks(2*day, workflows.UpdateRefund, gives("bob@host-3", 500, "  One was   BROKEN ", ""), &replies[2]),
		s.asks(3*day, workflows.UpdateRefund, gives("bob@host-3", 500, "one was broken", "the second lamp"),
			&replies[3]),
		s.asks(4*day, workflows.UpdateRefund, gives("ada@host-1", 500, "another was broken", ""), &replies[4]),
		s.asks(5*day, workflows.UpdateRefund, gives("ada@host-9", 500, "one was broken", "the second lamp"),
			&replies[5]))
	for _, r := range replies {
		require.NoError(t, errors.Join(r.refused, r.failed))
	}
	require.Len(t, view.Refunds, 3)
	require.Equal(t, 3, s.stripe.count("refund"))
	require.Equal(t, view.Refunds[2].ID, view.Made(gives("somebody", 500, "one was broken", "")).ID)
	require.Nil(t, view.Made(gives("somebody", 501, "one was broken", "")))
	s.requireMoney(3700, 1500)
}

// What is left may be less than what was given back once: the question is still the same.
func TestARepetitionIsAnsweredWhenNothingIsLeft(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	var replies [4]reply
	s.ends(order.StateRefunded,
		s.asks(day, workflows.UpdateRefund, gives("ada", 3000, "late", ""), &replies[0]),
		s.asks(2*day, workflows.UpdateRefund, gives("bob", 0, "all of it", ""), &replies[1]),
		s.asks(3*day, workflows.UpdateRefund, gives("eve", 3000, "late", ""), &replies[2]),
		s.asks(4*day, workflows.UpdateRefund, gives("eve", 0, "all of it", ""), &replies[3]))
	for _, r := range replies {
		require.NoError(t, errors.Join(r.refused, r.failed))
	}
	require.Equal(t, 2, s.stripe.count("refund"))
	s.requireMoney(3700, 3700)
}

func TestARefundThatWasRefusedIsAskedForAgainUnderAnotherKey(t *testing.T) {
	t.Parallel()
	for _, code := range refusals {
		s := newOrderStage(t, order.Paid)
		s.stripe.errors["refund"] = permanently(code)
		var refused, made, again reply
		view := s.ends(order.StateAccepted,
			s.asks(day, workflows.UpdateRefund, gives("ada", 500, "broken", ""), &refused),
			s.asks(2*day, workflows.UpdateRefund, gives("bob", 500, "broken", ""), &made),
			s.asks(3*day, workflows.UpdateRefund, gives("eve", 500, "broken", ""), &again))
		require.ErrorContains(t, refused.failed, string(code))
		require.NoError(t, errors.Join(made.refused, made.failed, again.refused, again.failed))
		require.Equal(t, 2, s.stripe.count("refund"), "asked twice, made once")
		keys := s.keys("refund")
		require.NotEqual(t, keys[0], keys[1], "Stripe repeats a refusal under its key")
		require.Equal(t, map[string]int{gives("", 500, "broken", "").Step(): 1}, view.Spent)
		s.requireMoney(3700, 500)
	}
}

// Only Stripe knows what a lost answer said. Whoever asks again after the next try was refused gets the refund that is
// there.
func TestARefundWhoseAnswerWasLostIsFoundUnderTheKeyThatWasGivenUp(t *testing.T) {
	t.Parallel()
	for _, code := range refusals {
		s := newOrderStage(t, order.Paid)
		s.stripe.errors["refund"] = []error{errAnswerLost, fault.NewPermanent(code, errors.New("no"))}
		var refused, again, third reply
		view := s.ends(order.StateAccepted,
			s.asks(day, workflows.UpdateRefund, gives("ada", 500, "broken", ""), &refused),
			s.asks(2*day, workflows.UpdateRefund, gives("bob", 500, "broken", ""), &again),
			s.asks(3*day, workflows.UpdateRefund, gives("eve", 500, "broken", ""), &third))
		require.ErrorContains(t, refused.failed, string(code))
		require.NoError(t, errors.Join(again.refused, again.failed, third.refused, third.failed))
		require.Len(t, view.Refunds, 1)
		s.requireMoney(3700, 500)
	}
}

// A refund that comes back from the bank is no refund.
func TestARefundThatFailedLaterIsMadeWhenItIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	var made, again, third, retried reply
	s.ends(order.StateAccepted,
		s.asks(day, workflows.UpdateRefund, gives("ada", 500, "broken", ""), &made),
		s.at(2*day, func(*environment) { s.stripe.fails(0) }),
		s.hears(2*day+time.Second, "evt_2", "refund.failed", "re_1"),
		s.expects(3*day, order.StateHeld, func() { require.Len(t, s.look(s.env).Spent, 1) }),
		s.asks(4*day, workflows.UpdateRefund, gives("bob", 500, "broken", ""), &again),
		s.asks(5*day, workflows.UpdateRefund, gives("bob", 500, "broken", ""), &third),
		s.asks(6*day, workflows.UpdateRetry, ada, &retried))
	require.NoError(t, errors.Join(made.failed, again.refused, again.failed, third.refused, third.failed,
		retried.refused, retried.failed))
	require.Equal(t, 2, s.stripe.count("refund"))
	s.requireMoney(3700, 500)
}

// keys are those that a step was sent under, in order.
func (s *orderStage) keys(step string) (keys []string) {
	s.stripe.mu.Lock()
	defer s.stripe.mu.Unlock()
	for _, call := range s.stripe.calls {
		if strings.HasPrefix(call, step+" ") {
			keys = append(keys, call[strings.LastIndex(call, " ")+1:])
		}
	}
	return keys
}

func TestWhatStripeRefusedIsTriedUnderAnotherKey(t *testing.T) {
	t.Parallel()
	for step, verdict := range map[string]order.DecisionStatus{"capture": order.Accepted, "cancel": order.Rejected} {
		s := newOrderStage(t, order.RequiresCapture)
		s.shop.answers = []order.Decision{{Status: verdict, Reason: order.OutOfStock}}
		s.stripe.errors[step] = permanently(fault.StripeRejected)
		var retried, twice reply
		want := map[order.DecisionStatus]order.State{order.Accepted: order.StateAccepted,
			order.Rejected: order.StateRejected}[verdict]
		s.ends(want, s.expects(time.Hour, order.StateHeld), s.asks(2*time.Hour, workflows.UpdateRetry, ada, &retried),
			s.asks(3*time.Hour, workflows.UpdateRetry, ada, &twice))
		require.NoError(t, errors.Join(retried.refused, retried.failed))
		require.ErrorContains(t, twice.refused, "not held")
		keys := s.keys(step)
		require.Len(t, keys, 2, step)
		require.NotEqual(t, keys[0], keys[1])
		captured := map[order.DecisionStatus]int64{order.Accepted: 3700}[verdict]
		s.requireMoney(captured, 0)
	}
}

func TestACancellationThatFailedIsTriedAgainByRetry(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.errors["refund"] = permanently(fault.StripeRejected)
	var canceled, again, retried reply
	s.ends(order.StateCanceled, s.asks(day, workflows.UpdateCancel, ada, &canceled),
		s.asks(2*day, workflows.UpdateCancel, ada, &again),
		s.asks(3*day, workflows.UpdateRetry, ada, &retried))
	require.ErrorContains(t, canceled.failed, "could not be given back")
	require.ErrorContains(t, again.refused, "retry it")
	require.NoError(t, errors.Join(retried.refused, retried.failed))
	s.requireMoney(3700, 3700)
}

func TestRefundsThatAreNotSaidClearly(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		`{"by":"a","why":"b","amout":5}`:             "amout: the name is not known",
		`{"by":"a","why":"b","Amount":5}`:            "the name is not known",
		`{"by":"a","why":"b","amount":5,"amount":6}`: "twice",
		`{"by":"a","why":"b","amount":0}`:            "expected at least 1",
		`{"by":"a","why":"b","amount":-5}`:           "expected at least 1",
		`{"by":"a","why":"b","amount":"5"}`:          "expected a whole number",
		`{"by":"a","why":"b","amount":5.5}`:          "expected a whole number",
	} {
		var in workflows.OrderRefund
		require.ErrorContains(t, json.Unmarshal([]byte(body), &in), says, body)
	}
	for _, in := range []workflows.OrderRefund{gives("a", 5, "b", ""), gives("a", 0, "b", "2")} {
		var read workflows.OrderRefund
		require.NoError(t, json.Unmarshal([]byte(encoded(t, in)), &read))
		require.Equal(t, in, read)
	}
	var d workflows.MerchantDecision
	for _, body := range []string{`{"verdict":"accepted","Lines":[]}`, `{"verdict":"accepted","lines":[]}`,
		`{"verdict":"accepted","lines":[{"sku":"A"}]}`, `{"status":"accepted"}`} {
		require.Error(t, json.Unmarshal([]byte(body), &d), body)
	}
	want := workflows.MerchantDecision{
		Decision: order.Decision{Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "A", Quantity: 1}}},
	}
	require.NoError(t, json.Unmarshal([]byte(encoded(t, want)), &d))
	require.Equal(t, want, d)
}

// Whatever does not fit an order is refused with its code, and by a signal, which nobody answers, it is kept where
// people look.
func TestReportsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	lines := func(sku string, quantity int64) []order.AcceptedLine {
		return []order.AcceptedLine{{SKU: sku, Quantity: quantity}}
	}
	accepts := func(lines []order.AcceptedLine) workflows.MerchantDecision {
		return workflows.MerchantDecision{Decision: order.Decision{Status: order.Accepted, Lines: lines}}
	}
	for name, c := range map[string]struct {
		pending bool
		update  string
		in      any
		code    fault.Code
		says    string
	}{
		"another SKU": {true, workflows.UpdateDecide, accepts(lines("X", 1)), fault.MerchantAnswerInvalid,
			"was not ordered"},
		"more than was ordered": {true, workflows.UpdateDecide, accepts(lines("LAMP-1", 4)),
			fault.MerchantAnswerInvalid, "of which 3 were ordered"},
		"no decision": {true, workflows.UpdateDecide,
			workflows.MerchantDecision{Decision: order.Decision{Status: order.Pending}}, fault.InputInvalid,
			"pending"},
		"accepted otherwise": {false, workflows.UpdateDecide, accepts(lines("LAMP-1", 1)), fault.OrderConflict,
			"accepted already, otherwise"},
		"a parcel of too much": {false, workflows.UpdateShip, order.Shipment{ID: "p-9", Lines: lines("LAMP-1", 4)},
			fault.InputInvalid, "than was ordered"},
		"a parcel of the future": {false, workflows.UpdateShip,
			order.Shipment{ID: "p-9", DeliveredAt: bought.Add(4 * 365 * day)}, fault.InputInvalid, "is in the future"},
		"a parcel of the past": {false, workflows.UpdateShip,
			order.Shipment{ID: "p-9", ShippedAt: bought.Add(-3 * day)}, fault.InputInvalid,
			"before the order was placed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.Paid)
			if c.pending {
				s.pending()
			}
			var answer reply
			signal := map[string]string{workflows.UpdateDecide: workflows.SignalDecision,
				workflows.UpdateShip: workflows.SignalShipment}[c.update]
			view, err := s.run(s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
				s.asks(day, c.update, c.in, &answer),
				s.at(day+time.Hour, func(env *environment) { env.SignalWorkflow(signal, c.in) }))
			require.NoError(t, err)
			require.ErrorContains(t, answer.refused, c.says)
			requireType(t, answer.refused, c.code)
			require.Len(t, view.PassedOver, 1)
			require.Contains(t, view.PassedOver[0], c.says)
			require.Empty(t, view.Shipments)
		})
	}
}

func TestTwoParcelsHoldNoMoreThanWasOrdered(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	two := func(id string) order.Shipment {
		return order.Shipment{ID: id, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 2}}}
	}
	var first, again, second, rest, unsaid reply
	view := s.ends(order.StateShipped, s.asks(day, workflows.UpdateShip, two("p-1"), &first),
		s.asks(2*day, workflows.UpdateShip, two("p-1"), &again),
		s.asks(3*day, workflows.UpdateShip, two("p-2"), &second),
		s.asks(4*day, workflows.UpdateShip,
			order.Shipment{ID: "p-2", Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}}, &rest),
		s.asks(5*day, workflows.UpdateShip, order.Shipment{ID: "p-3"}, &unsaid))
	require.NoError(t, errors.Join(first.refused, again.refused, rest.refused, unsaid.refused))
	require.ErrorContains(t, second.refused, "is not in another parcel")
	require.Len(t, view.Shipments, 3)

	s = newOrderStage(t, order.Paid)
	s.shop.answers = []order.Decision{{Status: order.Accepted,
		Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}}}
	var tooMuch reply
	s.ends(order.StateAccepted, s.asks(day, workflows.UpdateShip, two("p-1"), &tooMuch))
	require.ErrorContains(t, tooMuch.refused, "than was accepted")
}

func TestTheHundredAndFirstParcelIsRefused(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	var last reply
	s.ends(order.StateShipped, s.at(day, func(env *environment) {
		for n := range 100 {
			env.SignalWorkflow(workflows.SignalShipment, order.Shipment{ID: "p-" + strconv.Itoa(n)})
		}
	}), s.asks(2*day, workflows.UpdateShip, order.Shipment{ID: "p-100"}, &last))
	require.ErrorContains(t, last.refused, "100 parcels already")
	requireType(t, last.refused, fault.OrderConflict)
}

func TestADecisionIsTakenOnce(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.pending()
	part := order.Decision{Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 3}}}
	numbered := part
	numbered.Reference = "SO-9"
	var taken, again, otherwise reply
	view := s.ends(order.StateAccepted,
		s.asks(day, workflows.UpdateDecide, workflows.MerchantDecision{Decision: part}, &taken),
		s.asks(2*day, workflows.UpdateDecide, workflows.MerchantDecision{Decision: numbered}, &again),
		s.asks(3*day, workflows.UpdateDecide,
			workflows.MerchantDecision{Decision: order.Decision{Status: order.Accepted}}, &otherwise))
	require.NoError(t, errors.Join(taken.refused, taken.failed, again.refused, again.failed))
	require.ErrorContains(t, otherwise.refused, "otherwise")
	require.Equal(t, "SO-9", view.Decision.Reference)
	s.requireMoney(3700, 550)
}

// Two lamps are on their way before the merchant has decided: what they said by that, they do not take back.
func TestADecisionAgreesWithTheParcels(t *testing.T) {
	t.Parallel()
	parcel := order.Shipment{ID: "p-1", Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 2}}}
	takes := func(lamps int64) order.Decision {
		return order.Decision{Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: lamps}}}
	}
	s := newOrderStage(t, order.Paid)
	s.pending()
	var shipped, rejected, fewer, others, enough reply
	view := s.ends(order.StateShipped,
		s.asks(day, workflows.UpdateShip, parcel, &shipped),
		s.asks(day+time.Minute, workflows.UpdateDecide, workflows.MerchantDecision{Decision: order.Decision{
			Status: order.Rejected, Reason: order.OutOfStock}}, &rejected),
		s.asks(day+2*time.Minute, workflows.UpdateDecide, workflows.MerchantDecision{Decision: takes(1)}, &fewer),
		s.asks(day+3*time.Minute, workflows.UpdateDecide, workflows.MerchantDecision{Decision: order.Decision{
			Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "BULB-1", Quantity: 1}}}}, &others),
		s.asks(day+4*time.Minute, workflows.UpdateDecide, workflows.MerchantDecision{Decision: takes(2)}, &enough))
	require.NoError(t, errors.Join(shipped.refused, shipped.failed, enough.refused, enough.failed))
	require.ErrorContains(t, rejected.refused, "goods are on their way")
	for _, r := range []reply{rejected, fewer, others} {
		requireType(t, r.refused, fault.OrderConflict)
	}
	require.ErrorContains(t, fewer.refused, `parcels hold more of SKU "LAMP-1" than it accepts`)
	require.EqualValues(t, 2, view.Decision.Lines[0].Quantity)
}

func TestAMerchantWhoShipsAndNeverDecides(t *testing.T) {
	t.Parallel()
	shipped := func(s *orderStage) func(*environment) {
		return s.asks(day, workflows.UpdateShip, order.Shipment{ID: "p-1"}, new(reply))
	}
	s := newOrderStage(t, order.Paid)
	s.pending()
	var decided, resumed reply
	s.ends(order.StateShipped, shipped(s),
		s.expects(4*day, order.StateHeld, func() {
			require.Contains(t, s.look(s.env).Reason, "goods are on their way")
			require.Zero(t, s.stripe.count("refund"), "nobody said no")
		}),
		s.asks(5*day, workflows.UpdateDecide,
			workflows.MerchantDecision{Decision: order.Decision{Status: order.Accepted}}, &decided),
		s.asks(5*day+time.Minute, workflows.UpdateRetry, ada, &resumed))
	require.NoError(t, errors.Join(decided.refused, decided.failed, resumed.refused, resumed.failed))
	s.requireMoney(3700, 0)

	s = newOrderStage(t, order.Paid)
	s.pending()
	s.ends(order.StateCanceled, shipped(s), s.asks(5*day, workflows.UpdateCancel, ada, new(reply)),
		s.asks(6*day, workflows.UpdateRetry, ada, new(reply))) // goods were shipped of an order that is off
	s.requireMoney(3700, 3700)

	s = newOrderStage(t, order.Paid)
	s.pending()
	s.ends(order.StateRejected, shipped(s),
		s.asks(5*day, workflows.UpdateRetry, ada, new(reply)), // they have looked, and leave it as it is
		s.asks(6*day, workflows.UpdateRetry, ada, new(reply)))
	s.requireMoney(3700, 3700)
}

// The answer of an endpoint that takes its time comes after the parcel.
func TestAnAnswerAgreesWithTheParcels(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.shop.down = true
	s.shop.answers = []order.Decision{{Status: order.Rejected, Reason: order.OutOfStock}}
	s.ends(order.StateCanceled,
		s.asks(time.Hour, workflows.UpdateShip, order.Shipment{ID: "p-1"}, new(reply)),
		s.at(2*time.Hour, func(*environment) { s.shop.down = false }),
		s.expects(day, order.StateHeld, func() {
			require.Contains(t, s.look(s.env).Reason, "goods are on their way")
			require.Zero(t, s.stripe.count("refund"), "nothing goes back on a doubt")
		}),
		s.asks(2*day, workflows.UpdateCancel, ada, new(reply)),
		s.asks(3*day, workflows.UpdateRetry, ada, new(reply)))
}

func TestSessionsThatContradictThemselvesAreHeld(t *testing.T) {
	t.Parallel()
	for says, spoil := range map[string]func(*order.Summary){
		"payment_mismatch: Stripe says that nothing is to pay, and the total is 37.00 USD": func(s *order.Summary) {
			s.PaymentIntent, s.Payment = "", order.Payment{State: order.NoPaymentRequired}
		},
		`mode_unsupported: the session's mode is "subscription"`: func(s *order.Summary) { s.Mode = "subscription" },
		`payment_mismatch: the currency of the payment is "eur"`: func(s *order.Summary) { s.Payment.Currency = "eur" },
		"payment_mismatch: only 36.00 USD of 37.00 USD was captured, by": func(s *order.Summary) {
			s.Payment.Captured = 3600
		},
	} {
		s := newOrderStage(t, order.Paid)
		spoil(&s.stripe.session.Summary)
		s.ends(order.StateCanceled,
			s.expects(day, order.StateHeld, func() { require.Contains(t, s.look(s.env).Reason, says) }),
			s.asks(2*day, workflows.UpdateCancel, ada, new(reply)))
		require.Empty(t, s.shop.submitted)
	}
}

func TestAnIgnoredOrderSaysWhy(t *testing.T) {
	t.Parallel()
	for says, spoil := range map[string]func(*orderStage){
		"no orders fulfilled": func(s *orderStage) { s.settings(func(o *order.Settings) { o.Enabled = false }) },
		"not an agent's order": func(s *orderStage) {
			s.stripe.session.Summary.Agent = order.Agent{}
			for i := range s.stripe.session.Summary.Lines {
				s.stripe.session.Summary.Lines[i].SKU = ""
			}
		},
		"placed at 2026-03-01 12:00:00 UTC, before Vitrine took over at 2026-03-02 12:00:00 UTC": func(s *orderStage) {
			s.settings(func(o *order.Settings) { o.Since = bought.Add(day) })
		},
	} {
		s := newOrderStage(t, order.Paid)
		spoil(s)
		require.Contains(t, s.ends(order.StateIgnored).Reason, says)
	}
}

func TestAnOrderSaysSinceWhen(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.shop.down = true
	s.ends(order.StateAccepted, s.expects(day, order.StateSubmitting, func() {
		require.WithinDuration(t, bought, s.look(s.env).Since, time.Minute)
		s.shop.down = false
	}))
}

// A bank takes months, and the event that ends a dispute may be lost.
func TestADisputeIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.dispute(order.Dispute{ID: "du_1", Status: "needs_response", Amount: 3700})
	view := s.ends(order.StateDisputeLost, s.hears(day, "evt_5", "charge.dispute.created", "du_1"),
		s.expects(40*day, order.StateDisputed, func() {
			require.Equal(t, 3, s.stripe.count("dispute"), "when it was heard of, for the bundle, and after 30 days")
			s.stripe.dispute(order.Dispute{ID: "du_1", Status: "lost", Amount: 3700})
		}), s.expects(70*day, order.StateDisputeLost))
	require.Equal(t, "lost", view.Disputes[0].Status)
}

func TestEventsAreToldApartByTheirSignals(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	var play []func(*environment)
	for i, kind := range order.EventTypes() {
		if strings.HasPrefix(kind, "checkout.session.async_payment_failed") || kind == "checkout.session.expired" {
			continue
		}
		play = append(play, s.at(time.Duration(i)*time.Minute, func(env *environment) {
			env.SignalWorkflow(kind,
				order.Event{ID: "evt_kind_" + strconv.Itoa(i), Type: kind, Account: account, Created: bought,
					Object: "ch_1"})
		}))
	}
	require.Equal(t, len(play)+1, s.ends(order.StateAccepted, play...).Events)
}

// TestRepeatedCommandsMoveNoMoreThanIsOwed plays commands that repeat and contradict each other, from several hosts,
// while Stripe refuses and loses some of what it is sent: every question moves money once, and never more than there
// is.
func TestRepeatedCommandsMoveNoMoreThanIsOwed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			dice := rand.New(rand.NewPCG(seed, 7))
			s := newOrderStage(t, []order.PaymentState{order.Paid, order.RequiresCapture}[dice.IntN(2)])
			for _, step := range []string{"refund", "capture", "cancel"} {
				for range dice.IntN(4) {
					s.stripe.errors[step] = append(s.stripe.errors[step], []error{
						nil, fault.NewPermanent(fault.StripeRejected, errors.New("no")),
						fault.NewPlain(fault.StripeUnavailable, errors.New("lost")),
						fault.NewPermanent(fault.StripeKeySpent, errors.New("spent")), errAnswerLost,
						fault.NewPermanent(fault.StripeUnavailable, errors.New("down")),
					}[dice.IntN(6)])
				}
			}
			var play []func(*environment)
			asked := map[string]int64{}
			replies := make([]reply, 40)
			for i := range replies {
				at := time.Duration(i+1) * 3 * time.Hour
				host := fmt.Sprintf("ada@host-%d", dice.IntN(5))
				switch dice.IntN(10) {
				case 0:
					play = append(play,
						s.asks(at, workflows.UpdateRetry, workflows.OrderCommand{By: host, Why: "again"}, &replies[i]))
				case 1:
					if seed%4 == 0 {
						play = append(play, s.asks(at, workflows.UpdateCancel,
							workflows.OrderCommand{By: host, Why: "off"}, &replies[i]))
					}
				case 2:
					play = append(play, s.hears(at, "evt_"+strconv.Itoa(i), "charge.refunded", "ch_1"))
				default:
					in := gives(host, []int64{0, 100, 100, 700, 2000}[1+dice.IntN(4)],
						[]string{"broken", "late"}[dice.IntN(2)], []string{"", "2"}[dice.IntN(2)])
					asked[in.Step()] = in.Amount
					play = append(play, s.asks(at, workflows.UpdateRefund, in, &replies[i]))
				}
			}
			play = append(play, s.asks(130*time.Hour, workflows.UpdateRetry, ada, new(reply)),
				s.asks(131*time.Hour, workflows.UpdateRetry, ada, new(reply)),
				s.asks(132*time.Hour, workflows.UpdateRetry, ada, new(reply)),
				s.asks(133*time.Hour, workflows.UpdateRetry, ada, new(reply)))
			view, err := s.run(
				append([]func(*environment){s.hears(0, "evt_1", "checkout.session.completed", theSale.Session)},
					play...)...)
			require.NoError(t, err)
			p := s.stripe.session.Summary.Payment
			require.LessOrEqual(t, p.Refunded, p.Captured)
			require.LessOrEqual(t, p.Captured, int64(3700))
			made := map[string]int{}
			for _, r := range s.stripe.refunds {
				for step, amount := range asked {
					if strings.HasPrefix(r.Key, theSale.Key(step)) && !r.Failed() {
						made[step]++
						require.Equal(t, amount, r.Amount)
					}
				}
			}
			for step, times := range made {
				require.Equal(t, 1, times, step)
			}
			if view.State == order.StateCanceled {
				require.Equal(t, p.Captured, p.Refunded)
			}
		})
	}
}
