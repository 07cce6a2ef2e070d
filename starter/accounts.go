package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// readers is how many documents or descriptions are read at once.
const readers = 16

func (a *app) accountsCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:     "accounts",
		Aliases: []string{"account"},
		Short:   "Say which accounts are synced, and how",
		Example: "  starter accounts apply -f accounts.csv --dry-run\n  starter accounts list\n  starter accounts show acct_1Nv0FGQ9RKHgCVdK",
	})
	c.AddCommand(a.applyCommand(), a.accountsListCommand(), a.accountsShowCommand())
	return c
}

// accountView is an account's settings with the defaults filled in.
type accountView struct {
	Account   string         `json:"account"`
	Stored    bool           `json:"stored"` // it has settings of its own
	Feeds     []feed.Kind    `json:"feeds"`
	Every     string         `json:"every"`
	Sources   []string       `json:"sources"`
	Shared    bool           `json:"shared_source,omitempty"` // other accounts may read them too
	Rules     catalog.Rules  `json:"rules,omitzero"`          // in force, as far as this starter's environment is the worker's
	OwnRules  []string       `json:"own_rules,omitempty"`     // those of them that are the account's own
	Schedules []scheduleView `json:"schedules,omitempty"`
	Error     string         `json:"error,omitempty"` // its settings cannot be used
}

func viewAccount(docs catalog.Documents, s catalog.Settings, stored bool, deployment catalog.Rules) accountView {
	v := accountView{Account: s.Account, Stored: stored, Feeds: s.FeedKinds(), Every: every(interval(s)), Shared: s.SharedSource, Rules: s.Rules.Over(deployment)}
	for _, name := range catalog.RuleNames() {
		if s.Rules.Text(name) != "" {
			v.OwnRules = append(v.OwnRules, name)
		}
	}
	for _, kind := range v.Feeds {
		bucket, key := docs.Layout.Source(s, kind)
		v.Sources = append(v.Sources, "s3://"+bucket+"/"+key)
	}
	return v
}

func (a *app) accountsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the accounts that have settings",
		Example: "  starter accounts list\n  starter accounts list -o json | jq -r '.[].account'",
		Args:    noArgs("'starter accounts show' takes an account"),
		RunE: func(c *cobra.Command, _ []string) error {
			return explain(c.Context(), a.listAccounts(c.Context()))
		},
	}
}

func (a *app) listAccounts(ctx context.Context) error {
	c, err := a.configuration()
	if err != nil {
		return err
	}
	docs, err := a.documents(ctx)
	if err != nil {
		return err
	}
	accounts, err := docs.Accounts(ctx)
	if err != nil {
		return err
	}
	views, err := readViews(ctx, docs, accounts, c.Rules)
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(views)
	}
	if len(views) == 0 {
		fmt.Fprintln(a.Stdout, "No account has settings yet: 'starter accounts apply -f FILE' adds them.")
		return nil
	}
	t := a.Table("ACCOUNT", "FEEDS", "EVERY", "~SOURCE")
	t.Spare = []string{"EVERY", "FEEDS"}
	for _, v := range views {
		if v.Error != "" {
			t.Add(v.Account, "-", "-", "settings cannot be used: "+terminal.Shortened(v.Error, 80))
			continue
		}
		t.Add(v.Account, kindNames(v.Feeds), v.Every, strings.Join(v.Sources, " "))
	}
	t.Write(a.Stdout)
	return nil
}

func kindNames(kinds []feed.Kind) string {
	var names []string
	for _, kind := range kinds {
		names = append(names, string(kind))
	}
	return strings.Join(names, ",")
}

func readViews(ctx context.Context, docs catalog.Documents, accounts []string, deployment catalog.Rules) ([]accountView, error) {
	views := make([]accountView, len(accounts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, account := range accounts {
		group.Go(func() error {
			settings, stored, err := docs.StoredSettings(ctx, account)
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

func (a *app) accountsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ACCOUNT",
		Short: "Show an account's settings, with the defaults filled in, and its schedules",
		Long: `Show an account's settings, with the defaults filled in, and its schedules.

Rules that are not the account's own are the deployment's: the VITRINE_… variables as the starter finds them here, which
are to be those of the worker.`,
		Example:           "  starter accounts show acct_1Nv0FGQ9RKHgCVdK",
		Args:              accountArgs(1, 1),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.showAccount(c.Context(), args[0]))
		},
	}
}

func (a *app) showAccount(ctx context.Context, account string) error {
	deployment, err := a.configuration()
	if err != nil {
		return err
	}
	docs, c, err := a.both(ctx)
	if err != nil {
		return err
	}
	settings, stored, err := docs.StoredSettings(ctx, account)
	if err != nil {
		return err
	}
	view := viewAccount(docs, settings, stored, deployment.Rules)
	for _, kind := range view.Feeds {
		schedule, err := viewSchedule(ctx, c, workflows.ScheduleID(account, kind))
		if err != nil && !temporalclient.IsNotFound(err) {
			return err
		}
		if err == nil {
			view.Schedules = append(view.Schedules, schedule)
		}
	}
	if a.json() {
		return a.printJSON(view)
	}
	a.printAccount(view)
	return nil
}

func (a *app) printAccount(v accountView) {
	origin := "its own (s3: accounts/" + v.Account + ".json)"
	if !v.Stored {
		origin = "none of its own: the defaults hold"
	}
	fmt.Fprintf(a.Stdout, "%s\n  settings  %s\n  feeds     %s\n  every     %s\n", v.Account, origin, kindNames(v.Feeds), v.Every)
	for _, source := range v.Sources {
		fmt.Fprintf(a.Stdout, "  source    %s\n", source)
	}
	for _, name := range catalog.RuleNames() {
		whose := "the deployment's"
		if slices.Contains(v.OwnRules, name) {
			whose = "its own"
		}
		fmt.Fprintf(a.Stdout, "  rule      %-18s  %-9s  %s\n", name, v.Rules.Text(name), whose)
	}
	if len(v.Schedules) == 0 {
		fmt.Fprintln(a.Stdout, "  schedule  none: 'starter accounts apply' creates it")
	}
	for _, s := range v.Schedules {
		fmt.Fprintf(a.Stdout, "  schedule  %s, %s\n", s.ID, s.state(a.Now()))
	}
}
