package fleet_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

var layout = statestore.Layout{SourceBucket: "src", SourceKey: "catalogs/{account}/{feed}.csv", StateBucket: "state",
	StatePrefix: "state/"}

func TestShardsAreRanges(t *testing.T) {
	t.Parallel()
	var accounts []string
	for i := range 1000 {
		accounts = append(accounts, fmt.Sprintf("acct_%04d", i))
	}
	for _, shards := range []int{1, 2, 3, 7, 100} {
		p := fleet.Plan{Boundaries: fleet.Split(accounts, shards)}
		require.NoError(t, p.Check())
		require.Equal(t, shards, p.Shards())
		counts := make([]int, shards)
		for _, id := range append(accounts, "acct_", "acct_zzz", "acct_0000x") {
			number := p.ShardOf(id)
			for other := range p.Shards() {
				shard, ok := p.Shard(other)
				require.True(t, ok)
				require.Equal(t, other == number, shard.Has(id), "%s is in one shard", id)
			}
			counts[number]++
		}
		require.LessOrEqual(t, slices.Max(counts)-slices.Min(counts), 4)
	}
	require.Equal(t, 3, fleet.Plan{Boundaries: fleet.Split(accounts[:3], 50)}.Shards(), "no more shards than accounts")
	require.Empty(t, fleet.Split(nil, 5))
	_, ok := fleet.Plan{}.Shard(1)
	require.False(t, ok)
}

func TestAPlanThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]fleet.Plan{
		"newer": {Format: 99}, "not in order": {Boundaries: []string{"acct_2", "acct_1"}},
		"twice": {Boundaries: []string{"acct_1", "acct_1"}},
		"no id": {Boundaries: []string{"x"}}, "no pace": {Pace: fleet.Pace{Open: -1}},
		"too many": {Boundaries: make([]string, fleet.MaxShards)},
	} {
		require.Error(t, p.Check(), name)
	}
}

func TestAShardsPartOfThePace(t *testing.T) {
	t.Parallel()
	usual := fleet.UsualPace(200)
	require.Equal(t, fleet.Pace{Open: 240, Starts: 240}, usual)
	require.Equal(t, fleet.Pace{Open: 1, Starts: 1}, fleet.UsualPace(0.1), "a fleet goes on, however slowly")
	two := []string{"acct_1"}
	require.Equal(t, fleet.Pace{Open: 120, Starts: 100}, fleet.Plan{Boundaries: two}.PaceOf(usual),
		"a look's share of a minute")
	require.Equal(t, fleet.Pace{Open: 1, Starts: 100},
		fleet.Plan{Boundaries: two, Pace: fleet.Pace{Open: 1}}.PaceOf(usual))
	require.Equal(t, fleet.Pace{Open: 120, Starts: 1},
		fleet.Plan{Boundaries: two, Pace: fleet.Pace{Starts: 1}}.PaceOf(usual))
}

func snapshot() fleet.Snapshot {
	return fleet.Snapshot{Shard: fleet.Shard{From: "acct_1"}, Rules: "r", At: noon, Accounts: []fleet.Account{{
		ID: "acct_1", ETag: "e",
		Settings: account.Settings{Account: "acct_1", StartedBy: account.ByFleet, Every: account.Interval(time.Hour)},
		Catalogs: []fleet.Catalog{{Feed: feed.Product, Condition: fleet.Settled, Source: "v1", Looked: noon,
			Next: noon.Add(time.Hour), Sequence: 7}},
	}}}
}

func TestASnapshotIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	packed, err := snapshot().Encode()
	require.NoError(t, err)
	is, err := fleet.DecodeSnapshot(packed)
	require.NoError(t, err)
	require.Equal(t, snapshot(), is)
}

func TestASnapshotThatIsDamagedIsNone(t *testing.T) {
	t.Parallel()
	packed, err := snapshot().Encode()
	require.NoError(t, err)
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	text, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	repacked := func(text string) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, err := w.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return out.Bytes()
	}
	require.Contains(t, string(text), `"v1"`)
	for name, damaged := range map[string][]byte{
		"empty": nil, "no gzip": []byte("{}"), "cut": packed[:len(packed)/2], "no JSON": repacked("x"),
		"nothing": repacked("{}"),
		"changed": repacked(strings.ReplaceAll(string(text), `"v1"`, `"v2"`)),
		"newer":   repacked(strings.Replace(string(text), `"format":1`, `"format":2`, 1)),
	} {
		is, err := fleet.DecodeSnapshot(damaged)
		require.ErrorIs(t, err, fleet.ErrSnapshot, name)
		require.Zero(t, is, name)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		damaged := bytes.Clone(packed)
		damaged[random.IntN(len(damaged))] ^= byte(1 + random.IntN(255))
		if is, err := fleet.DecodeSnapshot(damaged); err == nil {
			require.Equal(t, snapshot(), is, "what is read is what was written")
		}
	}
}

