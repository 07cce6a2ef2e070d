package desk_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/desk/desktest"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/order"
	"vitrine/workflows"
)

var (
	aCatalog = catalog.ID{Account: "acct_1", Feed: feed.Product}
	anOrder  = order.ID{Account: "acct_1", Session: "cs_1"}
)

// refusedAs fails unless the error is a refusal of that kind.
func refusedAs(t *testing.T, kind desk.RefusalKind, says string, err error) {
	t.Helper()
	var no *desk.Refusal
	require.ErrorAs(t, err, &no)
	require.Equal(t, kind, no.Kind)
	require.Contains(t, no.Why, says)
	require.NotContains(t, no.Why, "10.0.0.7", "what is away is for the log")
}

func TestAVerdictIsAboutTheVersionThatWasLookedAt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version string
		spoil   func(*testing.T, desk.Desk, *desktest.Temporal)
		kind    desk.RefusalKind
		says    string
	}{
		"another version": {"v6", nil, desk.Conflict, "nothing was decided"},
		"no version":      {"", nil, desk.Conflict, "nothing was decided"},
		"nothing is held": {"v7", func(t *testing.T, d desk.Desk, _ *desktest.Temporal) {
			state, etag, err := d.Documents.State(t.Context(), aCatalog)
			require.NoError(t, err)
			state.Held = nil
			_, err = d.Documents.SaveState(t.Context(), state, etag)
			require.NoError(t, err)
		}, desk.Conflict, "nothing is held"},
		"the run is gone": {"v7", func(_ *testing.T, _ desk.Desk, c *desktest.Temporal) {
			c.Refusal = serviceerror.NewNotFound("no such workflow")
		}, desk.Conflict, "is gone"},
		"the run says no": {"v7", func(_ *testing.T, _ desk.Desk, c *desktest.Temporal) {
			c.Refusal = temporal.NewApplicationError("it was decided otherwise", "x")
		}, desk.Conflict, "it was decided otherwise"},
		"Temporal is away": {"v7", func(_ *testing.T, _ desk.Desk, c *desktest.Temporal) {
			c.Away = desktest.ErrAway
		}, desk.Away, "somebody may still"},
	} {
		d, _, temporal := desktest.New(t)
		if c.spoil != nil {
			c.spoil(t, d, temporal)
		}
		in := workflows.VerdictInput{By: "ada", Why: "checked", Version: c.version}
		_, err := d.Pass(t.Context(), desk.Approval, aCatalog, in)
		require.Error(t, err, name)
		refusedAs(t, c.kind, c.says, err)
	}
	d, _, c := desktest.New(t)
	c.Answer = workflows.VerdictResult{Version: "v7"}
	in := workflows.VerdictInput{By: "ada", Why: "ok", Version: "v7"}
	taken, err := d.Pass(t.Context(), desk.Approval, aCatalog, in)
	require.NoError(t, err)
	require.Equal(t, "approved v7", taken.Verdict+" "+taken.Version)
	held := *desktest.HeldState("acct_1").Held
	require.Equal(t, workflows.VerdictID(workflows.UpdateApprove, held), c.Updates[0].UpdateID)
}

func TestSettingsThatCannotBeReadAreNoAccount(t *testing.T) {
	t.Parallel()
	d, store, c := desktest.New(t)
	_, err := d.Overview(t.Context(), "acct_9", account.Deployment{})
	require.ErrorIs(t, err, desk.ErrNoAccount)
	refusedAs(t, desk.Absent, "no such account", desk.Unanswered(err))
	c.Away = desktest.ErrAway
	_, err = d.Overview(t.Context(), "acct_1", account.Deployment{})
	refusedAs(t, desk.Away, "ask again", desk.Unanswered(err))
	c.Away = nil
	store.Before = func(string, string, string) error { return desktest.ErrAway }
	_, err = d.Overview(t.Context(), "acct_1", account.Deployment{})
	refusedAs(t, desk.Away, "ask again", desk.Unanswered(err))
}

