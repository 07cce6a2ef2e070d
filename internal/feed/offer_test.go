package feed

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMinorUnitsAreStripes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"15.00 USD": 1500, "1500 JPY": 1500, "1.230 KWD": 1230, "20 MGA": 20, "20 ISK": 2000, "20 UGX": 2000,
	} {
		a, ok := ParseAmount([]byte(text))
		require.True(t, ok, text)
		n, whole := a.MinorUnits()
		require.True(t, whole, text)
		require.Equal(t, want, n, text)
	}
	_, whole := Amount{Thousandths: 15005, Currency: Currency{'U', 'S', 'D'}}.MinorUnits()
	require.False(t, whole, "half a cent")
	_, whole = Amount{Thousandths: 15000}.MinorUnits()
	require.False(t, whole, "no currency")
}

func TestPlacesFitAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		country, area, addressCountry, region, code string
		fits                                        int
	}{
		{"US", "ALL", "DE", "", "", Elsewhere},
		{"US", "ALL", "us", "", "", InCountry},
		{"US", "CA", "US", "NY", "94103", Elsewhere},
		{"US", "CA", "US", "CA", "", InRegion},
		{"US", "CA", "US", "US-ca", "", InRegion},
		{"US", "94103", "US", "CA", "94103-1234", InPostalArea},
		{"US", "94*", "US", "", "94999", InPostalArea},
		{"US", "94*", "US", "", "95000", Elsewhere},
		{"US", "94*-95*", "US", "", "95999", InPostalArea},
		{"US", "73114-74547", "US", "", "74548", Elsewhere},
		{"US", "73114-74547", "US", "", "74547", InPostalArea},
		{"US", "94*", "US", "", "9", Elsewhere},
		{"US", "94*", "US", "", "94*", Elsewhere},
	} {
		place := Place{[]byte(c.country), []byte(c.area)}
		require.Equal(t, c.fits, place.Fits(c.addressCountry, c.region, c.code), "%+v", c)
	}
}

func TestEachShippingLeavesOutWhatStripeWouldRefuse(t *testing.T) {
	t.Parallel()
	var services []string
	for s := range EachShipping(
		[]byte("US:ALL:Standard:3-5:5.00 USD, nonsense ,US:CA:Fast::9.00 USD,,US:ALL:Bad:5-3:1.00 USD")) {
		services = append(services, string(s.Service))
		require.Equal(t, s.Timed, string(s.Service) == "Standard")
	}
	require.Equal(t, []string{"Standard", "Fast"}, services)
	for range EachShipping(nil) {
		t.Fatal("an empty cell has no entry")
	}
	for f := range EachFreeShipping([]byte("US:ALL:Standard:50.00 USD")) {
		require.Equal(t, int64(50_000), f.From.Thousandths)
	}
}

func TestPeriodsEndWithTheirLastDay(t *testing.T) {
	t.Parallel()
	from, until, ok := ParsePeriod([]byte("1970-01-01/1970-01-02"))
	require.True(t, ok)
	require.Equal(t, [2]int64{0, 2 * day}, [2]int64{from, until})
	_, _, ok = ParsePeriod([]byte("1970-01-03/1970-01-02"))
	require.False(t, ok)
}
