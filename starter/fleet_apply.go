package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fleet"
	"vitrine/internal/terminal"
)

// fleetFlags is what is wanted of the fleet.
type fleetFlags struct {
	accounts     []string
	all, dryRun  bool
	to           side
	shards       int
	open, starts int
	rate         float64
}

const fleetApplyHelp = `

Without accounts it only makes the fleet itself as it is to be: its plan (--shards, --open, --starts), and the
schedules of its dispatchers. Accounts have to have settings; 'starter accounts apply' adds them, and goes on being the
place that says how they are synced. --all moves every account, and accounts that are added later are the fleet's, or get
schedules, too.

An account is moved in this order, and wherever that is broken off it is synced: before any account gives up its schedules
each dispatcher has looked; settings first, then schedules; and back, schedules first. Applying again goes on. An account
that is paused stays paused.

With more than some 20,000 accounts several shards share them. Changing their number loses nothing: a shard finds out about
accounts that are new to it by reading their states, those with the newest sources first.`

func (a *app) fleetApplyCommand() *cobra.Command {
	var flags fleetFlags
	c := &cobra.Command{
		Use:   "apply [ACCOUNT...]",
		Short: "Move accounts to the fleet or back, and say how it is divided",
		Long:  "Move accounts to the fleet or back, and say how it is divided." + fleetApplyHelp,
		Example: `  starter fleet apply acct_1Nv0FGQ9RKHgCVdK
  starter fleet apply --all
  starter fleet apply --shards 4
  starter fleet apply acct_1Nv0FGQ9RKHgCVdK --to schedules`,
	}
	c.Flags().BoolVar(&flags.dryRun, "dry-run", false, "print the plan and stop")
	return a.fleetMoving(c, &flags)
}

// fleetMoving is what plan and apply have in common.
func (a *app) fleetMoving(c *cobra.Command, flags *fleetFlags) *cobra.Command {
	const asItIs = " (default: as it is; until one is said, by VITRINE_STRIPE_RATE: 240 at 20)"
	var to string
	f := c.Flags()
	f.BoolVar(&flags.all, "all", false, "every account that has settings, and those that are added later")
	f.StringVar(&to, "to", string(toFleet), "where the accounts go: fleet or schedules")
	f.IntVar(&flags.shards, "shards", 0,
		"into how many shards the accounts are divided (default: as they are; one for 20,000)")
	f.IntVar(&flags.open, "open", 0, "most runs at work at once"+asItIs)
	f.IntVar(&flags.starts, "starts", 0, "most runs started a minute"+asItIs)
	f.Float64Var(&flags.rate, "rate", 8, "most accounts a second")
	c.Args = accountArgs(0, 0)
	c.ValidArgsFunction = a.completeAccounts
	c.RunE = func(c *cobra.Command, args []string) error {
		flags.accounts, flags.to = distinct(args), side(to)
		return explain(c.Context(), a.applyFleet(c.Context(), *flags))
	}
	return c
}

func (f fleetFlags) check() error {
	switch {
	case f.to != toFleet && f.to != toSchedules:
		return badUsage("--to %q: expected fleet or schedules", f.to)
	case f.all && len(f.accounts) > 0:
		return badUsage("name the accounts, or say --all")
	case f.shards < 0 || f.shards > fleet.MaxShards:
		return badUsage("--shards %d: expected 1 to %d", f.shards, fleet.MaxShards)
	case f.open < 0 || f.starts < 0 || f.rate <= 0:
		return badUsage("--open, --starts and --rate: expected numbers above zero")
	}
	return nil
}

func (a *app) applyFleet(ctx context.Context, flags fleetFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	docs, c, err := a.both(ctx)
	if err != nil {
		return err
	}
	is, err := a.readFleetFacts(ctx, docs, c, flags)
	if err != nil {
		return err
	}
	p := planFleet(is, flags)
	if !a.json() {
		p.write(a.Stdout, &a.Terminal)
	}
	if flags.dryRun || p.empty() {
		return a.printFleetApplied(p, flags, nil)
	}
	if err := p.refuse(); err != nil {
		return err
	}
	failed, err := a.carryOutFleet(ctx, docs, c, p, flags)
	if err != nil {
		return err
	}
	return a.printFleetApplied(p, flags, failed)
}