func TestARefundIsMadeOnce(t *testing.T) {
	t.Parallel()
	d, _, c := desktest.New(t)
	ask := desk.RefundAsk{By: "ada", Why: "broken", Amount: 1250, Currency: "EUR"}
	steered, before, err := d.Refund(t.Context(), anOrder, ask)
	require.NoError(t, err)
	require.Nil(t, before)
	require.Equal(t, desk.Steered{ID: anOrder, Done: workflows.UpdateRefund}, steered)
	want := workflows.OrderRefund{OrderCommand: workflows.OrderCommand{By: "ada", Why: "broken"}, Amount: 1250}
	require.Equal(t, []any{want}, c.Updates[0].Args)

	view := desktest.ShippedOrder("acct_1")
	key := view.ID.KeyOf(want.Step(), 0)
	view.Refunds = append(view.Refunds, order.Refund{ID: "re_2", Status: "succeeded", Key: key})
	c.Orders[anOrder.String()] = view
	ask.By, ask.Why = "somebody else", "  BROKEN "
	_, before, err = d.Refund(t.Context(), anOrder, ask)
	require.NoError(t, err)
	require.Equal(t, "re_2", before.Refund.ID)
	require.Len(t, c.Updates, 1, "nothing moved")
}

// Who leaves something out, or says two things, refunds nothing.
func TestWhatIsNoRefund(t *testing.T) {
	t.Parallel()
	whole := func(v *workflows.OrderView) {}
	for name, c := range map[string]struct {
		ask   desk.RefundAsk
		order func(*workflows.OrderView)
		kind  desk.RefusalKind
		says  string
	}{
		"no amount":          {desk.RefundAsk{Currency: "eur"}, whole, desk.Unfit, "at least 1"},
		"a debt":             {desk.RefundAsk{Amount: -5, Currency: "eur"}, whole, desk.Unfit, "at least 1"},
		"all, and an amount": {desk.RefundAsk{All: true, Amount: 5}, whole, desk.Unfit, "all that is left"},
		"other money":        {desk.RefundAsk{Amount: 5, Currency: "usd"}, whole, desk.Unfit, "the order is in eur"},
		"no currency":        {desk.RefundAsk{Amount: 5}, whole, desk.Unfit, "the order is in eur"},
		"not loaded": {desk.RefundAsk{All: true}, func(v *workflows.OrderView) { v.Summary = nil }, desk.Conflict,
			"not loaded yet"},
		"an older worker": {desk.RefundAsk{All: true}, func(v *workflows.OrderView) { v.RefundsOnce = false },
			desk.Conflict, "earlier version"},
	} {
		d, _, temporal := desktest.New(t)
		view := desktest.ShippedOrder("acct_1")
		c.order(&view)
		temporal.Orders[anOrder.String()] = view
		_, _, err := d.Refund(t.Context(), anOrder, c.ask)
		refusedAs(t, c.kind, c.says, err)
		require.Empty(t, temporal.Updates, name)
	}
	d, _, _ := desktest.New(t)
	_, _, err := d.Refund(t.Context(), order.ID{Account: "acct_1", Session: "cs_9"}, desk.RefundAsk{All: true})
	refusedAs(t, desk.Absent, "no such order", err)
}

func TestWhatAnOrderSaysAgainstACommand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refusal, away error
		kind          desk.RefusalKind
		says          string
	}{
		"it is over": {said("the order is over", fault.OrderConflict), nil, desk.Conflict,
			"the order is over"},
		"too much":              {said("too much", fault.InputInvalid), nil, desk.Unfit, "too much"},
		"there is none":         {serviceerror.NewNotFound("no such workflow"), nil, desk.Absent, "no such order"},
		"another error":         {said("unknown update", "x"), nil, desk.Away, "somebody may still"},
		"Temporal is away":      {nil, desktest.ErrAway, desk.Away, "somebody may still"},
		"there was no time":     {context.DeadlineExceeded, nil, desk.Away, "somebody may still"},
		"nobody knows the rest": {errors.New("10.0.0.7: gone"), nil, desk.Away, "somebody may still"},
	} {
		d, _, temporal := desktest.New(t)
		temporal.Refusal, temporal.Away = c.refusal, c.away
		_, err := d.Command(t.Context(), anOrder, workflows.UpdateRetry, workflows.OrderCommand{Why: "repaired"})
		require.Error(t, err, name)
		refusedAs(t, c.kind, c.says, err)
	}
}

// said is what a workflow answers.
func said(why string, code fault.Code) error {
	return temporal.NewNonRetryableApplicationError(why, string(code), nil)
}

func TestAReasonIsSaidAndBrief(t *testing.T) {
	t.Parallel()
	require.NoError(t, desk.CheckWhy("broken", 6))
	require.ErrorContains(t, desk.CheckWhy("", 6), "for those who ask later")
	require.ErrorContains(t, desk.CheckWhy("größer", 6), "it has 8 bytes")
}
