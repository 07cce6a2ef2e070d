package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/feed"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
	"vitrine/workflows"
)

// Whatever a merchant does to the file, and whatever goes wrong on the way: after a sync, Stripe has what the file
// says.
func TestStripeHasWhatTheFileSays(t *testing.T) {
	t.Parallel()
	const edits = 12
	for _, seed := range []uint64{1, 2} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := enter(t)
			m.races()
			m.startWorker("VITRINE_MAX_PART_BYTES=4000")
			luck := rand.New(rand.NewPCG(seed, 0))
			s := newShelf(luck)
			for edit := range edits {
				m.exportText(s.text())
				m.randomWay(luck)
				full := luck.IntN(6) == 0
				for try := 0; ; try++ {
					require.Less(t, try, 4, "the sync fails again and again")
					_, err := m.ends(m.startsWith(workflows.CatalogSyncInput{Force: true, Full: full}))
					if err == nil {
						break
					}
					t.Logf("edit %d: %v", edit, err)
				}
				s.arrive()
				require.Equal(t, s.accepted, m.prices(), "edit %d", edit)
				require.LessOrEqual(t, m.maxInFlight(), 1)
				s.edit()
			}
			_, err := m.ends(m.startsWith(workflows.CatalogSyncInput{Force: true}))
			require.NoError(t, err)
			require.Equal(t, s.accepted, m.prices(), "what was left open is settled")
			t.Logf("%d imports for %d edits", len(m.imports()), edits)
		})
	}
}

// randomWay picks one of the two APIs, and most often something that goes wrong.
func (r *room) randomWay(luck *rand.Rand) {
	r.t.Helper()
	api := []feed.API{feed.V1, feed.V2}[luck.IntN(2)]
	require.NoError(r.t, r.accounts.SaveSettings(r.t.Context(),
		account.Settings{Account: r.account, Rules: account.Rules{ImportAPI: api}}))
	faults := []simcontrol.Fault{
		{Kind: simcontrol.FaultStatus, Status: 500},
		{Kind: simcontrol.FaultStatus, Status: 503, Times: 2},
		{Kind: simcontrol.FaultStatus, Status: 429, RetryAfter: "1"},
		{Kind: simcontrol.FaultLoseResponse, Match: simcontrol.Match{Method: "POST"}},
		{Kind: simcontrol.FaultLoseResponse, Match: simcontrol.Match{Method: "PUT"}},
		{Kind: simcontrol.FaultCutRequestAfter, Bytes: 50},
		{Kind: simcontrol.FaultCutResponse, Bytes: 20, Skip: luck.IntN(4)},
		{Kind: simcontrol.FaultImportFail, Skip: luck.IntN(2)},
		{Kind: simcontrol.FaultImportResult, StatusText: "succeeded_with_errors"},
		{Kind: simcontrol.FaultImportResult, StatusText: "succeeded",
			Result: json.RawMessage(`{"rows_processed":1,"success_count":"1"}`)},
		{Kind: simcontrol.FaultErrorFile, Odd: stripesim.OddErrorFiles()[luck.IntN(len(stripesim.OddErrorFiles()))]},
		{Kind: simcontrol.FaultPage, Status: 404, Times: 2},
		{Kind: simcontrol.FaultStatus, Status: 404, Times: 4, Match: simcontrol.Match{Method: "GET"}},
	}
	if n := luck.IntN(len(faults) + 3); n < len(faults) {
		r.fault(faults[n])
	}
}

func (r *room) prices() map[string]string {
	r.t.Helper()
	products, err := r.emulator.Catalog(r.t.Context(), r.account)
	require.NoError(r.t, err)
	prices := map[string]string{}
	for _, p := range products {
		prices[p.ID] = p.Price
	}
	return prices
}

// shelf is a merchant's file, and what of it should be at Stripe.
type shelf struct {
	luck     *rand.Rand
	rows     []shelfRow
	made     int
	accepted map[string]string // id → price
}

type shelfRow struct{ id, price string }

func newShelf(luck *rand.Rand) *shelf {
	s := &shelf{luck: luck, accepted: map[string]string{}}
	for range 40 {
		s.add()
	}
	return s
}

func (s *shelf) text() string {
	text := header
	for _, row := range s.rows {
		text += product(row.id, row.price)
	}
	return text
}

func (s *shelf) price() string { return fmt.Sprintf("%d.%02d USD", 8+s.luck.IntN(4), s.luck.IntN(100)) }

func (s *shelf) add() {
	s.made++
	id := fmt.Sprintf("sku%d", s.made)
	if s.luck.IntN(10) == 0 {
		id = fmt.Sprintf("sku/%d", s.made) // Stripe's emulator refuses it
	}
	s.rows = append(s.rows, shelfRow{id, s.price()})
}

// edit changes a few things, as a day in a shop does.
func (s *shelf) edit() {
	for range 1 + s.luck.IntN(4) {
		i := s.luck.IntN(len(s.rows))
		switch s.luck.IntN(7) {
		case 0:
			s.add()
		case 1:
			s.rows = slices.Delete(s.rows, i, i+1)
		case 2:
			s.rows[i].price = "cheap" // Vitrine holds it back
		case 3:
			s.luck.Shuffle(len(s.rows), func(i, j int) { s.rows[i], s.rows[j] = s.rows[j], s.rows[i] })
		default: // no id is given to two rows: what such rows do is held elsewhere
			s.rows[i].price = s.price()
		}
	}
}

// arrive works out what Stripe should have after a sync: a row that it never got leaves what was there before.
func (s *shelf) arrive() {
	now := map[string]string{}
	for _, row := range s.rows {
		now[row.id] = row.price
	}
	for id := range s.accepted {
		if _, there := now[id]; !there {
			delete(s.accepted, id)
		}
	}
	for id, price := range now {
		if price != "cheap" && id[3] != '/' {
			s.accepted[id] = price
		}
	}
}
