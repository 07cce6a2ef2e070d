package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/stripeapi"
	"vitrine/internal/terminal"
)

const platformHelp = `Show the platform's own account at Stripe, as the key tells it, and what Stripe has to be sent to let the platform and
its accounts into the preview of Agentic Commerce.

It reads one object at Stripe (GET /v1/account) and changes nothing.`

func (a *app) platformCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "platform",
		Short:   "Show the platform's own account, and what to send Stripe",
		Long:    platformHelp,
		Example: "  STRIPE_API_KEY=rk_live_… starter platform\n  starter platform -o json | jq -r .account",
		Args:    noArgs("the key says which account it is"),
		RunE:    func(c *cobra.Command, _ []string) error { return explain(c.Context(), a.platform(c.Context())) },
	}
}

// platformView is what --output json prints.
type platformView struct {
	Account  string `json:"account"`
	Name     string `json:"name,omitempty"`
	Country  string `json:"country,omitempty"`
	Livemode bool   `json:"livemode"` // of the key
	Accounts int    `json:"accounts"` // that have settings
}

func (a *app) platform(ctx context.Context) error {
	c, stripe, err := a.stripe()
	if err != nil {
		return err
	}
	own, err := stripe.Account(ctx, "")
	if err != nil {
		return fmt.Errorf("read the platform's account: %w", err)
	}
	docs, err := a.documents(ctx)
	if err != nil {
		return err
	}
	accounts, err := settingsOf(docs).Accounts(ctx)
	if err != nil {
		return err
	}
	view := platformView{own.ID, own.Name, own.Country, c.Livemode(), len(accounts)}
	if a.json() {
		return a.printJSON(view)
	}
	a.printPlatform(view)
	return nil
}

// stripe is the client for Stripe that the environment describes.
func (a *app) stripe() (config.Config, *stripeapi.Client, error) {
	a.warnOfUnknown()
	c, err := config.LoadStripe(a.Lookup)
	if err != nil {
		return c, nil, badInput(errors.Join(errors.New("the configuration is not usable ('starter env' explains it):"),
			err))
	}
	client, err := daemon.NewStripe(c)
	return c, client, badInput(err)
}

func (a *app) printPlatform(v platformView) {
	who := slices.DeleteFunc([]string{v.Name, v.Country}, func(text string) bool { return text == "" })
	mode := "a sandbox's or test mode's; Stripe asks for the live one"
	if v.Livemode {
		mode = "live"
	}
	a.Say("%s", v.Account)
	a.Tell(a.Stdout, "  name      ", terminal.Dash(strings.Join(who, ", ")))
	a.Tell(a.Stdout, "  key       ", mode)
	a.Tell(a.Stdout, "  accounts  ", terminal.Plural(int64(v.Accounts), "account")+" with settings")
	a.Say("\nSend to Stripe, to your contact there or through the waitlist of its page:")
	a.Say("https://docs.stripe.com/connect/saas/tasks/enable-in-context-selling-on-ai-agents")
	a.Tell(a.Stdout, "  1. ", "the id of the platform: "+v.Account)
	accounts := "starter accounts list -o xlsx > accounts.xlsx (or -o csv, -o text)"
	if v.Accounts == 0 {
		accounts = "the list that you are going to apply; Vitrine knows none before 'starter accounts apply'"
	}
	a.Tell(a.Stdout, "  2. ", "the accounts, one id a row: "+accounts)
	a.Tell(a.Stdout, "  3. ", "how they are charged: Vitrine takes direct charges, on the accounts themselves")
	a.Say("\nThe same and the channels of agents are set in the dashboard, where it has the page:")
	a.Say("https://dashboard.stripe.com/settings/connect/agentic-commerce")
}