func TestDocumentsOfAFleet(t *testing.T) {
	t.Parallel()
	store := objectstoretest.NewMemory("state")
	d := fleet.Documents{Store: statestore.Store{Objects: store, Layout: layout}}
	plan, etag, found, err := d.Plan(t.Context())
	require.NoError(t, err)
	require.False(t, found)
	require.Equal(t, 1, plan.Shards())
	require.NoError(t, d.SavePlan(t.Context(), fleet.Plan{Boundaries: []string{"acct_5"}}, etag))
	require.True(t, fault.Is(d.SavePlan(t.Context(), fleet.Plan{}, etag), fault.StateConflict),
		"somebody else wrote it")
	require.True(t, fault.Is(d.SavePlan(t.Context(), fleet.Plan{Boundaries: []string{"x"}}, ""), fault.SettingsInvalid))
	plan, _, found, err = d.Plan(t.Context())
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 2, plan.Shards())

	_, etag, lost, err := d.Snapshot(t.Context(), 1)
	require.NoError(t, err)
	require.NotEmpty(t, lost)
	require.NoError(t, d.SaveSnapshot(t.Context(), 1, snapshot(), etag))
	require.True(t, fault.Is(d.SaveSnapshot(t.Context(), 1, snapshot(), etag), fault.StateConflict),
		"two dispatchers of one shard")
	is, _, lost, err := d.Snapshot(t.Context(), 1)
	require.NoError(t, err)
	require.Empty(t, lost)
	require.Equal(t, snapshot(), is)
	_, err = store.Put(t.Context(), "state", "state/fleet/001/snapshot", "", []byte("damaged"), "")
	require.NoError(t, err)
	_, etag, lost, err = d.Snapshot(t.Context(), 1)
	require.NoError(t, err)
	require.Contains(t, lost, "of no use")
	require.NoError(t, d.SaveSnapshot(t.Context(), 1, snapshot(), etag), "it is written over")

	_, found, err = d.Summary(t.Context(), 1)
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, d.SaveSummary(t.Context(), 1, fleet.Summary{At: noon, Accounts: 3}))
	summary, found, err := d.Summary(t.Context(), 1)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 3, summary.Accounts)
	_, err = store.Put(t.Context(), "state", "state/fleet/plan.json", "", []byte(`{"format":9}`), "")
	require.NoError(t, err)
	_, _, _, err = d.Plan(t.Context())
	require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
}

func TestSpread(t *testing.T) {
	t.Parallel()
	var s fleet.Spread
	require.Zero(t, s.Quantile(0.99))
	for range 98 {
		s.Add(10 * time.Second)
	}
	s.Add(50 * time.Second)
	s.Add(30 * 24 * time.Hour)
	require.Equal(t, 15*time.Second, s.Quantile(0.5))
	require.Equal(t, time.Minute, s.Quantile(0.99))
	require.Equal(t, 30*24*time.Hour, s.Quantile(1))
	require.Equal(t, 100, s.Total())
	require.Equal(t, 1, s.Above(20*time.Minute))
	both := fleet.Spread{}
	both.Merge(s)
	both.Merge(s)
	both.Merge(fleet.Spread{Counts: []int{1}, Max: time.Hour}) // of another version
	require.Equal(t, 200, both.Total())
	require.Equal(t, 100, s.Total(), "the merged one is apart")
}

// look is a look at accounts with one state each.
func look(t *testing.T, before fleet.Snapshot, settings ...account.Settings) *fleet.Look {
	t.Helper()
	l := fleet.Begin(before, fleet.Shard{}, fleet.Policy{Rules: "r"}, noon)
	var stored []fleet.Stored
	for _, s := range settings {
		stored = append(stored, fleet.Stored{Account: s.Account, ETag: "e"})
	}
	read := l.Accounts(stored)
	for _, s := range settings {
		if slices.Contains(read, s.Account) {
			l.Settings(s, "e")
		}
	}
	l.Catalogs()
	return l
}

func inFleet(id string, kinds ...feed.Kind) account.Settings {
	return account.Settings{Account: id, Feeds: kinds, StartedBy: account.ByFleet}
}

