package account_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

// shelf is a state bucket with the settings of accounts that read one file.
type shelf struct {
	*testing.T
	account.Documents
	store *objectstoretest.Memory
}

func newShelf(t *testing.T) shelf {
	store := objectstoretest.NewMemory("s")
	layout := statestore.Layout{SourceBucket: "c", SourceKey: "{account}/{feed}.csv", StateBucket: "s",
		StatePrefix: "state/"}
	return shelf{t, account.Documents{Store: statestore.Store{Objects: store, Layout: layout}}, store}
}

// reads saves settings, and claims the account's source.
func (s shelf) reads(id, key string, change ...func(*account.Settings)) error {
	s.Helper()
	settings := account.Settings{Account: id, SourceKey: key}
	for _, c := range change {
		c(&settings)
	}
	require.NoError(s, s.SaveSettings(s.Context(), settings))
	return s.ClaimSource(s.Context(), settings, feed.Product)
}

func shares(s *account.Settings) { s.SharedSource = true }

func TestASourceHasOneReader(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	require.NoError(t, s.reads("acct_1", "all.csv"))
	require.NoError(t, s.reads("acct_1", "all.csv"), "again")
	for range 2 {
		err := s.reads("acct_2", "all.csv")
		require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
		require.EqualError(t, err,
			"s3://c/all.csv is the source of acct_1 (product) already, and would be sent for acct_2 (product) too: put {account} into source_key, or say shared_source yes for each of them if they are to sell the same catalog")
	}
	require.NoError(t, s.reads("acct_2", "{account}.csv"))
	require.NoError(t, s.reads("acct_3", "", func(c *account.Settings) { c.SourceBucket = "c2" }))
	require.NoError(t, s.reads("acct_4", "all.csv", func(c *account.Settings) { c.SourceBucket = "c2" }),
		"of another bucket")
	require.NoError(t, s.reads("acct_1", "all.csv"), "the first one goes on")
}

func TestOneFileIsNotTwoFeeds(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	settings := account.Settings{Account: "acct_1", SourceKey: "all.csv",
		Feeds: []feed.Kind{feed.Product, feed.Pricing}}
	require.NoError(t, s.SaveSettings(t.Context(), settings))
	require.NoError(t, s.ClaimSource(t.Context(), settings, feed.Product))
	require.ErrorContains(t, s.ClaimSource(t.Context(), settings, feed.Pricing), "put {feed} into source_key")
}

func TestASourceMayBeSharedOnPurpose(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	require.NoError(t, s.reads("acct_1", "all.csv", shares))
	require.NoError(t, s.reads("acct_2", "all.csv", shares))
	require.NoError(t, s.reads("acct_1", "all.csv", shares))
}

// A source is free once its reader does not name it any more, or cannot begin a sync.
func TestASourceChangesHands(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(s shelf) error{
		"it reads another":  func(s shelf) error { return s.reads("acct_1", "other.csv") },
		"its settings went": func(s shelf) error { return s.DeleteSettings(s.Context(), "acct_1") },
		"it has other feeds": func(s shelf) error {
			return s.SaveSettings(s.Context(),
				account.Settings{Account: "acct_1", SourceKey: "all.csv", Feeds: []feed.Kind{feed.Pricing}})
		},
		"its settings broke": func(s shelf) error { return s.overwrite(s.Layout.SettingsKey("acct_1"), "{") },
		"nobody can be named": func(s shelf) error {
			return s.overwrite(s.Layout.ReaderKey("c", "all.csv"), `{"account":"../acct_1"}`)
		},
		"nothing can be read": func(s shelf) error { return s.overwrite(s.Layout.ReaderKey("c", "all.csv"), "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			require.NoError(t, s.reads("acct_1", "all.csv"))
			require.Error(t, s.reads("acct_2", "all.csv"))
			require.NoError(t, leave(s))
			require.NoError(t, s.reads("acct_2", "all.csv"))
			require.ErrorContains(t, s.reads("acct_1", "all.csv"), "is the source of acct_2")
		})
	}
}

func (s shelf) overwrite(key, text string) error {
	_, err := s.store.Put(s.Context(), "s", key, "", []byte(text), "")
	return err
}

func TestOneOfManyGetsASource(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	errs := make([]error, 5)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = s.reads("acct_"+string(rune('a'+i)), "all.csv") })
	}
	all.Wait()
	refused := 0
	for _, err := range errs {
		if fault.Is(err, fault.SettingsInvalid) {
			refused++
		} else {
			require.NoError(t, err)
		}
	}
	require.Equal(t, len(errs)-1, refused)
}

func TestAnOutageSaysNothingOfReaders(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"Get", "Put"} {
		s := newShelf(t)
		settings := account.Settings{Account: "acct_1", SourceKey: "all.csv"}
		away := errors.New("away")
		s.store.Before = func(is, _, _ string) error {
			if is == operation {
				return away
			}
			return nil
		}
		require.ErrorIs(t, s.ClaimSource(t.Context(), settings, feed.Product), away)
	}
}
