package workflows_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	accounts "vitrine/internal/account"

	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/workflows"
)

func decides(env *environment, d order.Decision) { env.SignalWorkflow(workflows.SignalDecision, d) }

func (s *orderStage) pending() { s.shop.answers = []order.Decision{{Status: order.Pending}} }

func (s *orderStage) partly() {
	s.shop.answers = []order.Decision{{Status: order.Accepted,
		Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 3}}}}
}

func TestWhatWasPlacedBeforeVitrineTookOverIsSomebodyElses(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.settings(func(o *order.Settings) { o.Since = bought.Add(time.Second) })
	s.stripe.giveBack(500, "")
	s.ends(order.StateIgnored, s.hears(0, "evt_2", "charge.refunded", "ch_1"))
	require.Empty(t, s.shop.submitted)
}

func TestARunThatWasEndedByForceIsNotTakenForNew(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.shop.down = true
	_, err := s.run(s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
		func(env *environment) { env.SetWorkflowRunTimeout(day) })
	require.Error(t, err)
	s.shop.down = false

	var retried reply
	s.ends(order.StateAccepted, s.expects(time.Hour, order.StateHeld, func() {
		require.Contains(t, s.look(s.env).Reason, "an earlier run was ended")
		require.Empty(t, s.shop.submitted)
	}), s.asks(2*time.Hour, workflows.UpdateRetry, ada, &retried))
	require.NoError(t, errors.Join(retried.refused, retried.failed))
	require.Len(t, s.shop.submitted, 1)
	s.requireMoney(3700, 0)
}

func TestACancellationThatFailsIsTakenUpByTheNextEvent(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.pending()
	s.stripe.errors["refund"] = permanently(fault.StripeForbidden)
	_, err := s.run(s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
		s.at(day, (*environment).CancelWorkflow))
	require.ErrorContains(t, err, "could not be undone")
	s.ends(order.StateCanceled)
	require.Len(t, s.shop.submitted, 1)
	s.requireMoney(3700, 3700)
}

func TestMoneyThatArrivesAfterTheEndGoesBack(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Unpaid)
	s.stripe.errors["cancel"] = permanently(fault.StripeRejected)
	_, err := s.run(s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
		s.at(day, (*environment).CancelWorkflow))
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	s.stripe.pay(func(p *order.Payment) { *p = sale(order.Paid).Summary.Payment })
	view, err := s.run(s.hears(0, "evt_2", "payment_intent.succeeded", "pi_1"))
	require.NoError(t, err)
	require.Equal(t, order.StateCanceled, view.State)
	s.requireMoney(3700, 3700)
}

func TestNewsDuringACancellationIsDealtWith(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.dispute(order.Dispute{ID: "du_1", Status: "needs_response", Amount: 3700})
	_, err := s.run(s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
		s.at(day, func(env *environment) {
			env.CancelWorkflow()
			env.SignalWorkflow(workflows.SignalEvent,
				order.Event{ID: "evt_2", Type: "charge.dispute.created", Account: account, Created: bought,
					Object: "du_1"})
		}))
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Contains(t, s.shop.told(), "disputed")
}

func TestRefundsThatCouldNotBeReadAreReadWhenSomebodyRetries(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.shop.down = true
	s.stripe.errors["refunds"] = permanently(fault.StripeForbidden)
	var retried reply
	s.ends(order.StateCanceled,
		s.at(time.Minute, func(*environment) { s.stripe.giveBack(0, "") }),
		s.hears(time.Hour, "evt_2", "charge.refunded", "ch_1"),
		s.expects(2*time.Hour, order.StateHeld, func() { s.shop.down = false }),
		s.asks(3*time.Hour, workflows.UpdateRetry, ada, &retried))
	require.Empty(t, s.shop.submitted)
}