// refuse keeps accounts from going where nothing is started, and from where a person has stopped that.
func (p fleetPlan) refuse() error {
	if p.pause == "" || len(p.Moves) == 0 {
		return nil
	}
	effect, remedy := "schedules would start syncs of these accounts", "starter fleet resume --all"
	if p.joins() {
		effect = "would start no sync of these accounts"
	}
	if strings.HasPrefix(p.pause, maintenanceNote) {
		remedy = "starter maintenance off"
	}
	return badInput(fmt.Errorf("the fleet is paused (%s), and %s; nothing was changed: '%s' first",
		terminal.Printable(p.pause), effect, remedy))
}

// readFleetFacts finds out what there is: in settings, and in the list of schedules, which lags behind by seconds. An
// account that moves is therefore asked for its schedules once more; of one that is the fleet's already, a schedule
// that the list does not show yet stays beside the fleet until apply is called again, which harms nothing.
func (a *app) readFleetFacts(
	ctx context.Context, docs catalog.Documents, c client.Client, flags fleetFlags,
) (is fleetFacts, err error) {
	if is.plan, is.etag, is.found, err = fleetOf(docs).Plan(ctx); err != nil {
		return is, err
	}
	is.found = is.found && !is.plan.Ended
	ids, err := settingsOf(docs).Accounts(ctx)
	if err != nil {
		return is, err
	}
	if err := a.readFleetSettings(ctx, docs, ids, &is); err != nil {
		return is, err
	}
	entries, err := allScheduleEntries(ctx, c)
	if err != nil {
		return is, err
	}
	is.schedules = map[string][]scheduleEntry{}
	var listed []string
	for _, e := range entries {
		listed = append(listed, e.ID)
		if of, ours := parseScheduleID(e.ID); ours {
			is.schedules[of.Account] = append(is.schedules[of.Account], scheduleEntry{e.ID, e.Paused, e.Note})
		}
	}
	shards := is.plan.Shards()
	if !is.found {
		shards = 0
	}
	is.dispatchers, err = readDispatchers(ctx, c, max(shards, flags.shards), listed)
	return is, err
}

func (a *app) readFleetSettings(ctx context.Context, docs catalog.Documents, ids []string, is *fleetFacts) error {
	settings, unusable := make([]account.Settings, len(ids)), make([]bool, len(ids))
	bar := a.Meter(len(ids), "reading settings")
	defer bar.Finish()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(comparers)
	for i, id := range ids {
		group.Go(func() error {
			stored, err := readStored(ctx, docs, id)
			if err != nil {
				return fmt.Errorf("settings of %s: %w", id, err)
			}
			settings[i], unusable[i] = stored.Settings, stored.unreadable
			bar.Add()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, id := range ids {
		if unusable[i] {
			is.unusable = append(is.unusable, id)
			continue
		}
		is.accounts = append(is.accounts, settings[i])
	}
	return nil
}

// fleetApplied is what --output json prints.
type fleetApplied struct {
	DryRun bool `json:"dry_run"`
	fleetPlan
	Failed []applyFailure `json:"failed"`
}

func (a *app) printFleetApplied(p fleetPlan, flags fleetFlags, failed []applyFailure) error {
	switch {
	case a.json():
		if p.Changes == nil {
			p.Changes = []string{}
		}
		if err := a.printJSON(fleetApplied{flags.dryRun, p, append([]applyFailure{}, failed...)}); err != nil {
			return err
		}
	case p.empty():
	case flags.dryRun:
		a.Say("Nothing was changed.")
	case len(failed) == 0:
		a.Say("Done. 'starter fleet status' shows the fleet.")
	}
	if len(failed) == 0 {
		return p.passedOver(flags)
	}
	var accounts []string
	for _, f := range failed {
		accounts = append(accounts, f.Account+": "+f.Error)
	}
	return fmt.Errorf("%s could not be moved, and is synced as before or by both; apply again once this is "+
		"repaired: %s",
		terminal.Plural(int64(len(failed)), "account"), terminal.Some(accounts, 5))
}

// passedOver is that accounts were named that do not go where they were to.
func (p fleetPlan) passedOver(flags fleetFlags) error {
	if len(flags.accounts) == 0 || len(p.Kept) == 0 || flags.dryRun {
		return nil
	}
	return fmt.Errorf("%s of those that were named cannot be moved: %s: %s",
		terminal.Plural(int64(len(p.Kept)), "account"), p.Kept[0].Account, p.Kept[0].Why)
}

// gathered are failures that come from many goroutines.
type gathered struct {
	mu     sync.Mutex
	failed []applyFailure
}

func (g *gathered) add(account string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failed = append(g.failed, applyFailure{account, err.Error()})
}
