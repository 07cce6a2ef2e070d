package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"vitrine/internal/order"
	"vitrine/workflows"
)

const lampOrder = "order/acct_1/cs_1"

// sells puts an order of two lamps on the stage.
func (s *stage) sells(change ...func(*workflows.OrderView)) {
	id := order.ID{Account: "acct_1", Session: "cs_1"}
	view := workflows.OrderView{
		RefundsOnce: true,
		ID:          id, State: order.StateAwaitsMerchant, Captured: 2999, Refunded: 500, Events: 3,
		Summary: &order.Summary{
			ID: id, PaymentIntent: "pi_1", Created: noon.Add(-time.Hour), Currency: "eur",
			Agent:   order.Agent{Name: "ChatGPT"},
			Amounts: order.Amounts{Subtotal: 2500, Shipping: 499, Total: 2999},
			Lines:   []order.Line{{ID: "li_1", SKU: "LAMP-1", Quantity: 2, Total: 2500}},
			Payment: order.Payment{State: order.RequiresCapture, AuthorizationExpires: noon.Add(24 * time.Hour)},
		},
		Shipments: []order.Shipment{{ID: "P-1", Carrier: "UPS", Tracking: "1Z9", ShippedAt: noon,
			Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}}},
		Refunds: []order.Refund{{ID: "re_1", Amount: 500, Currency: "eur", Status: "succeeded"}},
		Disputes: []order.Dispute{{ID: "du_1", Amount: 2999, Currency: "eur", Status: "needs_response",
			Reason: "not_received", EvidenceDueBy: noon.Add(72 * time.Hour)}},
	}
	for _, c := range change {
		c(&view)
	}
	s.temporal.views = map[string]any{lampOrder: view}
	s.temporal.answer = func(client.UpdateWorkflowOptions) (any, error) { return nil, nil }
}

func TestMistakesWithOrders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, says string
		args       []string
	}{
		{"no order", "expected one order", []string{"show"}},
		{"an account alone", "is not the id of an order", []string{"show", "acct_1"}},
		{"a payment", "checkout session", []string{"show", "acct_1", "pi_1"}},
		{"too much", "expected one order", []string{"cancel", "acct_1", "cs_1", "cs_2"}},
		{"a path", "checkout session", []string{"show", "order/acct_1/../cs_1"}},
		{"an unknown state", `--state "lost" is not known`, []string{"list", "--state", "lost"}},
		{"a quote", "is not a Stripe account id", []string{"list", "--account", "acct_1' OR '1'='1"}},
		{"no limit", "at least 1", []string{"list", "--limit", "0"}},
		{"no reason to cancel", "why? Say it with --why", []string{"cancel", lampOrder}},
		{"no reason to refund", "why? Say it with --why", []string{"refund", lampOrder, "--amount", "1"}},
		{"cents", "expected something like 12.50",
			[]string{"refund", lampOrder, "--why", "so", "--by", "ada", "--amount", "1.001"}},
		{"nothing", "expected something like 12.50",
			[]string{"refund", lampOrder, "--why", "so", "--by", "ada", "--amount", "0"}},
		{"less than nothing", "expected something like 12.50",
			[]string{"refund", lampOrder, "--why", "so", "--by", "ada", "--amount", "-1"}},
		{"an empty amount", "--amount is empty",
			[]string{"refund", lampOrder, "--why", "so", "--by", "ada", "--amount", ""}},
		{"none of it", "expected SKU=QUANTITY", []string{"decide", lampOrder, "--accept", "--line", "LAMP-1=0"}},
		{"no parcel", "--id", []string{"ship", lampOrder}},
		{"an address for a carrier", "carrier",
			[]string{"ship", lampOrder, "--id", "P-1", "--carrier", "1 Main St, Springfield"}},
		{"a date", "expected now, or a time like",
			[]string{"ship", lampOrder, "--id", "P-1", "--shipped", "yesterday"}},
		{"no quantity", "expected SKU=QUANTITY", []string{"ship", lampOrder, "--id", "P-1", "--line", "LAMP-1"}},
		{"a SKU twice", "there twice", []string{"ship", lampOrder, "--id", "P-1", "--line", "A=1", "--line", "A=2"}},
		{"no verdict", "--accept or --reject", []string{"decide", lampOrder}},
		{"both verdicts", "--accept or --reject", []string{"decide", lampOrder, "--accept", "--reject"}},
		{"a story", "is not known", []string{"decide", lampOrder, "--reject", "--reason", "Ada never pays"}},
		{"a name", "--reference", []string{"decide", lampOrder, "--accept", "--reference", "for Ada Lovelace"}},
		{"a part of a rejection", "--line goes with --accept",
			[]string{"decide", lampOrder, "--reject", "--line", "A=1"}},
		{"more than was ordered", "of which 2 were ordered",
			[]string{"decide", lampOrder, "--accept", "--line", "LAMP-1=3"}},
		{"no file", "-f FILE", []string{"settings", "set", "acct_1"}},
		{"no such file", "there is no file /does/not/exist, nor a folder /does/not: check its name",
			[]string{"settings", "set", "acct_1", "-f", "/does/not/exist"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.sells()
			require.Equal(t, exitUsage, s.run(append([]string{"order"}, test.args...)...), s.stderr.String())
			require.Contains(t, s.stderr.String(), test.says)
			require.Empty(t, s.temporal.updates)
			require.Empty(t, s.temporal.signals)
		})
	}
}

