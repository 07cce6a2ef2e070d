package order_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

// shelf is where documents of orders are kept.
type shelf struct {
	order.Documents
	t *testing.T
}

func newShelf(t *testing.T) shelf {
	t.Helper()
	return shelf{order.Documents{Store: statestore.Store{
		Objects: objectstoretest.NewMemory("state"),
		Layout:  statestore.Layout{StateBucket: "state", StatePrefix: "state/"},
	}}, t}
}

func (s shelf) put(key, body string) {
	s.t.Helper()
	_, err := s.Objects.Put(s.t.Context(), "state", key, "application/json", []byte(body), "")
	require.NoError(s.t, err)
}

func record() order.Record {
	sum := summary()
	return order.Record{
		Format: order.RecordFormat, Step: "watch", State: "shipped", Summary: &sum,
		Policy: settings().WithDefaults().Policy(),
		Decision: &order.Decision{Status: order.Accepted, Reference: "SO-1",
			Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 2}}},
		Shipments: []order.Shipment{{ID: "P-1", Carrier: "UPS", ShippedAt: at}},
		Refunds:   []order.Refund{{ID: "re_1", Amount: 550, Currency: "usd", Status: "succeeded", Key: "k"}},
		Disputes:  []order.Dispute{{ID: "du_1", Amount: 3700, Currency: "usd", Status: "won"}},
		Submitted: true, Told: true, Warned: true, Keys: map[string]int{"capture": 1}, Events: 2,
		Seen: []string{"evt_1", "evt_2"}, LastNews: at,
	}
}

func TestRecordsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	id := summary().ID
	for name, test := range map[string]struct{ body, says string }{
		"no JSON":         {`{"format":1,`, "is not readable"},
		"another type":    {`{"format":"one"}`, "is not readable"},
		"a newer format":  {`{"format":2,"summary":{}}`, "has the format 2: expected 1"},
		"no format":       {`{"summary":{}}`, "has the format 0: expected 1"},
		"nothing in it":   {`{"format":1}`, "expected 1"},
		"an empty object": {``, "is not readable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			s.put("state/acct_1/orders/cs_test_1/record.json", test.body)
			got, err := s.Record(t.Context(), id)
			require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, "acct_1/orders/cs_test_1/record.json", "whoever repairs it has to find it")
			require.Nil(t, got, "an order must not begin anew because its record is broken")
		})
	}
}

func TestRecordsAreOfOneOrder(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	for _, id := range []order.ID{{}, {Account: "acct_1"}, {Account: "acct_1", Session: "../cs_1"},
		{Account: "..", Session: "cs_1"}} {
		_, err := s.Record(t.Context(), id)
		require.True(t, fault.Is(err, fault.InputInvalid), "%v", err)
		require.True(t, fault.Is(s.SaveRecord(t.Context(), id, record()), fault.InputInvalid))
	}
	require.NoError(t, s.SaveRecord(t.Context(), summary().ID, record()))
	for _, other := range []order.ID{{Account: "acct_2", Session: "cs_test_1"},
		{Account: "acct_1", Session: "cs_test_2"}} {
		got, err := s.Record(t.Context(), other)
		require.NoError(t, err)
		require.Nil(t, got)
	}
}

func TestARecordComesBackAsItWas(t *testing.T) {
	t.Parallel()
	s, id := newShelf(t), summary().ID
	got, err := s.Record(t.Context(), id)
	require.NoError(t, err)
	require.Nil(t, got, "there is none")
	for _, state := range []order.State{"shipped", "refunded"} { // the newest counts
		want := record()
		want.State = state
		require.NoError(t, s.SaveRecord(t.Context(), id, want))
		got, err := s.Record(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, &want, got)
	}
	body, _, err := s.Objects.Get(t.Context(), "state", "state/acct_1/orders/cs_test_1/record.json")
	require.NoError(t, err)
	for _, personal := range []string{"Jenny", "jenny", "Main St", "5550100", "4242"} {
		require.NotContains(t, string(body), personal)
	}
}

