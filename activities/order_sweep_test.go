package activities

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

// broom is a sweep of acct_1, whose Stripe and whose orders answer as the test says.
type broom struct {
	*OrderSweep
	t     *testing.T
	store *objectstoretest.Memory
	env   *testsuite.TestActivityEnvironment

	pages   []order.EventsPage // the newest first
	listErr error
	errors  map[string]error // by event
	since   []time.Time
	got     []string
}

func newBroom(t *testing.T, events ...string) *broom {
	t.Helper()
	b := &broom{t: t, store: objectstoretest.NewMemory("s"), errors: map[string]error{}}
	b.OrderSweep = &OrderSweep{Stripe: b, Intake: b,
		Documents: order.Documents{
			Store: statestore.Store{Objects: b.store,
				Layout: statestore.Layout{StateBucket: "s", StatePrefix: "state/"}},
		}}
	b.settings("acct_1", true)
	for i, id := range slices.Backward(events) { // one on each page
		page := order.EventsPage{Events: []order.Event{{ID: id, Account: "acct_1", Session: "cs_1"}}, Next: id}
		if i == 0 {
			page.Next = ""
		}
		b.pages = append(b.pages, page)
	}
	b.env = quietly(b.OrderSweep)
	return b
}

func (b *broom) settings(account string, enabled bool) {
	b.t.Helper()
	require.NoError(b.t, b.Documents.SaveSettings(b.t.Context(),
		order.Settings{Account: account, Enabled: enabled, Fulfillment: order.Fulfillment{Kind: order.S3}}))
}

func (b *broom) Events(
	_ context.Context, _ string, since time.Time, _ []string, after string,
) (order.EventsPage, error) {
	if b.since = append(b.since, since); b.listErr != nil {
		return order.EventsPage{}, b.listErr
	}
	switch {
	case len(b.pages) == 0:
		return order.EventsPage{}, nil
	case after == "":
		return b.pages[0], nil
	}
	return b.pages[1+slices.IndexFunc(b.pages, func(p order.EventsPage) bool { return p.Next == after })], nil
}

func (b *broom) Deliver(_ context.Context, e order.Event) (bool, error) {
	if err := b.errors[e.ID]; err != nil {
		return false, err
	}
	b.got = append(b.got, e.ID)
	return true, nil
}

func (b *broom) sweeps() (result SweepAccountResult, err error) {
	b.t.Helper()
	value, err := b.env.ExecuteActivity(b.SweepAccount, SweepAccountInput{Account: "acct_1"})
	if err == nil {
		require.NoError(b.t, value.Get(&result))
	}
	return result, err
}

func (b *broom) until() time.Time {
	b.t.Helper()
	cursor, _, err := b.Documents.Cursor(b.t.Context(), "acct_1")
	require.NoError(b.t, err)
	return cursor.Until
}

// An account that is not connected yet fails for days. What happens meanwhile is not lost: its first sweep began when
// it was first tried.
func TestTheFirstSweepBeginsWhereItWasFirstTried(t *testing.T) {
	t.Parallel()
	b := newBroom(t, "evt_1")
	b.listErr = fault.NewPermanent(fault.StripeForbidden, errors.New("no access"))
	before := time.Now()
	_, err := b.sweeps()
	requireFailure(t, err, fault.StripeForbidden, true)
	began := b.until()
	require.WithinDuration(t, before.Add(sweepOverlap-firstSweep), began, time.Minute)
	require.WithinDuration(t, before.Add(-firstSweep), b.since[0], time.Minute)

	// Three days later.
	_, etag, err := b.Documents.Cursor(t.Context(), "acct_1")
	require.NoError(t, err)
	_, err = b.Documents.SaveCursor(t.Context(), "acct_1", order.Cursor{Until: began.Add(-72 * time.Hour)}, etag)
	require.NoError(t, err)
	_, err = b.sweeps()
	requireFailure(t, err, fault.StripeForbidden, true)
	b.listErr = nil
	result, err := b.sweeps()
	require.NoError(t, err)
	require.Equal(t, SweepAccountResult{Events: 1, Delivered: 1}, result)
	require.WithinDuration(t, before.Add(-73*time.Hour), b.since[2], time.Minute)
	require.True(t, b.until().After(before.Add(-time.Minute)))
}

