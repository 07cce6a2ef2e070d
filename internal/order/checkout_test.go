package order

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
)

func TestFeesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, f := range []Fee{{Percent: -1}, {Percent: 101}, {Percent: math.NaN()}, {Fixed: -1}, {Fixed: 30}, {Fixed: 30, Currency: "dollars"}} {
		require.Error(t, Checkout{Fee: f}.check(), "%+v", f)
	}
}

func TestMerchantsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	at := Endpoint{URL: "https://shop.example/checkout", SecretEnv: "MERCHANT_SECRET_SHOP"}
	for says, m := range map[string]CheckoutMerchant{
		"merchant.url":         {Endpoint: Endpoint{URL: "shop.example", SecretEnv: "MERCHANT_SECRET_SHOP"}},
		"is not an address":    {Endpoint: Endpoint{SecretEnv: "MERCHANT_SECRET_SHOP"}},
		"one of secret_env":    {Endpoint: Endpoint{URL: at.URL}},
		"MERCHANT_SECRET_":     {Endpoint: Endpoint{URL: at.URL, SecretEnv: "STRIPE_API_KEY"}},
		"secret_file":          {Endpoint: Endpoint{URL: at.URL, SecretFile: "../key"}},
		"within 2s":            {Endpoint: at, Within: catalog.Interval(2 * time.Second)},
		"within 10ms":          {Endpoint: at, Within: catalog.Interval(10 * time.Millisecond)},
		"asked \"everything\"": {Endpoint: at, Asked: []CheckoutQuestion{"everything"}},
	} {
		require.ErrorContains(t, Checkout{Merchant: m}.check(), says)
	}
	require.NoError(t, Checkout{}.check())
	require.NoError(t, Checkout{Merchant: CheckoutMerchant{Endpoint: at}}.check())
}

func TestAMerchantIsAskedWhatHeWants(t *testing.T) {
	t.Parallel()
	s := Settings{Checkout: Checkout{Merchant: CheckoutMerchant{Endpoint: Endpoint{URL: "https://shop.example/"}}}}.WithDefaults()
	require.True(t, s.Checkout.Merchant.Hears(AskApproval))
	require.True(t, s.Checkout.Merchant.Hears(AskCustomization))
	require.Equal(t, catalog.Interval(time.Second), s.Checkout.Merchant.Within)
	s.Checkout.Merchant.Asked = []CheckoutQuestion{AskCustomization}
	require.False(t, s.Checkout.Merchant.Hears(AskApproval))
	require.False(t, Settings{}.WithDefaults().Checkout.Merchant.Hears(AskApproval), "nobody to ask")
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
