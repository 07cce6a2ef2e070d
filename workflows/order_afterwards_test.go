package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	accounts "vitrine/internal/account"

	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/workflows"
)

type environment = testsuite.TestWorkflowEnvironment

var parcel = order.Shipment{ID: "p-1", Carrier: "UPS", Tracking: "1Z999"}

func TestPartialAcceptanceTakesItsShareOnly(t *testing.T) {
	t.Parallel()
	part := order.Decision{Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 3}}}
	for state, want := range map[order.PaymentState][2]int64{order.RequiresCapture: {3150, 0},
		order.Paid: {3700, 550}} {
		s := newOrderStage(t, state)
		s.shop.answers = []order.Decision{part}
		s.ends(order.StateAccepted)
		s.requireMoney(want[0], want[1])
	}
	s := newOrderStage(t, order.RequiresCapture)
	s.shop.answers = []order.Decision{{Status: order.Accepted,
		Lines: []order.AcceptedLine{{SKU: "BULB-1", Quantity: 1}}}}
	var tooMuch reply
	view := s.ends(order.StateAccepted, s.hears(day, "evt_5", "charge.captured", "ch_1"),
		s.asks(2*day, workflows.UpdateRefund, workflows.OrderRefund{OrderCommand: ada, Amount: 951}, &tooMuch))
	require.Zero(t, view.Refunded, "what was released is not refunded")
	require.ErrorContains(t, tooMuch.refused, "9.50 USD are left")
	require.Empty(t, s.shop.notices)
	s.requireMoney(950, 0)
}

func TestAnOrderThatCannotBeReadWaitsForAPerson(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.errors["session"] = permanently(fault.StripeForbidden)
	s.stripe.dispute(order.Dispute{ID: "du_1", Status: "lost"})
	var canceled, retried reply
	view := s.ends(order.StateDisputeLost, s.hears(time.Hour, "evt_5", "charge.dispute.created", "du_1"),
		s.expects(2*time.Hour, order.StateHeld),
		s.asks(3*time.Hour, workflows.UpdateCancel, ada, &canceled),
		s.asks(4*time.Hour, workflows.UpdateRetry, ada, &retried))
	require.ErrorContains(t, canceled.refused, "could not be read")
	require.NoError(t, errors.Join(retried.refused, retried.failed))
	require.Len(t, view.Disputes, 1, "what came in meanwhile is not forgotten")
}

func TestNobodyWaitsForAnAnswerForEver(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.shop.down = true // a notice of the refund is still on its way when the order ends
	s.shop.answers = []order.Decision{{Status: order.Accepted}}
	s.settings(func(o *order.Settings) { o.SettleWindow, o.Mail = accounts.Interval(time.Hour), order.Mail{} })
	var refunded, late reply
	s.ends(order.StateAccepted, s.at(time.Minute, func(*environment) { s.shop.down = false }),
		s.at(11*time.Hour+30*time.Minute, func(*environment) { s.shop.down = true }),
		s.asks(11*time.Hour+31*time.Minute, workflows.UpdateRefund,
			workflows.OrderRefund{OrderCommand: ada, Amount: 100}, &refunded),
		s.asks(14*time.Hour, workflows.UpdateRefund, workflows.OrderRefund{OrderCommand: ada, Amount: 100}, &late),
		s.at(15*time.Hour, func(*environment) { s.shop.down = false }))
	require.NoError(t, errors.Join(refunded.refused, refunded.failed))
	require.ErrorContains(t, late.refused, "come to its end")
	require.Equal(t, []string{"refunded"}, s.shop.told())
}

