package order_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

const day = 24 * time.Hour

// later is well before the authorisation of a summary ends, and due is when Vitrine acts for it.
var (
	later = at.Add(day)
	due   = at.Add(7*day - time.Hour)
)

// standing is an order at a step, with what it has been through by then.
type standing struct {
	name   string
	record order.Record
}

func paid() order.Payment { return order.Payment{State: order.Paid, Amount: 3700, Captured: 3700} }

// standings are the columns of the tables below. w.paid is watched, and captured, w.ship shipped and disputed beside,
// w.off off; held does not have the merchant's word yet, h.acc has it, and the money of h.off could not be given back;
// e.new came to its end before the merchant had it; newer is at a step that this worker does not know.
func standings() []standing {
	policy := settings().WithDefaults().Policy()
	policy.Capture, policy.Mail, policy.DecideWithin, policy.SettleWindow = order.OnAcceptance, true, 3*day, 120*day
	at := func(step order.Step, change ...func(*order.Record)) order.Record {
		sum := summary()
		r := order.Record{Format: order.RecordFormat, Step: step, Summary: &sum, Policy: policy, LastNews: sum.Created}
		for _, c := range change {
			c(&r)
		}
		return r
	}
	unpaid := func(r *order.Record) {
		r.Summary.Payment, r.PayBy = order.Payment{State: order.Unpaid, Amount: 3700}, due
	}
	captured := func(r *order.Record) { r.Summary.Payment = paid() }
	shipped := func(r *order.Record) {
		r.Shipments = []order.Shipment{{ID: "P-9", ShippedAt: later}}
		r.Disputes = []order.Dispute{{ID: "du_9", Amount: 3700, Currency: "usd", Status: "under_review",
			Submissions: 1}}
	}
	submitted := func(r *order.Record) { r.Submitted = true }
	pending := func(r *order.Record) {
		submitted(r)
		r.Decision, r.DecideBy = &order.Decision{Status: order.Pending, Reference: "SO-1"}, later.Add(time.Hour)
	}
	accepted := func(r *order.Record) {
		submitted(r)
		r.Decision = &order.Decision{Status: order.Accepted, Reference: "SO-1"}
	}
	canceled := func(r *order.Record) { r.Ended = order.StateCanceled }
	held := func(resume order.Step) func(*order.Record) {
		return func(r *order.Record) { r.Resume, r.State, r.Reason = resume, order.StateHeld, "somebody has to look" }
	}
	return []standing{
		{"load", order.Record{Format: order.RecordFormat, State: order.StateLoading, LastNews: bornAt}},
		{"pay", at(order.StepAwaitPayment, unpaid)},
		{"check", at(order.StepCheck)},
		{"submit", at(order.StepSubmit, submitted)},
		{"decide", at(order.StepDecide, pending)},
		{"accept", at(order.StepAccept, accepted)},
		{"watch", at(order.StepWatch, accepted)},
		{"w.paid", at(order.StepWatch, accepted, captured)},
		{"w.ship", at(order.StepWatch, accepted, captured, shipped)},
		{"w.off", at(order.StepWatch, accepted, canceled)},
		{"held", at(order.StepHeld, held(order.StepSubmit))},
		{"h.acc", at(order.StepHeld, accepted, held(order.StepWatch))},
		{"h.off", at(order.StepHeld, accepted, canceled, held(order.StepReturn))},
		{"return", at(order.StepReturn, accepted, canceled)},
		{"end", at(order.StepEnd, accepted)},
		{"e.new", at(order.StepEnd)},
		{"newer", at("a_newer_step", accepted)},
	}
}

var bornAt = at

// live makes a life of a standing; what one test does to it no other one sees.
func live(s standing) *order.Lifecycle {
	r := s.record
	if r.Summary != nil {
		sum := *r.Summary
		r.Summary = &sum
	}
	if r.Decision != nil {
		decision := *r.Decision
		r.Decision = &decision
	}
	r.Shipments, r.Disputes, r.Keys = slices.Clone(r.Shipments), slices.Clone(r.Disputes), maps.Clone(r.Keys)
	return order.NewLifecycle(summary().ID, &r)
}