func TestOrdersThatAreNotThere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitFailed, s.run("order", "show", lampOrder))
	require.Contains(t, s.stderr.String(), lampOrder+" is not under way")

	s.sells(func(v *workflows.OrderView) { v.Summary = nil })
	require.Equal(t, exitFailed, s.run("order", "refund", lampOrder, "--why", "so", "--by", "ada", "--amount", "1"))
	require.Contains(t, s.stderr.String(), "not loaded yet")
	require.Empty(t, s.temporal.signals)
}

func TestAnEmptyListSaysWhatWouldFillIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitOK, s.run("order", "list", "--state", "awaits_payment"))
	require.Contains(t, s.stdout.String(), "No order is in the state awaits_payment")
	require.Equal(t, exitOK, s.run("order", "list", "--account", "acct_1"))
	require.Contains(t, s.stdout.String(), "No order of acct_1: 'starter order settings show acct_1'")
	require.Equal(t, exitUsage, s.run("order", "list", "--state", "hold"))
	require.Contains(t, s.stderr.String(), "expected one of loading, ignored, awaits_payment, held")
}

// An earlier worker does not know which refunds it has made: nothing is asked of it.
func TestAWorkerThatMayRefundTwiceIsAskedForNoRefund(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sells(func(v *workflows.OrderView) { v.RefundsOnce = false })
	require.Equal(t, exitFailed, s.run("order", "refund", lampOrder, "--why", "so", "--by", "ada", "--amount", "1"))
	require.Contains(t, s.stderr.String(), "the worker is of an earlier version than this starter")
	require.Empty(t, s.temporal.updates)
}

func TestWhatAnOrderDoesNotTake(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"the order refuses": {temporal.NewApplicationError("it is shipped", "NotPossible"),
			"the order did not take it: it is shipped (order/acct_1/cs_1)"},
		"Temporal is away": {errors.New("connection refused"), "cancel order/acct_1/cs_1: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.sells()
			s.temporal.answer = func(client.UpdateWorkflowOptions) (any, error) { return nil, test.err }
			require.Equal(t, exitFailed, s.run("order", "cancel", lampOrder, "--why", "so", "--by", "ada"))
			require.Contains(t, s.stderr.String(), test.says)
		})
	}
}

func TestAPersonIsAskedWhereMoneyMoves(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"cancel", lampOrder, "--why", "so", "--by", "ada"},
		{"refund", lampOrder, "--why", "so", "--by", "ada"},
		{"evidence", lampOrder, "--why", "so", "--by", "ada"},
		{"decide", lampOrder, "--reject"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.sells()
			s.app.IsTerminal, s.columns = func(any) bool { return true }, 120
			s.stdin = "n\n"
			require.Equal(t, exitUsage, s.run(append([]string{"order"}, args...)...))
			require.Contains(t, s.stderr.String(), "29.99 EUR in all, 29.99 EUR captured, 5.00 EUR refunded")
			require.Empty(t, s.temporal.updates)
			require.Empty(t, s.temporal.signals)

			s.stdin = "y\n"
			require.Equal(t, exitOK, s.run(append([]string{"order"}, args...)...), s.stderr.String())
			s.stdin = ""
			require.Equal(t, exitOK, s.run(append([]string{"order", args[0], "--yes"}, args[1:]...)...),
				s.stderr.String())
			require.Len(t, s.temporal.updates, 2)
		})
	}
}

