package account_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

// The documents in testdata are those of the commit that their folder is called after, written by its own code. They
// have every field that it knew.
const earlier = "testdata/be52e40/"

var earlierNoon = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)

// earlierDocument is a bucket with a document of an earlier release under key; edit changes its text.
func earlierDocument(t *testing.T, name, key string, edit func(text string) string) account.Documents {
	t.Helper()
	d, store := documents(t)
	text, err := os.ReadFile(earlier + name)
	require.NoError(t, err)
	_, err = store.Put(t.Context(), "state", key, "application/json", []byte(edit(string(text))), "")
	require.NoError(t, err)
	return d
}

func asItIs(text string) string { return text }

func TestTheSettingsOfAnEarlierReleaseAreRead(t *testing.T) {
	t.Parallel()
	percent := func(p account.Percent) *account.Percent { return &p }
	d := earlierDocument(t, "settings.json", "accounts/acct_1.json", asItIs)
	s, stored, err := d.StoredSettings(t.Context(), "acct_1")
	require.NoError(t, err)
	require.True(t, stored)
	require.Equal(t, account.Settings{
		Account: "acct_1", Feeds: []feed.Kind{feed.Product, feed.Inventory}, Every: account.Interval(time.Hour),
		SourceBucket: "their-bucket", SourceKey: "{account}/{feed}.tsv.gz", SharedSource: true,
		StartedBy: account.ByFleet, Paused: &account.Pause{Note: "stocktaking", At: earlierNoon},
		Rules: account.Rules{ImportAPI: feed.V2, Dialect: feed.GoogleDialect, Quotes: lines.LiteralQuotes,
			InvalidRows: account.SendAll, UnknownColumns: account.DropUnknown, Source: account.ChangesSource,
			FullSendEvery: account.Interval(48 * time.Hour), Heal: account.HealReport, MaxShrink: percent(10),
			MaxInvalid: percent(0), MaxPriceMoves: percent(30), PriceMove: percent(150), MaxCurrencyFlips: percent(2.5),
			MaxFree: percent(3)},
	}, s)
	bucket, key := s.Source(d.Layout, feed.Inventory)
	require.Equal(t, []string{"their-bucket", "acct_1/inventory.tsv.gz"}, []string{bucket, key})
	require.False(t, s.Rules.Over(account.DefaultRules()).FewMayVanish(), "they have set how many may")
}

func TestTheStandingOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	s, _, err := earlierDocument(t, "standing.json", "state/standings/acct_1.json", asItIs).
		Standing(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, account.Standing{
		Format: 1, Account: "acct_1",
		Parked: &account.Parking{Trigger: account.ByRefusals, By: "vitrine", Why: "Stripe refuses it",
			Since: earlierNoon, Event: "evt_1"},
		Resumed: &account.Return{By: "ada", Why: "they are back", At: earlierNoon.Add(-48 * time.Hour)},
		Refusal: &account.Refusal{Since: earlierNoon.Add(-24 * time.Hour), Last: earlierNoon,
			Code: fault.StripeRejected, Reason: "no such account", Looked: earlierNoon,
			Spared: "others are refused, too"},
	}, s)
}

func TestAStandingOfANewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	newer := func(text string) string { return strings.Replace(text, `"format": 1`, `"format": 2`, 1) }
	s, _, err := earlierDocument(t, "standing.json", "state/standings/acct_1.json", newer).
		Standing(t.Context(), "acct_1")
	require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
	require.ErrorContains(t, err, "s3://state/state/standings/acct_1.json is not readable: its format is 2: expected 1; "+
		"a newer version of Vitrine wrote it")
	require.Zero(t, s, "nobody may take it for an account that is not parked")
}