func TestWhereAnObservationPutsAFeed(t *testing.T) {
	t.Parallel()
	object := statestore.Object{Bucket: "src", Key: "k", ETag: `"v2"`, LastModified: noon.Add(-3 * time.Minute)}
	sight := catalog.Sight{Source: object, Basis: "b", FullSendEvery: 7 * 24 * time.Hour, Spacing: 15 * time.Minute}
	run := catalog.Run{WorkflowID: "w", RunID: "r"}
	older := object
	older.ETag = `"v1"`
	accepted := &catalog.Accepted{Source: object, Basis: "b"}
	hold := &catalog.Hold{Version: "v2", Run: run,
		Reasons: []catalog.HoldReason{{Guard: "shrink", Text: "many vanish"}}}
	for name, c := range map[string]struct {
		seen fleet.Observation
		want fleet.Condition
		next time.Time // zero: within the audit
		code string
	}{
		"new":        {seen: fleet.Observation{}, want: fleet.Due, next: noon.Add(10 * time.Minute)},
		"dealt with": {seen: fleet.Observation{State: catalog.State{Accepted: accepted}}, want: fleet.Settled},
		"a newer version": {
			seen: fleet.Observation{State: catalog.State{Accepted: &catalog.Accepted{Source: older, Basis: "b"}}},
			want: fleet.Due, next: noon.Add(10 * time.Minute),
		},
		"rows to send again soon": {seen: fleet.Observation{
			State: catalog.State{Accepted: accepted,
				Unsettled: &catalog.Unsettled{Rows: 1, NextTry: noon.Add(time.Second)}},
		},
			want: fleet.Settled, next: noon.Add(time.Second)},
		"claimed": {seen: fleet.Observation{State: catalog.State{Run: &run}, Claimed: true},
			want: fleet.Syncing, next: noon.Add(fleet.LookEvery * 3 / 4)},
		"claimed by the dead": {seen: fleet.Observation{State: catalog.State{Run: &run}}, want: fleet.Due,
			next: noon.Add(10 * time.Minute)},
		"held": {seen: fleet.Observation{State: catalog.State{Run: &run, Held: hold}, Claimed: true},
			want: fleet.Held, next: noon.Add(fleet.LookEvery * 3 / 4), code: "shrink"},
		"held by the dead": {seen: fleet.Observation{State: catalog.State{Run: &run, Held: hold}}, want: fleet.Due,
			next: noon.Add(10 * time.Minute)},
		"an import left open": {seen: fleet.Observation{State: catalog.State{Open: &catalog.OpenImport{}}},
			want: fleet.Due, next: noon.Add(10 * time.Minute)},
		"no source": {seen: fleet.Observation{Missing: true}, want: fleet.Missing},
		"no source, and open": {
			seen: fleet.Observation{Missing: true, State: catalog.State{Open: &catalog.OpenImport{}}}, want: fleet.Due,
			next: noon.Add(10 * time.Minute),
		},
		"too soon": {seen: fleet.Observation{State: catalog.State{LastImportAt: noon.Add(-time.Minute)}},
			want: fleet.Waiting, next: noon.Add(14*time.Minute - catalog.Early)},
		"Stripe failed it": {
			seen: fleet.Observation{
				State: catalog.State{Failure: &catalog.Failure{Version: "v2", NextTry: noon.Add(time.Hour)},
					Last: &catalog.Last{Code: "ImportFailed"}},
			}, want: fleet.Failing, next: noon.Add(time.Hour), code: "ImportFailed",
		},
		"a person rejected it": {
			seen: fleet.Observation{State: catalog.State{Rejected: &catalog.Decided{Version: "v2"}}},
			want: fleet.Settled,
		},
		"unusable": {seen: fleet.Observation{Fault: "no JSON", Code: "SettingsInvalid"}, want: fleet.Failing,
			next: noon.Add(fleet.LookEvery * 3 / 4), code: "SettingsInvalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := look(t, fleet.Snapshot{}, inFleet("acct_1"))
			l.See(0, fleet.Source{ETag: object.ETag, Modified: object.LastModified})
			require.Equal(t, []int{0}, l.ToRead())
			c.seen.Sight = sight
			l.Judge(0, c.seen)
			require.Equal(t, c.want == fleet.Due, len(l.Due()) == 1)
			after, summary := l.End()
			is := after.Accounts[0].Catalogs[0]
			require.Equal(t, c.want, is.Condition)
			require.Equal(t, 1, summary.Feeds[feed.Product][c.want])
			require.Equal(t, c.code, is.Code)
			if c.next.IsZero() {
				require.WithinRange(t, is.Next, noon, noon.Add(6*time.Hour))
			} else {
				require.Equal(t, c.next, is.Next)
			}
			if c.want == fleet.Due {
				require.Equal(t, object.LastModified, is.Changed, "it is late since its source changed")
			}
		})
	}
}

