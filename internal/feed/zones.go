package feed

import (
	"bytes"
	"slices"
	"strings"

	"vitrine/internal/feed/ascii"
)

// UnratedZones are the zones of a cell of the column shipping for which Stripe cannot be told a rate: an entry names
// the zone, and none of those that do is one that Stripe takes. A zone is a country, or one and an area of it with a
// colon between.
//
// cut says that the cell was shortened: its last entry says nothing then.
func UnratedZones(cell []byte, cut bool) (zones []string) {
	rated := map[string]bool{}
	for more := len(cell) > 0; more; {
		var entry []byte
		entry, cell, more = cutEntry(cell)
		zone := zoneOf(entry)
		if zone == "" || cut && !more {
			continue
		}
		if _, met := rated[zone]; !met {
			zones = append(zones, zone)
		}
		rated[zone] = rated[zone] || hasRate(entry)
	}
	return slices.DeleteFunc(zones, func(zone string) bool { return rated[zone] })
}

// zoneOf names the zone of an entry; empty if it does not begin with a country.
func zoneOf(entry []byte) string {
	country, rest, _ := cutPart(bytes.TrimSpace(entry))
	if len(country) != 2 || !ascii.IsLetter(country[0]) || !ascii.IsLetter(country[1]) {
		return ""
	}
	zone := strings.ToUpper(string(country))
	if area, _, more := cutPart(rest); more && len(area) > 0 && !strings.EqualFold(string(area), "ALL") {
		zone += ":" + string(area)
	}
	return zone
}

func hasRate(entry []byte) bool {
	cause := checkShippingEntry(nil, entry)
	return cause == "" || cause.Severity() == Warning
}
