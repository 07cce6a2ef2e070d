package account_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
)

func TestRulesThatAreMistyped(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"import_api", "v3", "expected v1 or v2"},
		{"dialect", "", "expected stripe or google"},
		{"invalid_rows", "drop", "expected hold_back or send"},
		{"unknown_columns", "keep", "expected send or drop"},
		{"full_send_every", "30m", "expected a duration of at least 1h, such as 168h"},
		{"full_send_every", "weekly", "expected a duration of at least 1h, such as 168h"},
		{"max_shrink", "100.1%", "expected a percentage from 0 to 100, such as 20"},
		{"max_invalid", "-0.1", "expected a percentage from 0 to 100, such as 20"},
		{"max_price_moves", "NaN", "expected a percentage from 0 to 100, such as 20"},
		{"price_move", "Inf", "expected a percentage from 0 to 10000, such as 20"},
		{"max_currency_flips", "%", "expected a percentage from 0 to 100, such as 20"},
		{"max_free", "some", "expected a percentage from 0 to 100, such as 20"},
		{"max_luck", "7", `rule "max_luck" is not known`},
	} {
		var r account.Rules
		require.EqualError(t, r.Set(test.name, test.text), test.want, "%s %q", test.name, test.text)
	}
}

func TestEveryRuleReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	var read account.Rules
	for _, name := range account.RuleNames() {
		require.Empty(t, read.Text(name))
		require.NoError(t, read.Set(name, account.DefaultRules().Text(name)))
	}
	for _, name := range account.RuleNames() {
		require.Equal(t, account.DefaultRules().Text(name), read.Text(name))
	}
	require.NoError(t, read.Check())
	require.Empty(t, read.Text("max_luck"))
}

func TestRulesAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	var r account.Rules
	for _, test := range []struct{ name, text, want string }{
		{"import_api", "V2", "v2"}, {"max_shrink", "20.50%", "20.5%"}, {"max_shrink", "0", "0%"},
		{"price_move", "10 %", "10%"},
		{"full_send_every", "1h30m", "1h30m"}, {"full_send_every", "168h", "168h"},
	} {
		require.NoError(t, r.Set(test.name, test.text))
		require.Equal(t, test.want, r.Text(test.name))
	}
	require.Equal(t, []string{"15m", "1h", "1h30m", "45s", "1h0m1s"}, []string{
		account.Interval(15 * time.Minute).String(), account.Interval(time.Hour).String(),
		account.Interval(90 * time.Minute).String(),
		account.Interval(45 * time.Second).String(), account.Interval(time.Hour + time.Second).String(),
	})
}
