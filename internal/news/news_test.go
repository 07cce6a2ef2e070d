package news_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/news"
	"vitrine/internal/statestore"
)

var (
	at       = time.Date(2026, 11, 29, 11, 0, 0, 123456000, time.UTC)
	products = catalog.ID{Account: "acct_1", Feed: feed.Product}
)

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiled, err := compiler.Compile("../../docs/news.schema.json")
	require.NoError(t, err)
	return compiled
}

func decoded(t *testing.T, n news.News) map[string]any {
	t.Helper()
	body, err := json.Marshal(n)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	require.NoError(t, err)
	return document.(map[string]any)
}

// report is of a sync of which there is everything to say.
func report(outcome catalog.Outcome) catalog.Report {
	return catalog.Report{
		Account: "acct_1", Feed: feed.Product, Outcome: outcome, At: at.Truncate(time.Second),
		Source: statestore.Object{Bucket: "b", Key: "k", ETag: `"86794a80"`},
		Rows:   catalog.ReportRows{Source: 10, Accepted: 7, Deleted: 1, Refused: 2, KeptBack: 1},
		Since:  &catalog.ReportSince{New: 1, Fixed: 2, Still: 3},
	}
}

// troubled is a catalog that is held, and failed before.
func troubled() catalog.State {
	return catalog.State{
		Account: "acct_1", Feed: feed.Product,
		Held: &catalog.Hold{
			Version: "v1", Since: at, Reasons: []catalog.HoldReason{{Guard: catalog.GuardShrink,
				Text: "90 of 100 rows vanish"}},
			Rows: catalog.ReportRows{Sent: 1, Deleted: 90},
		},
		Last: &catalog.Last{Outcome: catalog.Failed, At: at, Reason: strings.Repeat("ü", 400),
			Code: fault.SourceMissing},
	}
}

// everything is one piece of news of every type and phase.
func everything(t *testing.T) []news.News {
	t.Helper()
	synced, any := news.Synced(products, report(catalog.SucceededWithErrors),
		"state/acct_1/product/reports/000042.json")
	require.True(t, any)
	state := troubled()
	all := append([]news.News{synced}, news.OfCatalog(state, catalog.Told{}, state.Troubles(false), at)...)
	all = append(all, news.OfCatalog(state, state.Troubles(false), catalog.Told{}, at.Add(time.Hour))...)
	parking := account.Parking{Trigger: account.ByPerson, By: "ada", Why: "closed", Since: at}
	for _, phase := range []news.Phase{news.Began, news.Over} {
		all = append(all, news.Parked("acct_1", parking, phase, at),
			news.HeldOrder("acct_1", "cs_1", "unknown_sku: lamp", "submitting", phase, at, at),
			news.Stale(products, phase, news.NotSent, "Stripe has an older version", at, at))
	}
	return all
}

func TestNewsIsWhatItsSchemaSays(t *testing.T) {
	t.Parallel()
	compiled := schema(t)
	told := map[news.Type]int{}
	ids := map[string]bool{}
	for _, n := range everything(t) {
		require.NoError(t, n.Check())
		require.NoError(t, compiled.Validate(decoded(t, n)), n.ID)
		require.NotContains(t, n.ID, ".", "signatures put full stops around the id")
		told[n.Type]++
		ids[n.ID] = true

		spoiled := decoded(t, n)
		spoiled["type"] = "catalog.gossip"
		require.Error(t, compiled.Validate(spoiled))
		spoiled = decoded(t, n)
		spoiled["data"] = map[string]any{}
		require.Error(t, compiled.Validate(spoiled), n.ID)
	}
	require.Len(t, told, len(news.Types()), "there is one of every type")
	require.Len(t, ids, len(everything(t)), "and each has an id of its own")
	require.Equal(t, everything(t), everything(t), "which is made of nothing but what it is about")
}

var jsonBlock = regexp.MustCompile("(?s)### News\n.*?```json\n(.*?)```")

func TestTheExampleOfTheHandbookIsNews(t *testing.T) {
	t.Parallel()
	handbook, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	block := jsonBlock.FindSubmatch(handbook)
	require.NotNil(t, block)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(block[1]))
	require.NoError(t, err)
	require.NoError(t, schema(t).Validate(document))
	for _, kind := range news.Types() {
		require.Contains(t, string(handbook), "| `"+string(kind)+"` |")
	}
}

// The schema allows fields that it does not name; but every field that is written must be in it.
func TestTheSchemaNamesEveryField(t *testing.T) {
	t.Parallel()
	requireDescribed(t, schema(t), reflect.TypeOf(news.News{}), "news")
}

func requireDescribed(t *testing.T, s *jsonschema.Schema, typ reflect.Type, where string) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeOf(time.Time{}) {
		return
	}
	for _, field := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		property := s.Properties[name]
		require.NotNil(t, property, "%s does not describe %s", where, name)
		requireDescribed(t, property, field.Type, where+"."+name)
	}
}

