package staging_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	accounts "vitrine/internal/account"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
)

const (
	account = "acct_1"
	header  = "id,title,description,link,image_link,availability,price\n"
)

func product(id string) string {
	return id + ",Title,d,https://e.com/1,https://e.com/1.jpg,in_stock,1.00 USD\n"
}

// stage is a stager on an S3 of its own.
type stage struct {
	t     *testing.T
	store *objectstoretest.Memory
	staging.Stager
}

func newStage(t *testing.T) *stage {
	t.Helper()
	store := objectstoretest.NewMemory("s")
	return &stage{t: t, store: store, Stager: staging.Stager{
		Rules:  accounts.DefaultRules(),
		Limits: staging.Limits{MaxSourceBytes: 1 << 20},
		Documents: catalog.Documents{Store: statestore.Store{Objects: store, Layout: statestore.Layout{
			SourceBucket: "s", SourceKey: "{account}/{feed}.csv", StateBucket: "s", StatePrefix: "state/",
		}}},
	}}
}

func (s *stage) put(key, text string) {
	s.t.Helper()
	_, err := s.store.Put(s.t.Context(), "s", key, "text/csv", []byte(text), "")
	require.NoError(s.t, err)
}

func (s *stage) look(settings accounts.Settings) staging.Feed {
	s.t.Helper()
	settings.Account = account
	f, err := s.Look(s.t.Context(), settings, feed.Product)
	require.NoError(s.t, err)
	return f
}

// accept makes Stripe take all products of a delivery.
func (s *stage) accept(products catalog.Delivery) {
	s.t.Helper()
	rows, err := s.Documents.Table(s.t.Context(), products.Parts[0].Table, feed.Product)
	require.NoError(s.t, err)
	manifest, err := feed.NewManifest(feed.Product).Settle(rows, time.Now(),
		func([]byte) (feed.RowVerdict, bool) { return feed.RowVerdict{}, false })
	require.NoError(s.t, err)
	require.NoError(s.t, s.Documents.SaveManifest(s.t.Context(), account, manifest, statestore.IfAbsent))
}

func (s *stage) objects() map[string]string {
	s.t.Helper()
	keys, err := s.store.List(s.t.Context(), "s", "state/")
	require.NoError(s.t, err)
	all := map[string]string{}
	for _, key := range keys {
		body, _, err := s.store.Get(s.t.Context(), "s", key)
		require.NoError(s.t, err)
		all[key] = string(body)
	}
	return all
}

func TestStageSaysWhatIsWrongWithASource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source string
		code   fault.Code
		says   string
	}{
		"header":    {"id,title\n", fault.CatalogInvalid, "s3://s/acct_1/product.csv, version"},
		"syntax":    {"\x1f\x8b" + header, fault.CatalogInvalid, "line 1: the file is compressed"},
		"too large": {header + strings.Repeat(product("x"), 20_000), fault.CatalogTooLarge, "VITRINE_MAX_SOURCE_BYTES"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.put("acct_1/product.csv", c.source)
			_, _, err := s.Stage(t.Context(), s.look(accounts.Settings{}), "", 0, nil)
			require.True(t, fault.Is(err, c.code), "%v", err)
			require.ErrorContains(t, err, c.says)
			require.Empty(t, s.objects(), "nothing is left behind")
		})
	}
}

func TestStageFailsWhereS3Does(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"001.csv", "findings.csv", "001.rows"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.put("acct_1/product.csv", header+product("1")+"2,,,,,,\n")
			broken := errors.New("the disk is full")
			s.store.Before = func(operation, _, key string) error {
				if strings.HasSuffix(key, at) && (operation == "Write" || operation == "Put") {
					return broken
				}
				return nil
			}
			_, _, err := s.Stage(t.Context(), s.look(accounts.Settings{}), "", 0, nil)
			require.ErrorIs(t, err, broken)
		})
	}
}

func TestStagingAgainLeavesTheSame(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	// 2 occurs twice, so the source is read twice, and what the first pass found is forgotten.
	s.put("acct_1/product.csv", header+product("1")+product("2")+product("2")+"3,,,,,,\n")
	first, holds, err := s.Stage(t.Context(), s.look(accounts.Settings{}), "", 7, nil)
	require.NoError(t, err)
	require.Empty(t, holds)
	require.Equal(t, catalog.ReportRows{Source: 4, Sent: 2, KeptBack: 1, Superseded: 1}, first.Rows)
	require.Equal(t, "it is not known what Stripe has", first.Full)
	objects := s.objects()
	require.Len(t, objects, 3)
	require.Equal(t, header[:len(header)-1]+",delete\n"+product("1")[:len(product("1"))-1]+",\n"+
		product("2")[:len(product("2"))-1]+",\n",
		objects["state/acct_1/product/parts/000007-001.csv"])

	again, _, err := s.Stage(t.Context(), s.look(accounts.Settings{}), "", 7, nil)
	require.NoError(t, err)
	require.Equal(t, objects, s.objects())
	require.Equal(t, first.Parts[0].Digest, again.Parts[0].Digest)
}

