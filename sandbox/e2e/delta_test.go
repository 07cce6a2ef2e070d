package e2e

import (
	"bytes"
	"compress/gzip"
	csvfile "encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/sandbox/catalogs"
	"vitrine/workflows"
)

// foretold is what `starter sync --dry-run` says of a sync that it does not do.
func (r *room) foretold(flags ...string) catalog.ReportRows {
	r.t.Helper()
	got := r.starter(append([]string{"sync", r.account, "--dry-run", "--output", "json"}, flags...)...)
	var runs []struct {
		Error string             `json:"error"`
		Rows  catalog.ReportRows `json:"rows"`
	}
	require.NoError(r.t, json.Unmarshal([]byte(got.stdout), &runs), "%s%s", got.stdout, got.stderr)
	require.Len(r.t, runs, 1)
	require.Empty(r.t, runs[0].Error)
	return runs[0].Rows
}

// sends runs a sync that sends something, and holds it to what the dry run foretold.
func (r *room) sends(want catalog.ReportRows) {
	r.t.Helper()
	foretold := r.foretold()
	before := len(r.imports())
	got := r.syncs(catalog.Succeeded).Rows
	require.Equal(r.t, want, got)
	foretold.Accepted = got.Accepted // which no dry run can know
	require.Equal(r.t, got, foretold)
	require.Len(r.t, r.imports(), before+1)
}

func TestADeltaHasTheChangedRowsAndNoOther(t *testing.T) {
	m := enter(t)
	m.startWorker()
	ids := numbered(100)
	m.exportText(csv(ids...))
	m.sends(catalog.ReportRows{Source: 100, Sent: 100, Accepted: 100})

	repriced := strings.Replace(csv(ids...), product("sku0042", "9.99 USD"), product("sku0042", "11.99 USD"), 1)
	m.exportText(repriced)
	m.sends(catalog.ReportRows{Source: 100, Unchanged: 99, Sent: 1, Accepted: 1})
	rows := m.lastUpload()
	require.Len(t, rows, 2)
	require.Equal(t, "sku0042", rows[1][0])
	require.Equal(t, "11.99 USD", rows[1][6])

	rows, err := csvfile.NewReader(strings.NewReader(repriced)).ReadAll()
	require.NoError(t, err)
	slices.Reverse(rows[1:])
	for _, row := range rows {
		slices.Reverse(row)
	}
	m.exportText(written(t, rows, ','))
	uploads := len(m.uploads())
	require.Zero(t, m.foretold().Sent)
	require.Equal(t, int64(100), m.syncs(catalog.Unchanged).Rows.Unchanged,
		"other orders of rows and columns are the same catalog")
	require.Len(t, m.uploads(), uploads)

	rows[0] = append(rows[0], "brand")
	for i := range rows[1:] {
		rows[i+1] = append(rows[i+1], "Northloom")
	}
	m.exportText(written(t, rows, ','))
	m.sends(catalog.ReportRows{Source: 100, Sent: 100, Accepted: 100})
	require.Contains(t, m.lastUpload()[0], "brand")
}

func TestADeltaIsAsSmallAsTheChange(t *testing.T) {
	m := enter(t)
	m.startWorker()
	var source bytes.Buffer
	summary, err := catalogs.Write(&source, catalogs.Options{Assortment: catalogs.HomeGoods, Rows: 10_000, Seed: 3})
	require.NoError(t, err)
	m.exportText(source.String())
	m.syncs(catalog.Succeeded)

	rows, err := csvfile.NewReader(&source).ReadAll()
	require.NoError(t, err)
	quantity := slices.Index(rows[0], "inventory_quantity")
	for i := 50; i < len(rows); i += 100 {
		rows[i][quantity] = "7"
	}
	m.exportText(written(t, rows, ','))
	result := m.syncs(catalog.Succeeded)
	require.LessOrEqual(t, result.Rows.Sent, int64(100))
	require.Greater(t, result.Rows.Sent, int64(90), "some had seven already")
	uploads := m.uploads()
	sent := uploads[len(uploads)-1].Size
	require.Equal(t, sent, result.BytesSent)
	require.LessOrEqual(t, float64(sent), 0.0105*float64(summary.Bytes), "1 %% of the rows is 1 %% of the bytes")
}

func TestARemovedProductDisappears(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(csv("sku1", "sku2", "sku3"))
	m.syncs(catalog.Succeeded)

	m.exportText(csv("sku1", "sku3"))
	m.sends(catalog.ReportRows{Source: 2, Unchanged: 2, Deleted: 1, Accepted: 1})
	require.Equal(t, []string{"sku1", "sku3"}, m.ids())
	rows := m.lastUpload()
	require.Len(t, rows, 2)
	require.Equal(t, "sku2", rows[1][0])
	require.Equal(t, "true", rows[1][slices.Index(rows[0], "delete")])

	m.exportText(csv("sku1", "sku2", "sku3"))
	m.sends(catalog.ReportRows{Source: 3, Unchanged: 2, Sent: 1, Accepted: 1})
	require.Equal(t, []string{"sku1", "sku2", "sku3"}, m.ids())
}

