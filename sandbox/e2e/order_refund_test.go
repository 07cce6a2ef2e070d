package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
)

// Somebody repeats a command because its answer was lost: on another host, as another user, with the amount spelled
// otherwise.
func TestTheSameRefundIsMadeOnceWhoeverAsks(t *testing.T) {
	s := opened(t, nil)
	b := s.buys(simcontrol.Purchase{})
	b.becomes(order.StateAccepted)
	refunds := func(args ...string) answer {
		return s.starter(append([]string{"order", "refund", b.account, b.Session, "--yes"}, args...)...)
	}
	s.fault(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 402, Code: "card_declined",
		Message: "Wilhelmina cannot be paid back", Match: simcontrol.Match{Method: "POST", PathPrefix: "/v1/refunds"}})
	refused := refunds("--why", "one was broken", "--amount", "5", "--by", "ada@host-1")
	require.Equal(t, 1, refused.code, refused.stdout)
	require.Contains(t, refused.stderr, "card_declined")
	require.NotContains(t, refused.stderr, "Wilhelmina")
	require.Zero(t, b.atStripe().Refunded)

	for _, args := range [][]string{
		{"--amount", "5", "--by", "ada@host-1"}, {"--amount", "5.0", "--by", "ada@host-2"},
		{"--amount", "5.00", "--by", "bob@host-3"},
	} {
		got := refunds(append(args, "--why", "one was broken")...)
		require.Zero(t, got.code, got.stderr)
		require.EqualValues(t, 500, b.atStripe().Refunded, args)
	}
	again := refunds("--why", "one was broken", "--amount", "5", "--by", "eve")
	require.Contains(t, again.stdout, "was refunded 5.00 USD for this reason already")
	require.Contains(t, again.stdout, "--id")
	require.Zero(t, refunds("--why", "one was broken", "--amount", "1", "--by", "eve").code)
	require.Zero(t, refunds("--why", "one was broken", "--amount", "1.00", "--by", "eve", "--id", "the second").code)
	require.EqualValues(t, 700, b.atStripe().Refunded)
	require.Equal(t, 3, s.writes("/refunds"))
	s.requireNobody()
}

// Stripe repeats a refusal under the same key for a day: whoever tries again needs another.
func TestWhatStripeRefusedIsAskedForAgain(t *testing.T) {
	s := opened(t, nil)
	s.merchant.decides(rejects("sku2"))
	s.fault(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 400, Code: "processing_error", Times: 1,
		Match: simcontrol.Match{Method: "POST", PathPrefix: "/v1/payment_intents/"}})
	taken := s.buys(simcontrol.Purchase{Capture: "manual"})
	require.Contains(t, taken.becomes(order.StateHeld).Reason, "StripeRejected")
	s.succeeds("order", "retry", taken.account, taken.Session, "--why", "Stripe is well again")
	taken.becomes(order.StateAccepted)
	taken.agrees(taken.Total, 0)

	s.fault(simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 400, Code: "processing_error", Times: 1,
		Match: simcontrol.Match{Method: "POST", PathPrefix: "/v1/refunds"}})
	rejected := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku2"}}})
	rejected.becomes(order.StateHeld)
	s.succeeds("order", "retry", rejected.account, rejected.Session, "--why", "Stripe is well again")
	rejected.becomes(order.StateRejected)
	rejected.agrees(rejected.Total, rejected.Total)
	require.Equal(t, []int{1, 1}, []int{s.writes("/capture"), s.writes("/refunds")})
	s.requireNobody()
}
