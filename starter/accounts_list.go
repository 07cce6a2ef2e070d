package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/terminal"
)

func (a *app) accountsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the accounts that have settings",
		Long: `List the accounts that have settings, and name those that were synced, or had an order, without.

--output text, csv and xlsx write the account ids alone, one a row, as Stripe asks a platform for them ('starter platform'
says where to send the list). No settings are in them: apply no list that was made so.`,
		Example: "  starter accounts list\n  starter accounts list -o xlsx > accounts.xlsx\n" +
			"  starter accounts list -o json | jq -r '.[].account'",
		Annotations: map[string]string{listOutput: "yes"},
		Args:        noArgs("'starter accounts show' takes an account"),
		RunE: func(c *cobra.Command, _ []string) error {
			return explain(c.Context(), a.listAccounts(c.Context()))
		},
	}
}

// accountsWithout are the accounts that are known, and have no settings.
func accountsWithout(ctx context.Context, docs catalog.Documents) (without []string, err error) {
	all, err := desk.Desk{Documents: docs}.AllAccounts(ctx)
	for _, row := range all {
		if !row.Stored {
			without = append(without, row.Account)
		}
	}
	return without, err
}

func (a *app) printWithout(accounts []string) {
	const most = 10
	if len(accounts) == 0 {
		return
	}
	named := strings.Join(accounts[:min(len(accounts), most)], ", ")
	if len(accounts) > most {
		named += fmt.Sprintf(" and %s more", humanize.Comma(int64(len(accounts)-most)))
	}
	a.Say("\n%s without settings, by the deployment's defaults: %s", terminal.Plural(int64(len(accounts)), "account"),
		named)
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
	accounts, err := settingsOf(docs).Accounts(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(listForms(), a.output) {
		return a.handOn(accounts)
	}
	views, err := readViews(ctx, docs, accounts, c.Deployment())
	if err != nil {
		return err
	}
	parked, err := parkedAccounts(ctx, docs)
	if err != nil {
		return err
	}
	for i := range views {
		views[i].Parked = parked[views[i].Account]
	}
	if a.json() {
		return a.printJSON(views)
	}
	others, err := accountsWithout(ctx, docs)
	if err != nil {
		return err
	}
	if len(views) == 0 {
		a.Say("No account has settings yet: 'starter accounts apply -f FILE' adds them.")
		a.printWithout(others)
		return nil
	}
	defer a.printWithout(others)
	t := a.Table("ACCOUNT", "FEEDS", "EVERY", "~SOURCE")
	defer a.printParked(parked, accounts)
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
