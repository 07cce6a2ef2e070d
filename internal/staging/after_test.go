package staging_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
)

// What waited for the next version is meant by that, and by one that nobody changes for a day.
func TestAFeedIsLookedAtAfterWhatWasAccepted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	waited := []feed.Misplaced{{ID: "P001", Face: 7}}
	for name, c := range map[string]struct {
		etag string
		ago  time.Duration
		want []feed.Misplaced
	}{
		"the same version":          {"one", time.Hour, nil},
		"the next version":          {"two", time.Minute, waited},
		"the same, after a day":     {"one", 25 * time.Hour, waited},
		"by a clock that was ahead": {"one", -48 * time.Hour, nil},
	} {
		found := staging.Feed{Source: statestore.Object{ETag: c.etag}}
		state := catalog.State{Accepted: &catalog.Accepted{Source: statestore.Object{ETag: "one"}, At: now.Add(-c.ago),
			Misplaced: waited, Delayed: []string{"P002"}}}
		after := found.After(state, now)
		require.Equal(t, c.want, after.Misplaced, name)
		require.Equal(t, c.want != nil, after.Delayed != nil, name)
		require.Equal(t, c.want == nil, after.Waiting != nil, name)
		require.Empty(t, found.After(catalog.State{}, now).Misplaced, "nothing was accepted")
		state.Partly = &catalog.Partly{Version: found.Source.Version(), Delayed: []string{"P003"}}
		require.Contains(t, found.After(state, now).Waiting, "P003", name)
		state.Partly.Version = "another"
		require.NotContains(t, found.After(state, now).Waiting, "P003", name)
	}
}

// A day is a day since the version was accepted first, however often it is accepted again, as with a full send.
func TestAVersionThatIsAcceptedAgainIsAsOldAsItWas(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	at := func(etag string, hours int) catalog.Accepted {
		return catalog.Accepted{Source: statestore.Object{ETag: etag}, At: first.Add(time.Duration(hours) * time.Hour),
			Delayed: []string{"P002"}}
	}
	one := at("one", 0).After(nil)
	again := at("one", 20).After(at("one", 10).After(one))
	require.Equal(t, first, again.Begins())
	found := staging.Feed{Source: statestore.Object{ETag: "one"}}
	require.Equal(t, []string{"P002"}, found.After(catalog.State{Accepted: again}, first.Add(23*time.Hour)).Waiting)
	require.Equal(t, []string{"P002"}, found.After(catalog.State{Accepted: again}, first.Add(25*time.Hour)).Delayed)
	require.Equal(t, first.Add(30*time.Hour), at("two", 30).After(again).Begins())
}
