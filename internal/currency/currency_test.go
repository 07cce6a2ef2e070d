package currency_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	iso "golang.org/x/text/currency"

	"vitrine/internal/currency"
)

// What golang.org/x/text says otherwise. Its tables are some years old: they list what was withdrawn since, know no
// later currency, and count decimals as shops use them, not as ISO 4217 has them.
var (
	withdrawn = []string{"ANG", "BGN", "CUC", "HRK", "MRO", "SLL", "VEF"}
	since     = []string{"MRU", "SLE", "VED", "VES", "XCG", "ZWG"}
	noTender  = []string{"SVC"} // El Salvador pays in dollars, and ISO 4217 still lists its colón
	// unused are currencies whose coins are worth nothing.
	unused = []string{"AFN", "ALL", "AMD", "COP", "GYD", "IDR", "IQD", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "MNT",
		"MUR", "PKR",
		"RSD", "SOS", "SYP", "TZS", "UZS", "YER"}
)

// every is each code there may be.
func every(each func(code string)) {
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			for c := 'A'; c <= 'Z'; c++ {
				each(string([]rune{a, b, c}))
			}
		}
	}
}

// inUse are the currencies that are legal tender somewhere, as x/text knows.
func inUse() map[string]bool {
	codes := map[string]bool{}
	for q := iso.Query(); q.Next(); {
		codes[q.Unit().String()] = true
	}
	return codes
}

func TestCurrenciesAreThoseOfISO4217(t *testing.T) {
	t.Parallel()
	theirs := inUse()
	require.Greater(t, len(theirs), 140)
	every(func(code string) {
		ours := currency.Parse(code).Decimals() >= 0
		switch {
		case slices.Contains(withdrawn, code):
			require.True(t, theirs[code] && !ours, code)
		case slices.Contains(since, code), slices.Contains(noTender, code):
			require.True(t, ours && !theirs[code], code)
		default:
			require.Equal(t, theirs[code], ours, code)
		}
	})
}

func TestDecimalsAreThoseOfISO4217(t *testing.T) {
	t.Parallel()
	every(func(code string) {
		ours := currency.Parse(code).Decimals()
		unit, err := iso.ParseISO(code)
		if ours < 0 || err != nil {
			return
		}
		theirs, _ := iso.Standard.Rounding(unit)
		if slices.Contains(unused, code) {
			require.Less(t, theirs, ours, code)
		} else {
			require.Equal(t, theirs, ours, code)
		}
	})
}

func TestHowStripeCounts(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		iso, stripe int
		step        int64
	}{
		"USD": {2, 2, 1}, "eur": {2, 2, 1}, "JPY": {0, 0, 1}, "KWD": {3, 3, 10}, "BHD": {3, 3, 10}, "ISK": {0, 2, 100},
		"UGX": {0, 2, 100}, "MGA": {2, 0, 1}, "HUF": {2, 2, 1}, "TWD": {2, 2, 1}, "BGN": {-1, -1, 1}, "XX": {-1, -1, 1},
		"": {-1, -1, 1},
	} {
		c := currency.Parse(code)
		require.Equal(t, want.iso, c.Decimals(), code)
		require.Equal(t, want.stripe, c.StripeDecimals(), code)
		require.Equal(t, want.step, c.Step(), code)
	}
	kwd := currency.Parse("kwd")
	require.True(t, kwd.Chargeable(1230))
	require.False(t, kwd.Chargeable(1234))
	require.Equal(t, int64(1230), kwd.Floor(1239))
	require.Equal(t, int64(1239), currency.Parse("usd").Floor(1239))
	for _, code := range []string{"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV",
		"XAF", "XOF", "XPF"} {
		require.Zero(t, currency.Parse(code).StripeDecimals(), "%s: https://docs.stripe.com/currencies#zero-decimal",
			code)
	}
	every(func(code string) {
		if c := currency.Parse(code); c.Decimals() >= 0 {
			require.Contains(t, []int{0, 2, 3}, c.StripeDecimals(), code)
		}
	})
}

// What is said to be no special case has none.
func TestHundredthsAreNoSpecialCase(t *testing.T) {
	t.Parallel()
	every(func(code string) {
		c := currency.Parse(code)
		require.Equal(t, c.Decimals() == 2 && c.StripeDecimals() == 2 && c.Step() == 1, c.Hundredths(), code)
	})
}
