package fulfillment

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

func dropInto(objects statestore.Objects) Drop {
	return Drop{statestore.Store{Objects: objects,
		Layout: statestore.Layout{StateBucket: "state", StatePrefix: "state/"}}}
}

func TestDropNeverWritesOver(t *testing.T) {
	t.Parallel()
	store := objectstoretest.NewMemory("state", "shop")
	drop, f, doc := dropInto(store), order.Fulfillment{Kind: order.S3}, testSession().Document()
	decision, err := drop.Submit(t.Context(), f, doc)
	require.NoError(t, err)
	require.Equal(t, order.Decision{Status: order.Accepted}, decision)
	body, object, err := store.Get(t.Context(), "state", "orders/acct_1/cs_test_1.json")
	require.NoError(t, err)
	var there order.Document
	require.NoError(t, json.Unmarshal(body, &there))
	require.Equal(t, doc, there)

	again := doc
	again.Payment.State = order.RequiresCapture // the payment goes on between two tries
	again.Metadata = map[string]string{"touched": "by somebody"}
	_, err = drop.Submit(t.Context(), f, again)
	require.NoError(t, err)

	for name, spoil := range map[string]func(*order.Document){
		"amounts": func(d *order.Document) { d.Amounts.Total++ },
		"lines":   func(d *order.Document) { d.Lines = d.Lines[:1] },
		"address": func(d *order.Document) { d.ShipTo = &order.Recipient{Address: order.Address{Line1: "2 Main St"}} },
		"test":    func(d *order.Document) { d.Livemode = !d.Livemode },
	} {
		other := doc
		spoil(&other)
		_, err = drop.Submit(t.Context(), f, other)
		require.Error(t, err, name)
		requireFault(t, err, fault.Permanent, fault.OrderConflict)
	}
	_, err = store.Put(t.Context(), "state", object.Key, "text/plain", []byte("not ours"), "")
	require.NoError(t, err)
	_, err = drop.Submit(t.Context(), f, doc)
	requireFault(t, err, fault.Permanent, fault.OrderConflict)

	own := order.Fulfillment{Kind: order.S3, Bucket: "shop", Prefix: "in/", AwaitAnswer: true}
	decision, err = Merchants{Drop: drop}.Submit(t.Context(), own, doc)
	require.NoError(t, err)
	require.Equal(t, order.Pending, decision.Status)
	_, err = store.Head(t.Context(), "shop", "in/acct_1/cs_test_1.json")
	require.NoError(t, err)
}

func TestDropWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	store := objectstoretest.NewMemory("state")
	doc := testSession().Document()
	drop := dropInto(store)
	store.Before = func(operation, _, _ string) error {
		if operation == "Put" {
			return fault.NewPlain(fault.StorageFailed, errors.New("connection reset"))
		}
		return nil
	}
	_, err := drop.Submit(t.Context(), order.Fulfillment{}, doc)
	requireFault(t, err, fault.Plain, fault.StorageFailed)
	_, err = drop.Submit(t.Context(), order.Fulfillment{Bucket: "none"}, doc)
	require.Error(t, err)
}

func TestDropOfNotices(t *testing.T) {
	t.Parallel()
	store := objectstoretest.NewMemory("state")
	merchants := Merchants{Drop: dropInto(store)}
	f := order.Fulfillment{Kind: order.S3}
	notice := order.NewNotice(testSession().Summary, order.NoticeDisputed, "du_1", testNow)
	require.NoError(t, merchants.Notify(t.Context(), f, notice))
	notice.At = notice.At.Add(time.Minute)
	require.NoError(t, merchants.Notify(t.Context(), f, notice), "told again, later")
	keys, err := store.List(t.Context(), "state", "orders/")
	require.NoError(t, err)
	require.Equal(t, []string{"orders/acct_1/cs_test_1/disputed-du_1.json"}, keys)
	notice.Amount = 7
	requireFault(t, merchants.Notify(t.Context(), f, notice), fault.Permanent, fault.OrderConflict)
}