func TestGoodsDoNotLeaveForMoneyThatIsGone(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.session.Summary.Lines[0].SKU = "OTHER"
	var retried, canceled reply
	// nobody is told
	s.ends(order.StateCanceled, s.expects(time.Minute, order.StateHeld, func() { s.stripe.giveBack(0, "") }),
		s.asks(time.Hour, workflows.UpdateRetry, ada, &retried), s.asks(day, workflows.UpdateCancel, ada, &canceled))
	require.Empty(t, s.shop.submitted)
}

func TestTheLastWordOfAMerchantCounts(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[order.DecisionStatus]order.State{order.Rejected: order.StateRejected,
		order.Accepted: order.StateAccepted} {
		s := newOrderStage(t, order.RequiresCapture)
		s.shop.down = true // the answers are lost
		s.ends(want, s.at(time.Hour,
			func(env *environment) { decides(env, order.Decision{Status: verdict, Reason: "for J. Doe"}) }),
			s.expects(2*time.Hour, want, func() { s.shop.down = false }))
		require.LessOrEqual(t, s.stripe.count("capture"), 1)
		require.NotEqual(t, order.RequiresCapture, s.stripe.payment().State)
	}
}

func TestAMerchantWhoRegretsIsHeard(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	var canceled reply
	s.ends(order.StateCanceled,
		s.at(time.Hour, func(env *environment) { decides(env, order.Decision{Status: order.Rejected}) }),
		s.expects(2*time.Hour, order.StateHeld, func() { require.Contains(t, s.look(s.env).Reason, "rejects it now") }),
		s.asks(3*time.Hour, workflows.UpdateCancel, ada, &canceled))
	require.NoError(t, errors.Join(canceled.refused, canceled.failed))
	s.requireMoney(3700, 3700)
}

func TestAParcelIsNeverLost(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.settings(func(o *order.Settings) { o.Capture, o.Expiring = order.OnShipment, order.CancelExpiring })
	s.pending()
	view := s.ends(order.StateShipped,
		s.at(day, func(env *environment) { env.SignalWorkflow(workflows.SignalShipment, parcel) }),
		s.expects(day+time.Hour, order.StateAwaitsMerchant, func() {
			require.Equal(t, order.RequiresCapture, s.stripe.payment().State, "a parcel is no decision")
		}), s.at(2*day, func(env *environment) { decides(env, order.Decision{Status: order.Accepted}) }))
	require.Len(t, view.Shipments, 1)
	s.requireMoney(3700, 0)
}

// Nothing is owed, so nothing but the parcel itself wakes the order.
func TestAParcelShowsAtOnce(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	arrived := parcel
	arrived.DeliveredAt = bought.Add(4 * day)
	s.ends(order.StateDelivered,
		s.at(day, func(env *environment) { env.SignalWorkflow(workflows.SignalShipment, parcel) }),
		s.expects(day+time.Minute, order.StateShipped),
		s.at(4*day, func(env *environment) { env.SignalWorkflow(workflows.SignalShipment, arrived) }),
		s.expects(4*day+time.Minute, order.StateDelivered))
}

func TestGoodsThatAreShippedInVainNeedAPerson(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	var canceled, shipped, retried reply
	view := s.ends(order.StateCanceled, s.asks(day, workflows.UpdateCancel, ada, &canceled),
		s.asks(2*day, workflows.UpdateShip, parcel, &shipped),
		s.expects(3*day, order.StateHeld, func() { require.Contains(t, s.look(s.env).Reason, "goods were shipped") }),
		s.asks(4*day, workflows.UpdateRetry, ada, &retried))
	require.NoError(t, errors.Join(shipped.refused, shipped.failed, retried.refused, retried.failed))
	require.Len(t, view.Shipments, 1)
	s.requireMoney(3700, 3700)
}