func TestAStorageThatFailsIsNoMissingRecord(t *testing.T) {
	t.Parallel()
	store := objectstoretest.NewMemory("state")
	store.Before = func(string, string, string) error {
		return fault.NewPlain(fault.StorageFailed, errors.New("connection reset"))
	}
	s := shelf{
		order.Documents{Store: statestore.Store{Objects: store, Layout: statestore.Layout{StateBucket: "state"}}}, t,
	}
	got, err := s.Record(t.Context(), summary().ID)
	require.True(t, fault.Is(err, fault.StorageFailed), "%v", err)
	require.ErrorContains(t, err, "read the record of order/acct_1/cs_test_1")
	require.Nil(t, got)
	cursor, etag, err := s.Cursor(t.Context(), "acct_1")
	require.True(t, fault.Is(err, fault.StorageFailed), "%v", err)
	require.Zero(t, cursor)
	require.Empty(t, etag, "a cursor that could not be read must not be written")
}

func TestCursorsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no JSON": `{`, "a newer format": `{"format":2,"until":"2026-03-01T12:00:00Z"}`,
		"no format": `{"until":"2026-03-01T12:00:00Z"}`,
		"no time":   `{"format":1,"until":"yesterday"}`, "empty": ``,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			s.put("state/acct_1/orders/sweep.json", body)
			_, etag, err := s.Cursor(t.Context(), "acct_1")
			require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
			require.ErrorContains(t, err, "repair it, or delete it to begin anew")
			require.Empty(t, etag)
		})
	}
	s := newShelf(t)
	_, _, err := s.Cursor(t.Context(), "acct_1/../acct_2")
	require.True(t, fault.Is(err, fault.InputInvalid))
	require.True(t, fault.Is(moved(s, "acct_1/../acct_2", at, ""), fault.InputInvalid))
}

// moved writes a cursor.
func moved(s shelf, account string, until time.Time, etag string) error {
	_, err := s.SaveCursor(s.t.Context(), account, order.Cursor{Until: until}, etag)
	return err
}

// Two sweeps of one account may run at once: by the schedule, and by a person. The cursor of the slower one must not
// undo that of the faster one.
func TestACursorIsWrittenOverTheOneThatWasRead(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	cursor, first, err := s.Cursor(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Zero(t, cursor)
	require.NoError(t, moved(s, "acct_1", at, first))
	require.True(t, fault.Is(moved(s, "acct_1", at.Add(time.Hour), first), fault.StateConflict),
		"another began as well")

	cursor, read, err := s.Cursor(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, at, cursor.Until)
	require.NoError(t, moved(s, "acct_1", at.Add(2*time.Hour).In(time.FixedZone("CET", 3600)), read))
	require.True(t, fault.Is(moved(s, "acct_1", at.Add(time.Hour), read), fault.StateConflict), "another was faster")
	cursor, _, err = s.Cursor(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, order.Cursor{Format: 1, Until: at.Add(2 * time.Hour)}, cursor)

	other, _, err := s.Cursor(t.Context(), "acct_2")
	require.NoError(t, err)
	require.Zero(t, other, "every account has its own")
}

func TestWhichAccountsHaveOrders(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	none, err := s.Accounts(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)
	for _, account := range []string{"acct_2", "acct_1"} {
		body, err := json.Marshal(order.Settings{Account: account})
		require.NoError(t, err)
		s.put("accounts/"+account+"/orders.json", string(body))
	}
	s.put("accounts/acct_3/orders.json", "{") // whose orders events are about must not hang on a typing error
	for _, other := range []string{"accounts/acct_4.json", "accounts/orders.json", "accounts/acct_5/x/orders.json",
		"accounts/me/orders.json", "accounts/" + strings.Repeat("a", 200) + "/orders.json",
		"state/acct_6/orders/sweep.json"} {
		s.put(other, "{}")
	}
	accounts, err := s.Accounts(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"acct_1", "acct_2", "acct_3"}, accounts)
	for account, want := range map[string]bool{"acct_1": true, "acct_3": true, "acct_4": false} {
		known, err := s.Known(t.Context(), account)
		require.NoError(t, err)
		require.Equal(t, want, known, account)
	}
	_, err = s.Known(t.Context(), "me")
	require.True(t, fault.Is(err, fault.InputInvalid))
}
