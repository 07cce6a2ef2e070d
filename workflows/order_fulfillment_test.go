package workflows_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	accounts "vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/workflows"
)

func TestAnOrderIsFulfilledOnceWhateverComes(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	view := s.ends(order.StateAccepted,
		s.hears(0, "evt_2", "payment_intent.succeeded", "pi_1"),
		s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
		s.hears(time.Second, "evt_2", "payment_intent.succeeded", "pi_1"),
		s.hears(day, "evt_1", "checkout.session.completed", theSale.Session),
	)
	require.Equal(t, 2, view.Events)
	require.Len(t, s.shop.submitted, 1)
	require.Equal(t, "Jenny Rosen", s.shop.submitted[0].Buyer.Name, "the merchant has to know")
	require.Len(t, s.shop.letters, 1)
	require.Empty(t, s.shop.notices)
	require.Zero(t, s.stripe.count("capture"))
	require.Equal(t, []string{"submitting", "accepted"}, s.states)
	s.requireMoney(3700, 0)
}

func TestOrdersThatNobodyWantsAreIgnored(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*orderStage){
		"switched off": func(s *orderStage) { s.settings(func(o *order.Settings) { o.Enabled = false }) },
		"no agent's": func(s *orderStage) {
			s.stripe.session.Summary.Agent = order.Agent{}
			for i := range s.stripe.session.Summary.Lines {
				s.stripe.session.Summary.Lines[i].SKU = ""
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.Paid)
			spoil(s)
			s.ends(order.StateIgnored, s.hears(0, "evt_9", "charge.refunded", "ch_1"))
			require.Empty(t, s.shop.submitted)
			require.Zero(t, s.stripe.count("payment"))
		})
	}
}

func TestWhatCannotGoOnIsHeld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*orderStage)
		says  string
	}{
		"unknown sku": {func(s *orderStage) { s.stripe.session.Summary.Lines[1].SKU = "OTHER" },
			`unknown_sku: the catalog has no product "OTHER"`},
		"sums": {func(s *orderStage) { s.stripe.session.Summary.Amounts.Total = 1 }, "total_mismatch"},
		"no catalog": {func(s *orderStage) {
			_ = s.store.Delete(t.Context(), "catalogs", "state/acct_123/product/manifest")
		}, "it is not known what Stripe has"},
		"the endpoint": {func(s *orderStage) { s.shop.errors["submit"] = permanently(fault.MerchantRejected) },
			"MerchantRejected"},
		"a strange answer": {func(s *orderStage) {
			s.shop.answers = []order.Decision{{Status: "?"}, {Status: order.Accepted}}
		}, "cannot be used"},
		"Stripe's no": {func(s *orderStage) { s.stripe.errors["session"] = permanently(fault.StripeForbidden) },
			"StripeForbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.Paid)
			c.spoil(s)
			var retried reply
			s.ends(order.StateAccepted, s.expects(time.Hour, order.StateHeld, func() {
				require.Contains(t, s.look(s.env).Reason, c.says)
				require.Empty(t, s.shop.letters)
			}), s.asks(2*time.Hour, workflows.UpdateRetry, ada, &retried))
			require.NoError(t, errors.Join(retried.refused, retried.failed))
			require.Len(t, s.shop.letters, 1)
			s.requireMoney(3700, 0)
		})
	}
}

func permanently(code fault.Code) []error {
	return []error{fault.NewPermanent(code, errors.New(string(code)))}
}

func TestAHeldOrderCanBeCalledOff(t *testing.T) {
	t.Parallel()
	for _, state := range []order.PaymentState{order.Paid, order.RequiresCapture} {
		s := newOrderStage(t, state)
		s.stripe.session.Summary.Lines[1].SKU = "OTHER"
		var canceled, again reply
		view := s.ends(order.StateCanceled, s.asks(time.Hour, workflows.UpdateCancel, ada, &canceled),
			s.asks(2*time.Hour, workflows.UpdateCancel, ada, &again))
		require.NoError(t, errors.Join(canceled.refused, canceled.failed))
		require.ErrorContains(t, again.refused, "canceled already")
		require.Contains(t, view.Reason, "burnt down")
		require.Empty(t, s.shop.submitted)
		require.Empty(t, s.shop.notices, "a merchant who never saw the order is not told of its end")
		require.Len(t, s.shop.letters, 1)
		require.Equal(t, order.Rejected, s.shop.letters[0].Status)
		s.requireMoney(s.stripe.session.Summary.Payment.Captured, s.stripe.session.Summary.Payment.Captured)
	}
}

