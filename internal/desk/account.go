package desk

import (
	"cmp"
	"context"
	"fmt"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
)

// Account is an account's settings with the defaults filled in.
type Account struct {
	Account string      `json:"account"`
	Stored  bool        `json:"stored"` // it has settings of its own
	Feeds   []feed.Kind `json:"feeds"`
	Every   string      `json:"every"`
	Sources []string    `json:"sources"`
	Shared  bool        `json:"shared_source,omitempty"` // other accounts may read them too
	// Rules are those in force, as far as the environment of whoever asks is the worker's.
	Rules    account.Rules `json:"rules,omitzero"`
	OwnRules []string      `json:"own_rules,omitempty"` // those of them that are the account's own
	// CanaryRules are those of them that it tries before all accounts do.
	CanaryRules []string          `json:"canary_rules,omitempty"`
	StartedBy   account.StartedBy `json:"started_by"`
	Paused      *account.Pause    `json:"paused,omitempty"` // of the fleet's accounts
	// Parked is why nothing is brought to Stripe for it; absent: it is not parked.
	Parked    *account.Parking `json:"parked,omitempty"`
	Schedules []Schedule       `json:"schedules,omitempty"`
	Error     string           `json:"error,omitempty"` // its settings cannot be used
}

// ViewAccount fills in what the settings leave to the deployment.
func (d Desk) ViewAccount(s account.Settings, stored bool, deployment account.Deployment) Account {
	v := Account{
		Account: s.Account, Stored: stored, Feeds: s.FeedKinds(), Every: interval(s), Shared: s.SharedSource,
		Rules: deployment.Of(s), OwnRules: s.Rules.Named(), CanaryRules: deployment.Canary.Of(s.Account).Named(),
	}
	v.StartedBy, v.Paused = cmp.Or(s.StartedBy, account.BySchedules), s.Paused
	for _, kind := range v.Feeds {
		bucket, key := s.Source(d.Documents.Layout, kind)
		v.Sources = append(v.Sources, "s3://"+bucket+"/"+key)
	}
	return v
}

func interval(s account.Settings) string {
	return cmp.Or(s.Every, account.Interval(account.MinInterval)).String()
}

// Account reads an account's settings. Some that cannot be used are told in the answer.
func (d Desk) Account(ctx context.Context, name string, deployment account.Deployment) (Account, error) {
	settings, stored, err := d.settings().StoredSettings(ctx, name)
	switch {
	case fault.Is(err, fault.SettingsInvalid):
		return Account{Account: name, Stored: true, Error: err.Error()}, nil
	case err != nil:
		return Account{}, fmt.Errorf("settings of %s: %w", name, err)
	}
	return d.ViewAccount(settings, stored, deployment), nil
}

// AddSchedules adds to an account the schedules that its feeds have, and whether it is parked.
func (d Desk) AddSchedules(ctx context.Context, a *Account) error {
	standing, _, err := d.settings().Standing(ctx, a.Account)
	if err != nil {
		return err
	}
	a.Parked = standing.Parked
	for _, kind := range a.Feeds {
		schedule, err := d.Schedule(ctx, catalog.ID{Account: a.Account, Feed: kind})
		if err != nil && !temporalclient.IsNotFound(err) {
			return err
		}
		if err == nil {
			a.Schedules = append(a.Schedules, schedule)
		}
	}
	return nil
}

// AccountDocument is an account with its catalogs.
type AccountDocument struct {
	Account
	Catalogs []Catalog `json:"catalogs"`
}

// Overview is an account as it stands. One that Accounts does not list is ErrNoAccount: every name has the
// default settings otherwise.
func (d Desk) Overview(ctx context.Context, name string, deployment account.Deployment) (AccountDocument, error) {
	settings, err := d.Account(ctx, name, deployment)
	if err != nil {
		return AccountDocument{}, err
	}
	if _, known, err := d.Knows(ctx, name); err != nil || !known {
		return AccountDocument{}, cmp.Or(err, ErrNoAccount)
	}
	catalogs, err := d.AllNow(ctx, name)
	if err != nil {
		return AccountDocument{}, err
	}
	err = d.AddSchedules(ctx, &settings)
	return AccountDocument{settings, catalogs}, err
}