func TestOrdersAreSteered(t *testing.T) {
	t.Parallel()
	verdict := workflows.OrderCommand{By: "ada", Why: "so"}
	because := []string{"--why", "so", "--by", "ada"}
	for name, test := range map[string]struct {
		args   []string
		update string
		want   any
	}{
		"cancel":   {append([]string{"cancel", "acct_1", "cs_1"}, because...), workflows.UpdateCancel, verdict},
		"retry":    {append([]string{"retry", lampOrder}, because...), workflows.UpdateRetry, verdict},
		"evidence": {append([]string{"evidence", lampOrder}, because...), workflows.UpdateEvidence, verdict},
		"refund": {append([]string{"refund", lampOrder}, because...), workflows.UpdateRefund,
			workflows.OrderRefund{OrderCommand: verdict}},
		"refund in part": {append([]string{"refund", lampOrder, "--amount", "12.5"}, because...),
			workflows.UpdateRefund, workflows.OrderRefund{OrderCommand: verdict, Amount: 1250}},
		"ship": {[]string{"ship", lampOrder, "--id", "P-1", "--carrier", "UPS", "--line", "A=B=2"},
			workflows.UpdateShip, order.Shipment{
				ID: "P-1", Carrier: "UPS", ShippedAt: noon, Lines: []order.AcceptedLine{{SKU: "A=B", Quantity: 2}},
			}},
		"delivered": {[]string{"ship", lampOrder, "--id", "P-1", "--delivered", "2026-11-24T13:00:00+02:00"},
			workflows.UpdateShip, order.Shipment{
				ID: "P-1", DeliveredAt: noon.Add(-time.Hour),
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.sells()
			require.Equal(t, exitOK, s.run(append([]string{"orders"}, test.args...)...), s.stderr.String())
			require.Len(t, s.temporal.updates, 1)
			require.Equal(t, lampOrder, s.temporal.updates[0].WorkflowID)
			require.Equal(t, test.update, s.temporal.updates[0].UpdateName)
			require.Equal(t, []any{test.want}, s.temporal.updates[0].Args)
			require.Contains(t, s.stdout.String(), lampOrder)
			require.Equal(t, exitOK, s.run(append([]string{"order", "-o", "json"}, test.args...)...))
			require.JSONEq(t, `{"id":{"account":"acct_1","session":"cs_1"},"done":"`+test.update+`"}`,
				s.stdout.String())
		})
	}
}

func TestWhatIsDisputedDoesNotGoBackByACancellation(t *testing.T) {
	t.Parallel()
	for state, says := range map[order.State]string{
		order.StateCanceled: "is canceled: no goods, money back",
		order.StateDisputed: "is canceled: no goods; what becomes of its money, the bank decides",
	} {
		s := newStage(t)
		s.sells()
		s.temporal.answer = func(client.UpdateWorkflowOptions) (any, error) {
			return workflows.OrderView{State: state}, nil
		}
		require.Equal(t, exitOK, s.run("order", "cancel", lampOrder, "--why", "so", "--by", "ada"))
		require.Contains(t, s.stdout.String(), says)
	}
}

// Of an order that was not even read nothing is made up.
func TestAnOrderThatNobodyWantedWasNotRead(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sells(func(v *workflows.OrderView) {
		*v = workflows.OrderView{ID: v.ID, State: order.StateIgnored, Reason: "no settings", Since: noon, Events: 1,
			Summary: &order.Summary{ID: v.ID}}
	})
	require.Equal(t, exitOK, s.run("order", "show", lampOrder))
	require.Equal(t, lampOrder+"  ignored\n  reason      no settings\n  since       2026-11-24 12:00:00 UTC\n"+
		"  events      1\n", s.stdout.String())
	require.Equal(t, exitOK, s.run("order", "show", lampOrder, "-o", "json"))
	require.NotContains(t, s.stdout.String(), "summary")
}