// remembered is everything that an order could have changed.
func remembered(t *testing.T, l *order.Lifecycle) string {
	t.Helper()
	body, err := json.Marshal(l.Record())
	require.NoError(t, err)
	payment, refunds := l.Reading()
	return fmt.Sprint(string(body), l.Outbox(), l.Heard(), payment, refunds, l.ReadingDispute())
}

// input is one thing that happens to an order, after what came in before it.
type input struct {
	name   string
	input  order.Input
	do     func(*order.Lifecycle) (order.Step, error)
	before []func(*order.Lifecycle)
}

func loaded(change func(*order.Summary), unwanted string) func(*order.Lifecycle) (order.Step, error) {
	return func(l *order.Lifecycle) (order.Step, error) {
		sum := summary()
		change(&sum)
		return l.Load(sum, order.Policy{}, unwanted)
	}
}

func paying(p order.Payment) func(*order.Summary) { return func(s *order.Summary) { s.Payment = p } }

func decided(d order.Decision) func(*order.Lifecycle) (order.Step, error) {
	return func(l *order.Lifecycle) (order.Step, error) { return l.Decide(d, later) }
}

func reconcile(l *order.Lifecycle) (order.Step, error) { return l.Reconcile(later) }

// read is money that was read anew.
func read(p order.Payment, refunds ...order.Refund) []func(*order.Lifecycle) {
	return []func(*order.Lifecycle){func(l *order.Lifecycle) { l.NoteRefunds(refunds, p) }}
}

func restored(r order.Record) func(*order.Lifecycle) (order.Step, error) {
	return func(l *order.Lifecycle) (order.Step, error) { return l.Restore(r) }
}