func TestAParcelHoldsWhatWasOrdered(t *testing.T) {
	t.Parallel()
	for _, line := range []order.AcceptedLine{{SKU: "for J. Doe, 5 Elm Road", Quantity: 1},
		{SKU: "LAMP-1", Quantity: 4}, {SKU: "LAMP-1"}} {
		s := newOrderStage(t, order.Paid)
		sent := parcel
		sent.Lines = []order.AcceptedLine{line}
		var shipped reply
		s.ends(order.StateAccepted, s.asks(day, workflows.UpdateShip, sent, &shipped))
		require.ErrorContains(t, shipped.refused, "shipment: lines")
	}
}

func TestARefundThatFailsLaterIsOwedAgain(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.partly()
	var retried reply
	view := s.ends(order.StateAccepted, s.at(day, func(*environment) { s.stripe.fails(0) }),
		s.hears(day+time.Second, "evt_2", "refund.failed", "re_1"),
		s.expects(2*day, order.StateHeld,
			func() { require.Contains(t, s.look(s.env).Reason, "the refund re_1 over 5.50 USD has failed") }),
		s.asks(3*day, workflows.UpdateRetry, ada, &retried))
	require.NoError(t, errors.Join(retried.refused, retried.failed))
	require.EqualValues(t, 550, view.Refunded)
	require.Len(t, s.stripe.refunds, 2)
	require.Len(t, s.shop.letters, 1)
	s.requireMoney(3700, 550)
}

// What the buyer gets back in several refunds they get back as a whole, whichever of them fails, and no more than that.
func TestWhatFailsBesideARefundThatHoldsIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	lost := slices.Repeat([]error{errAnswerLost}, 10)
	for name, c := range map[string]struct {
		byHand bool // what fails is a refund by hand; else that of the refused lines
		lose   []error
	}{
		"of refused lines":              {},
		"by hand":                       {byHand: true},
		"by hand; one answer is lost":   {byHand: true, lose: lost[:1]},
		"by hand; every answer is lost": {byHand: true, lose: lost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.Paid)
			if !c.byHand {
				s.partly()
			}
			var canceled, retried reply
			s.ends(order.StateCanceled, s.at(time.Hour, func(*environment) {
				if c.byHand {
					s.stripe.giveBack(550, "")
				}
			}), s.asks(day, workflows.UpdateCancel, ada, &canceled),
				s.at(2*day, func(*environment) {
					s.stripe.fails(1)
					s.stripe.errors["refund"] = c.lose
				}), s.hears(2*day+time.Second, "evt_2", "refund.failed", "re_1"),
				s.asks(4*day, workflows.UpdateRetry, ada, &retried))
			require.NoError(t, errors.Join(canceled.refused, canceled.failed))
			require.Equal(t, len(c.lose) < len(lost), retried.refused != nil, "nobody has to look otherwise")
			require.Len(t, s.stripe.refunds, 3)
			require.EqualValues(t, 550, s.stripe.refunds[0].Amount)
			require.NotEqual(t, s.stripe.refunds[1].Key, s.stripe.refunds[0].Key)
			s.requireMoney(3700, 3700)
		})
	}
}

func TestWhatFailsBesideTheRefundOfRefusedLinesIsMadeAnew(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.pending()
	var retried reply
	s.ends(order.StateAccepted, s.at(time.Hour, func(*environment) { s.stripe.giveBack(100, "") }),
		s.at(day, func(env *environment) {
			decides(env, order.Decision{Status: order.Accepted,
				Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 3}}})
		}),
		s.at(2*day, func(*environment) {
			require.EqualValues(t, 450, s.stripe.refunds[0].Amount)
			s.stripe.fails(1)
		}), s.hears(2*day+time.Second, "evt_2", "refund.failed", "re_1"), s.expects(3*day, order.StateHeld),
		s.asks(4*day, workflows.UpdateRetry, ada, &retried))
	require.NoError(t, errors.Join(retried.refused, retried.failed))
	require.Len(t, s.stripe.refunds, 3)
	require.EqualValues(t, 100, s.stripe.refunds[0].Amount)
	s.requireMoney(3700, 550)
}