// Whoever repeats a command because its answer was lost must not move money twice: the order knows the question by its
// facts. The update has no id, because Temporal would give a failure as the answer for ever.
func TestTheSameRefundIsTheSameQuestion(t *testing.T) {
	t.Parallel()
	asked := map[string][]string{}
	for _, args := range [][]string{
		{"--why", "so", "--by", "ada@host-1", "--amount", "5"},
		{"--why", "so", "--by", "ada@host-2", "--amount", "5.0"},
		{"--why", " so ", "--by", "bob", "--amount", "5.00"}, {"--why", "SO", "--by", "ada", "--amount", "005.00"},
		{"--why", "so", "--by", "ada"}, {"--why", "another", "--by", "ada", "--amount", "5"},
		{"--why", "so", "--by", "ada", "--amount", "5", "--id", "2"},
		{"--why", "so", "--by", "ada", "--amount", " 5.00 "},
		{"--why", "d\u00e9faut", "--by", "ada", "--amount", "5"},
		{"--why", "de\u0301faut", "--by", "ada", "--amount", "5"},
	} {
		s := newStage(t)
		s.sells()
		require.Equal(t, exitOK, s.run(append([]string{"order", "refund", lampOrder}, args...)...), s.stderr.String())
		require.Empty(t, s.temporal.updates[0].UpdateID)
		step := s.temporal.updates[0].Args[0].(workflows.OrderRefund).Step()
		asked[step] = append(asked[step], fmt.Sprint(args))
	}
	require.Len(t, asked, 5, "however amount and reason are spelled: %v", asked)
}

func TestARefundThatWasMadeIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	refund := workflows.OrderRefund{OrderCommand: workflows.OrderCommand{By: "x", Why: "so"}, Amount: 500}
	step := refund.Step()
	for name, c := range map[string]struct {
		spent   int
		key     string
		status  string
		already bool
	}{
		"made":               {0, step, "succeeded", true},
		"under a second key": {1, step + "/1", "pending", true},
		"refused once":       {1, "other", "succeeded", false},
		"came back":          {1, step, "failed", false},
		"somebody else's":    {0, "", "succeeded", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.sells(func(v *workflows.OrderView) {
				v.Spent = map[string]int{step: c.spent}
				v.Refunds = []order.Refund{{ID: "re_7", Amount: 500, Currency: "eur", Status: c.status, Created: noon,
					Key: v.ID.Key(c.key)}}
			})
			args := []string{"order", "refund", lampOrder, "--why", "so", "--by", "somebody@else", "--amount", "5"}
			require.Equal(t, exitOK, s.run(args...), s.stderr.String())
			if !c.already {
				require.Len(t, s.temporal.updates, 1)
				return
			}
			require.Empty(t, s.temporal.updates)
			require.Contains(t, s.stdout.String(),
				"was refunded 5.00 EUR for this reason already, at 2026-11-24 12:00:00 UTC (re_7)")
			require.Contains(t, s.stdout.String(), "say --id")
			require.Equal(t, exitOK, s.run(append(args, "-o", "json")...))
			require.Contains(t, s.stdout.String(), `"already": true`)
			require.Equal(t, exitOK, s.run(append(args, "--id", "second")...))
			require.Len(t, s.temporal.updates, 1, "another one on purpose")
		})
	}
}

func TestWhoDecidesIsWhoeverRunsIt(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"cancel", "retry", "refund", "evidence"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.sells()
			require.Equal(t, exitUsage, s.run("order", command, lampOrder, "--why", "so"))
			require.Contains(t, s.stderr.String(), "who decides? Neither USER nor the system says: add --by")
			require.Empty(t, s.temporal.updates)

			s.app.user = func() string { return "ada" }
			require.Equal(t, exitOK, s.run("order", command, lampOrder, "--why", "so"), s.stderr.String())
			require.Contains(t, fmt.Sprint(s.temporal.updates[0].Args), "ada@")
		})
	}
}