// inputs are the rows: everything that can happen to an order.
func inputs() []input {
	short := paid()
	short.Captured = 1000
	gone := order.Payment{State: order.Canceled, Amount: 3700}
	disputed := paid()
	disputed.Disputed = true
	back := paid()
	back.Refunded = 3700
	refund := order.Refund{ID: "re_1", Amount: 3700, Currency: "usd", Status: "succeeded"}
	failed := refund
	failed.Status = "failed"
	dispute := order.Dispute{ID: "du_1", Amount: 3700, Currency: "usd", Status: "needs_response"}
	sum := summary()
	left := order.Record{Format: order.RecordFormat, Step: order.StepWatch, Summary: &sum, Submitted: true}
	torn := left
	torn.Step = order.StepSubmit
	newer := left
	newer.Step = "a_newer_step"
	problem := []order.Problem{{Code: order.UnknownSKU, SKU: "LAMP-1", Detail: "not known"}}
	return []input{
		{"load: not wanted", order.InputLoad, loaded(paying(paid()), "not an agent's order"), nil},
		{"load: paid", order.InputLoad, loaded(paying(paid()), ""), nil},
		{"load: reserved", order.InputLoad, loaded(func(*order.Summary) {}, ""), nil},
		{"load: for free", order.InputLoad, loaded(paying(order.Payment{State: order.NoPaymentRequired}), ""), nil},
		{"load: not paid yet", order.InputLoad, loaded(paying(order.Payment{State: order.Unpaid}), ""), nil},
		{"load: never paid", order.InputLoad, loaded(paying(gone), ""), nil},
		{"load: given back", order.InputLoad, loaded(paying(back), ""), nil},
		{"load: disputed", order.InputLoad, loaded(paying(disputed), ""), nil},
		{"restore: settled", order.InputRestore, restored(left), nil},
		{"restore: torn", order.InputRestore, restored(torn), nil},
		{"restore: newer", order.InputRestore, restored(newer), nil},
		{"pay", order.InputPay, func(l *order.Lifecycle) (order.Step, error) { return l.Pay(later) }, nil},
		{"check: sound", order.InputCheck, func(l *order.Lifecycle) (order.Step, error) { return l.Check(nil) }, nil},
		{"check: unknown", order.InputCheck, func(l *order.Lifecycle) (order.Step, error) { return l.Check(problem) },
			nil},
		{"submit", order.InputSubmit, (*order.Lifecycle).Submit, nil},
		{"take back", order.InputSubmit, (*order.Lifecycle).TakeBack, nil},
		{"decide: accepted", order.InputDecide, decided(order.Decision{Status: order.Accepted}), nil},
		{"decide: rejected", order.InputDecide,
			decided(order.Decision{Status: order.Rejected, Reason: order.OutOfStock}), nil},
		{"decide: pending", order.InputDecide, decided(order.Decision{Status: order.Pending}), nil},
		{"lapse", order.InputLapse, func(l *order.Lifecycle) (order.Step, error) { return l.Lapse(due) }, nil},
		{"accept", order.InputAccept, func(l *order.Lifecycle) (order.Step, error) { return l.Accept(later) }, nil},
		{"capture: all", order.InputCapture, func(l *order.Lifecycle) (order.Step, error) { return l.Capture(paid()) },
			nil},
		{"capture: short", order.InputCapture, func(l *order.Lifecycle) (order.Step, error) { return l.Capture(short) },
			nil},
		{"lose", order.InputLose, (*order.Lifecycle).Lose, nil},
		{"reconcile: paid", order.InputReconcile, reconcile, read(paid())},
		{"reconcile: gone", order.InputReconcile, reconcile, read(gone)},
		{"reconcile: refunded", order.InputReconcile, reconcile, read(paid(), refund)},
		{"reconcile: failed", order.InputReconcile, reconcile, read(paid(), failed)},
		{"dispute", order.InputDispute,
			func(l *order.Lifecycle) (order.Step, error) { return l.TellDispute(dispute, later) }, nil},
		{"judge: nothing", order.InputJudge, (*order.Lifecycle).Judge, nil},
		{"judge: revoked", order.InputJudge, (*order.Lifecycle).Judge,
			[]func(*order.Lifecycle){func(l *order.Lifecycle) {
				l.NoteDecision(order.Decision{Status: order.Rejected, Reason: order.OutOfStock}, later)
			}}},
		{"judge: unstopped", order.InputJudge, (*order.Lifecycle).Judge,
			[]func(*order.Lifecycle){func(l *order.Lifecycle) {
				l.Undelivered(order.Notice{ID: "canceled", Kind: order.NoticeCanceled})
			}}},
		{"judge: in vain", order.InputJudge, (*order.Lifecycle).Judge,
			[]func(*order.Lifecycle){func(l *order.Lifecycle) {
				l.NoteShipment(order.Shipment{ID: "P-1"}, later)
			}}},
		{"hold", order.InputHold, func(l *order.Lifecycle) (order.Step, error) { return l.Hold("it failed", l.Step()) },
			nil},
		{"resume", order.InputResume, (*order.Lifecycle).Resume, nil},
		{"skip waits", order.InputSkip, (*order.Lifecycle).SkipWaits, nil},
		{"call off", order.InputCallOff, func(l *order.Lifecycle) (order.Step, error) { return l.CallOff("sold out") },
			nil},
		{"reject", order.InputReject,
			func(l *order.Lifecycle) (order.Step, error) { return l.Reject(order.AuthorizationEnded) }, nil},
		{"return", order.InputReturn, func(l *order.Lifecycle) (order.Step, error) { return l.Return(later) }, nil},
		{"owe", order.InputOwe, (*order.Lifecycle).Owe, nil},
		{"end", order.InputEnd, (*order.Lifecycle).End, nil},
		{"reopen", order.InputReopen, (*order.Lifecycle).Reopen, nil},
	}
}