// A quiet account costs no read of Stripe, unless webhooks may have been missed.
func TestAQuietAccountRests(t *testing.T) {
	t.Parallel()
	b := newBroom(t, "evt_1")
	result, err := b.sweeps()
	require.NoError(t, err)
	require.Equal(t, 1, result.Delivered)
	cursor, _, err := b.Documents.Cursor(t.Context(), "acct_1")
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), cursor.Lively, time.Minute, "an order was heard of")
	resting := func(in ListSweptInput) []string {
		var listed ListSweptResult
		in.Limit = 3
		value, err := b.env.ExecuteActivity(b.ListSwept, in)
		require.NoError(t, err)
		require.NoError(t, value.Get(&listed))
		require.Equal(t, []string{"acct_1"}, listed.Accounts)
		return listed.Resting
	}
	received := func(ago time.Duration) {
		_, err := statestore.Write(t.Context(), b.Documents.Store, b.Documents.Layout.PresenceKey(),
			order.Presence{Format: 1, Since: time.Now().Add(-24 * time.Hour), At: time.Now().Add(-ago)}, "")
		require.NoError(t, err)
	}
	quiet := func() {
		_, err := statestore.Write(t.Context(), b.Documents.Store, b.Documents.Layout.SweepKey("acct_1"),
			order.Cursor{Format: 1, Until: cursor.Until, Lively: time.Now().Add(-8 * 24 * time.Hour)}, "")
		require.NoError(t, err)
	}
	received(0)
	require.Empty(t, resting(ListSweptInput{}), "it had an order within a week")
	quiet()
	require.Equal(t, []string{"acct_1"}, resting(ListSweptInput{}))
	require.Empty(t, resting(ListSweptInput{All: true}), "somebody wants all of them swept")
	received(time.Hour)
	require.Empty(t, resting(ListSweptInput{}), "nobody says that webhooks are received")

	received(0)
	_, err = b.store.Put(t.Context(), "s", "state/acct_1/orders/sweep.json", "application/json", []byte("{"), "")
	require.NoError(t, err)
	require.Empty(t, resting(ListSweptInput{}), "its sweep says that the cursor cannot be read")
}

func TestAnEventThatStripeRefusesKeepsNoOtherBack(t *testing.T) {
	t.Parallel()
	b := newBroom(t, "evt_1", "evt_2", "evt_3")
	b.errors["evt_1"] = fault.NewPermanent(fault.StripeRejected, errors.New("no such payment"))
	_, err := b.sweeps()
	requireFailure(t, err, fault.StripeRejected, true)
	require.Equal(t, []string{"evt_2", "evt_3"}, b.got)
	require.True(t, b.until().Before(time.Now().Add(-firstSweep/2)), "the cursor stays before it")

	b.got, b.errors = nil, nil
	result, err := b.sweeps()
	require.NoError(t, err)
	require.Equal(t, 1, result.Delivered)
	require.Equal(t, []string{"evt_1"}, b.got, "the others were delivered")
}

// What is wrong with the key or with Temporal is wrong for every event: to try thousands of them would help nobody.
func TestASweepEndsWhereEveryEventWouldFail(t *testing.T) {
	t.Parallel()
	for _, code := range []fault.Code{fault.StripeForbidden, fault.StripeUnauthorized} {
		b := newBroom(t, "evt_1", "evt_2", "evt_3")
		b.errors["evt_2"] = fault.NewPermanent(code, errors.New("no"))
		_, err := b.sweeps()
		requireFailure(t, err, code, true)
		require.Equal(t, []string{"evt_1"}, b.got)
	}
}

func TestASweepOfNoOrders(t *testing.T) {
	t.Parallel()
	b := newBroom(t, "evt_1")
	require.NoError(t, b.store.Delete(t.Context(), "s", "accounts/acct_1/orders.json"))
	result, err := b.sweeps()
	require.NoError(t, err)
	require.Zero(t, result)
	require.Empty(t, b.since)
	require.Zero(t, b.until(), "it begins when the account has settings")

	b.settings("acct_1", false)
	b.pages = nil
	result, err = b.sweeps()
	require.NoError(t, err)
	require.Zero(t, result)
	require.NotZero(t, b.until())

	_, err = b.store.Put(t.Context(), "s", "state/acct_1/orders/sweep.json", "application/json", []byte("{"), "")
	require.NoError(t, err)
	_, err = b.sweeps()
	requireFailure(t, err, fault.SettingsInvalid, true)
	require.Len(t, b.since, 1, "a broken cursor begins nothing anew")
}

// Two sweeps at once: the slower one does not undo the cursor of the faster one.
func TestASlowSweepDoesNotTurnTheCursorBack(t *testing.T) {
	t.Parallel()
	b := newBroom(t)
	_, err := b.sweeps()
	require.NoError(t, err)
	faster := time.Now().Add(time.Hour).UTC()
	b.store.Before = func(operation, _, key string) error {
		if operation == "Put" && key == "state/acct_1/orders/sweep.json" {
			b.store.Before = nil
			_, err := b.Documents.SaveCursor(t.Context(), "acct_1", order.Cursor{Until: faster}, "")
			require.NoError(t, err)
		}
		return nil
	}
	_, err = b.sweeps()
	requireFailure(t, err, fault.StateConflict, false)
	require.True(t, faster.Equal(b.until()))
}

