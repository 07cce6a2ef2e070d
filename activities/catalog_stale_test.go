package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/news"
)

// newsstand notes what is told.
type newsstand struct {
	told []string
	away bool
}

func (s *newsstand) Tell(_ context.Context, n news.News) error {
	if s.away {
		return errors.New("Temporal is away")
	}
	s.told = append(s.told, n.Account+" "+n.Text()+" "+n.Data.Cause)
	return nil
}

func (s *newsstand) since() []string {
	told := s.told
	s.told = nil
	return told
}

// reads has the next look read every state.
func (d *dispatch) reads(shard int) {
	d.t.Helper()
	s, etag, _, err := d.steps.Fleet.Snapshot(d.t.Context(), shard)
	require.NoError(d.t, err)
	s.Rules = "others"
	require.NoError(d.t, d.steps.Fleet.SaveSnapshot(d.t.Context(), shard, s, etag))
	d.see(shard)
}

func newStaleDispatch(t *testing.T) (*dispatch, *newsstand) {
	t.Helper()
	d, stand := newDispatch(t), &newsstand{}
	d.steps.News = &AccountNews{Accounts: d.steps.Accounts, Queue: stand,
		Endpoint: account.Endpoint{URL: "https://p.example"}}
	return d, stand
}

func TestACatalogThatStripeLacksForLongIsToldOnceAndWhenItIsOver(t *testing.T) {
	t.Parallel()
	d, stand := newStaleDispatch(t)
	id := d.shop("acct_1")
	d.deaf = true // no sync starts
	d.see(0)
	require.Empty(t, stand.since(), "a catalog that was never synced is new, and not stale")
	d.settle(id)
	d.put("src", "catalogs/acct_1/product.csv", "v2")
	d.steps.StaleAfter = time.Hour
	d.reads(0)
	require.Empty(t, stand.since(), "it is not for long")

	d.steps.StaleAfter = 0
	stand.away = true
	d.reads(0)
	stand.away = false
	for range 3 {
		d.reads(0)
	}
	require.Equal(t, []string{"acct_1 catalog.stale product began not_sent"}, stand.since())
	d.settle(id)
	d.reads(0)
	d.reads(0)
	require.Equal(t, []string{"acct_1 catalog.stale product over "}, stand.since())
}

func TestASourceThatIsTakenAwayIsTold(t *testing.T) {
	t.Parallel()
	d, stand := newStaleDispatch(t)
	id := d.shop("acct_1")
	d.see(0)
	d.settle(id)
	d.ended()
	require.NoError(t, d.store.Delete(t.Context(), "src", "catalogs/acct_1/product.csv"))
	d.reads(0)
	d.reads(0)
	require.Equal(t, []string{"acct_1 catalog.stale product began source_missing"}, stand.since())
	d.put("src", "catalogs/acct_1/product.csv", "v2")
	d.settle(id)
	d.reads(0)
	require.Equal(t, []string{"acct_1 catalog.stale product over "}, stand.since())
}

// What is told otherwise, or is meant, is not told as stale.
func TestWhatIsNotStale(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, change := range map[string]func(*dispatch, *catalog.State, *account.Settings){
		"it is held": func(_ *dispatch, s *catalog.State, _ *account.Settings) {
			s.Held = &catalog.Hold{Version: "v2"}
		},
		"it failed": func(_ *dispatch, s *catalog.State, _ *account.Settings) {
			s.Last = &catalog.Last{Outcome: catalog.Failed}
		},
		"its turn has not come": func(_ *dispatch, s *catalog.State, _ *account.Settings) { s.LastImportAt = now },
		"a run is at work": func(d *dispatch, s *catalog.State, _ *account.Settings) {
			s.Run = &catalog.Run{WorkflowID: "w", RunID: "r"}
			d.open["w"] = true
		},
		"the account is paused": func(_ *dispatch, _ *catalog.State, s *account.Settings) {
			s.Paused = &account.Pause{At: now}
		},
		"nobody listens": func(d *dispatch, _ *catalog.State, _ *account.Settings) { d.steps.News.Endpoint.URL = "" },
		"it is not wanted": func(d *dispatch, _ *catalog.State, _ *account.Settings) {
			d.steps.News.Wanted = []news.Type{news.OrderHeld}
		},
	} {
		d, stand := newStaleDispatch(t)
		id := d.shop("acct_1")
		d.settle(id)
		d.put("src", "catalogs/acct_1/product.csv", "v2")
		state, etag, err := d.steps.Documents.State(t.Context(), id)
		require.NoError(t, err)
		settings := account.Settings{Account: "acct_1", StartedBy: account.ByFleet}
		change(d, &state, &settings)
		d.settings(settings)
		_, err = d.steps.Documents.SaveState(t.Context(), state, etag)
		require.NoError(t, err)
		d.deaf = true
		d.see(0)
		require.Empty(t, stand.since(), name)
	}
}