func TestAHeldOrderEndsBeforeItsAuthorisation(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.stripe.session.Summary.Lines[1].SKU = "OTHER"
	view := s.ends(order.StateRejected, s.expects(6*day, order.StateHeld),
		s.expects(7*day-5*time.Hour, order.StateRejected))
	require.Equal(t, string(order.AuthorizationEnded), view.Reason)
	s.requireMoney(0, 0)
}

func TestUnknownSKUsByPolicy(t *testing.T) {
	t.Parallel()
	for way, want := range map[order.UnknownWay]order.State{order.FulfilUnknown: order.StateAccepted,
		order.RejectUnknown: order.StateRejected} {
		s := newOrderStage(t, order.Paid)
		s.settings(func(o *order.Settings) { o.UnknownSKU = way })
		s.stripe.session.Summary.Lines[1].SKU = "OTHER"
		s.ends(want)
		if way == order.RejectUnknown {
			require.Empty(t, s.shop.submitted)
			s.requireMoney(3700, 3700)
		}
	}
}

func TestRejectedOrdersGiveTheMoneyBackOnce(t *testing.T) {
	t.Parallel()
	for state, step := range map[order.PaymentState]string{order.Paid: "refund", order.RequiresCapture: "cancel"} {
		s := newOrderStage(t, state)
		s.shop.answers = []order.Decision{{Status: order.Rejected, Reason: "out_of_stock"}}
		unavailable := fault.NewPlain(fault.StripeUnavailable, errors.New("bad gateway"))
		s.stripe.errors[step] = []error{unavailable, unavailable}
		view := s.ends(order.StateRejected, s.hears(day, "evt_7", "charge.refunded", "ch_1"))
		require.Equal(t, "out_of_stock", view.Reason)
		require.Equal(t, 3, s.stripe.count(step), "one write, tried three times")
		require.Len(t, s.shop.letters, 1)
		require.Equal(t, order.OutOfStock, s.shop.letters[0].Reason)
		require.Empty(t, s.shop.notices, "the merchant said so themselves")
		s.requireMoney(s.stripe.session.Summary.Payment.Captured, s.stripe.session.Summary.Payment.Captured)
		require.LessOrEqual(t, len(s.stripe.refunds), 1)
	}
}

func TestARefundThatFailsIsMadeAnewUnderAnotherKey(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.shop.answers = []order.Decision{{Status: order.Rejected, Reason: order.OutOfStock}}
	s.stripe.refunds = []order.Refund{{ID: "re_0", Status: "failed", Key: theSale.Key("refund/all")}}
	var retried reply
	s.ends(order.StateRejected, s.expects(time.Hour, order.StateHeld),
		s.asks(2*time.Hour, workflows.UpdateRetry, ada, &retried))
	require.NoError(t, errors.Join(retried.refused, retried.failed))
	s.requireMoney(3700, 3700)
}

// An account that has left is parked, and its orders are not: they go on as far as Stripe lets them, and what it
// refuses holds the order, with Stripe's reason, until a person says that the account is back.
func TestAnOrderOfAnAccountThatLeftIsHeld(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	parkings := accounts.Documents{Store: s.steps.Documents.Store}
	park := func(parking *accounts.Parking) {
		_, err := parkings.ChangeStanding(t.Context(), theSale.Account, func(s *accounts.Standing) bool {
			s.Parked = parking
			return true
		})
		require.NoError(t, err)
	}
	park(&accounts.Parking{Trigger: accounts.Deauthorized, By: "Stripe", Why: "it disconnected"})
	s.stripe.errors["capture"] = permanently(fault.StripeForbidden)
	var retried reply
	s.ends(order.StateAccepted,
		s.expects(time.Hour, order.StateHeld, func() {
			require.Contains(t, s.look(s.env).Reason, string(fault.StripeForbidden))
			park(nil)
		}),
		s.asks(2*time.Hour, workflows.UpdateRetry, ada, &retried))
	require.NoError(t, errors.Join(retried.refused, retried.failed))
	require.Len(t, s.shop.submitted, 1, "the merchant has it, parked or not")
	s.requireMoney(3700, 0)
}