// An order is watched for months, and whatever it hears of may move the end of that.
func TestNewsLeavesNoTimersBehind(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.settings(func(o *order.Settings) { o.Mail = order.Mail{} })
	open, late := map[string]bool{}, 0
	s.ends(order.StateAccepted, func(env *environment) {
		env.SetOnTimerScheduledListener(func(id string, _ time.Duration) { open[id] = true })
		env.SetOnTimerFiredListener(func(id string) { delete(open, id) })
		env.SetOnTimerCanceledListener(func(id string) { delete(open, id) })
	}, s.hears(1*day, "evt_5", "charge.captured", "ch_1"), s.hears(2*day, "evt_6", "charge.captured", "ch_1"),
		s.hears(3*day, "evt_7", "charge.captured", "ch_1"),
		s.hears(4*day, "evt_8", "charge.captured", "ch_1"), s.hears(5*day, "evt_9", "charge.captured", "ch_1"),
		s.at(6*day, func(*environment) { late = len(open) }))
	require.Equal(t, 1, late)
	require.Empty(t, open)
}

func TestCaptureOnShipment(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.settings(func(o *order.Settings) { o.Capture = order.OnShipment })
	var shipped, delivered reply
	news := parcel
	news.DeliveredAt = bought.Add(4 * day)
	view := s.ends(order.StateDelivered,
		s.expects(day, order.StateAccepted, func() { require.Zero(t, s.stripe.count("capture")) }),
		s.asks(2*day, workflows.UpdateShip, parcel, &shipped),
		s.expects(3*day, order.StateShipped, func() { require.Equal(t, 1, s.stripe.count("capture")) }),
		s.asks(4*day, workflows.UpdateShip, news, &delivered))
	require.NoError(t, errors.Join(shipped.refused, shipped.failed, delivered.refused, delivered.failed))
	require.Len(t, view.Shipments, 1)
	require.Equal(t, bought.Add(2*day), view.Shipments[0].ShippedAt)
	require.Equal(t, []string{"submitting", "accepted", "shipped", "delivered"}, s.states)
	require.Equal(t, order.Payment{State: order.Paid, Amount: 3700, Captured: 3700}, view.Summary.Payment,
		"nothing is left of what was reserved")
	require.Empty(t, s.shop.notices)
	s.requireMoney(3700, 0)
}

func TestAnAuthorisationNeverExpiresUnnoticed(t *testing.T) {
	t.Parallel()
	for way, c := range map[order.Expiring]struct {
		want     order.State
		captured int64
		told     []string
	}{
		order.CaptureExpiring: {order.StateAccepted, 3700, []string{"authorization_expiring"}},
		order.CancelExpiring:  {order.StateRejected, 0, []string{"authorization_expiring", "canceled"}},
	} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.RequiresCapture)
			s.settings(func(o *order.Settings) { o.Capture, o.Expiring = order.OnShipment, way })
			s.ends(c.want, s.at(6*day-time.Minute, func(*environment) { require.Empty(t, s.shop.told()) }),
				s.at(6*day+time.Minute, func(*environment) {
					require.Equal(t, []string{"authorization_expiring"}, s.shop.told())
					require.Zero(t, s.stripe.count("capture")+s.stripe.count("cancel"))
				}))
			require.Equal(t, c.told, s.shop.told())
			s.requireMoney(c.captured, 0)
		})
	}
}

func TestAnAuthorisationThatIsGoneEndsTheOrder(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.stripe.errors["capture"] = permanently(fault.AuthorizationExpired)
	view := s.ends(order.StateRejected)
	require.Equal(t, string(order.AuthorizationEnded), view.Reason)
	require.Equal(t, []string{"canceled"}, s.shop.told())
	s.requireMoney(0, 0)
}

func TestGoodsOnTheirWayWithoutMoneyNeedAPerson(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.RequiresCapture)
	s.settings(func(o *order.Settings) { o.Capture = order.OnShipment })
	s.stripe.errors["capture"] = permanently(fault.AuthorizationExpired)
	var retried reply
	s.ends(order.StateShipped,
		s.at(day, func(env *environment) { env.SignalWorkflow(workflows.SignalShipment, parcel) }),
		s.expects(2*day, order.StateHeld, func() { s.stripe.pay(func(p *order.Payment) { p.State = order.Canceled }) }),
		s.asks(3*day, workflows.UpdateRetry, ada, &retried))
	require.NoError(t, errors.Join(retried.refused, retried.failed))
}

