package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// accountView is an account's settings with the defaults filled in.
type accountView struct {
	Account   string            `json:"account"`
	Stored    bool              `json:"stored"` // it has settings of its own
	Feeds     []feed.Kind       `json:"feeds"`
	Every     string            `json:"every"`
	Sources   []string          `json:"sources"`
	Shared    bool              `json:"shared_source,omitempty"` // other accounts may read them too
	Rules     account.Rules     `json:"rules,omitzero"`          // in force, as far as this starter's environment is the worker's
	OwnRules  []string          `json:"own_rules,omitempty"`     // those of them that are the account's own
	StartedBy account.StartedBy `json:"started_by"`
	Paused    *account.Pause    `json:"paused,omitempty"` // of the fleet's accounts
	Schedules []scheduleView    `json:"schedules,omitempty"`
	Error     string            `json:"error,omitempty"` // its settings cannot be used

	Parked *account.Parking `json:"parked,omitempty"` // why nothing is brought to Stripe for it; absent: it is not parked
}

func viewAccount(docs catalog.Documents, s account.Settings, stored bool, deployment account.Rules) accountView {
	v := accountView{Account: s.Account, Stored: stored, Feeds: s.FeedKinds(), Every: every(interval(s)), Shared: s.SharedSource, Rules: s.Rules.Over(deployment)}
	v.StartedBy, v.Paused = cmp.Or(s.StartedBy, account.BySchedules), s.Paused
	for _, name := range account.RuleNames() {
		if s.Rules.Text(name) != "" {
			v.OwnRules = append(v.OwnRules, name)
		}
	}
	for _, kind := range v.Feeds {
		bucket, key := s.Source(docs.Layout, kind)
		v.Sources = append(v.Sources, "s3://"+bucket+"/"+key)
	}
	return v
}

func kindNames(kinds []feed.Kind) string {
	var names []string
	for _, kind := range kinds {
		names = append(names, string(kind))
	}
	return strings.Join(names, ",")
}

func readViews(ctx context.Context, docs catalog.Documents, accounts []string, deployment account.Rules) ([]accountView, error) {
	views := make([]accountView, len(accounts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, account := range accounts {
		group.Go(func() error {
			settings, stored, err := settingsOf(docs).StoredSettings(ctx, account)
			switch {
			case fault.Is(err, fault.SettingsInvalid):
				views[i] = accountView{Account: account, Stored: true, Error: err.Error()}
			case err != nil:
				return fmt.Errorf("settings of %s: %w", account, err)
			default:
				views[i] = viewAccount(docs, settings, stored, deployment)
			}
			return nil
		})
	}
	return views, group.Wait()
}
