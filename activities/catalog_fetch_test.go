package activities

import (
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
)

// marked is in every cell of the rows below, and in no name of a column.
const marked = "QzX9"

const (
	markedHeader = "id,title,description,link,image_link,availability,price\n"
	markedRow    = marked + "1," + marked + " title,\"" + marked + ",\n" + marked + "\",https://" + marked +
		".example,https://" + marked + ".example/1.jpg," +
		marked + ",9.99 " + marked + "\n"
)

// fetched runs the step on a file, and returns all that the history would have of it.
func fetched(t *testing.T, kind feed.Kind, key, file string) (history string, failed bool) {
	t.Helper()
	store := objectstoretest.NewMemory("s")
	docs := catalog.Documents{Store: statestore.Store{Objects: store, Layout: statestore.Layout{
		SourceBucket: "s", SourceKey: key, StateBucket: "s", StatePrefix: "state/",
	}}}
	accounts := account.Documents{Store: docs.Store}
	require.NoError(t, accounts.SaveSettings(t.Context(), account.Settings{Account: "acct_1"}))
	_, err := store.Put(t.Context(), "s", key, "text/csv", []byte(file), "")
	require.NoError(t, err)
	steps := &CatalogSync{Accounts: accounts, Documents: docs, Stager: staging.Stager{
		Documents: docs, Rules: account.DefaultRules(), Limits: staging.Limits{MaxSourceBytes: 6 << 20},
	}}
	var logged strings.Builder
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(&logged, nil))))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(likeTheWorker())
	env.RegisterActivity(steps)
	value, err := env.ExecuteActivity(steps.FetchCatalog,
		FetchCatalogInput{ID: catalog.ID{Account: "acct_1", Feed: kind}})
	if err != nil {
		return err.Error() + logged.String(), true
	}
	var result FetchCatalogResult
	require.NoError(t, value.Get(&result))
	text, err := json.Marshal(result)
	require.NoError(t, err)
	return string(text) + logged.String(), false
}

func requireUnmarked(t *testing.T, history string) {
	t.Helper()
	require.NotContains(t, strings.ToLower(history), strings.ToLower(marked))
}

// A merchant's rows are in S3 alone: whatever is wrong with a file, no cell of it is in an error, a log or a history.
func TestNoCellIsInAHistory(t *testing.T) {
	t.Parallel()
	swallowed := strings.TrimSuffix(markedHeader, "\n")
	for name, c := range map[string]struct {
		key, file string
		fails     bool
	}{
		"rows with errors":              {"f.csv", markedHeader + markedRow, false},
		"an id twice":                   {"f.csv", markedHeader + markedRow + markedRow, false},
		"ragged rows":                   {"f.csv", markedHeader + markedRow + marked + "," + marked + "\n", false},
		"broken off":                    {"f.csv", markedHeader + markedRow + marked + ",\"" + marked, false},
		"an unknown column":             {"f.csv", swallowed + "," + marked + "\n" + markedRow, false},
		"no header":                     {"f.csv", markedRow, true},
		"a header that swallowed a row": {"f.csv", swallowed + "," + markedRow, true},
		"… and two": {"f.csv",
			swallowed + "," + strings.TrimSuffix(markedRow, "\n") + "," + markedRow, true},
		"a value as a name":      {"f.csv", swallowed + ",https://" + marked + ".example\n" + markedRow, true},
		"a name twice":           {"f.csv", swallowed + "," + marked + "," + marked + "\n" + markedRow, true},
		"no name, beside others": {"f.csv", swallowed + "," + marked + ",," + marked + "\n" + markedRow, true},
		"no name, above a cell": {"f.csv",
			swallowed + ",,brand\n" + strings.ReplaceAll(markedRow, "\n", ","+marked+","+marked+"\n"), true},
		"Excel's line": {"f.csv", "sep=" + marked + "\n" + strings.ReplaceAll(markedRow, ",", ";"),
			true},
		"semicolons":                  {"f.csv", strings.ReplaceAll(markedHeader+markedRow, ",", ";"), true},
		"a quote that is open":        {"f.csv", "\"" + markedHeader + markedRow, true},
		"a header with an open quote": {"f.csv", "id,\"" + marked + "\n" + markedRow, true},
		"no UTF-8":                    {"f.csv", "id,\xff" + marked + "\n" + markedRow, true},
		"a zero byte":                 {"f.csv", "id,\x00" + marked + "\n" + markedRow, true},
		"a zip archive":               {"f.csv", "PK\x03\x04" + marked, true},
		"gzip that is none":           {"f.csv.gz", markedHeader + markedRow, true},
		"gzip by surprise":            {"f.csv", "\x1f\x8b" + marked, true},
		"a row without end":           {"f.csv", markedHeader + strings.Repeat(marked, 5<<18), true},
		"too large": {"f.csv",
			markedHeader + strings.Repeat(strings.Repeat(marked, 1000)+"\n", 1700), true},
		"tabs, by a name that says else": {"f.tsv", markedHeader + markedRow, true},
		"a page":                         {"f.csv", "<html><body>" + marked + "</body></html>\n", true},
		"JSON":                           {"f.csv", `[{"id":"` + marked + `"}]`, true},
		"a name that is no feed's":       {"f.xlsx", markedHeader + markedRow, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			history, failed := fetched(t, feed.Product, c.key, c.file)
			require.Equal(t, c.fails, failed, history)
			requireUnmarked(t, history)
		})
	}
}

// The same of files that are damaged anywhere, in any feed.
func TestNoCellOfADamagedFileIsInAHistory(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 16))
	headers := map[feed.Kind]string{
		feed.Product: markedHeader, feed.Inventory: "id,inventory_quantity,availability\n",
		feed.Pricing:   "id,price,sale_price\n",
		feed.Promotion: "promotion_id,product_applicability,offer_type,long_title\n",
	}
	damages := []string{"\"", "\n", ",", "\t", ";", "\r", "\x00", "\xff", "\\\"", "https://", "sep=", "=", "1.00 USD"}
	failures := 0
	for range 400 {
		for kind, header := range headers {
			file := header + strings.Repeat(markedRow, 3)
			for range 1 + random.IntN(3) {
				// Mostly in the header: what is wrong with rows is a finding, and not an error.
				at := random.IntN(min(len(file), 2*len(header)))
				cut := min(len(file), at+random.IntN(3)*random.IntN(20))
				file = file[:at] + damages[random.IntN(len(damages))] + file[cut:]
			}
			history, failed := fetched(t, kind, "f.csv", file)
			if failed {
				failures++
			}
			requireUnmarked(t, history)
		}
	}
	require.Greater(t, failures, 400, "most of them cannot be read")
}