// Stripe says that all is given back, and lists nothing.
func TestMoneyThatIsStillOwedAfterItWasGivenBackHoldsTheOrder(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	var canceled reply
	s.ends(order.StateCanceled,
		s.at(time.Hour, func(*environment) { s.stripe.pay(func(p *order.Payment) { p.Refunded = p.Captured }) }),
		s.asks(day, workflows.UpdateCancel, ada, &canceled),
		s.expects(2*day, order.StateHeld, func() {
			require.ErrorContains(t, canceled.failed, "its money is not back")
			s.stripe.pay(func(p *order.Payment) { p.Refunded = 0 })
		}), s.asks(3*day, workflows.UpdateRetry, ada, new(reply)))
	s.requireMoney(3700, 3700)
}

func TestOnlyWhatTheMerchantTakesCostsAFee(t *testing.T) {
	t.Parallel()
	for agreed, want := range map[int64]*int64{370: new(int64(315)), 3: new(int64(2)), 1: new(int64(0)), 0: nil} {
		s := newOrderStage(t, order.RequiresCapture)
		s.partly()
		s.stripe.pay(func(p *order.Payment) { p.Fee = agreed })
		s.ends(order.StateAccepted)
		require.Equal(t, want, s.stripe.fee, "of 3150 captured; a share of nothing is said too")
	}

	s := newOrderStage(t, order.Paid)
	s.partly()
	s.stripe.pay(func(p *order.Payment) { p.Fee = 370 })
	s.ends(order.StateAccepted)
	require.True(t, s.stripe.feeBack)
}

func TestMoneyThatWasCapturedInPartByHandNeedsAPerson(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.pending()
	var retried reply
	view := s.ends(order.StateAccepted, s.at(time.Hour, func(*environment) {
		s.stripe.pay(func(p *order.Payment) { *p = order.Payment{State: order.Paid, Amount: 3700, Captured: 1000} })
	}), s.hears(time.Hour+time.Second, "evt_2", "charge.captured", "ch_1"),
		s.at(day, func(env *environment) { decides(env, order.Decision{Status: order.Accepted}) }),
		s.expects(2*day, order.StateHeld,
			func() { require.Contains(t, s.look(s.env).Reason, "only 10.00 USD of 37.00 USD was captured") }),
		s.asks(3*day, workflows.UpdateRetry, ada, &retried))
	require.EqualValues(t, 1000, view.Captured)
	require.Len(t, s.shop.letters, 1)
}

// With capture on shipment nothing is captured when the merchant accepts, and goods must not leave for a part.
func TestWhatIsCapturedInPartByHandBeforeShipmentNeedsAPerson(t *testing.T) {
	t.Parallel()
	for name, hours := range map[string]time.Duration{"while the merchant has it": 1, "once it is accepted": 30} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.RequiresCapture)
			s.settings(func(o *order.Settings) { o.Capture = order.OnShipment })
			s.pending()
			at := hours * time.Hour
			var retried reply
			s.ends(order.StateAccepted, s.at(at, func(*environment) {
				s.stripe.pay(func(p *order.Payment) {
					*p = order.Payment{State: order.Paid, Amount: 3700, Captured: 1000}
				})
			}), s.hears(at+time.Second, "evt_2", "charge.captured", "ch_1"),
				s.at(day, func(env *environment) { decides(env, order.Decision{Status: order.Accepted}) }),
				s.expects(2*day, order.StateHeld,
					func() { require.Contains(t, s.look(s.env).Reason, "only 10.00 USD of 37.00 USD was captured") }),
				s.asks(3*day, workflows.UpdateRetry, ada, &retried))
			require.NoError(t, errors.Join(retried.refused, retried.failed))
		})
	}
}

