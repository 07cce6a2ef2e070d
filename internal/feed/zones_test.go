package feed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed"
)

func TestZonesWithoutARate(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string][]string{
		"":                          nil,
		"US:CA:Ground:1-3:4.99 USD": nil,
		"US:CA:Ground:1-3:free":     {"US:CA"},
		"US:ALL:Ground:1-3:4.99 USD,DE:ALL:Paket:2-4:cheap":      {"DE"},
		"DE:ALL:Express:soon:9.90 EUR,DE:ALL:Paket:2-4:4.90 EUR": nil, // another way leads there
		"de:ALL:Paket:2-4:?,DE:ALL:Post:2-4:?":                   {"DE"},
		"AT:ALL:Paket:2-4:?,US:NY:Ground:x:1.00 USD":             {"AT", "US:NY"},
		"worldwide:ALL:Paket:2-4:?":                              nil, // it names no country
		",,:":                                                    nil,
	} {
		require.ElementsMatch(t, want, feed.UnratedZones([]byte(cell), false), cell)
	}
	require.Equal(t, []string{"AT"}, feed.UnratedZones([]byte("AT:ALL:Paket:2-4:?,DE:ALL:Pak…"), true),
		"the rest of the last entry is not known")
}

func FuzzUnratedZones(f *testing.F) {
	f.Add([]byte("US:CA:Ground:1-3:free, DE"), true)
	f.Fuzz(func(t *testing.T, cell []byte, cut bool) {
		for _, zone := range feed.UnratedZones(cell, cut) {
			require.Regexp(t, `^[A-Z]{2}(?s::.+)?$`, zone)
		}
	})
}