// The table says for every input at every step where the order goes: a dot says that it stays, a dash that it must not
// happen, and is refused without a change.
const transitions = `
                      load    pay     check   submit  decide  accept  watch   w.paid  w.ship  w.off   held    h.acc   h.off   return  end     e.new   newer
load: not wanted      end     -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
load: paid            check   -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
load: reserved        check   -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
load: for free        check   -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
load: not paid yet    pay     -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
load: never paid      end     -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
load: given back      return  -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
load: disputed        held    -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
restore: settled      watch   -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
restore: torn         held    -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
restore: newer        newer   -       -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
pay                   -       load    -       -       -       -       -       -       -       -       -       -       -       -       -       -       -
check: sound          -       -       submit  -       -       -       -       -       -       -       -       -       -       -       -       -       -
check: unknown        -       -       held    -       -       -       -       -       -       -       -       -       -       -       -       -       -
submit                -       -       -       .       -       -       -       -       -       -       -       -       -       -       -       -       -
take back             -       -       -       .       -       -       -       -       -       -       -       -       -       -       -       -       -
decide: accepted      -       -       -       accept  accept  -       -       -       -       -       -       -       -       -       -       -       -
decide: rejected      -       -       -       return  return  -       -       -       -       -       -       -       -       -       -       -       -
decide: pending       -       -       -       decide  .       -       -       -       -       -       -       -       -       -       -       -       -
lapse                 -       -       -       return  return  -       -       -       -       -       return  watch   -       -       -       -       -
accept                -       -       -       -       -       watch   -       -       -       -       -       -       -       -       -       -       -
capture: all          -       -       -       -       -       .       .       .       .       -       -       -       -       -       -       -       -
capture: short        -       -       -       -       -       held    held    held    held    -       -       -       -       -       -       -       -
lose                  -       -       -       -       -       return  return  -       -       -       -       -       -       -       -       -       -
reconcile: paid       -       .       .       .       .       .       .       .       .       .       .       .       .       -       -       -       -
reconcile: gone       -       return  return  return  return  return  return  return  held    .       return  return  .       -       -       -       -
reconcile: refunded   -       return  return  return  return  .       .       .       .       .       return  .       .       -       -       -       -
reconcile: failed     -       .       .       .       .       held    held    held    held    .       .       .       .       -       -       -       -
dispute               -       held    held    .       .       .       .       .       .       .       .       .       .       .       -       -       -
judge: nothing        -       .       .       .       .       .       .       .       .       .       .       .       .       .       -       -       -
judge: revoked        -       .       .       .       .       held    held    held    held    .       .       .       .       .       -       -       -
judge: unstopped      -       held    held    held    held    held    held    held    held    held    .       .       .       held    -       -       -
judge: in vain        -       .       .       .       .       .       .       .       .       held    .       .       .       held    -       -       -
hold                  held    held    held    held    held    held    held    held    held    held    .       .       .       held    -       -       held
resume                -       -       -       -       -       -       -       -       -       -       submit  watch   return  -       -       -       -
skip waits            .       return  return  return  return  .       .       .       .       .       return  watch   return  .       .       .       .
call off              -       return  return  return  return  return  return  return  -       -       return  return  -       -       -       -       -
reject                -       -       -       -       -       -       return  -       -       -       -       -       -       -       -       -       -
return                -       -       -       -       -       -       -       -       -       -       -       -       -       watch   -       -       -
owe                   -       -       -       -       -       -       -       -       -       return  -       -       -       -       -       -       -
end                   -       -       -       -       -       -       -       end     end     -       -       -       -       -       -       -       -
reopen                -       -       -       -       -       -       -       -       -       -       -       -       -       -       watch   load    -
`

// cell is what becomes of an order.
func cell(t *testing.T, s standing, in input) string {
	t.Helper()
	before, after := live(s), live(s)
	for _, come := range in.before {
		come(before)
		come(after)
	}
	step, err := in.do(after)
	require.Equal(t, after.Step(), step, "what is returned is where it is")
	switch {
	case err != nil:
		require.True(t, fault.Is(err, fault.OrderConflict), "%s", err)
		require.Regexp(t, `^an order cannot be told "`+string(in.input)+`" at the step "\w+": `, err.Error())
		require.NotContains(t, err.Error(), "it does not lead to")
		require.Equal(t, remembered(t, before), remembered(t, after), "%s at %s: it was refused, and changed something",
			in.name, s.name)
		return "-"
	case step == s.record.Step:
		return "."
	}
	return columnOf(step)
}

func columnOf(step order.Step) string {
	names := map[order.Step]string{
		order.StepLoad: "load", order.StepAwaitPayment: "pay", order.StepDecide: "decide", order.StepReturn: "return",
		"a_newer_step": "newer",
	}
	return cmp.Or(names[step], string(step))
}

