package order_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
)

func TestMoneyIsWrittenInItsCurrency(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		amount         int64
		currency, want string
	}{
		{0, "eur", "0.00 EUR"}, {5, "eur", "0.05 EUR"}, {123456789, "usd", "1,234,567.89 USD"},
		{-1250, "eur", "-12.50 EUR"},
		{1200, "jpy", "1,200 JPY"}, {1200, "kwd", "1.200 KWD"}, {500, "isk", "5.00 ISK"},
		{-9223372036854775808, "jpy", "-9,223,372,036,854,775,808 JPY"},
	} {
		require.Equal(t, test.want, order.Money(test.amount, test.currency))
	}
	for text, want := range map[string]int64{"12.50": 1250, "12.5": 1250, "12": 1200, "0.01": 1, "12.": 1200} {
		got, err := order.ParseMoney(text, "eur")
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	got, err := order.ParseMoney("1200", "jpy")
	require.NoError(t, err)
	require.Equal(t, int64(1200), got)
	for _, text := range []string{"", ".5", "1,50", "1.2.3", "1e3", "99999999999999999999", "1_0", "+1", "0.00"} {
		_, err := order.ParseMoney(text, "eur")
		require.Error(t, err, text)
	}
	_, err = order.ParseMoney("1.5", "jpy")
	require.ErrorContains(t, err, "something like 1250")
	_, err = order.ParseMoney("1.234", "kwd")
	require.ErrorContains(t, err, "the nearest below it is 1.230 KWD")
	_, err = order.ParseMoney("12.50", "isk")
	require.ErrorContains(t, err, "the nearest below it is 12.00 ISK")
}