func TestOnlyASyncThatBroughtSomethingIsNews(t *testing.T) {
	t.Parallel()
	for _, outcome := range []catalog.Outcome{
		catalog.Failed, catalog.Rejected, catalog.Unchanged, catalog.Held, catalog.Parked,
	} {
		_, any := news.Synced(products, report(outcome), "k/1.json")
		require.False(t, any, outcome)
	}
	_, any := news.Synced(products, report(catalog.Succeeded), "k/1.json")
	require.True(t, any)
}

// A trouble that lasts is not told again, whatever becomes of its times and reasons.
func TestATroubleIsToldWhenItBeginsAndWhenItIsOver(t *testing.T) {
	t.Parallel()
	state := troubled()
	is := state.Troubles(false)
	began := news.OfCatalog(state, catalog.Told{}, is, at)
	require.Len(t, began, 2)
	told := (catalog.Told{}).Next(is)

	again := state
	again.Last = &catalog.Last{Outcome: catalog.Failed, At: at.Add(time.Hour), Code: fault.CatalogInvalid}
	require.Empty(t, news.OfCatalog(again, told, again.Troubles(false), at.Add(time.Hour)))
	told = told.Next(again.Troubles(false))
	require.Equal(t, at, told.Failed, "it keeps its beginning")

	mended := catalog.State{Account: "acct_1", Feed: feed.Product, Last: &catalog.Last{Outcome: catalog.Succeeded}}
	over := news.OfCatalog(mended, told, mended.Troubles(false), at.Add(2*time.Hour))
	require.Len(t, over, 2)
	for i, n := range over {
		require.Equal(t, began[i].ID+"-over", n.ID)
		require.Equal(t, news.Over, n.Data.Phase)
		require.Equal(t, began[i].Data.Since, n.Data.Since)
		require.Empty(t, n.Data.Reason, "what was the matter is not any more")
	}
	require.Zero(t, told.Next(mended.Troubles(false)))
}

func TestReasonsAreShortened(t *testing.T) {
	t.Parallel()
	state := troubled()
	for _, n := range news.OfCatalog(state, catalog.Told{}, state.Troubles(false), at) {
		require.LessOrEqual(t, len(n.Data.Reason), 510)
		require.True(t, json.Valid(must(json.Marshal(n))))
		require.NotContains(t, n.Data.Reason, "\ufffd")
	}
}

func must(body []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return body
}

func TestNewsThatCannotBeDeliveredIsRefused(t *testing.T) {
	t.Parallel()
	good := news.Parked("acct_1", account.Parking{Since: at}, news.Began, at)
	require.NoError(t, good.Check())
	for name, spoil := range map[string]func(*news.News){
		"an account that leads elsewhere": func(n *news.News) { n.Account = "../x" },
		"an id with a full stop":          func(n *news.News) { n.ID = "a.b" },
		"an id with a line break":         func(n *news.News) { n.ID = "a\nb" },
		"no id":                           func(n *news.News) { n.ID = "" },
		"another type":                    func(n *news.News) { n.Type = "gossip" },
	} {
		n := good
		spoil(&n)
		require.True(t, fault.Is(n.Check(), fault.InputInvalid), name)
	}
}

func TestTypesAreParsed(t *testing.T) {
	t.Parallel()
	types, err := news.ParseTypes(" catalog.held, order.held,catalog.held,")
	require.NoError(t, err)
	require.Equal(t, []news.Type{news.CatalogHeld, news.OrderHeld}, types)
	types, err = news.ParseTypes("")
	require.NoError(t, err)
	require.Empty(t, types)
	_, err = news.ParseTypes("catalog.hold")
	require.ErrorContains(t, err, "catalog.held")
}

// Whatever reason there is, the news of it is JSON that the schema knows, under ids of its own.
func FuzzReasons(f *testing.F) {
	f.Add("unknown_sku: \x00\xff", int64(0))
	f.Add(strings.Repeat("€", 300), int64(1<<40))
	f.Fuzz(func(t *testing.T, reason string, microseconds int64) {
		since := time.UnixMicro(microseconds % (1 << 50))
		began := news.HeldOrder("acct_1", "cs_1", reason, "", news.Began, since, since)
		over := news.HeldOrder("acct_1", "cs_1", reason, "accepted", news.Over, since, since)
		require.NotEqual(t, began.ID, over.ID)
		require.LessOrEqual(t, len(began.Data.Reason), 510)
		if year := since.UTC().Year(); year >= 0 && year <= 9999 { // what JSON can say
			require.NoError(t, began.Check())
			require.NoError(t, schema(t).Validate(decoded(t, began)))
		}
	})
}