func TestEveryInputAtEveryStep(t *testing.T) {
	t.Parallel()
	requireTable(t, transitions,
		rows(inputs(), func(in input) string { return in.name }, func(s standing, in input) string {
			return cell(t, s, in)
		}))
}

// rows makes a table of every row in every standing.
func rows[R any](all []R, name func(R) string, cell func(standing, R) string) string {
	text := fmt.Sprintf("%-22s", "")
	for _, s := range standings() {
		text += fmt.Sprintf("%-8s", s.name)
	}
	for _, row := range all {
		text = strings.TrimRight(text, " ") + fmt.Sprintf("\n%-22s", name(row))
		for _, s := range standings() {
			text += fmt.Sprintf("%-8s", cell(s, row))
		}
	}
	return strings.TrimRight(text, " ")
}

func requireTable(t *testing.T, want, got string) {
	t.Helper()
	require.Equal(t, strings.Trim(want, "\n"), got, "it is now:\n%s", got)
}

// TestNothingLeadsAnywhereElse tells orders of all kinds, also of kinds that there should not be, everything that there
// is to tell: none of it panics or goes where Transitions does not say, and each of those is gone.
func TestNothingLeadsAnywhereElse(t *testing.T) {
	t.Parallel()
	ways := map[order.Transition]bool{}
	for _, way := range order.Transitions() {
		way.As = ""
		ways[way] = false
	}
	told := inputs()
	for _, step := range order.Steps() { // whatever it was at, when an earlier run left it
		sum := summary()
		told = append(told,
			input{"restore", order.InputRestore, restored(order.Record{Step: step, Summary: &sum}), nil})
	}
	for _, s := range kinds() {
		for _, in := range told {
			l := live(s)
			for _, come := range in.before {
				come(l)
			}
			if _, err := in.do(l); err != nil {
				require.NotContains(t, err.Error(), "it does not lead to", "%s: %+v", in.name, s.record)
				continue
			}
			way := order.Transition{Input: in.input, From: s.record.Step, To: l.Step()}
			if _, known := ways[way]; known {
				ways[way] = true
			} else if way.From != way.To {
				require.Contains(t, []order.Step{way.From, way.To}, order.Step("a_newer_step"), "%s: %+v", in.name, way)
			}
		}
	}
	for way, gone := range ways {
		require.True(t, gone, "nothing leads this way: %+v", way)
	}
}

// kinds are orders of every step, decision, payment and end.
func kinds() (all []standing) {
	decisions := []*order.Decision{
		nil, {Status: order.Pending}, {Status: order.Rejected, Reason: order.OutOfStock}, {Status: order.Accepted},
		{Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}},
	}
	payments := []order.Payment{
		paid(), {State: order.Unpaid}, {State: order.NoPaymentRequired}, {State: order.Canceled},
		{State: order.RequiresCapture, Amount: 3700, AuthorizationExpires: at.Add(7 * day)},
	}
	for _, r := range steps() {
		all = append(all, standing{record: r})
		for _, decision := range decisions {
			for _, payment := range payments {
				for _, ended := range []order.State{"", order.StateCanceled, order.StateRejected} {
					for _, parcels := range [][]order.Shipment{nil, {{ID: "P-1"}}} {
						sum := summary()
						sum.Payment = payment
						r.Summary, r.Decision, r.Ended, r.Submitted, r.Shipments = &sum, decision, ended,
							decision != nil, parcels
						all = append(all, standing{record: r})
					}
				}
			}
		}
	}
	return all
}

// steps are records at every step, and held ones to be resumed at every step.
func steps() (all []order.Record) {
	for _, step := range append(order.Steps(), "a_newer_step") {
		if step == order.StepHeld {
			continue
		}
		for _, unknown := range []order.UnknownWay{order.HoldUnknown, order.RejectUnknown, order.FulfilUnknown} {
			all = append(all, order.Record{Step: step, Policy: order.Policy{UnknownSKU: unknown}})
		}
		if step != order.StepEnd {
			all = append(all, order.Record{Step: order.StepHeld, Resume: step})
		}
	}
	return all
}
