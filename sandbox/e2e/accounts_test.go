package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

// list writes a list of accounts.
func (r *room) list(rows ...string) string {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "accounts.csv")
	require.NoError(r.t, os.WriteFile(path, []byte(strings.Join(rows, "\n")+"\n"), 0o600))
	return path
}

func TestAListThatSellsOneCatalogTwiceIsRefused(t *testing.T) {
	r := enter(t)
	other := r.account + "b"
	path := r.list("account,source_key", r.account+",shared/"+r.account+".csv", other+",shared/"+r.account+".csv")
	got := r.starter("accounts", "apply", "-f", path)
	require.Equal(t, 2, got.code, got.stdout+got.stderr)
	require.Contains(t, got.stderr, "nothing was changed")
	require.Contains(t, got.stderr, r.account+" (product), "+other+" (product)")
	for _, account := range []string{r.account, other} {
		_, stored, err := r.accounts.StoredSettings(t.Context(), account)
		require.NoError(t, err)
		require.False(t, stored)
	}
}

// Settings can be written past the list; the second sync finds it out.
func TestASourceIsSentForOneAccount(t *testing.T) {
	r := enter(t)
	r.startWorker()
	first, key := r.account, "shared/"+r.account+".csv"
	r.put(r.layout.SourceBucket, key, strings.NewReader(csv(numbered(3)...)))
	for _, id := range []string{first, first + "b"} {
		require.NoError(t, r.accounts.SaveSettings(t.Context(), account.Settings{Account: id, SourceKey: key}))
	}
	r.syncs(catalog.Succeeded)

	r.account = first + "b"
	_, err := r.ends(r.starts())
	require.ErrorContains(t, err, "is the source of "+first+" (product) already")
	require.ErrorContains(t, err, string(fault.SettingsInvalid))
	require.Empty(t, r.ids())
	require.Equal(t, catalog.Failed, r.state().Last.Outcome)
	require.Nil(t, r.state().Run)

	for _, id := range []string{first, first + "b"} {
		require.NoError(t,
			r.accounts.SaveSettings(t.Context(), account.Settings{Account: id, SourceKey: key, SharedSource: true}))
	}
	r.syncs(catalog.Succeeded)
	require.Len(t, r.ids(), 3)
}
