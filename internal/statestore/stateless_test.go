package statestore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

func TestWithoutState(t *testing.T) {
	t.Parallel()
	store := objectstoretest.NewMemory("s")
	l := statestore.Layout{StateBucket: "s", StatePrefix: "state/"}
	for _, key := range []string{"catalogs/a.csv", l.StandingKey("acct_1"), l.SettingsKey("acct_1")} {
		_, err := store.Put(t.Context(), "s", key, "", []byte("x"), "")
		require.NoError(t, err)
	}
	shown := statestore.WithoutState(store, l)
	for _, key := range []string{"catalogs/a.csv", l.SettingsKey("acct_1")} {
		_, err := shown.Head(t.Context(), "s", key)
		require.NoError(t, err)
		_, _, err = shown.Get(t.Context(), "s", key)
		require.NoError(t, err)
	}
	_, err := shown.Head(t.Context(), "s", l.StandingKey("acct_1"))
	require.True(t, fault.Is(err, fault.SourceMissing))
	_, object, err := shown.Get(t.Context(), "s", l.StandingKey("acct_1"))
	require.True(t, fault.Is(err, fault.SourceMissing))
	_, err = shown.Put(t.Context(), "s", "a", "", nil, "")
	require.Error(t, err)
	_, err = shown.Write(t.Context(), "s", "a", "", strings.NewReader("x"))
	require.Error(t, err)
	require.Error(t, shown.Delete(t.Context(), "s", "catalogs/a.csv"))
	require.Error(t, shown.DeleteVersion(t.Context(), object))
	kept, err := store.List(t.Context(), "s", "")
	require.NoError(t, err)
	require.Len(t, kept, 3)
}