// A key that may not write for a while costs no order its end: the next event would begin it anew.
func TestARecordThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	refused := 0
	s.store.Before = func(operation, _, key string) error {
		late := s.env.Now().After(bought.Add(2 * day))
		if operation == "Put" && strings.HasSuffix(key, "record.json") && late && refused < 3 {
			refused++
			return fault.NewPermanent(fault.StorageFailed, errors.New("HTTP 403"))
		}
		return nil
	}
	s.ends(order.StateAccepted)
	require.Equal(t, 3, refused)
	id := workflows.OrderInput{Account: account, Session: theSale.Session}.ID()
	record, err := s.steps.Documents.Record(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, order.StepWatch, record.Step)
}

func TestADeadlineGoesWithTheAuthorisation(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.settings(func(o *order.Settings) { o.DecideWithin = accounts.Interval(10 * day) })
	s.pending()
	s.ends(order.StateAccepted, s.at(time.Hour, func(*environment) {
		s.stripe.pay(func(p *order.Payment) { *p = sale(order.Paid).Summary.Payment })
	}), s.hears(time.Hour+time.Second, "evt_2", "payment_intent.succeeded", "pi_1"),
		s.at(9*day, func(env *environment) { decides(env, order.Decision{Status: order.Accepted}) }))
	s.requireMoney(3700, 0)
}

func TestAPendingMerchantIsWarned(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.settings(func(o *order.Settings) { o.DecideWithin = accounts.Interval(10 * day) })
	s.pending()
	s.ends(order.StateRejected)
	require.Equal(t, []string{"authorization_expiring", "canceled"}, s.shop.told())
}

func TestADisputeBeforeTheMerchantHasTheOrderHoldsIt(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"before it is loaded": true, "while it is held": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.Paid)
			s.stripe.dispute(order.Dispute{ID: "du_1", Status: "needs_response", Amount: 3700})
			play := []func(*environment){s.hears(time.Hour, "evt_2", "charge.dispute.created", "du_1")}
			if before {
				s.stripe.pay(func(p *order.Payment) { p.Disputed = true })
			} else {
				s.stripe.session.Summary.Lines[0].SKU = "OTHER"
			}
			var retried reply
			play = append(play, s.expects(2*time.Hour, order.StateHeld),
				s.asks(day, workflows.UpdateRetry, ada, &retried),
				s.at(2*day, func(*environment) {
					require.Len(t, s.shop.submitted, 1, "whoever retries has seen it")
					s.stripe.dispute(order.Dispute{ID: "du_1", Status: "won", Amount: 3700})
				}), s.hears(2*day+time.Second, "evt_3", "charge.dispute.closed", "du_1"))
			s.ends(order.StateAccepted, play...)
			require.NoError(t, errors.Join(retried.refused, retried.failed))
			require.Equal(t, []string{"dispute_closed", "disputed", "stop_shipment"}, s.shop.told(),
				"they are told once they have the order")
		})
	}
}

func TestWhatIsDisputedIsTheBanksToDecide(t *testing.T) {
	t.Parallel()
	for status, refunded := range map[string]int64{"lost": 0, "won": 3700} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.Paid)
			s.stripe.dispute(order.Dispute{ID: "du_1", Status: "needs_response", Amount: 3700})
			var canceled reply
			s.ends(order.StateCanceled, s.hears(time.Hour, "evt_2", "charge.dispute.created", "du_1"),
				s.asks(2*time.Hour, workflows.UpdateCancel, ada, &canceled),
				s.expects(day, order.StateDisputed, func() {
					require.Zero(t, s.stripe.count("refund"), "Stripe refunds nothing that is disputed")
					s.stripe.dispute(order.Dispute{ID: "du_1", Status: status, Amount: 3700})
				}), s.hears(2*day, "evt_3", "charge.dispute.closed", "du_1"))
			require.NoError(t, errors.Join(canceled.refused, canceled.failed))
			s.requireMoney(3700, refunded)
		})
	}
}

