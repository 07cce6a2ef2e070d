package order

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
)

func TestFeesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, f := range []Fee{{Percent: -1}, {Percent: 101}, {Percent: math.NaN()}, {Fixed: -1}, {Fixed: 30},
		{Fixed: 30, Currency: "dollars"}} {
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
		"within 2s":            {Endpoint: at, Within: account.Interval(2 * time.Second)},
		"within 10ms":          {Endpoint: at, Within: account.Interval(10 * time.Millisecond)},
		"asked \"everything\"": {Endpoint: at, Asked: []CheckoutQuestion{"everything"}},
	} {
		require.ErrorContains(t, Checkout{Merchant: m}.check(), says)
	}
	require.NoError(t, Checkout{}.check())
	require.NoError(t, Checkout{Merchant: CheckoutMerchant{Endpoint: at}}.check())
}

func TestAMerchantIsAskedWhatTheyWant(t *testing.T) {
	t.Parallel()
	s := Settings{
		Checkout: Checkout{Merchant: CheckoutMerchant{Endpoint: Endpoint{URL: "https://shop.example/"}}},
	}.WithDefaults()
	require.True(t, s.Checkout.Merchant.Hears(AskApproval))
	require.True(t, s.Checkout.Merchant.Hears(AskCustomization))
	require.Equal(t, account.Interval(time.Second), s.Checkout.Merchant.Within)
	s.Checkout.Merchant.Asked = []CheckoutQuestion{AskCustomization}
	require.False(t, s.Checkout.Merchant.Hears(AskApproval))
	require.False(t, Settings{}.WithDefaults().Checkout.Merchant.Hears(AskApproval), "nobody to ask")
}

func TestFeeOfAnOrder(t *testing.T) {
	t.Parallel()
	f := Fee{Percent: 2.5, Fixed: 30, Currency: "usd"}
	require.NoError(t, Checkout{Fee: f}.check())
	of := func(total int64) *int64 { return &total }
	type answer struct {
		fee   int64
		known bool
	}
	unknown := answer{}
	fixed := Fee{Fixed: 30, Currency: "usd"}
	for name, c := range map[string]struct {
		fee      Fee
		total    *int64
		currency string
		want     answer
	}{
		"both":                               {f, of(1000), "USD", answer{55, true}},
		"fixed in another currency":          {f, of(1000), "eur", answer{25, true}},
		"no more than there is":              {f, of(10), "usd", answer{10, true}},
		"a total of nothing":                 {f, of(0), "usd", answer{0, true}},
		"the most":                           {f, of(maxTotal), "usd", answer{maxTotal/40 + 30, true}},
		"no total":                           {f, nil, "usd", unknown},
		"a negative total":                   {f, of(-1), "usd", unknown},
		"a total beyond all":                 {f, of(math.MaxInt64), "usd", unknown},
		"no currency":                        {f, of(1000), "", unknown},
		"no currency that is one":            {fixed, of(1000), "dollars", unknown},
		"no total, a share":                  {Fee{Percent: 1}, nil, "usd", unknown},
		"no total, fixed":                    {fixed, nil, "usd", unknown},
		"no total, fixed elsewhere":          {fixed, nil, "eur", answer{0, true}},
		"no total, no fee":                   {Fee{}, nil, "", answer{0, true}},
		"no fee, but a total that is none":   {Fee{}, of(-1), "usd", unknown},
		"a share needs no currency at all":   {Fee{Percent: 1}, of(1000), "", answer{10, true}},
		"a share that rounds down to zero":   {Fee{Percent: 0.01}, of(10), "usd", answer{0, true}},
		"a share that rounds to the nearest": {Fee{Percent: 2.5}, of(20), "usd", answer{1, true}},
	} {
		fee, known := c.fee.Of(c.total, c.currency)
		require.Equal(t, c.want, answer{fee, known}, name)
	}
}
