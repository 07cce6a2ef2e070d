package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// accountArgs checks that every argument is an account id, and that there are as many as the command takes.
func accountArgs(least, most int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return badUsage("expected the id of a connected account (acct_…)")
		case most > 0 && len(args) > most:
			return badUsage("expected one account, got %d", len(args))
		}
		for _, id := range args {
			if err := account.Check(id); err != nil {
				return badInput(err)
			}
		}
		return nil
	}
}

// noArgs refuses arguments, and says where what was probably meant belongs.
func noArgs(hint string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return badUsage("unexpected argument %q: %s", args[0], hint)
		}
		return nil
	}
}

// distinct drops repeated accounts: the shell's globs and copied lists have them.
func distinct(accounts []string) []string {
	var once []string
	seen := map[string]bool{}
	for _, account := range accounts {
		if !seen[account] {
			seen[account] = true
			once = append(once, account)
		}
	}
	return once
}

// completeAccounts offers the accounts that have settings. Completion must never hang or print: a shell waits for it.
func (a *app) completeAccounts(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx := c.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	docs, err := a.documents(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	accounts, _ := settingsOf(docs).Accounts(ctx)
	accounts = slices.DeleteFunc(accounts, func(account string) bool { return slices.Contains(args, account) })
	return accounts, cobra.ShellCompDirectiveNoFileComp
}

func feedFlag(c *cobra.Command, into *string) {
	c.Flags().StringVar(into, "feed", string(feed.Product), "the feed of the account")
	completeFeeds(c)
}

func completeFeeds(c *cobra.Command) {
	must(c.RegisterFlagCompletionFunc("feed",
		func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, kind := range feed.Kinds() {
				names = append(names, string(kind))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		}))
}

// target names a feed the way commands take it.
func target(id catalog.ID) string {
	if id.Feed == feed.Product {
		return id.Account
	}
	return id.Account + " --feed " + string(id.Feed)
}
