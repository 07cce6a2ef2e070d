package order_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
)

// The same refund asked for in other words and by another machine; what it is made of is the amount, the reason and
// the id.
func TestARefundIsTheSameHoweverItIsSpelled(t *testing.T) {
	t.Parallel()
	step := func(amount, why, id string) string {
		units, err := order.ParseMoney(amount, "usd")
		require.NoError(t, err)
		return order.RefundRequest{Amount: units, Why: order.InOneForm(why), ID: order.RefundID(id)}.Step()
	}
	is := step("5", "one was broken", "lamp-2")
	for _, amount := range []string{"5", "5.", "5.0", "5.00", "05.00", "005"} {
		for _, why := range []string{"one was broken", " One  was\tbroken ", "ONE WAS BROKEN", "one\u00a0was broken"} {
			for _, id := range []string{"lamp-2", "Lamp-2 ", "LAMP-2"} {
				require.Equal(t, is, step(amount, why, id), "%s %s %s", amount, why, id)
			}
		}
	}
	require.Equal(t, step("5", "caf\u00e9", ""), step("5", "CAFE\u0301", ""))
	for _, other := range []string{step("5.01", "one was broken", "lamp-2"), step("5", "two were broken", "lamp-2"),
		step("5", "one was broken", "lamp-3"), step("5", "one was broken", "")} {
		require.NotEqual(t, is, other)
	}
	for _, amount := range []string{"5,00", "5.000", "5e0", "+5", "５", "5 00", "0x5", "$5", "5 USD", "1,000"} {
		_, err := order.ParseMoney(amount, "usd")
		require.Error(t, err, amount)
	}
}
