package statestore_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

type note struct {
	Text  string `json:"text"`
	Count int    `json:"count"`
}

func newStore() statestore.Store {
	return statestore.Store{
		Objects: objectstoretest.NewMemory("state"),
		Layout:  statestore.Layout{StateBucket: "state", StatePrefix: "state/"},
	}
}

func TestADocumentThatIsNotThereIsWrittenOnce(t *testing.T) {
	t.Parallel()
	s := newStore()
	none, err := statestore.Read[note](t.Context(), s, "k")
	require.NoError(t, err)
	require.False(t, none.Found())
	require.Zero(t, none.Value)
	first, err := statestore.Write(t.Context(), s, "k", note{Text: "first"}, none.ETag)
	require.NoError(t, err)
	_, err = statestore.Write(t.Context(), s, "k", note{Text: "second"}, none.ETag)
	require.True(t, fault.Is(err, fault.StateConflict), "%v", err)
	is, err := statestore.Read[note](t.Context(), s, "k")
	require.NoError(t, err)
	require.True(t, is.Found())
	require.Equal(t, note{Text: "first"}, is.Value)
	require.Equal(t, first.ETag, is.ETag)
	require.Equal(t, "s3://state/k", is.Object.URI())
}

func TestNobodyWritesOverWhatTheyHaveNotRead(t *testing.T) {
	t.Parallel()
	s := newStore()
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for {
				is, err := statestore.Read[note](t.Context(), s, "k")
				if err != nil {
					t.Errorf("read: %v", err)
					return
				}
				is.Value.Count++
				_, err = statestore.Write(t.Context(), s, "k", is.Value, is.ETag)
				if err == nil {
					return
				}
				if !fault.Is(err, fault.StateConflict) {
					t.Errorf("write: %v", err)
					return
				}
			}
		})
	}
	writers.Wait()
	is, err := statestore.Read[note](t.Context(), s, "k")
	require.NoError(t, err)
	require.Equal(t, 8, is.Value.Count)
}

func TestWithoutAnETagWhateverIsThereIsWrittenOver(t *testing.T) {
	t.Parallel()
	s := newStore()
	for n := range 2 {
		_, err := statestore.Write(t.Context(), s, "k", note{Text: strconv.Itoa(n)}, "")
		require.NoError(t, err)
	}
	is, err := statestore.Read[note](t.Context(), s, "k")
	require.NoError(t, err)
	require.Equal(t, "1", is.Value.Text)
}

func TestADocumentThatCannotBeReadIsNotAnEmptyOne(t *testing.T) {
	t.Parallel()
	s := newStore()
	for _, body := range []string{"", "{", "[]", `{"count":"many"}`} {
		put, err := s.Objects.Put(t.Context(), "state", "k", "", []byte(body), "")
		require.NoError(t, err)
		is, err := statestore.Read[note](t.Context(), s, "k")
		require.True(t, fault.Is(err, fault.SettingsInvalid), "%q: %v", body, err)
		var unreadable *statestore.UnreadableError
		require.ErrorAs(t, err, &unreadable)
		require.ErrorContains(t, err, "s3://state/k is not readable: ")
		require.Zero(t, is.Value, "half a document is none")
		require.True(t, is.Found())
		require.Equal(t, put.ETag, is.ETag, "whoever may replace it can")
	}
}

func TestADecoderOfTheCallersDecides(t *testing.T) {
	t.Parallel()
	s := newStore()
	_, err := statestore.Write(t.Context(), s, "k", note{Text: "x"}, "")
	require.NoError(t, err)
	refused := errors.New("not so")
	_, err = statestore.ReadAs(t.Context(), s, "k", func([]byte, *note) error { return refused })
	require.ErrorIs(t, err, refused)
}

// gone is a server that does not answer.
type gone struct{ statestore.Objects }

func (gone) Get(context.Context, string, string) ([]byte, statestore.Object, error) {
	return nil, statestore.Object{}, fault.NewPlain(fault.StorageUnusable, errors.New("the server is away"))
}

func TestAnOutageIsNoMissingDocument(t *testing.T) {
	t.Parallel()
	s := newStore()
	s.Objects = gone{s.Objects}
	_, err := statestore.Read[note](t.Context(), s, "k")
	require.ErrorContains(t, err, "away")
}

func TestWhoseSettingsLieUnderAKey(t *testing.T) {
	t.Parallel()
	var l statestore.Layout
	for key, want := range map[string]struct{ all, forOrders string }{
		l.SettingsKey("acct_1"):          {all: "acct_1"},
		l.OrderSettingsKey("acct_1"):     {forOrders: "acct_1"},
		"accounts/.json":                 {},
		"accounts/orders.json":           {all: "orders"}, // no account's id: who asks looks
		"accounts//orders.json":          {},
		"accounts/acct_1/a/orders.json":  {},
		"accounts/acct_1/a.json":         {},
		"other/acct_1.json":              {},
		"accounts/acct_1.csv":            {},
		"accounts/acct_1/orders.json.gz": {},
	} {
		account, ok := l.SettingsOf(key)
		require.Equal(t, want.all != "", ok, key)
		if ok {
			require.Equal(t, want.all, account, key)
		}
		account, ok = l.OrderSettingsOf(key)
		require.Equal(t, want.forOrders != "", ok, key)
		if ok {
			require.Equal(t, want.forOrders, account, key)
		}
	}
}

func TestDocumentsOfAnotherBucket(t *testing.T) {
	t.Parallel()
	s := statestore.Store{Objects: objectstoretest.NewMemory("state", "merchants"),
		Layout: statestore.Layout{StateBucket: "state"}}
	_, err := statestore.Write(t.Context(), s.In("merchants"), "k", note{Text: "x"}, statestore.IfAbsent)
	require.NoError(t, err)
	here, err := statestore.Read[note](t.Context(), s, "k")
	require.NoError(t, err)
	require.False(t, here.Found(), "the store itself goes on as it was")
	there, err := statestore.Read[note](t.Context(), s.In("merchants"), "k")
	require.NoError(t, err)
	require.Equal(t, "s3://merchants/k", there.Object.URI())
}
