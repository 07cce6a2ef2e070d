package account_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/feed"
)

func tries(share account.Percent, accounts ...string) account.Canary {
	return account.Canary{Rules: account.Rules{ImportAPI: feed.V2}, Share: share, Accounts: accounts}
}

func TestACanaryIsAShareThatOnlyGrows(t *testing.T) {
	t.Parallel()
	const fleet = 20_000
	was := map[string]bool{}
	for _, share := range []account.Percent{0.5, 5, 20, 100} {
		c, has := tries(share), 0
		for i := range fleet {
			id := fmt.Sprintf("acct_%05d", i)
			require.True(t, c.Has(id) || !was[id], "who is in it stays in it as it grows")
			if was[id] = c.Has(id); was[id] {
				has++
			}
		}
		require.InEpsilon(t, float64(share)*fleet/100, has, 0.2)
	}
}

func TestWhoTriesWhat(t *testing.T) {
	t.Parallel()
	d := account.Deployment{Rules: account.DefaultRules(), Canary: tries(0, "acct_1", "acct_2")}
	for id, want := range map[string]feed.API{"acct_1": feed.V2, "acct_2": feed.V2, "acct_3": feed.V1} {
		require.Equal(t, want, d.Of(account.Settings{Account: id}).ImportAPI, id)
	}
	own := account.Settings{Account: "acct_1", Rules: account.Rules{ImportAPI: feed.V1}}
	require.Equal(t, feed.V1, d.Of(own).ImportAPI, "an account's own rule is nobody's to try with")
	require.Equal(t, d.Rules.Quotes, d.Of(own).Quotes, "what is not tried is as everywhere")
	require.Equal(t, "import_api=v2", d.Canary.String())

	nothing := account.Canary{Share: 100, Accounts: []string{"acct_1"}}
	require.False(t, nothing.On())
	require.False(t, nothing.Has("acct_1"), "nothing is tried, so nobody tries it")
}

// A percentage that is tried binds as one does that an account sets: however small the catalog is.
func TestATriedPercentageBinds(t *testing.T) {
	t.Parallel()
	none := account.Percent(0)
	d := account.Deployment{Rules: account.DefaultRules(),
		Canary: account.Canary{Rules: account.Rules{MaxShrink: &none}, Share: 100}}
	require.True(t, d.Rules.FewMayVanish())
	require.False(t, d.Of(account.Settings{Account: "acct_1"}).FewMayVanish())
}
