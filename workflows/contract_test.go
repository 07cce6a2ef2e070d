package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/feed"
	"vitrine/workflows"
)

func TestASyncThatAsksForMoreJoinsNoneThatDoesLess(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in          workflows.CatalogSyncInput
		id, summary string
	}{
		{workflows.CatalogSyncInput{Feed: feed.Product}, "catalog-sync/acct_1/product",
			"Sync the product feed of acct_1"},
		{workflows.CatalogSyncInput{Feed: feed.Pricing, Force: true}, "catalog-sync/acct_1/pricing/force",
			"Sync the pricing feed of acct_1 (forced)"},
		{workflows.CatalogSyncInput{Feed: feed.Product, Full: true}, "catalog-sync/acct_1/product/full",
			"Sync the product feed of acct_1 (full)"},
		{workflows.CatalogSyncInput{Feed: feed.Product, Full: true, Force: true},
			"catalog-sync/acct_1/product/full/force", "Sync the product feed of acct_1 (full, forced)"},
	} {
		test.in.Account = "acct_1"
		require.Equal(t, test.id, test.in.WorkflowID())
		require.Equal(t, test.summary, test.in.Summary())
	}
	require.Equal(t, "catalog-sync/acct_1/product", workflows.CatalogSyncInput{Account: "acct_1"}.WorkflowID(),
		"product is the default")
}

func TestAStepOfManyRowsTakesFewerTurns(t *testing.T) {
	t.Parallel()
	for rows, weight := range map[int64]float32{
		0: 0, 1: 0, 10_000: 0, 20_000: 0.5, 1_000_000: 0.01, 10_000_000: 0.001, 1 << 62: 0.001,
	} {
		p := workflows.CatalogSyncInput{Account: "acct_1", Rows: rows}.Priority()
		want := temporal.Priority{PriorityKey: 4, FairnessKey: "acct_1", FairnessWeight: weight}
		require.Equal(t, want, p, "%d rows", rows)
	}
}