func TestRefundsOfOthersReachTheMerchant(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shipped bool
		amount  int64
		want    order.State
		told    []string
	}{
		"in part":        {false, 500, order.StateAccepted, []string{"refunded"}},
		"before shipped": {false, 0, order.StateRefunded, []string{"refunded", "stop_shipment"}},
		"after shipped":  {true, 0, order.StateRefunded, []string{"refunded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.Paid)
			s.ends(c.want, s.at(day, func(env *environment) {
				if c.shipped {
					env.SignalWorkflow(workflows.SignalShipment, parcel)
					env.SignalWorkflow(workflows.SignalShipment, parcel)
				}
			}), s.at(2*day, func(*environment) { s.stripe.giveBack(c.amount, "") }),
				s.hears(2*day+time.Second, "evt_5", "charge.refunded", "ch_1"),
				s.hears(2*day+time.Second, "evt_6", "refund.created", "re_1"),
				s.hears(3*day, "evt_5", "charge.refunded", "ch_1"))
			require.Equal(t, c.told, s.shop.told())
		})
	}
}

func TestRefundsByCommand(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	var part, tooMuch, rest, nothing, anonymous reply
	view := s.ends(order.StateRefunded,
		s.asks(day, workflows.UpdateRefund, workflows.OrderRefund{OrderCommand: ada, Amount: 700}, &part),
		s.asks(2*day, workflows.UpdateRefund, workflows.OrderRefund{OrderCommand: ada, Amount: 3001}, &tooMuch),
		s.asks(3*day, workflows.UpdateRefund, workflows.OrderRefund{OrderCommand: ada}, &rest),
		s.asks(4*day, workflows.UpdateRefund, gives("ada", 0, "once more", ""), &nothing),
		s.asks(5*day, workflows.UpdateRefund, workflows.OrderRefund{}, &anonymous))
	require.NoError(t, errors.Join(part.refused, part.failed, rest.refused, rest.failed))
	require.EqualValues(t, 700, part.view.Refunded)
	require.ErrorContains(t, tooMuch.refused, "30.00 USD are left")
	require.ErrorContains(t, nothing.refused, "no captured money left")
	require.ErrorContains(t, anonymous.refused, "both by")
	require.Len(t, view.Refunds, 2)
	s.requireMoney(3700, 3700)
}

func TestARefundThatStripeRefusesIsTheAskersToKnow(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.errors["refund"] = permanently(fault.StripeRejected)
	var refused reply
	s.ends(order.StateAccepted, s.asks(day, workflows.UpdateRefund, workflows.OrderRefund{OrderCommand: ada}, &refused))
	require.ErrorContains(t, refused.failed, "StripeRejected")
}

func TestDisputes(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.dispute(order.Dispute{ID: "du_1", Status: "needs_response", Amount: 3700,
		EvidenceDueBy: bought.Add(20 * day)})
	var early, submitted, twice reply
	view := s.ends(order.StateShipped,
		s.at(day, func(env *environment) { env.SignalWorkflow(workflows.SignalShipment, parcel) }),
		s.asks(2*day, workflows.UpdateEvidence, ada, &early),
		s.hears(10*day, "evt_5", "charge.dispute.created", "du_1"),
		s.hears(10*day, "evt_5", "charge.dispute.created", "du_1"),
		s.expects(11*day, order.StateDisputed,
			func() { require.Zero(t, s.stripe.count("evidence"), "people decide what the bank gets") }),
		s.asks(12*day, workflows.UpdateEvidence, ada, &submitted),
		s.asks(13*day, workflows.UpdateEvidence, ada, &twice),
		s.expects(200*day, order.StateDisputed, func() { s.stripe.dispute(order.Dispute{ID: "du_1", Status: "won"}) }),
		s.hears(200*day+time.Second, "evt_6", "charge.dispute.closed", "du_1"))
	require.NoError(t, errors.Join(submitted.refused, submitted.failed))
	require.ErrorContains(t, early.refused, "no open dispute")
	require.ErrorContains(t, twice.refused, "takes it once")
	require.Equal(t, []string{"Jenny Rosen"}, s.stripe.sent)
	require.Equal(t, []string{"dispute_closed", "disputed"}, s.shop.told())
	require.Equal(t, "won", view.Disputes[0].Status)
	bundle, _, err := s.store.Get(t.Context(), "catalogs",
		"state/personal/acct_123/orders/cs_test_1/evidence-du_1.json")
	require.NoError(t, err)
	require.Contains(t, string(bundle), "1Z999")
}