// After Temporal's database was lost, what was delivered is delivered once more; the cursor stays where it is.
func TestASweepGoesBackBehindItsCursor(t *testing.T) {
	b := newBroom(t, "evt_1", "evt_2")
	_, err := b.sweeps()
	require.NoError(t, err)
	before, _, err := b.Documents.Cursor(t.Context(), "acct_1")
	require.NoError(t, err)
	_, err = b.sweeps()
	require.NoError(t, err)
	require.Equal(t, []string{"evt_1", "evt_2"}, b.got, "what was delivered is not delivered again")

	back := before.Until.Add(-72 * time.Hour)
	for _, since := range []time.Time{back, before.Until.Add(time.Hour)} {
		b.got = nil
		_, err = b.env.ExecuteActivity(b.SweepAccount, SweepAccountInput{Account: "acct_1", Since: since})
		require.NoError(t, err)
		require.Equal(t, []string{"evt_1", "evt_2"}, b.got)
	}
	require.False(t, b.since[len(b.since)-2].After(before.Until), "it never reads less than a sweep does")
	require.Contains(t, b.since, back.Add(-sweepOverlap))
	after, _, err := b.Documents.Cursor(t.Context(), "acct_1")
	require.NoError(t, err)
	require.False(t, after.Until.Before(before.Until))
	b.got = nil
	_, err = b.sweeps()
	require.NoError(t, err)
	require.Empty(t, b.got)
}

func TestEventsThatCannotBeReadAreCounted(t *testing.T) {
	t.Parallel()
	b := newBroom(t, "evt_1", "evt_2")
	b.pages[0].Unread, b.pages[1].Unread = 2, 1
	result, err := b.sweeps()
	require.NoError(t, err)
	require.Equal(t, SweepAccountResult{Events: 2, Delivered: 2, Unread: 3}, result)
}

func TestAccountsAreListedInBatches(t *testing.T) {
	t.Parallel()
	b := newBroom(t)
	for _, account := range []string{"acct_3", "acct_2", "acct_4"} {
		b.settings(account, false)
	}
	list := func(in ListSweptInput) (listed ListSweptResult) {
		value, err := b.env.ExecuteActivity(b.ListSwept, in)
		require.NoError(t, err)
		require.NoError(t, value.Get(&listed))
		return listed
	}
	require.Equal(t, ListSweptResult{Accounts: []string{"acct_1", "acct_2", "acct_3"}, More: true},
		list(ListSweptInput{Limit: 3}))
	require.Equal(t, ListSweptResult{Accounts: []string{"acct_4"}}, list(ListSweptInput{Limit: 3, After: "acct_3"}))
	require.Equal(t, ListSweptResult{Accounts: []string{"acct_3", "acct_4"}},
		list(ListSweptInput{Limit: 3, After: "acct_2x"}), "the last of a batch may be gone")
	require.Equal(t, ListSweptResult{}, list(ListSweptInput{Limit: 3, After: "acct_4"}))

	lists := 0
	b.store.Before = func(operation, _, _ string) error {
		if strings.HasPrefix(operation, "List") {
			lists++
		}
		return nil
	}
	list(ListSweptInput{Limit: 1, After: "acct_3"})
	require.LessOrEqual(t, lists, 2, "what lies before is not listed again")
	b.store.Before = func(string, string, string) error {
		return fault.NewPlain(fault.StorageFailed, errors.New("connection reset"))
	}
	_, err := b.env.ExecuteActivity(b.ListSwept, ListSweptInput{Limit: 3})
	requireFailure(t, err, fault.StorageFailed, false)
}

func TestACallIsRepeatedBeforeTheSweepIs(t *testing.T) {
	t.Parallel()
	cause := errors.New("bad gateway")
	for name, test := range map[string]struct {
		err   error
		fails int
		tries int
		waits time.Duration
		ends  bool
	}{
		"once":         {fault.NewPlain(fault.StripeUnavailable, cause), 1, 2, 200 * time.Millisecond, true},
		"unclassified": {cause, 2, 3, 600 * time.Millisecond, true},
		"for ever":     {fault.NewPlain(fault.StripeUnavailable, cause), 99, 5, 3 * time.Second, false},
		"a short pause": {fault.NewThrottled(fault.StripeThrottled, 2*time.Second, cause), 1, 2, 2 * time.Second,
			true},
		"a long pause":    {fault.NewThrottled(fault.StripeThrottled, time.Minute, cause), 1, 1, 0, false},
		"what stays so":   {fault.NewPermanent(fault.StripeForbidden, cause), 1, 1, 0, false},
		"nothing happens": {nil, 0, 1, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries, began := 0, time.Now()
				err := persist(t.Context(), func() error {
					if tries++; tries <= test.fails {
						return test.err
					}
					return nil
				})
				require.Equal(t, test.ends, err == nil, err)
				require.Equal(t, test.tries, tries)
				require.Equal(t, test.waits, time.Since(began))
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := persist(ctx, func() error { cancel(); return cause })
	require.ErrorIs(t, err, cause, "a worker that is told to end waits for nothing")
}