func TestDecideTellsTheOrder(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sells()
	require.Equal(t, exitOK,
		s.run("order", "decide", lampOrder, "--accept", "--line", "LAMP-1=1", "--reference", "SO-1"), s.stderr.String())
	require.Equal(t, lampOrder+"  is told: accepted\n", s.stdout.String())
	require.Equal(t, workflows.UpdateDecide, s.temporal.updates[0].UpdateName)
	require.Equal(t, []any{workflows.MerchantDecision{Decision: order.Decision{
		Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}, Reference: "SO-1",
	}}}, s.temporal.updates[0].Args)
}

func TestShowPrintsAnOrder(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sells()
	require.Equal(t, exitOK, s.run("order", "show", "acct_1", "cs_1"), s.stderr.String())
	require.Equal(t, `order/acct_1/cs_1  awaits merchant
  placed      2026-11-24 11:00:00 UTC
  agent       ChatGPT
  payment     requires capture  pi_1
  capture by  2026-11-25 12:00:00 UTC
  mode        test
  line        2 × LAMP-1  25.00 EUR
  total       29.99 EUR  (subtotal 25.00 EUR, discount 0.00 EUR, shipping 4.99 EUR, tax 0.00 EUR)
  captured    29.99 EUR
  refunded    5.00 EUR
  parcel      P-1 UPS 1Z9 shipped 2026-11-24 12:00:00 UTC LAMP-1=1
  refund      re_1  5.00 EUR  succeeded
  dispute     du_1  29.99 EUR  needs response  not received  evidence by 2026-11-27 12:00:00 UTC
  events      3
`, s.stdout.String())
	require.Equal(t, exitOK, s.run("order", "show", lampOrder, "-o", "json"))
	require.Contains(t, s.stdout.String(), `"state": "awaits_merchant"`)
}

func TestShowSaysWhatIsTried(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.sells(func(v *workflows.OrderView) {
		v.State, v.Since = order.StateSubmitting, noon.Add(-time.Hour)
		v.PassedOver = []string{"2026-11-24 11:00:00 UTC: shipment: lines: it holds more"}
	})
	failure := &failurepb.Failure{Message: "order/acct_1/cs_1: the merchant's endpoint answered with HTTP 503"}
	s.temporal.scripts[lampOrder] = &script{moments: []moment{{pending: []*workflowpb.PendingActivityInfo{
		{ActivityType: &commonpb.ActivityType{Name: "SubmitOrder"}, State: enumspb.PENDING_ACTIVITY_STATE_SCHEDULED,
			Attempt: 8, LastFailure: failure,
			NextAttemptScheduleTime: timestamppb.New(noon.Add(4 * time.Minute)),
			ExpirationTime:          timestamppb.New(noon.Add(4 * 24 * time.Hour))},
		{ActivityType: &commonpb.ActivityType{Name: "SendMail"}, State: enumspb.PENDING_ACTIVITY_STATE_STARTED,
			Attempt: 1},
	}}}}
	require.Equal(t, exitOK, s.run("order", "show", lampOrder), s.stderr.String())
	require.Contains(t, s.stdout.String(), "  since       2026-11-24 11:00:00 UTC\n")
	require.Contains(t, s.stdout.String(), "  not taken   2026-11-24 11:00:00 UTC: shipment: lines: it holds more\n")
	require.Contains(t, s.stdout.String(),
		"  trying      to hand the order to the merchant, since 2026-11-24 11:00:00 UTC: failed 7 times, the last time with: "+
			"the merchant's endpoint answered with HTTP 503; the next in 4m; given up at 2026-11-28 12:00:00 UTC\n")
	require.NotContains(t, s.stdout.String(), "write to the buyer")
	require.Equal(t, exitOK, s.run("order", "show", lampOrder, "-o", "json"), s.stderr.String())
	require.Contains(t, s.stdout.String(), `"step": "SubmitOrder"`)
}