func TestARefundBeforeTheAcceptanceIsToldAfterIt(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.pending()
	view := s.ends(order.StateAccepted, s.at(time.Minute, func(*environment) { s.stripe.giveBack(550, "") }),
		s.hears(time.Hour, "evt_2", "charge.refunded", "ch_1"),
		s.expects(2*time.Hour, order.StateAwaitsMerchant, func() { require.Empty(t, s.shop.told()) }),
		s.at(day, func(env *environment) { decides(env, order.Decision{Status: order.Accepted}) }))
	require.EqualValues(t, 550, view.Refunded)
	require.Equal(t, []string{"refunded"}, s.shop.told())
}

func TestAMerchantWhoCouldNotBeToldToStopNeedsAPerson(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.shop.errors["notify"] = permanently(fault.MerchantRejected)
	var canceled, retried reply
	view := s.ends(order.StateCanceled, s.asks(time.Hour, workflows.UpdateCancel, ada, &canceled),
		s.expects(2*time.Hour, order.StateHeld, func() {
			require.Contains(t, s.look(s.env).Reason, "could not be told")
			require.Equal(t, []string{"merchant: canceled"}, s.look(s.env).Undelivered)
		}), s.asks(3*time.Hour, workflows.UpdateRetry, ada, &retried))
	require.NoError(t, errors.Join(retried.refused, retried.failed))
	require.Equal(t, []string{"canceled"}, s.shop.told())
	require.Empty(t, view.Undelivered)
}

func TestACancellationIsAnsweredOnceTheMoneyIsBack(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.errors["refund"] = permanently(fault.StripeForbidden)
	var canceled, retried reply
	s.ends(order.StateCanceled, s.asks(day, workflows.UpdateCancel, ada, &canceled),
		s.expects(2*day, order.StateHeld,
			func() { require.ErrorContains(t, canceled.failed, "could not be given back: StripeForbidden") }),
		s.asks(3*day, workflows.UpdateRetry, ada, &retried))
	s.requireMoney(3700, 3700)

	s = newOrderStage(t, order.Paid)
	canceled = reply{}
	s.ends(order.StateCanceled, s.asks(day, workflows.UpdateCancel, ada, &canceled))
	require.EqualValues(t, 3700, canceled.view.Refunded)
}

func TestOrdersWithoutReferencesByPolicy(t *testing.T) {
	t.Parallel()
	for way, want := range map[order.UnknownWay]order.State{order.FulfilUnknown: order.StateAccepted,
		order.RejectUnknown: order.StateRejected} {
		s := newOrderStage(t, order.Paid)
		s.settings(func(o *order.Settings) { o.Which, o.UnknownSKU = order.AllOrders, way })
		s.stripe.session.Summary.Lines[1].SKU = ""
		s.ends(want)
	}
}

func TestMoneyThatCouldNotBeGivenBackHoldsTheOrder(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.session.Summary.PaymentIntent = ""
	s.stripe.session.Summary.Payment = order.Payment{State: order.Paid, Amount: 3700}
	var canceled reply
	s.ends(order.StateCanceled,
		s.expects(time.Hour, order.StateHeld, func() { require.Contains(t, s.look(s.env).Reason, "payment_missing") }),
		s.asks(day, workflows.UpdateCancel, ada, &canceled))
	require.Empty(t, s.shop.submitted)
}

func TestALongLifeGoesOnAfterADecisionThatCameTwice(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.shop.down = true
	_, err := s.run(s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
		s.at(time.Hour, func(env *environment) {
			decides(env, order.Decision{Status: order.Accepted})
			decides(env, order.Decision{Status: order.Accepted})
		}), s.at(3*day, func(env *environment) { env.SetContinueAsNewSuggested(true) }),
		s.hears(4*day, "evt_2", "payment_intent.succeeded", "pi_1"))
	var again *temporal.ApplicationError
	require.False(t, errors.As(err, &again))
	require.ErrorContains(t, err, "continue as new")
}
