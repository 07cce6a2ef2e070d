package desktest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

// Noon is when everything in the world of the tests happened.
var Noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// New is the world of the tests: acct_1 has a product feed with a held sync and two reports, and an order; acct_2 has
// one too.
func New(t testing.TB) (desk.Desk, *objectstoretest.Memory, *Temporal) {
	t.Helper()
	store := objectstoretest.NewMemory("state")
	layout := statestore.Layout{SourceBucket: "source", SourceKey: "catalogs/{account}/{feed}.csv",
		StateBucket: "state", StatePrefix: "state/"}
	docs := catalog.Documents{Store: statestore.Store{Objects: store, Layout: layout}}
	for _, name := range []string{"acct_1", "acct_2", "acct_3"} {
		require.NoError(t,
			account.Documents{Store: docs.Store}.SaveSettings(t.Context(), account.Settings{Account: name}))
	}
	_, err := docs.SaveState(t.Context(), HeldState("acct_1"), statestore.IfAbsent)
	require.NoError(t, err)
	id := catalog.ID{Account: "acct_1", Feed: feed.Product}
	for number, r := range []catalog.Report{GoodReport(), PoorReport()} {
		require.NoError(t, docs.SaveReport(t.Context(), docs.Keys(id).ReportKey(int64(number), "json"), r))
	}
	temporal := &Temporal{Orders: map[string]workflows.OrderView{
		"order/acct_1/cs_1": ShippedOrder("acct_1"), "order/acct_2/cs_1": ShippedOrder("acct_2"),
	}}
	return desk.Desk{Documents: docs, Temporal: temporal}, store, temporal
}

// HeldState is a sync of an account's product feed that waits for a person.
func HeldState(name string) catalog.State {
	run := catalog.Run{WorkflowID: workflows.ScheduleID(catalog.ID{Account: name, Feed: feed.Product}), RunID: "run-1"}
	return catalog.State{
		Format: catalog.StateFormat, Account: name, Feed: feed.Product, Sequence: 2,
		Last: &catalog.Last{Outcome: catalog.Held, At: Noon, Run: run, Reason: "the source has 700 rows", RowsSent: 3},
		Held: &catalog.Hold{
			Version: "v7", Since: Noon, Run: run,
			Rows: catalog.ReportRows{Source: 700, Unchanged: 568, Sent: 120, Deleted: 300, KeptBack: 12},
			Reasons: []catalog.HoldReason{{Guard: "shrink",
				Text: "the source has 700 rows, 300 (30%) fewer than Stripe: at most 20%"}},
		},
		Accepted: &catalog.Accepted{
			Rows: 1000, At: Noon.Add(-time.Hour),
			Source: statestore.Object{Bucket: "source", Key: "a.csv", ETag: `"1"`,
				LastModified: Noon.Add(-2 * time.Hour)},
		},
		Rejected: &catalog.Decided{Version: "v5",
			Verdict: catalog.Verdict{By: "ada", Why: "cut off", At: Noon.Add(-24 * time.Hour)}},
	}
}

// GoodReport is of a sync of which Stripe took every row.
func GoodReport() catalog.Report {
	return catalog.Report{
		Account: "acct_1", Feed: feed.Product, Outcome: catalog.Succeeded, At: Noon.Add(-2 * time.Hour),
		Source: statestore.Object{Bucket: "source", Key: "a.csv", ETag: `"1"`, Size: 9,
			LastModified: Noon.Add(-3 * time.Hour)},
		Rows: catalog.ReportRows{Source: 1000, Sent: 1000, Accepted: 1000},
	}
}

// PoorReport is of the next one, of which it did not.
func PoorReport() catalog.Report {
	r := GoodReport()
	r.Outcome, r.At = catalog.SucceededWithErrors, Noon.Add(-time.Hour)
	r.Rows = catalog.ReportRows{Source: 1000, Unchanged: 990, Sent: 8, KeptBack: 2, Accepted: 7, Refused: 1}
	r.Imports = []catalog.ReportImport{{API: feed.V1, Part: 1, Rows: 8, Bytes: 900, File: "file_1", Import: "impset_1",
		Status: "succeeded_with_errors"}}
	r.Causes = []catalog.ReportCause{{
		Cause: feed.RefusedByStripe, Column: "price", By: catalog.SaidByStripe, Severity: feed.Error,
		Reason: "<b>no</b> price", Count: 3, New: 1,
		Example: catalog.ReportEntry{Line: 7, ID: "A-1", Column: "price", Value: "<script>",
			Cause: feed.RefusedByStripe, Reason: "no price", Severity: feed.Error, By: catalog.SaidByStripe,
			FirstSeen: Noon},
	}}
	r.Reading = &feed.Reading{Quotes: lines.RFC4180Quotes}
	r.Since = &catalog.ReportSince{Report: "state/acct_1/product/reports/000000.json", At: Noon.Add(-2 * time.Hour),
		New: 1}
	return r
}

// ShippedOrder is an order of an account that is on its way.
func ShippedOrder(name string) workflows.OrderView {
	return workflows.OrderView{
		ID: order.ID{Account: name, Session: "cs_1"}, State: order.StateShipped, Since: Noon, Events: 3, Captured: 4500,
		RefundsOnce: true,
		Summary: &order.Summary{
			ID: order.ID{Account: name, Session: "cs_1"}, PaymentIntent: "pi_1", Created: Noon, Currency: "eur",
			Mode:    "payment",
			Amounts: order.Amounts{Subtotal: 4500, Total: 4500}, Agent: order.Agent{Name: "Agent"},
			Lines: []order.Line{{ID: "li_1", SKU: "LAMP-1", Quantity: 1, UnitAmount: 4500, Subtotal: 4500,
				Total: 4500}},
			Payment: order.Payment{State: "captured", Amount: 4500, Captured: 4500},
		},
		Decision: &order.Decision{Status: order.Accepted, Reference: "SO-1"},
		Shipments: []order.Shipment{{ID: "p-1", Carrier: "UPS", ShippedAt: Noon,
			Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}}},
		Refunds:  []order.Refund{{ID: "re_1", Amount: 100, Currency: "eur", Status: "succeeded", Created: Noon}},
		Disputes: []order.Dispute{{ID: "dp_1", Amount: 4500, Currency: "eur", Status: "under_review", Created: Noon}},
		Spent:    map[string]int{"refund": 0},
	}
}