func TestListSaysWhyAnOrderIsHeld(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.temporal.open = []*workflowpb.WorkflowExecutionInfo{orderRun("cs_1", "held"), orderRun("cs_2", "accepted")}
	s.temporal.views = map[string]any{
		"order/acct_1/cs_1": workflows.OrderView{Reason: "unknown_sku: the catalog has no product \"X\""},
		"order/acct_1/cs_2": workflows.OrderView{Reason: "nobody asks"},
	}
	require.Equal(t, exitOK, s.run("order", "list"))
	require.Contains(t, s.stdout.String(), `unknown_sku: the catalog has no product "X"`)
	require.NotContains(t, s.stdout.String(), "nobody asks")
}

func orderRun(session, state string) *workflowpb.WorkflowExecutionInfo {
	run := runningSync("acct_1", "", "run-1", noon.Add(-5*time.Minute))
	run.Execution.WorkflowId, run.Status = "order/acct_1/"+session, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	run.SearchAttributes.IndexedFields["VitrineOrderState"] = &commonpb.Payload{Data: []byte(`"` + state + `"`)}
	run.SearchAttributes.IndexedFields["VitrineAgent"] = &commonpb.Payload{Data: []byte(`"ChatGPT"`)}
	return run
}

func TestListPrintsOrders(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitOK, s.run("order", "list"))
	require.Contains(t, s.stdout.String(), "No orders yet. An order appears once an agent bought")

	s.temporal.open = []*workflowpb.WorkflowExecutionInfo{orderRun("cs_1", "held"), orderRun("cs_2", "held"),
		orderRun("cs_3", "held")}
	require.Equal(t, exitOK, s.run("order", "list", "--account", "acct_1", "--state", "held", "--limit", "2"))
	require.Equal(t, `ORDER              STATE  AGENT    BEGUN   WORKFLOW
order/acct_1/cs_1  held   ChatGPT  5m ago  running
order/acct_1/cs_2  held   ChatGPT  5m ago  running

… and more: --limit 20, --account or --state
`, s.stdout.String())
	require.Equal(t, []string{
		"WorkflowType = 'OrderFulfillment'",
		"WorkflowType = 'OrderFulfillment' AND VitrineAccount = 'acct_1' AND VitrineOrderState = 'held'",
	}, s.temporal.queries)
	require.Equal(t, exitOK, s.run("order", "list", "-o", "json"))
	require.Contains(t, s.stdout.String(), `"session": "cs_3"`)

	require.Equal(t, exitOK, s.run("__complete", "order", "show", "acct_1", "cs_"))
	require.Contains(t, s.stdout.String(), "cs_2\n")
	require.Equal(t, exitOK, s.run("__complete", "order", "show", "order/"))
	require.Contains(t, s.stdout.String(), "order/acct_1/cs_3\n")
}

// Orders that are placed before an account is taken over are nobody's, so a clock that is wrong does not say when that
// is.
func TestAnAccountIsTakenOverByS3sClock(t *testing.T) {
	t.Parallel()
	for name, right := range map[string]time.Time{"ahead": noon.Add(-time.Hour), "behind": noon.Add(time.Hour)} {
		s := newStage(t)
		s.store.Clock = func() time.Time { return right }
		s.stdin = `{"account":"acct_1","enabled":true,"which":"all","fulfillment":{"kind":"s3"}}`
		require.Equal(t, exitOK, s.run("order", "settings", "set", "acct_1", "-f", "-"), s.stderr.String())
		settings, err := order.Documents{Store: s.docs.Store}.Settings(t.Context(), "acct_1")
		require.NoError(t, err)
		require.Equal(t, [2]time.Time{right, right}, [2]time.Time{settings.Since, settings.AllSince}, name)
		require.Contains(t, s.stderr.String(), "this machine's clock says 2026-11-24 12:00:00 UTC")
	}
	s := newStage(t)
	s.store.Clock = func() time.Time { return noon.Add(-30 * time.Second) }
	s.stdin = `{"account":"acct_1","enabled":true,"since":"2026-11-24T09:00:00Z","fulfillment":{"kind":"s3"}}`
	require.Equal(t, exitOK, s.run("order", "settings", "set", "acct_1", "-f", "-"), s.stderr.String())
	require.Empty(t, s.stderr.String())
	settings, err := order.Documents{Store: s.docs.Store}.Settings(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, noon.Add(-3*time.Hour), settings.Since, "what is named stays")
}

