package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/report"
	"vitrine/internal/terminal"
)

const shippingColumn = "shipping"

// mostZones bounds the list of zones: a report with more says how many more.
const mostZones = 30

// printZones lists the shipping zones of the merchant's file for which Stripe cannot be told a rate, and in how many
// rows. It goes by the findings; a report that has none about shipping is not read for it.
func (a *app) printZones(ctx context.Context, docs catalog.Documents, r catalog.Report) {
	about := func(c catalog.ReportCause) bool { return c.Column == shippingColumn }
	if r.Findings == "" || !slices.ContainsFunc(r.Causes, about) {
		return
	}
	rows, err := unratedZones(ctx, docs, r)
	if err != nil {
		a.Remark("Which shipping zones have no rate cannot be told: %v\n", err)
		return
	}
	if len(rows) == 0 {
		return
	}
	zones := slices.SortedFunc(maps.Keys(rows), func(x, y string) int {
		return cmp.Or(cmp.Compare(rows[y], rows[x]), strings.Compare(x, y))
	})
	a.Blank()
	a.Say("  Shipping zones without a rate that Stripe can be told")
	for _, zone := range zones[:min(len(zones), mostZones)] {
		a.Tell(a.Stdout, fmt.Sprintf("  %-8s ", terminal.Printable(zone)), "in "+terminal.Plural(rows[zone], "row"))
	}
	if more := len(zones) - mostZones; more > 0 {
		a.Say("  and %s", terminal.Plural(int64(more), "other zone"))
	}
}

// unratedZones counts the rows of each zone.
func unratedZones(ctx context.Context, docs catalog.Documents, r catalog.Report) (map[string]int64, error) {
	findings, err := openObject(ctx, docs, r.Findings)
	if err != nil {
		return nil, err
	}
	defer findings.Close()
	rows := map[string]int64{}
	for e, err := range report.NewReader(findings).All() {
		if err != nil {
			return nil, err
		}
		if e.Column != shippingColumn {
			continue
		}
		for _, zone := range feed.UnratedZones([]byte(e.Value), strings.HasSuffix(e.Value, "…")) {
			rows[zone]++
		}
	}
	return rows, nil
}