func TestASpentKeyIsLeftBehind(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.stripe.errors["capture"] = permanently(fault.StripeKeySpent)
	s.ends(order.StateAccepted)
	require.Equal(t, 2, s.stripe.count("capture"))
	s.requireMoney(3700, 0)
}

func TestUnpaidOrdersWait(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Unpaid)
	s.ends(order.StateAccepted, s.expects(3*day, order.StateAwaitsPayment, func() {
		s.stripe.pay(func(p *order.Payment) { *p = sale(order.Paid).Summary.Payment })
	}), s.hears(3*day+time.Second, "evt_2", "checkout.session.async_payment_succeeded", theSale.Session))
	require.Len(t, s.shop.submitted, 1)
	s.requireMoney(3700, 0)
}

func TestUnpaidOrdersExpire(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]string{"failed": "checkout.session.async_payment_failed",
		"expired": "checkout.session.expired", "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.Unpaid)
			if event == "" {
				s.ends(order.StateExpired, s.expects(14*day, order.StateAwaitsPayment))
			} else {
				s.ends(order.StateExpired, s.hears(day, "evt_2", event, theSale.Session))
			}
			require.Empty(t, s.shop.submitted)
		})
	}
}

func TestMoneyThatArrivesAfterACancellationGoesBack(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Unpaid)
	s.stripe.errors["cancel"] = permanently(fault.StripeRejected) // it is being processed
	var canceled reply
	s.ends(order.StateCanceled, s.asks(day, workflows.UpdateCancel, ada, &canceled),
		s.expects(2*day, order.StateCanceled, func() {
			s.stripe.pay(func(p *order.Payment) { *p = sale(order.Paid).Summary.Payment })
		}), s.hears(2*day+time.Second, "evt_2", "checkout.session.async_payment_succeeded", theSale.Session))
	require.NoError(t, errors.Join(canceled.refused, canceled.failed))
	require.Empty(t, s.shop.submitted)
	require.Len(t, s.shop.letters, 1)
	s.requireMoney(3700, 3700)
}

func TestAnOrderThatWasRefundedBeforeIsNotShipped(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.giveBack(0, "")
	s.ends(order.StateCanceled, s.hears(0, "evt_2", "charge.refunded", "ch_1"))
	require.Empty(t, s.shop.submitted)
	s.requireMoney(3700, 3700)
}

func TestPendingOrdersWaitForTheMerchant(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decision *order.Decision
		want     order.State
		captured int64
		told     []string
	}{
		"accepted": {&order.Decision{Status: order.Accepted}, order.StateAccepted, 3700, nil},
		"in part": {&order.Decision{Status: order.Accepted,
			Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 3}}}, order.StateAccepted, 3150, nil},
		"rejected": {&order.Decision{Status: order.Rejected, Reason: order.CannotShip}, order.StateRejected, 0, nil},
		"silence":  {nil, order.StateRejected, 0, []string{"canceled"}},
		"nonsense": {&order.Decision{Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "X", Quantity: 1}}},
			order.StateRejected, 0, []string{"canceled"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.RequiresCapture)
			s.shop.answers = []order.Decision{{Status: order.Pending}}
			prepare := s.expects(day, order.StateAwaitsMerchant)
			s.ends(c.want, prepare, s.at(2*day, func(env *environment) {
				if c.decision != nil {
					env.SignalWorkflow(workflows.SignalDecision, *c.decision)
				}
			}))
			require.Len(t, s.shop.submitted, 1)
			require.Equal(t, c.told, s.shop.told())
			s.requireMoney(c.captured, 0)
			require.Len(t, s.shop.letters, 1)
		})
	}
}

func TestAPendingOrderEndsBeforeItsAuthorisation(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.settings(func(o *order.Settings) { o.DecideWithin = o.DecideWithin + 30*24*3600*1e9 })
	s.shop.answers = []order.Decision{{Status: order.Pending}}
	view := s.ends(order.StateRejected, s.expects(6*day, order.StateAwaitsMerchant),
		s.expects(7*day-5*time.Hour, order.StateRejected))
	require.Equal(t, string(order.AuthorizationEnded), view.Reason)
	s.requireMoney(0, 0)
}

func TestAMerchantMayBeDownForDays(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.shop.down = true
	s.ends(order.StateAccepted, s.expects(3*day, order.StateSubmitting, func() { s.shop.down = false }))
	require.Len(t, s.shop.submitted, 1)
	s.requireMoney(3700, 0)
}