func TestSettingsForOrders(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitOK, s.run("order", "settings", "show", "acct_1"))
	require.Contains(t, s.stdout.String(), `"enabled": false`)

	for body, says := range map[string]string{
		`{"account":"acct_1","captrue":"on_shipment"}`:                                                   "captrue",
		`{"account":"acct_2"}`:                                                                           "not acct_1",
		`{"account":"acct_1","enabled":true}`:                                                            "fulfillment.kind is not set",
		`{"account":"acct_1","enabled":false,"capture":"tomorrow"}`:                                      "capture",
		`{"account":"acct_1","enabled":true,"since":"2099-01-01T00:00:00Z","fulfillment":{"kind":"s3"}}`: "since 2099-01-01T00:00:00Z is in the future",
		`{"account":"acct_1","all_since":"2026-11-24T13:00:00Z"}`:                                        "all_since 2026-11-24T13:00:00Z is in the future",
		`{"account":"acct_1","account":"acct_1"}`:                                                        "account: the name is there twice",
		`{"account":"acct_1","capture":""}`:                                                              "capture: it is empty",
		`{"account":"acct_1","decide_within":"0s"}`:                                                      "decide_within: it is zero",
		`{"account":"acct_1","settle_window":"0h"}`:                                                      "settle_window: it is zero",
		`{"account":"acct_1","since":"0001-01-01T00:00:00Z"}`:                                            "since: it is zero",
		`{"account":"acct_1","fulfillment":{"kind":"s3","await_answer":null}}`:                           "fulfillment.await_answer: it is empty",
		`{"account":"acct_1","checkout":{"application_fee":{}}}`:                                         "checkout.application_fee: it is empty",
		`{"account":"acct_1","checkout":{"application_fee":{"percent":null}}}`: "checkout.application_fee.percent: " +
			"it is empty",
		`{"account":"acct_1","checkout":{"merchant":{"asked":[]}}}`:                                                                              "checkout.merchant.asked: it is empty",
		`{"account":"acct_1","fulfillment":{"kind":"s3","url":"https://shop.example/"}}`:                                                         "belong to the kind https",
		`{"account":"acct_1","fulfillment":{"kind":"https","url":"https://shop.example/","secret_env":"MERCHANT_SECRET_X","await_answer":true}}`: "belong to the kind s3",
		`{"account":"acct_1","checkout":{"merchant":{"within":"1s"}}}`:                                                                           "there is no url",
		`{"account":"acct_1","checkout":{"application_fee":{"percent":1,"currency":"usd"}}}`:                                                     "currency is that of fixed",
		`{"account":"acct_1","mail":{"name":"Shop"}}`:                                                                                            "without from",
		`{"account":"acct_1","decide_within":72}`:                                                                                                "expected a duration such as",
		`{"account":"acct_1","Capture":"on_shipment"}`:                                                                                           "Capture",
	} {
		s.stdin = body
		require.Equal(t, exitUsage, s.run("order", "settings", "set", "acct_1", "-f", "-"), body)
		require.Contains(t, s.stderr.String(), says)
	}
	file := filepath.Join(t.TempDir(), "orders.json")
	require.NoError(t,
		os.WriteFile(file, []byte(`{"account":"acct_1","enabled":true,"fulfillment":{"kind":"s3"}}`), 0o600))
	require.Equal(t, exitOK, s.run("order", "settings", "set", "acct_1", "-f", file), s.stderr.String())
	require.Equal(t,
		"acct_1  the settings for orders are saved; agent orders that are placed from 2026-11-24 12:00:00 UTC on are fulfilled by s3\n", s.stdout.String())
	require.Equal(t, exitOK, s.run("order", "settings", "show", "acct_1"))
	require.Contains(t, s.stdout.String(), `"settle_window": "2880h0m0s"`)

	known, err := order.Documents{Store: s.docs.Store}.Known(s.ctx, "acct_1")
	require.NoError(t, err)
	require.True(t, known)
	known, err = order.Documents{Store: s.docs.Store}.Known(s.ctx, "acct_2")
	require.NoError(t, err)
	require.False(t, known)
}
