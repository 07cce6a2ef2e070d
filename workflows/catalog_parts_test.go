package workflows_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	accounts "vitrine/internal/account"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

// inParts is a stage on which ten rows fill a part.
func inParts(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.steps.Stager.Limits.MaxPartBytes = int64(len(header) + len("delete,") + 10*(len(product("sku000", "1.00 USD"))+1))
	s.steps.Policy.Interval = 0
	return s
}

func TestCatalogSyncSplitsWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	s := inParts(t)
	s.stripe.refuse["sku012"] = "Field title is dull."
	result := s.changes(catalogOf(many(25)...), catalog.SucceededWithErrors)
	require.Equal(t, []int{10, 10, 5},
		[]int{len(s.stripe.uploads[0]), len(s.stripe.uploads[1]), len(s.stripe.uploads[2])})
	require.Len(t, result.Imports, 3)
	require.Equal(t, catalog.ReportRows{Source: 25, Sent: 25, Accepted: 24, Refused: 1}, result.Rows)
	require.Len(t, s.stripe.products, 24)
	report := s.report()
	require.Len(t, report.Imports, 3)
	require.Contains(t, s.object(report.Findings), "\n14,sku012,title,Title,Field title is dull.",
		"the line in the merchant's own file")
	s.requireNothingStaged()
	// One after another: the next part is not begun before Stripe has ended the one before.
	var order []string
	for _, call := range s.stripe.calls {
		step, _, _ := cut(call)
		if len(order) == 0 || order[len(order)-1] != step {
			order = append(order, step)
		}
	}
	require.Equal(t,
		[]string{"upload", "create", "read", "upload", "create", "read", "contents", "upload", "create", "read"}, order)
}

func cut(call string) (step, what string, ok bool) {
	for i := range call {
		if call[i] == ' ' {
			return call[:i], call[i+1:], true
		}
	}
	return call, "", false
}

func TestAFailedPartKeepsWhatCameBefore(t *testing.T) {
	t.Parallel()
	s := inParts(t)
	s.stripe.fails[2] = "the second part is broken"
	s.put(source, catalogOf(many(25)...))
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	failure := requireType(t, err, fault.ImportFailed)
	require.Contains(t, failure.Error(), "the second part is broken")
	require.Len(t, s.stripe.products, 10)
	report := s.report()
	require.Equal(t, catalog.Failed, report.Outcome)
	require.Len(t, report.Imports, 2)
	require.Equal(t, int64(10), report.Rows.Accepted)

	result, err := s.sync(workflows.CatalogSyncInput{Account: account, Force: true})
	require.NoError(t, err)
	require.Equal(t, catalog.ReportRows{Source: 25, Unchanged: 10, Sent: 15, Accepted: 15}, result.Rows,
		"the next run goes on from there")
	require.Len(t, s.stripe.products, 25)
}

func TestVariantsStayTogether(t *testing.T) {
	t.Parallel()
	s := inParts(t)
	text := "id,title,description,link,image_link,availability,price,item_group_id\n"
	for i := range 30 { // the rows of a group lie far apart
		id := fmt.Sprintf("sku%03d", i)
		row := product(id, "1.00 USD")
		text += row[:len(row)-1] + fmt.Sprintf(",group%d\n", i%6)
	}
	s.changes(text, catalog.Succeeded)
	require.Greater(t, len(s.stripe.uploads), 2)
	parts := map[int]int{}
	for part, rows := range s.stripe.uploads {
		for _, row := range rows {
			var number int
			_, err := fmt.Sscanf(row, "sku%03d", &number)
			require.NoError(t, err)
			if in, known := parts[number%6]; known {
				require.Equal(t, in, part, "group%d", number%6)
			}
			parts[number%6] = part
		}
	}
	require.Len(t, s.stripe.products, 30)
}

func TestOtherFeedsUpdateTheCatalog(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.NoError(t,
		s.steps.Accounts.SaveSettings(t.Context(), accounts.Settings{Account: account, Feeds: feed.Kinds()}))
	s.changes(catalogOf("a", "b"), catalog.Succeeded)
	s.put("catalogs/acct_123/inventory.csv",
		"id,availability,inventory_quantity\na,in_stock,3\nb,in_stock,4\nc,in_stock,5\n")
	inventory := workflows.CatalogSyncInput{Account: account, Feed: feed.Inventory}
	result, err := s.sync(inventory)
	require.NoError(t, err)
	require.Equal(t, catalog.ReportRows{Source: 3, Sent: 2, KeptBack: 1, Accepted: 2}, result.Rows)
	report, err := s.steps.Documents.Report(t.Context(), "state/acct_123/inventory/reports/000000.json")
	require.NoError(t, err)
	require.Equal(t, feed.NotInCatalog, report.Causes[0].Cause)
	require.Equal(t, "c", report.Causes[0].Example.ID)

	result, err = s.sync(inventory)
	require.NoError(t, err)
	require.Equal(t, catalog.Unchanged, result.Outcome)

	s.changes(catalogOf("b", "c"), catalog.Succeeded) // c came, a went
	result, err = s.sync(workflows.CatalogSyncInput{Account: account, Feed: feed.Inventory, Force: true})
	require.NoError(t, err)
	require.Equal(t, catalog.ReportRows{Source: 3, Unchanged: 1, Sent: 1, KeptBack: 1, Accepted: 1}, result.Rows,
		"the same file means more now")

	s.changes(catalogOf("a", "b", "c"), catalog.Succeeded)
	result, err = s.sync(workflows.CatalogSyncInput{Account: account, Feed: feed.Inventory, Force: true})
	require.NoError(t, err)
	require.Equal(t, [][]string{{"a"}}, ids(s.stripe.uploads), "what Stripe knew of a went with it")
	require.Equal(t, int64(1), result.Rows.Sent)
}

func ids(uploads [][]string) (all [][]string) {
	for _, rows := range uploads {
		var names []string
		for _, row := range rows {
			id, _, _ := cut(row)
			names = append(names, id)
		}
		all = append(all, names)
	}
	return all
}

func TestAFullSendByV2ReplacesTheCatalog(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.NoError(t, s.steps.Accounts.SaveSettings(t.Context(),
		accounts.Settings{Account: account, Rules: accounts.Rules{ImportAPI: feed.V2}}))
	s.changes(catalogOf("a", "b"), catalog.Succeeded)
	require.Equal(t, []catalog.Mode{catalog.Upsert}, s.stripe.modes, "nobody knows what Stripe has")
	full := workflows.CatalogSyncInput{Account: account, Full: true, Force: true}
	_, err := s.sync(full)
	require.NoError(t, err)
	require.Equal(t, catalog.Replace, s.stripe.modes[1])

	s.put(source, catalogOf("a")+product("b", "cheap"))
	_, err = s.sync(full)
	require.NoError(t, err)
	require.Equal(t, catalog.Upsert, s.stripe.modes[2], "the row that is kept back must not vanish")
}
