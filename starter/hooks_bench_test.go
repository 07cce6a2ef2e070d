package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/checkout"
)

// FuzzHooks posts rightly signed nonsense.
func FuzzHooks(f *testing.F) {
	r := newHookRoom(f).sells("acct_1", hookProducts)
	for _, kind := range []string{checkout.FinalizeType, checkout.CustomizeType, checkout.AvailabilityType} {
		f.Add(kind, `{"sku_id":"shirt","currency":"usd","line_items_details":[`+hookShirt+`],"shipping_details":{"address":{"country":"US"}}}`)
	}
	n := 0
	f.Fuzz(func(t *testing.T, kind, data string) {
		n++
		w := r.ask(fmt.Sprintf("evt_%d", n), kind, "acct_1", data)
		require.Contains(t, []int{200, 400, 404, 413}, w.Code)
		if w.Code == http.StatusOK {
			require.True(t, json.Valid(w.Body.Bytes()))
		}
	})
}

func BenchmarkHooks(b *testing.B) {
	var rows strings.Builder
	rows.WriteString("id,title,availability,inventory_quantity,price,shipping\n")
	for n := range 280_000 {
		fmt.Fprintf(&rows, "SKU-%07d,Organic cotton shirt %d,in_stock,1000000,20.00 USD,\"US:ALL:Standard:3-5:5.00 USD,US:ALL:Express:1-2:15.00 USD\"\n", n, n)
	}
	for name, data := range map[string]string{
		checkout.FinalizeType:     `{"id":"cs_%[1]d","currency":"usd","amount_total":2000,"line_items_details":[{"id":"SKU-%07[2]d","unit_amount":2000,"quantity":1}]}`,
		checkout.CustomizeType:    `{"currency":"usd","line_item_details":[{"id":"li_%[1]d","sku_id":"SKU-%07[2]d","quantity":1}],"shipping_details":{"address":{"country":"US"}}}`,
		checkout.AvailabilityType: `{"sku_id":"SKU-%07[2]d"}`,
	} {
		b.Run(hookName(name), func(b *testing.B) {
			r := newHookRoom(b, func(o *hookOptions) { o.Now = time.Now }).sells("acct_1", rows.String())
			r.ask("evt_first", name, "acct_1", fmt.Sprintf(data, 0, 0)) // loads the assortment
			took := make([]time.Duration, 0, 1<<20)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				began := time.Now()
				w := r.ask(fmt.Sprintf("evt_%d", n), name, "acct_1", fmt.Sprintf(data, n, n*271%280_000))
				took = append(took, time.Since(began))
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body.String())
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