func TestTheBasisIsAllThatDecidesBesideTheSource(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("acct_1/product.csv", header)
	s.put("acct_1/inventory.csv", "id,availability,inventory_quantity\n")
	plain := s.look(accounts.Settings{})
	require.Equal(t, plain.Basis, s.look(accounts.Settings{}).Basis)
	require.NotEqual(t, plain.Basis,
		s.look(accounts.Settings{Rules: accounts.Rules{Dialect: feed.GoogleDialect}}).Basis)

	inventory := func() string {
		f, err := s.Look(t.Context(), accounts.Settings{Account: account, Feeds: feed.Kinds()}, feed.Inventory)
		require.NoError(t, err)
		return f.Basis
	}
	before := inventory()
	require.NoError(t,
		s.Documents.SaveManifest(t.Context(), account, feed.NewManifest(feed.Product), statestore.IfAbsent))
	require.NotEqual(t, before, inventory(), "the product catalog decides which inventory rows can be sent")
}

func TestFullSend(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	f := staging.Feed{Rules: accounts.DefaultRules()}
	require.Empty(t, f.FullSend(catalog.State{}, false, now), "the first send is full for want of a manifest")
	require.Empty(t, f.FullSend(catalog.State{FullAt: now.Add(-167 * time.Hour)}, false, now))
	require.Equal(t, "the last full send was 168h0m0s ago",
		f.FullSend(catalog.State{FullAt: now.Add(-168 * time.Hour)}, false, now))
	require.Equal(t, "it was asked for", f.FullSend(catalog.State{FullAt: now}, true, now))
}

// A promotion has no price, so what it leaves is asked of the products that the account has.
func TestAPromotionThatGivesTheCatalogAwayIsHeld(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const promotions = "promotion_id,title,active_period,benefit_type,amount_off,target_selection,application_type\n" +
		"S,Sale,2026-01-01T00:00:00Z/2099-01-01T00:00:00Z,amount_off,100.00 USD,all_products,automatic\n"
	s.put("acct_1/product.csv", header+product("1")+product("2")+product("3"))
	s.put("acct_1/promotion.csv", promotions)
	products, _, err := s.Stage(t.Context(), s.look(accounts.Settings{}), "", 0, nil)
	require.NoError(t, err)
	staged := func(kinds ...feed.Kind) []string {
		f, err := s.Look(t.Context(), accounts.Settings{Account: account, Feeds: kinds}, feed.Promotion)
		require.NoError(t, err)
		_, holds, err := s.Stage(t.Context(), f, "", 0, nil)
		require.NoError(t, err)
		var guards []string
		for _, hold := range holds {
			guards = append(guards, hold.Guard)
		}
		return guards
	}
	require.Empty(t, staged(feed.Product, feed.Promotion), "there is no product yet")

	s.accept(products)
	require.Equal(t, []string{catalog.GuardFreeProducts, catalog.GuardPriceMoves},
		staged(feed.Product, feed.Promotion))
	require.Empty(t, staged(feed.Promotion), "somebody else sends the products")
}

// The first file of prices, and one after its manifest was lost, is held against what the products cost.
func TestTheFirstPricesAreHeldAgainstThoseOfTheProducts(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("acct_1/product.csv", header+product("1")+product("2")+product("3"))
	products, _, err := s.Stage(t.Context(), s.look(accounts.Settings{}), "", 0, nil)
	require.NoError(t, err)
	s.accept(products)
	for prices, guard := range map[string]string{
		"id,price\n1,0.01 USD\n2,0.01 USD\n3,0.01 USD\n": catalog.GuardPriceMoves,
		"id,price\n1,1.00 JOD\n2,1.00 JOD\n3,1.00 JOD\n": catalog.GuardCurrencyFlips,
		"id,price\n1,1.10 USD\n2,0.90 USD\n3,1.00 USD\n": "",
	} {
		s.put("acct_1/pricing.csv", prices)
		f, err := s.Look(t.Context(),
			accounts.Settings{Account: account, Feeds: []feed.Kind{feed.Product, feed.Pricing}}, feed.Pricing)
		require.NoError(t, err)
		d, holds, err := s.Stage(t.Context(), f, "", 0, nil)
		require.NoError(t, err)
		require.EqualValues(t, 3, d.Rows.Sent)
		if guard == "" {
			require.Empty(t, holds)
			continue
		}
		require.Len(t, holds, 1)
		require.Equal(t, guard, holds[0].Guard)
	}
}

// A record of the products that is damaged, or gone, says of no product that it is not there.
func TestStockOfProductsOfWhichTheRecordIsLost(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put("acct_1/inventory.csv", "id,inventory_quantity,availability\n1,5,in_stock\n2,0,out_of_stock\n")
	id := catalog.ID{Account: account, Feed: feed.Product}
	counts := func() catalog.ReportRows {
		f, err := s.Look(t.Context(),
			accounts.Settings{Account: account, Feeds: []feed.Kind{feed.Product, feed.Inventory}}, feed.Inventory)
		require.NoError(t, err)
		d, _, err := s.Stage(t.Context(), f, "", 0, nil)
		require.NoError(t, err)
		return d.Rows
	}
	require.EqualValues(t, 2, counts().KeptBack, "no product was ever sent")
	state, etag, err := s.Documents.State(t.Context(), id)
	require.NoError(t, err)
	state.Sequence = 1
	_, err = s.Documents.SaveState(t.Context(), state, etag)
	require.NoError(t, err)
	require.EqualValues(t, 2, counts().Sent, "the record is gone")
	s.put(s.Documents.Keys(id).ManifestKey(), "not a manifest")
	require.EqualValues(t, 2, counts().Sent, "the record is damaged")
}