func TestAnOrderCanBeCanceledWhileTheMerchantIsDown(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.shop.down = true
	var canceled reply
	s.ends(order.StateCanceled, s.asks(day, workflows.UpdateCancel, ada, &canceled),
		s.at(2*day, func(*environment) { s.shop.down = false }))
	require.NoError(t, errors.Join(canceled.refused, canceled.failed))
	require.Empty(t, s.shop.submitted)
	require.Equal(t, []string{"canceled"}, s.shop.told(), "they may have got it, and their answer was lost")
	s.requireMoney(3700, 3700)
}

func TestAnOrderIsNotShippedOnceTheMoneyIsGone(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]struct {
		state order.PaymentState
		event string
		take  func(*till)
	}{
		"canceled": {order.RequiresCapture, "payment_intent.canceled",
			func(f *till) { f.session.Summary.Payment = order.Payment{State: order.Canceled, Amount: 3700} }},
		"refunded": {order.Paid, "charge.refunded", func(f *till) { f.giveBack(0, "") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, gone.state)
			s.shop.answers = []order.Decision{{Status: order.Pending}}
			s.ends(order.StateCanceled, s.at(day, func(*environment) { gone.take(s.stripe) }),
				s.hears(day+time.Second, "evt_5", gone.event, "pi_1"))
			require.Equal(t, []string{"canceled"}, s.shop.told())
		})
	}
}

func TestMailNeverBlocks(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.shop.errors["mail"] = permanently(fault.MailRejected)
	require.Equal(t, []string{"buyer: confirmation"}, s.ends(order.StateAccepted).Undelivered)
	require.Empty(t, s.shop.letters)
	s.requireMoney(3700, 0)
}

func TestAnAcceptedOrderCanBeCanceledUntilItIsShipped(t *testing.T) {
	t.Parallel()
	for _, answer := range []order.DecisionStatus{order.Accepted, order.Pending} {
		s := newOrderStage(t, order.RequiresCapture)
		s.shop.answers = []order.Decision{{Status: answer}}
		var canceled reply
		s.ends(order.StateCanceled, s.asks(day, workflows.UpdateCancel, ada, &canceled))
		require.NoError(t, errors.Join(canceled.refused, canceled.failed))
		require.Equal(t, []string{"canceled"}, s.shop.told())
		require.Equal(t, order.Rejected, s.shop.letters[len(s.shop.letters)-1].Status)
		s.requireAgreement()
	}
}

// TestEventsInAnyOrder plays everything that Stripe may say of an order, shuffled, repeated and at any time.
func TestEventsInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			dice := rand.New(rand.NewPCG(seed, 1))
			states := []order.PaymentState{order.Paid, order.RequiresCapture}
			s := newOrderStage(t, states[dice.IntN(len(states))])
			s.stripe.dispute(order.Dispute{ID: "du_1", Status: "lost"})
			if dice.IntN(2) == 0 {
				s.shop.answers = []order.Decision{{Status: order.Rejected, Reason: order.OutOfStock}}
			}
			kinds, seen := order.EventTypes(), map[string]bool{}
			var play []func(*environment)
			for range 40 {
				kind := kinds[dice.IntN(len(kinds))]
				if kind == "checkout.session.async_payment_failed" || kind == "checkout.session.expired" {
					continue // not of an order that is paid
				}
				id := "evt_" + strings.ReplaceAll(kind, ".", "_")
				seen[id] = true
				play = append(play, s.hears(time.Duration(dice.Int64N(int64(5*day))), id, kind, "du_1"))
			}
			want := map[order.DecisionStatus]order.State{order.Accepted: order.StateAccepted,
				order.Rejected: order.StateRejected}[s.shop.answers[0].Status]
			if want == order.StateAccepted &&
				slices.ContainsFunc(slices.Collect(maps.Keys(seen)),
					func(id string) bool { return strings.HasPrefix(id, "evt_charge_dispute") }) {
				want = order.StateDisputeLost
			}
			view := s.ends(want, play...)
			require.Len(t, s.shop.submitted, 1)
			require.Len(t, s.shop.letters, 1)
			require.Equal(t, len(seen)+1, view.Events, "with the first")
			require.LessOrEqual(t, s.stripe.count("capture")+s.stripe.count("cancel")+s.stripe.count("refund"), 1)
			s.requireAgreement()
		})
	}
}