// An account that is to be sent once a day is late when its day is over, and not while it is not.
func TestLatenessCountsFromTheTurnOfAnAccount(t *testing.T) {
	t.Parallel()
	const every, long = 24 * time.Hour, 8 * time.Hour
	daily := inFleet("acct_1")
	daily.Every = account.Interval(every)
	object := statestore.Object{Bucket: "src", Key: "k", ETag: `"v2"`, LastModified: noon.Add(-long)}
	sight := catalog.Sight{Source: object, Basis: "b", Spacing: every}
	run := &catalog.Run{WorkflowID: "w", RunID: "r"}
	imported := func(ago time.Duration) catalog.State { return catalog.State{LastImportAt: noon.Add(-ago)} }
	claimed := func(s catalog.State) fleet.Observation {
		s.Run = run
		return fleet.Observation{State: s, Claimed: true}
	}
	open := imported(5 * time.Minute)
	open.Open = &catalog.OpenImport{}
	for name, c := range map[string]struct {
		before   fleet.Catalog
		seen     fleet.Observation
		settings account.Settings
		unlisted bool
		late     time.Duration
	}{
		"its day is not over":       {seen: fleet.Observation{State: imported(9 * time.Hour)}},
		"its day ended an hour ago": {seen: fleet.Observation{State: imported(25 * time.Hour)}, late: time.Hour},
		"it changed after that":     {seen: fleet.Observation{State: imported(72 * time.Hour)}, late: long},
		"it was never sent":         {late: long},
		"it is sent as Stripe takes": {seen: fleet.Observation{State: imported(time.Minute)},
			settings: inFleet("acct_1"), late: long},
		"a run is at it": {before: fleet.Catalog{Changed: noon.Add(-long), Turn: noon.Add(-2 * time.Hour)},
			seen: claimed(open), late: 2 * time.Hour},
		"a run is at it, and nobody knows since when": {seen: claimed(open), late: 5 * time.Minute},
		"it changed again while it was sent": {before: fleet.Catalog{Changed: noon.Add(-long),
			Turn: noon.Add(-2 * time.Hour)}, seen: fleet.Observation{State: imported(5 * time.Minute)}},
		"it is asked for once a day": {before: fleet.Catalog{Looked: noon.Add(-every - time.Minute)}, unlisted: true,
			seen: fleet.Observation{State: imported(72 * time.Hour)}, late: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := daily
			if c.settings.Account != "" {
				settings = c.settings
			}
			c.before.Feed, c.before.Condition = feed.Product, fleet.Settled
			before := fleet.Snapshot{Rules: "r", At: noon.Add(-time.Minute),
				Accounts: []fleet.Account{{ID: "acct_1", ETag: "e", Settings: settings,
					Catalogs: []fleet.Catalog{c.before}}}}
			l := look(t, before, settings)
			if !c.unlisted {
				l.See(0, fleet.Source{ETag: object.ETag, Modified: object.LastModified})
			}
			require.Equal(t, []int{0}, l.ToRead())
			c.seen.Sight = sight
			c.seen.Sight.Spacing = l.Spacing(0)
			l.Judge(0, c.seen)
			_, summary := l.End()
			require.Equal(t, 1, summary.Lateness.Total())
			require.Equal(t, c.late, summary.Lateness.Max)
		})
	}
}

// A source that may not be read rests, though its version is not the one that was judged last; another version wakes
// it.
func TestWhatMayNotBeReadRests(t *testing.T) {
	t.Parallel()
	l := look(t, fleet.Snapshot{}, inFleet("acct_1"))
	l.See(0, fleet.Source{ETag: `"v2"`, Modified: noon})
	require.Equal(t, []int{0}, l.ToRead())
	l.Judge(0, fleet.Observation{Fault: "403", Code: "StorageForbidden"})
	after, _ := l.End()
	for version, read := range map[string][]int{`"v2"`: {}, `"v3"`: {0}} {
		l = look(t, after, inFleet("acct_1"))
		l.See(0, fleet.Source{ETag: version, Modified: noon})
		require.Equal(t, read, l.ToRead(), version)
	}
}

