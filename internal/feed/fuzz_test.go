package feed

import (
	"bytes"
	"math"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAmounts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "USD", "15", "15.00", "15.00USD", "15.00  USD", " 15.00 USD", "15.00 USD ",
		"15. USD", ".5 USD", "1,5 USD", "1e3 USD", "15.00 US", "1.299 EUR", "1.500 EUR", "1.2345 EUR", "15.0001 USD",
		"15.5 JPY", "15.50 JPY", "1.500 JPY", "1.234 KWD", "1.2300001 KWD", "100.50 UGX", "12.5 ISK", "12.50 ISK",
		"12.500 ISK", "100.50 MGA", "0.005 USD", "9.99 BGN", "9.99 ANG", "9.99 XAU", "1234567890123 USD", "+1 USD",
		"15.00 usd"} {
		_, ok := parseAmount([]byte(text))
		require.False(t, ok, text)
	}
	for text, want := range map[string]struct {
		thousandths int64
		written     string
	}{
		"15.00 USD": {15000, "15.00 USD"}, "15 USD": {15000, "15.00 USD"}, "15.5 USD": {15500, "15.50 USD"},
		"15.0000 USD": {15000, "15.00 USD"},
		"0.500 USD":   {500, "0.50 USD"}, "1234.500 USD": {1234500, "1234.50 USD"}, "1.230 KWD": {1230, "1.230 KWD"},
		"1.23000 KWD": {1230, "1.230 KWD"},
		"1500 JPY":    {1500000, "1500 JPY"}, "1500.00 JPY": {1500000, "1500 JPY"}, "1.5 KWD": {1500, "1.500 KWD"},
		"999999999999.99 USD": {999999999999990, "999999999999.99 USD"}, "007.00 EUR": {7000, "7.00 EUR"},
	} {
		a, ok := parseAmount([]byte(text))
		require.True(t, ok, text)
		require.Equal(t, want.thousandths, a.Thousandths, text)
		require.Equal(t, want.written, a.String())
	}
	for _, text := range []string{"100 ISK", "100.00 ISK", "100 UGX", "100.00 UGX", "100.00 MGA", "100 MGA"} {
		_, cause := readAmount([]byte(text))
		require.Empty(t, cause, "%s: Stripe and ISO 4217 disagree", text)
	}
}

func FuzzAmount(f *testing.F) {
	for _, seed := range []string{"15.00 USD", "1500 JPY", "1.5 KWD", "0.005 USD", "999999999999.999 EUR", "-1.00 USD",
		"15.00 XXX"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, ok := parseAmount(text)
		if !ok {
			require.Zero(t, a)
			return
		}
		again, ok := parseAmount([]byte(a.String()))
		require.True(t, ok, "%s", a)
		require.Equal(t, a, again)
	})
}

// A date that both read is the same moment to both.
func FuzzDateAgreesWithTime(f *testing.F) {
	for _, seed := range []string{"2026-02-24", "2028-02-29T23:59:59Z", "1900-02-29", "2026-02-24T08:30:00.5+01:00",
		"0000-01-01", "9999-12-31", "2026-02-24 08:30+0100", "2026-12-31T24:00Z"} {
		f.Add([]byte(seed))
	}
	layouts := []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04", "2006-01-02T15:04:05",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700"}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, ok := readMoment(text)
		for _, layout := range layouts {
			// time.Parse takes hours of one digit, which ISO 8601 does not have.
			if want, err := time.Parse(layout, string(text)); err == nil && want.Format(layout) == string(text) {
				require.True(t, ok, "%q is a date as %s", text, layout)
				require.Equal(t, want.Unix(), m.seconds, "%q", text)
			}
		}
		readInterval(text)
	})
}

// What passes as a URL is one to net/url, which the emulator of Stripe asks.
func FuzzURLAgreesWithNetURL(f *testing.F) {
	for _, seed := range []string{"https://example.com/a?b=c#d", "http://a:80", "HTTPS://é.example/%20",
		"https://a/%zz", "https://a/?%zz", "https://a#%zz", "https://[::1]/", "https://a:b@c/", "https://a?b#c?%"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || readURL(text) != "" {
			return
		}
		u, err := url.Parse(string(text))
		require.NoError(t, err)
		require.Contains(t, []string{"http", "https"}, u.Scheme)
		require.NotEmpty(t, u.Hostname())
	})
}

// Nothing that a cell may contain makes a check fail, look beyond the cell, or name a cause that has no texts.
func FuzzCells(f *testing.F) {
	for _, c := range productColumns {
		f.Add([]byte(c.Sample))
	}
	for _, c := range productCases {
		for _, value := range c.changes {
			f.Add([]byte(value))
		}
	}
	product, promotion := compileRules(Product, columnNames(Product)), compileRules(Promotion, columnNames(Promotion))
	f.Fuzz(func(t *testing.T, value []byte) {
		before := bytes.Clone(value)
		value = slices.Clip(value)
		for r, n := range map[*rules]int{product: len(productColumns), promotion: len(promotionColumns)} {
			fields := make([][]byte, n)
			for i := range fields {
				fields[i] = value
			}
			for _, p := range r.check(fields, everyPlace, nil) {
				require.NotEmpty(t, textOf[p.cause].severity)
			}
			r.variants(fields)
		}
		require.Equal(t, before, value)
	})
}

func TestDecimalsAreComparedExactly(t *testing.T) {
	t.Parallel()
	c := &Column{Min: 1, Max: 5}
	for value, want := range map[string]Cause{
		"5": "", "5.000": "", "1": "", "4.999999999999999999999": "", "5.0000000000000000001": OutOfRange,
		"0.99": OutOfRange,
		"-1":   OutOfRange, "1e0": NotNumber, ".5": NotNumber, "5.": NotNumber, "-": NotNumber, "NaN": NotNumber,
		"99999999999999999999": OutOfRange,
	} {
		require.Equal(t, want, checkDecimal(c, []byte(value)), value)
	}
	require.Equal(t, OutOfRange, checkInteger(&Column{Max: math.MaxInt64}, []byte("9223372036854775808")))
}
