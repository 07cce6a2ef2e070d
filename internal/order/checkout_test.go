package order

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFeesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, f := range []Fee{{Percent: -1}, {Percent: 101}, {Percent: math.NaN()}, {Fixed: -1}, {Fixed: 30}, {Fixed: 30, Currency: "dollars"}} {
		require.Error(t, Checkout{Fee: f}.check(), "%+v", f)
	}
}

func TestFeeOfAnOrder(t *testing.T) {
	t.Parallel()
	f := Fee{Percent: 2.5, Fixed: 30, Currency: "usd"}
	require.NoError(t, Checkout{Fee: f}.check())
	require.Equal(t, int64(55), f.Of(1000, "USD"))
	require.Equal(t, int64(25), f.Of(1000, "eur"), "the fixed amount is not one of this currency")
	require.Equal(t, int64(10), f.Of(10, "usd"), "no more than there is")
	require.Zero(t, f.Of(0, "usd"))
}