// A row that Stripe refused is not worth another try before it changes, but stays in the report for as long as it is
// wrong.
func TestARefusedRowRests(t *testing.T) {
	m := enter(t)
	m.startWorker("VITRINE_INVALID_ROWS=send")
	before := time.Now().Truncate(time.Second) // a report keeps no less
	m.exportText(csv("sku1", "bad2", "sku3"))
	require.Equal(t, int64(1), m.syncs(catalog.SucceededWithErrors).Rows.Refused)
	since := m.report().At

	m.exportText(csv("sku1", "bad2", "sku3", "sku4"))
	require.Equal(t, catalog.ReportRows{Source: 4, Unchanged: 2, Sent: 1, StillRefused: 1, Accepted: 1},
		m.syncs(catalog.SucceededWithErrors).Rows)
	require.Equal(t, "sku4", m.lastUpload()[1][0])
	var stands catalog.ReportEntry
	for _, entry := range m.findings(m.report()) {
		if entry.By == catalog.SaidByStripe {
			stands = entry
		}
	}
	require.Equal(t, "bad2", stands.ID)
	require.Contains(t, stands.Reason, "Field price")
	require.False(t, stands.FirstSeen.Before(before), "it is told since when")
	require.False(t, stands.FirstSeen.After(since))
	require.Zero(t, m.report().Since.New)

	m.exportText(strings.Replace(csv("sku1", "bad2", "sku3", "sku4"), "cheap", "5.00 USD", 1))
	require.Equal(t, catalog.ReportRows{Source: 4, Unchanged: 3, Sent: 1, Accepted: 1}, m.syncs(catalog.Succeeded).Rows)
	require.Equal(t, []string{"bad2", "sku1", "sku3", "sku4"}, m.ids())
	require.Zero(t, m.report().Since.Still)
	require.Positive(t, m.report().Since.Fixed)
}

// Whatever Stripe lost meanwhile is there again after a full send.
func TestAFullSendSendsEverything(t *testing.T) {
	m := enter(t)
	m.startWorker()
	m.exportText(csv("sku1", "sku2"))
	m.syncs(catalog.Succeeded)
	require.Equal(t, int64(2), m.foretold("--full").Sent)
	result := m.synced("--full", "--force")
	require.Equal(t, catalog.ReportRows{Source: 2, Sent: 2, Accepted: 2}, result.Rows)
	require.NotEmpty(t, m.report().Full)
	require.Equal(t, catalog.Unchanged, m.synced("--force").Outcome)
	require.Len(t, m.imports(), 2)
}

func TestADeltaOfACompressedTSV(t *testing.T) {
	m := enter(t)
	m.startWorker()
	const key = "exports/nightly.tsv.gz"
	require.NoError(t,
		m.accounts.SaveSettings(t.Context(), account.Settings{Account: m.account, SourceKey: "{account}/" + key}))
	export := func(text string) {
		rows, err := csvfile.NewReader(strings.NewReader(text)).ReadAll()
		require.NoError(t, err)
		m.put(m.layout.SourceBucket, m.account+"/"+key, bytes.NewReader(packed(t, written(t, rows, '\t'))))
	}
	export(csv(numbered(20)...))
	m.sends(catalog.ReportRows{Source: 20, Sent: 20, Accepted: 20})
	export(strings.Replace(csv(numbered(20)[:19]...), product("sku0007", "9.99 USD"), product("sku0007", "8.99 USD"),
		1))
	m.sends(catalog.ReportRows{Source: 19, Unchanged: 18, Sent: 1, Deleted: 1, Accepted: 2})
	rows := m.lastUpload()
	require.Len(t, rows, 3)
	require.Equal(t, "8.99 USD", rows[1][6])
	require.Len(t, m.ids(), 19)
}

func TestGooglesDialect(t *testing.T) {
	m := enter(t)
	m.startWorker()
	require.NoError(t, m.accounts.SaveSettings(t.Context(), account.Settings{
		Account: m.account, Rules: account.Rules{Dialect: feed.GoogleDialect, UnknownColumns: account.DropUnknown},
	}))
	const google = "ID,Title,Description,Link,Image Link,Availability,Price,Product Type,ads_redirect\n" +
		"sku1,Mug,A mug,https://shop.example/1,https://shop.example/1.jpg,In Stock,USD 9.99,Home > Mugs,x\n" +
		"sku2,Cup,A cup,https://shop.example/2,https://shop.example/2.jpg,pre-order,\"9,99 USD\",Home > Mugs,x\n" +
		"sku3,Jug,A jug,https://shop.example/3,https://shop.example/3.jpg,out of stock,9.99 USD,Home > Jugs,x\n"
	m.exportText(google)
	rows := m.syncs(catalog.SucceededWithErrors).Rows // a preorder without its date
	require.Equal(t, catalog.ReportRows{Source: 3, Sent: 2, KeptBack: 1, Accepted: 2}, rows)
	require.Equal(t, []string{"id", "title", "description", "link", "image_link", "availability", "price",
		"product_category", "delete"}, m.lastUpload()[0])
	mug, found, err := m.emulator.Product(t.Context(), m.account, "sku1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, []string{"9.99 USD", "in_stock"}, []string{mug.Price, mug.Availability})
	require.NotEmpty(t, m.report().Normalised)

	m.exportText(strings.Replace(google, "USD 9.99", "9.99 USD", 1))
	require.Zero(t, m.syncs(catalog.SucceededWithErrors).Rows.Sent, "another way of writing the same price")
	require.Len(t, m.imports(), 1)
}

func TestAForcedSyncLooksAtOnce(t *testing.T) {
	m := enter(t)
	m.startWorker("VITRINE_IMPORT_INTERVAL=1h")
	m.exportText(csv("sku1"))
	m.syncs(catalog.Succeeded)
	m.exportText(csv("sku1", "sku2"))
	result := m.syncsWith(workflows.CatalogSyncInput{Force: true}, catalog.Succeeded)
	require.Equal(t, int64(1), result.Rows.Sent)
}

func written(t *testing.T, rows [][]string, comma rune) string {
	t.Helper()
	var out strings.Builder
	w := csvfile.NewWriter(&out)
	w.Comma = comma
	require.NoError(t, w.WriteAll(rows))
	return out.String()
}

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}