// A summary is no later than it was written: a clock that was ahead hides nothing.
func TestASummaryIsNoLaterThanItWasWritten(t *testing.T) {
	t.Parallel()
	d := fleet.Documents{Store: statestore.Store{Objects: objectstoretest.NewMemory("state"), Layout: layout}}
	require.NoError(t, d.SaveSummary(t.Context(), 0, fleet.Summary{At: time.Now().Add(5 * time.Hour)}))
	s, found, err := d.Summary(t.Context(), 0)
	require.NoError(t, err)
	require.True(t, found)
	require.WithinDuration(t, time.Now(), s.At, time.Minute)
	require.NoError(t, d.SaveSummary(t.Context(), 0, fleet.Summary{At: noon}))
	s, _, err = d.Summary(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, noon, s.At)
}

func TestFeedsThatBuildOnProductsAreLookedAtAfterThem(t *testing.T) {
	t.Parallel()
	l := look(t, fleet.Snapshot{}, inFleet("acct_1", feed.Promotion, feed.Pricing, feed.Product))
	require.Len(t, l.ToRead(), 3)
	settled := func(l *fleet.Look, i int, sequence int64) {
		l.See(i, fleet.Source{ETag: "v1"})
		source := statestore.Object{ETag: "v1"}
		l.Judge(i, fleet.Observation{
			State: catalog.State{Sequence: sequence, Accepted: &catalog.Accepted{Source: source}},
			Sight: catalog.Sight{Source: source},
		})
	}
	for i := range 3 {
		settled(l, i, 1)
	}
	after, _ := l.End()
	require.Equal(t, feed.Product, after.Accounts[0].Catalogs[0].Feed, "in the order in which they build on each other")
	next := func(before fleet.Snapshot) (*fleet.Look, []feed.Kind) {
		l := look(t, before, inFleet("acct_1"))
		for i := range 3 {
			l.See(i, fleet.Source{ETag: "v1"})
		}
		var read []feed.Kind
		for _, i := range l.ToRead() {
			read = append(read, l.ID(i).Feed)
		}
		return l, read
	}
	l, read := next(after)
	require.Empty(t, read)
	settled(l, 0, 2)
	after, _ = l.End()
	l, read = next(after)
	require.Equal(t, []feed.Kind{feed.Pricing}, read, "promotions do not build on products")
	settled(l, 1, 1)
	after, _ = l.End()
	_, read = next(after)
	require.Empty(t, read)
}

func TestOtherRulesOfTheDeploymentAreJudgedAnew(t *testing.T) {
	t.Parallel()
	before := snapshot()
	l := fleet.Begin(before, fleet.Shard{}, fleet.Policy{Rules: "other", Reads: 1}, noon)
	l.Accounts([]fleet.Stored{{Account: "acct_1", ETag: "e"}})
	l.Catalogs()
	l.See(0, fleet.Source{ETag: "v1"})
	require.Equal(t, []int{0}, l.ToRead())
	l.NotRead(0)
	after, _ := l.End()
	l = fleet.Begin(after, fleet.Shard{}, fleet.Policy{Rules: "other"}, noon.Add(time.Minute))
	l.Accounts([]fleet.Stored{{Account: "acct_1", ETag: "e"}})
	l.Catalogs()
	l.See(0, fleet.Source{ETag: "v1"})
	require.Equal(t, []int{0}, l.ToRead(), "what could not be read is not forgotten")
}

// Settings and rules that change while nobody knows whether the account is parked hold once somebody does.
func TestWhatChangesWhileAStandingIsUnclearIsNotForgotten(t *testing.T) {
	t.Parallel()
	stored := []fleet.Stored{{Account: "acct_1", ETag: "e2"}}
	l := fleet.Begin(snapshot(), fleet.Shard{}, fleet.Policy{Rules: "other"}, noon)
	require.Equal(t, []string{"acct_1"}, l.Accounts(stored))
	l.Settings(inFleet("acct_1", feed.Product, feed.Inventory), "e2")
	require.Equal(t, []string{"acct_1"}, l.Standings([]fleet.Stored{{Account: "acct_1", ETag: "s1"}}))
	l.StandingUnusable("acct_1", "s1", "of a newer format")
	require.Zero(t, l.Catalogs())
	after, _ := l.End()

	l = fleet.Begin(after, fleet.Shard{}, fleet.Policy{Rules: "other"}, noon.Add(time.Minute))
	require.Empty(t, l.Accounts(stored))
	require.Equal(t, []string{"acct_1"}, l.Standings([]fleet.Stored{{Account: "acct_1", ETag: "s2"}}))
	l.Standing(account.Standing{Account: "acct_1"}, "s2")
	require.Equal(t, 2, l.Catalogs(), "the feed that came is there")
	l.See(0, fleet.Source{ETag: "v1"})
	l.See(1, fleet.Source{ETag: "v1"})
	require.ElementsMatch(t, []int{0, 1}, l.ToRead(), "the one that was known is judged under its new settings")
}