func TestADisputeBeforeShipmentStopsIt(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.stripe.dispute(order.Dispute{ID: "du_1", Status: "lost"})
	s.stripe.dispute(order.Dispute{ID: "du_2", Status: "needs_response"})
	s.stripe.errors["dispute"] = permanently(fault.StripeForbidden)
	var retried reply
	s.ends(order.StateAccepted, s.hears(day, "evt_5", "charge.dispute.created", "du_2"),
		s.expects(2*day, order.StateHeld),
		s.asks(3*day, workflows.UpdateRetry, ada, &retried),
		s.expects(4*day, order.StateDisputed, func() {
			require.Equal(t, []string{"disputed", "stop_shipment"}, s.shop.told())
			s.stripe.dispute(order.Dispute{ID: "du_2", Status: "warning_closed"})
		}), s.hears(5*day, "evt_6", "charge.dispute.closed", "du_2"))
}

func TestUpdatesAreRefusedWhereTheyMakeNoSense(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	var retry, faulty, shipped, late reply
	s.ends(order.StateShipped, s.asks(day, workflows.UpdateRetry, ada, &retry),
		s.asks(2*day, workflows.UpdateShip, order.Shipment{ID: "p-2", Tracking: "1 Main"}, &faulty),
		s.asks(3*day, workflows.UpdateShip, parcel, &shipped), s.asks(4*day, workflows.UpdateCancel, ada, &late))
	require.ErrorContains(t, retry.refused, "not held")
	require.ErrorContains(t, faulty.refused, "tracking")
	require.NoError(t, shipped.refused)
	require.ErrorContains(t, late.refused, "refund the order instead")
}

func TestALongLifeGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	_, err := s.run(s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
		s.at(day, func(env *environment) {
			env.SignalWorkflow(workflows.SignalShipment, parcel)
		}), s.at(2*day, func(env *environment) { env.SetContinueAsNewSuggested(true) }))
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &next)
	var in workflows.OrderInput
	require.NoError(t, s.past.FromPayloads(next.Input, &in))
	require.Len(t, in.Record.Shipments, 1)

	before := len(s.stripe.calls)
	view, err := s.runFrom(in, s.hears(0, "evt_1", "checkout.session.completed", theSale.Session))
	require.NoError(t, err)
	require.Equal(t, order.StateShipped, view.State)
	require.Equal(t, before, len(s.stripe.calls), "nothing is done twice")
	require.Len(t, s.shop.submitted, 1)
}

func TestNewsOfASettledOrderDoesNotFulfilItAgain(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.ends(order.StateAccepted)
	s.stripe.dispute(order.Dispute{ID: "du_1", Status: "lost"})
	view := s.ends(order.StateDisputeLost, s.hears(0, "evt_9", "charge.dispute.closed", "du_1"))
	require.Equal(t, "lost", view.Disputes[0].Status)
	require.Len(t, s.shop.submitted, 1)
	require.Len(t, s.shop.letters, 1)
	require.Equal(t, []string{"dispute_closed"}, s.shop.told())
}

