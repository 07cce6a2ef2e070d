package e2e

import (
	"context"
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/workflows"
)

// starts begins a sync as anybody could, by the contract alone.
func (r *room) starts() client.WorkflowRun {
	r.t.Helper()
	return r.startsWith(workflows.CatalogSyncInput{})
}

func (r *room) startsWith(in workflows.CatalogSyncInput) client.WorkflowRun {
	r.t.Helper()
	in.Account = r.account
	return r.startsAs(in.WorkflowID(), in)
}

func (r *room) startsAs(id string, in workflows.CatalogSyncInput) client.WorkflowRun {
	r.t.Helper()
	in.Account = r.account
	run, err := r.temporal.ExecuteWorkflow(r.t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.TaskQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, workflows.CatalogSyncType, in)
	require.NoError(r.t, err)
	r.newest = run
	return run
}

func (r *room) ends(run client.WorkflowRun) (workflows.CatalogSyncResult, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	var result workflows.CatalogSyncResult
	err := run.Get(ctx, &result)
	return result, err
}

// syncs runs a sync of the product feed to an outcome.
func (r *room) syncs(want catalog.Outcome) workflows.CatalogSyncResult {
	r.t.Helper()
	return r.syncsWith(workflows.CatalogSyncInput{}, want)
}

func (r *room) syncsWith(in workflows.CatalogSyncInput, want catalog.Outcome) workflows.CatalogSyncResult {
	r.t.Helper()
	result, err := r.ends(r.startsWith(in))
	require.NoError(r.t, err)
	require.Equal(r.t, want, result.Outcome, "%+v", result)
	return result
}

// ids are the products that Stripe has of the account.
func (r *room) ids() []string {
	r.t.Helper()
	products, err := r.emulator.Catalog(r.t.Context(), r.account)
	require.NoError(r.t, err)
	ids := []string{}
	for _, p := range products {
		ids = append(ids, p.ID)
	}
	return ids
}

// reaches waits until a run is in the middle of an activity.
func (r *room) reaches(run client.WorkflowRun, activity string) {
	r.t.Helper()
	r.await("the start of "+activity, func() bool {
		described, err := r.temporal.DescribeWorkflowExecution(r.t.Context(), run.GetID(), run.GetRunID())
		if err != nil {
			return false
		}
		for _, pending := range described.GetPendingActivities() {
			if pending.GetActivityType().GetName() == activity &&
				pending.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED {
				return true
			}
		}
		return false
	})
}

const header = "id,title,description,link,image_link,availability,price\n"

// csv is a catalog of products with these ids. An id that begins with "bad" has a price that Vitrine keeps back. One
// with a slash is worth a warning to Vitrine, and refused by the emulator.
func csv(ids ...string) string {
	var b strings.Builder
	b.WriteString(header)
	for _, id := range ids {
		price := "9.99 USD"
		if strings.HasPrefix(id, "bad") {
			price = "cheap"
		}
		b.WriteString(product(id, price))
	}
	return b.String()
}

// product is a row of two lines.
func product(id, price string) string {
	return fmt.Sprintf(
		"%s,Title of %s,\"A description, with\na line break\",https://shop.example/%s,https://shop.example/%s.jpg,in_stock,%s\n", id, id, id, id, price)
}

// numbered are n ids.
func numbered(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("sku%04d", i)
	}
	return ids
}