// A merchant who exports the same file once more says again what there is.
func TestAnExportOfTheSameBytesIsLookedAt(t *testing.T) {
	t.Parallel()
	before := snapshot()
	at := noon
	read := func(modified time.Time) []int {
		l := fleet.Begin(before, fleet.Shard{}, fleet.Policy{Rules: "r"}, at)
		l.Accounts([]fleet.Stored{{Account: "acct_1", ETag: "e"}})
		l.Catalogs()
		l.See(0, fleet.Source{ETag: `"v1"`, Modified: modified})
		read := l.ToRead()
		for _, i := range read {
			accepted := statestore.Object{ETag: `"v1"`, LastModified: modified}
			l.Judge(i, fleet.Observation{State: catalog.State{Accepted: &catalog.Accepted{Source: accepted}},
				Sight: catalog.Sight{Source: accepted}})
		}
		before, _ = l.End()
		at = at.Add(time.Minute)
		return read
	}
	night := noon.Add(-time.Hour)
	require.Empty(t, read(night), "a snapshot of before knows no time, and that is no news")
	before.Accounts[0].Catalogs[0].Next = at
	require.Len(t, read(night), 1)
	require.Empty(t, read(night))
	require.Empty(t, read(night.Add(-time.Second)), "a listing may be behind")
	require.Len(t, read(noon), 1)
	require.Empty(t, read(noon))
}

// What those who try other rules are refused is counted beside what the others are.
func TestACanaryIsComparedWithTheOthers(t *testing.T) {
	t.Parallel()
	canary := account.Canary{Rules: account.Rules{ImportAPI: feed.V2}, Accounts: []string{"acct_2"}}
	l := fleet.Begin(fleet.Snapshot{}, fleet.Shard{}, fleet.Policy{Canary: canary}, noon)
	var stored []fleet.Stored
	for n := range 3 {
		stored = append(stored, fleet.Stored{Account: fmt.Sprint("acct_", n+1), ETag: "e"})
	}
	for _, id := range l.Accounts(stored) {
		l.Settings(inFleet(id), "e")
	}
	l.Catalogs()
	for i := range stored {
		accepted := &catalog.Accepted{Rows: 100}
		last := &catalog.Last{RowsFailed: int64(i), RowsStillRefused: 10, RowsHeldBack: 5}
		l.Judge(i, fleet.Observation{State: catalog.State{Accepted: accepted, Last: last}})
	}
	_, s := l.End()
	require.Equal(t, fleet.Rows{Feeds: 3, Source: 300, Refused: 33, KeptBack: 15}, s.Rows)
	require.Equal(t, &fleet.Rows{Feeds: 1, Source: 100, Refused: 11, KeptBack: 5}, s.Canary)
	require.Equal(t, fleet.Rows{Feeds: 2, Source: 200, Refused: 22, KeptBack: 10}, s.Others())

	without := fleet.Summary{Rows: fleet.Rows{Feeds: 4, Source: 7, Held: 1, Failing: 1}}
	require.Nil(t, fleet.Merge(without, without).Canary)
	both := fleet.Merge(without, s, s)
	require.Equal(t, fleet.Rows{Feeds: 2, Source: 200, Refused: 22, KeptBack: 10}, *both.Canary)
	require.Equal(t, fleet.Rows{Feeds: 8, Source: 407, Refused: 44, KeptBack: 20, Held: 1, Failing: 1}, both.Others())
	require.Equal(t, fleet.Rows{Feeds: 1, Source: 100, Refused: 11, KeptBack: 5}, *s.Canary, "it is as it was")
}

