package activities

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/report"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
)

// What Stripe refuses is told with the merchant's own word for it, not with what the dialect made of that.
func TestRefusalsShowWhatTheMerchantWrote(t *testing.T) {
	t.Parallel()
	const source = "ID,Title,Description,Link,Image Link,Availability,Price\n" +
		"sku1,Mug,A mug,https://shop.example/1,https://shop.example/1.jpg,In Stock,\"9,99  USD\"\n" +
		"sku2,\"Cup,\nlarge\",A cup,https://shop.example/2,https://shop.example/2.jpg,in stock,9.99 USD\n" +
		"sku3,Jug,A jug,https://shop.example/3,https://shop.example/3.jpg,Out Of Stock,9.99 USD\n"
	const refused = "stripe_error_message,id,title,availability,price\n" +
		"\"Field 'price': amount too low\",sku1,Mug,in_stock,9.99 USD\n" +
		"\"Field 'availability': not for this product\",sku2,Cup,in_stock,9.99 USD\n" +
		"\"not now\",sku3,Jug,out_of_stock,9.99 USD\n" +
		"\"Field 'price': amount too low\",sku9,Jar,in_stock,1.00 USD\n"
	values := func(t *testing.T, prepare func(*objectstoretest.Memory, *catalog.Delivery)) (found []string) {
		t.Helper()
		store := objectstoretest.NewMemory("s")
		documents := catalog.Documents{Store: statestore.Store{Objects: store, Layout: statestore.Layout{
			SourceBucket: "s", SourceKey: "{account}/{feed}.csv", StateBucket: "s", StatePrefix: "state/"}}}
		put := func(key, text string) statestore.Object {
			object, err := store.Put(t.Context(), "s", key, "text/csv", []byte(text), "")
			require.NoError(t, err)
			return object
		}
		put("acct_1/product.csv", source)
		s := CatalogSync{Documents: documents, Stager: staging.Stager{Documents: documents,
			Rules: account.DefaultRules(), Limits: staging.Limits{MaxSourceBytes: 1 << 20}}}
		f, err := s.Stager.Look(t.Context(), account.Settings{
			Account: "acct_1", Rules: account.Rules{Dialect: feed.GoogleDialect},
		}, feed.Product)
		require.NoError(t, err)
		in := SettlePartInput{PartInput: PartInput{ID: catalog.ID{Account: "acct_1", Feed: feed.Product}}}
		in.Delivery, _, err = s.Stager.Stage(t.Context(), f, "", 1, nil)
		require.NoError(t, err)
		list := put("state/refused.csv", refused)
		in.Refused, in.Import.RowsFailed = &list, 4
		in.Import.Status = catalog.StatusSucceededWithErrors
		if prepare != nil {
			prepare(store, &in.Delivery)
		}
		table, err := documents.Table(t.Context(), in.part().Table, feed.Product)
		require.NoError(t, err)
		result := resultOf(in)
		_, err = s.listRefused(t.Context(), in, table, &result)
		require.NoError(t, err)
		require.NoError(t, s.readObject(t.Context(), *result.Findings, func(r io.Reader) error {
			for e, err := range report.NewReader(r).All() {
				require.NoError(t, err)
				found = append(found, e.ID+" "+e.Column+"="+e.Value)
			}
			return nil
		}))
		return found
	}
	own := []string{"sku1 Price=9,99  USD", "sku2 Availability=in stock", "sku3 =", "sku9 Price=1.00 USD"}
	sent := []string{"sku1 Price=9.99 USD", "sku2 Availability=in_stock", "sku3 =", "sku9 Price=1.00 USD"}
	require.Equal(t, own, values(t, nil))
	require.Equal(t, sent, values(t, func(_ *objectstoretest.Memory, d *catalog.Delivery) { d.Dialect = "" }),
		"a delivery that was staged before its dialect was noted")
	require.Equal(t, sent, values(t, func(store *objectstoretest.Memory, _ *catalog.Delivery) {
		_, err := store.Put(context.Background(), "s", "acct_1/product.csv", "text/csv", []byte("id\n"), "")
		require.NoError(t, err)
	}), "a newer version is in the place of the source")
	require.Equal(t, sent, values(t, func(store *objectstoretest.Memory, _ *catalog.Delivery) {
		require.NoError(t, store.Delete(context.Background(), "s", "acct_1/product.csv"))
	}), "the source is gone")
}