// TestCancellationAtEveryStep cancels the workflow when each activity starts: money and goods agree all the same.
func TestCancellationAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, state := range []order.PaymentState{order.Paid, order.RequiresCapture} {
		for _, step := range []string{"LoadOrder", "CheckOrder", "SubmitOrder", "CapturePayment", "CancelPayment",
			"RefundPayment", "SendMail", "SaveRecord"} {
			for _, verdict := range []order.DecisionStatus{order.Accepted, order.Rejected} {
				t.Run(fmt.Sprint(state, step, verdict), func(t *testing.T) {
					t.Parallel()
					s := newOrderStage(t, state)
					s.shop.answers = []order.Decision{{Status: verdict, Reason: order.OutOfStock}}
					canceled := false
					_, err := s.run(s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
						func(env *environment) {
							env.SetOnActivityStartedListener(
								func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
									if info.ActivityType.Name == step && !canceled {
										canceled = true
										env.CancelWorkflow()
									}
								})
						})
					require.Equal(t, canceled, temporal.IsCanceledError(err), "%v", err)
					s.requireAgreement()
				})
			}
		}
	}
}

// requireAgreement: goods for money or neither.
func (s *orderStage) requireAgreement() {
	s.t.Helper()
	told := s.shop.told()
	s.stripe.mu.Lock() // an activity of a workflow that is over may still be ending
	defer s.stripe.mu.Unlock()
	s.shop.mu.Lock()
	defer s.shop.mu.Unlock()
	p := s.stripe.session.Summary.Payment
	require.NotEqual(s.t, order.RequiresCapture, p.State, "nothing stays reserved")
	ships := len(s.shop.submitted) > 0 && s.shop.answers[0].Status == order.Accepted &&
		!slices.Contains(told, string(order.NoticeCanceled))
	if ships {
		require.EqualValues(s.t, 3700, p.Captured-p.Refunded, "%v", s.stripe.calls)
	} else {
		require.Zero(s.t, p.Captured-p.Refunded, "%v", s.stripe.calls)
	}
}

func TestCancellationAtEveryWait(t *testing.T) {
	t.Parallel()
	unpaid := func(s *orderStage) { s.stripe.session = sale(order.Unpaid) }
	for name, spoil := range map[string]func(*orderStage){
		"payment":  unpaid,
		"held":     func(s *orderStage) { s.stripe.session.Summary.Lines[0].SKU = "OTHER" },
		"down":     func(s *orderStage) { s.shop.down = true },
		"pending":  func(s *orderStage) { s.shop.answers = []order.Decision{{Status: order.Pending}} },
		"accepted": func(*orderStage) {},
		"unshipped": func(s *orderStage) {
			s.settings(func(o *order.Settings) { o.Capture = order.OnShipment })
		},
		"unshipped, to be cancelled": func(s *orderStage) {
			s.settings(func(o *order.Settings) { o.Capture, o.Expiring = order.OnShipment, order.CancelExpiring })
		},
		"rejected": func(s *orderStage) { s.shop.answers = []order.Decision{{Status: order.Rejected}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOrderStage(t, order.RequiresCapture)
			spoil(s)
			_, err := s.run(s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
				s.at(day, func(env *environment) { env.CancelWorkflow() }),
				s.at(2*day, func(*environment) { s.shop.down = false }))
			require.True(t, temporal.IsCanceledError(err), "%v", err)
			s.requireAgreement()
		})
	}
}

func TestACancellationThatCannotBeUndoneFails(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.shop.answers = []order.Decision{{Status: order.Pending}}
	s.stripe.errors["refund"] = permanently(fault.StripeForbidden)
	_, err := s.run(s.hears(0, "evt_1", "checkout.session.completed", theSale.Session),
		s.at(day, func(env *environment) { env.CancelWorkflow() }))
	requireType(t, err, fault.StripeForbidden)
}

func TestAnOrdersInputIsShort(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"account":"acct_123","session":"cs_test_1"}`,
		encoded(t, workflows.OrderInput{Account: account, Session: "cs_test_1"}))
}