func TestEveryAccountHasATurn(t *testing.T) {
	t.Parallel()
	l := fleet.Begin(fleet.Snapshot{}, fleet.Shard{}, fleet.Policy{Pace: fleet.Pace{Open: 100, Starts: 3}}, noon)
	l.Accounts([]fleet.Stored{{Account: "acct_1", ETag: "e"}, {Account: "acct_2", ETag: "e"}})
	l.Settings(inFleet("acct_1", feed.Product, feed.Promotion), "e")
	l.Settings(inFleet("acct_2", feed.Product), "e")
	require.Equal(t, 3, l.Catalogs())
	for i, ago := range []time.Duration{time.Hour, 2 * time.Hour, time.Minute} {
		l.Judge(i,
			fleet.Observation{Sight: catalog.Sight{Source: statestore.Object{ETag: "v", LastModified: noon.Add(-ago)}}})
	}
	require.Equal(t, []int{0, 2, 1}, l.Due(), "the first feed of each by how late it is, then the second ones")
}

func TestAccountsThatAreNotTheFleets(t *testing.T) {
	t.Parallel()
	paused := inFleet("acct_2")
	paused.Paused = &account.Pause{Note: "rebuilds"}
	l := look(t, fleet.Snapshot{}, account.Settings{Account: "acct_1"}, paused)
	l.Unusable("acct_9", "e", "nobody's")
	require.Empty(t, l.ToRead())
	require.Empty(t, l.Due())
	after, summary := l.End()
	require.Equal(t, 1, summary.Off)
	require.Equal(t, 1, summary.Total(fleet.Parked))
	require.Empty(t, after.Accounts[0].Catalogs)

	l = fleet.Begin(after, fleet.Shard{}, fleet.Policy{}, noon)
	require.Equal(t, []string{"acct_3"},
		l.Accounts([]fleet.Stored{{Account: "acct_1", ETag: "e"}, {Account: "acct_3", ETag: "e"}}))
	l.Unusable("acct_3", "e", "no JSON")
	require.Zero(t, l.Catalogs())
	after, summary = l.End()
	require.Len(t, after.Accounts, 2, "acct_2 has no settings any more")
	require.Equal(t, 1, summary.Unusable)
	require.Equal(t, "no JSON", summary.Failed[0].Note)
}

// pages lists a bucket a few keys at a time.
func pages(t *testing.T, l *fleet.Look, r *fleet.Range, keys []string, size int) (requests int) {
	t.Helper()
	slices.Sort(keys)
	for after, more := r.Next(); more; after, more = r.Next() {
		requests++
		from, _ := slices.BinarySearch(keys, after)
		for from < len(keys) && keys[from] <= after {
			from++
		}
		page := keys[from:min(from+size, len(keys))]
		var objects []statestore.Object
		for _, key := range page {
			objects = append(objects, statestore.Object{Key: key, ETag: `"` + key + `"`, LastModified: noon})
		}
		r.Page(l, objects, from+size >= len(keys))
	}
	return requests
}

func TestRangesShowWhatThereIs(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, template := range []string{
		"catalogs/{account}/{feed}.csv", "{account}/{feed}.csv", "{feed}/{account}.csv", "x/{account}_{feed}.csv",
		"{account}{feed}.csv",
	} {
		for range 50 {
			var settings []account.Settings
			for i := range 20 {
				settings = append(settings, inFleet(fmt.Sprintf("acct_%d", i), feed.Product, feed.Inventory))
			}
			slices.SortFunc(settings, func(a, b account.Settings) int { return strings.Compare(a.Account, b.Account) })
			l := look(t, fleet.Snapshot{}, settings...)
			place := layout
			place.SourceKey = template
			there, keys := map[string]bool{}, []string{}
			for i := range 40 {
				_, key := l.SettingsOf(i).Source(place, l.ID(i).Feed)
				if random.IntN(3) > 0 {
					there[key] = true
					keys = append(keys, key)
				}
				for range random.IntN(3) {
					keys = append(keys, key+fmt.Sprint(random.IntN(100)))
				}
			}
			for _, r := range l.Ranges(place) {
				pages(t, l,
					r, slices.DeleteFunc(slices.Clone(keys),
						func(k string) bool { return !strings.HasPrefix(k, r.Prefix) }), 45)
				require.Zero(t, r.GaveUp())
			}
			for i := range 40 { // a source that is not there is judged missing, and not looked for again
				_, key := l.SettingsOf(i).Source(place, l.ID(i).Feed)
				l.Judge(i,
					fleet.Observation{Missing: !there[key], Sight: catalog.Sight{Source: statestore.Object{ETag: key}}})
			}
			after, _ := l.End()
			for i := range after.Accounts {
				for j := range after.Accounts[i].Catalogs {
					after.Accounts[i].Catalogs[j].Next = noon.Add(time.Hour)
				}
			}
			l = look(t, after, settings...)
			for _, r := range l.Ranges(place) {
				pages(t, l,
					r, slices.DeleteFunc(slices.Clone(keys),
						func(k string) bool { return !strings.HasPrefix(k, r.Prefix) }), 45)
			}
			require.Empty(t, l.ToRead(), "the listing shows what was found: %s", template)
		}
	}
}

