package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"

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