func TestARangeGivesUpOnABucketFullOfOtherThings(t *testing.T) {
	t.Parallel()
	var settings []account.Settings
	var keys []string
	for i := range 200 {
		id := fmt.Sprintf("acct_%03d", i)
		settings = append(settings, inFleet(id))
		keys = append(keys, "catalogs/"+id+"/product.csv")
		for j := range 100 {
			keys = append(keys, fmt.Sprintf("catalogs/%s/images/%d.jpg", id, j))
		}
	}
	l := look(t, fleet.Snapshot{}, settings...)
	r := l.Ranges(layout)[0]
	require.Equal(t, 8, pages(t, l, r, keys, 1000))
	require.InDelta(t, 120, r.GaveUp(), 40)

	// Those that are not listed are looked at by themselves, at their interval.
	for _, i := range l.ToRead() {
		source := statestore.Object{ETag: "catalogs/" + l.ID(i).Account + "/product.csv"}
		l.Judge(i, fleet.Observation{Sight: catalog.Sight{Source: source},
			State: catalog.State{Accepted: &catalog.Accepted{Source: source}}})
	}
	after, _ := l.End()
	for i := range after.Accounts {
		after.Accounts[i].Catalogs[0].Next = noon.Add(24 * time.Hour)
	}
	again := func(at time.Time) int {
		l := fleet.Begin(after, fleet.Shard{}, fleet.Policy{Rules: "r"}, at)
		var stored []fleet.Stored
		for _, s := range settings {
			stored = append(stored, fleet.Stored{Account: s.Account, ETag: "e"})
		}
		l.Accounts(stored)
		l.Catalogs()
		pages(t, l, l.Ranges(layout)[0], keys, 1000)
		return len(l.ToRead())
	}
	require.Zero(t, again(noon.Add(14*time.Minute)))
	require.Equal(t, r.GaveUp(), again(noon.Add(15*time.Minute)))
}

func TestASparseRangeIsSkippedThrough(t *testing.T) {
	t.Parallel()
	var keys []string
	for i := range 5000 {
		keys = append(keys, fmt.Sprintf("catalogs/acct_1/images/%d.jpg", i))
	}
	keys = append(keys, "catalogs/acct_1/product.csv", "catalogs/acct_2/product.csv")
	l := look(t, fleet.Snapshot{}, inFleet("acct_1"), inFleet("acct_2"))
	require.Equal(t, 1, pages(t, l, l.Ranges(layout)[0], keys, 1000))
}

func TestSummariesOfShardsAreOne(t *testing.T) {
	t.Parallel()
	one := fleet.Summary{
		At: noon, Accounts: 2, Causes: map[string]int{"shrink": 2, "failed": 1}, Notes: []string{"x"},
		Feeds: map[feed.Kind]map[fleet.Condition]int{feed.Product: {fleet.Held: 2}},
		Held:  []fleet.Example{{Since: noon.Add(-time.Minute)}},
	}
	two := fleet.Summary{
		At: noon.Add(-time.Hour), Accounts: 3, Causes: map[string]int{"failed": 5}, Notes: []string{"x"},
		Feeds: map[feed.Kind]map[fleet.Condition]int{feed.Product: {fleet.Held: 1, fleet.Settled: 4},
			feed.Pricing: {fleet.Settled: 1}},
		Held: []fleet.Example{{Since: noon.Add(-time.Hour)}},
	}
	all := fleet.Merge(one, two)
	require.Equal(t, two.At, all.At, "no fresher than the shard that was looked at least lately")
	require.Equal(t, 5, all.Accounts)
	require.Equal(t, 3, all.Total(fleet.Held))
	require.Equal(t, 5, all.Total(fleet.Settled))
	require.Equal(t, []string{"failed", "shrink"}, all.TopCauses(5))
	require.Equal(t, []string{"x"}, all.Notes)
	require.Equal(t, noon.Add(-time.Hour), all.Held[0].Since, "the longest first")
	require.Equal(t, 2, all.Shards)
	require.Equal(t, 2, one.Total(fleet.Held), "what was merged is as it was")
}
