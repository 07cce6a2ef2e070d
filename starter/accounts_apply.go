package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

const applyHelp = `Make the settings and schedules of accounts what a list says.

The list is a file with one account id per line, or a CSV file or spreadsheet (.xlsx, its first visible sheet) with a header and
these columns, of which only the first is needed:

  account        the connected account, acct_…
  feeds          its feeds, separated by | (default: product)
  every          how often they are synced, such as 15m, 1h30m (default: --every)
  source_key     where in S3 its catalogs are, with {account} and {feed} (default: VITRINE_SOURCE_KEY)
  source_bucket  in which bucket (default: VITRINE_SOURCE_BUCKET)
  shared_source  yes if other accounts are meant to sell the same file; otherwise no two accounts may name one

The account's own rules; an empty cell leaves one to the deployment, whose variable has the same name (VITRINE_DIALECT):

  import_api          v1 or v2 (VITRINE_STRIPE_IMPORT_API)
  dialect             how the source is written: stripe or google
  quotes              what double quotes mean in the source: auto, rfc4180, literal or backslash
  invalid_rows        rows that Stripe would refuse: hold_back or send
  unknown_columns     columns that Stripe does not document: send or drop
  source              what the source is: whole, or changes to the catalog (absent rows stay, delete=true deletes)
  full_send_every     when every row is sent again, such as 168h
  max_shrink          percentage of the accepted rows that may vanish, or share an id with a row that says something
                      else, before a run is held for a person; binds however small the catalog is (without it 50
                      rows go unasked, or 90 %)
  max_invalid         … of the rows that may have errors
  max_price_moves     … of the prices that may move by more than price_move
  price_move          percentage by which a price must change to count as moved
  max_currency_flips  … of the prices that may change their currency
  max_free            … of the rows that may come to cost nothing

Blank lines and lines that begin with # are skipped. Everything wrong with the list is said at once, and then nothing is
changed. Otherwise the plan is printed and carried out. Applying the same list again changes nothing. An account that
is not in the list is left alone, unless --prune: then its schedules and settings are deleted; its state and reports stay.
The syncs of all accounts are spread evenly over their interval. A schedule that is paused stays paused.`

// comparers is how many documents and schedules are read at once to compare them: a list may have 50,000 accounts.
const comparers = 64

type applyFlags struct {
	file               string
	every              time.Duration
	rate               float64
	prune, dryRun, yes bool
}

func (a *app) applyCommand() *cobra.Command {
	var flags applyFlags
	c := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make settings and schedules what a list of accounts says",
		Long:  applyHelp,
		Example: `  starter accounts apply -f accounts.txt --dry-run
  starter accounts apply -f accounts.csv --every 30m
  starter accounts apply -f accounts.xlsx --prune
  psql -Atc "select stripe_account from shops" | starter accounts apply -f -`,
		Args: noArgs("give the list as -f FILE"),
		RunE: func(c *cobra.Command, _ []string) error {
			return explain(c.Context(), a.apply(c.Context(), flags))
		},
	}
	f := c.Flags()
	f.StringVarP(&flags.file, "file", "f", "", "the list of accounts: text, .csv or .xlsx; - is stdin")
	f.DurationVar(&flags.every, "every", catalog.MinInterval, "interval of the accounts for which the list names none")
	f.Float64Var(&flags.rate, "rate", 8, "most writes a second, to S3 and Temporal together")
	f.BoolVar(&flags.prune, "prune", false, "delete the schedules and settings of accounts that are not in the list")
	f.BoolVar(&flags.dryRun, "dry-run", false, "print the plan and stop")
	f.BoolVarP(&flags.yes, "yes", "y", false, "delete without asking")
	must(c.MarkFlagFilename("file", "txt", "csv", "tsv", "xlsx"))
	return c
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

func (f applyFlags) check() error {
	switch {
	case f.file == "":
		return badUsage("which accounts? Give the list as -f FILE, or -f - for stdin")
	case f.rate <= 0:
		return badUsage("--rate %g: expected a number above zero", f.rate)
	}
	if _, err := parseInterval(f.every.String()); err != nil {
		return badInput(fmt.Errorf("--every: %w", err))
	}
	return nil
}

func (a *app) apply(ctx context.Context, flags applyFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	wanted, err := a.readAccountsFile(flags.file, flags.every)
	if err != nil {
		return err
	}
	docs, c, err := a.both(ctx)
	if err != nil {
		return err
	}
	// What the list contradicts by itself is said before anything is asked.
	if err := checkSources(docs.Layout, wanted, nil); err != nil {
		return badInput(err)
	}
	is, err := a.readFleet(ctx, docs, c, wanted, flags.prune)
	if err != nil {
		return err
	}
	if err := checkSources(docs.Layout, wanted, is.others(wanted, flags.prune)); err != nil {
		return badInput(err)
	}
	p := makePlan(wanted, is, flags.prune)
	if !a.json() {
		p.write(a.Stdout, a.Table("", "", "", "~"))
	}
	if flags.dryRun || len(p.changes()) == 0 {
		return a.printApplied(p, flags, nil)
	}
	if err := a.confirm(p, flags); err != nil {
		return err
	}
	failed, err := a.carryOut(ctx, docs, c, p, flags.rate)
	if err != nil {
		return err
	}
	return a.printApplied(p, flags, failed)
}

// both opens S3 and Temporal.
func (a *app) both(ctx context.Context) (catalog.Documents, client.Client, error) {
	docs, err := a.documents(ctx)
	if err != nil {
		return docs, nil, err
	}
	c, err := a.temporal(ctx)
	return docs, c, err
}

// readFleet finds out what there is. Schedules that the list names are described one by one, because Temporal's list of
// schedules lags behind; it is only asked for those that nobody names.
func (a *app) readFleet(ctx context.Context, docs catalog.Documents, c client.Client, wanted []catalog.Settings, prune bool) (fleet, error) {
	is := fleet{settings: map[string]storedSettings{}, schedules: map[string]scheduleFact{}}
	existing, err := docs.Accounts(ctx)
	if err != nil {
		return is, err
	}
	listed, err := listSchedules(ctx, c)
	if err != nil {
		return is, err
	}
	doubtful := doubtfulSchedules(wanted, existing, listed, prune)
	for _, account := range existing {
		is.settings[account] = storedSettings{}
	}
	for _, id := range listed {
		if _, asked := doubtful[id]; !asked {
			is.schedules[id] = scheduleFact{}
		}
	}
	questioned := existing
	if prune { // the others are deleted, whatever they say
		questioned = wantedAmong(wanted, is.settings)
	}
	bar := a.Meter(len(questioned)+len(doubtful), "comparing")
	defer bar.Finish()
	if err := readSettings(ctx, docs, questioned, &is, bar); err != nil {
		return is, err
	}
	return is, describeSchedules(ctx, c, doubtful, &is, bar)
}

// wantedAmong are the accounts whose settings exist and are to be something: the others need not be read.
func wantedAmong(wanted []catalog.Settings, existing map[string]storedSettings) []string {
	var accounts []string
	for _, settings := range wanted {
		if _, exists := existing[settings.Account]; exists {
			accounts = append(accounts, settings.Account)
		}
	}
	return accounts
}

// doubtfulSchedules are those whose existence or content the plan depends on.
func doubtfulSchedules(wanted []catalog.Settings, existing, listed []string, prune bool) map[string]*wantedSchedule {
	doubtful := map[string]*wantedSchedule{}
	named := map[string]bool{}
	for _, settings := range wanted {
		named[settings.Account] = true
	}
	for _, id := range listed {
		if account, _, _ := parseScheduleID(id); prune || named[account] {
			doubtful[id] = nil
		}
	}
	if prune {
		for _, account := range existing {
			for _, kind := range feed.Kinds() {
				doubtful[workflows.ScheduleID(account, kind)] = nil
			}
		}
	}
	had := map[string]bool{}
	for _, account := range existing {
		had[account] = true
	}
	for _, settings := range wanted {
		for _, kind := range settings.FeedKinds() {
			want := wantedSchedule{settings.Account, kind, interval(settings)}
			// An account without settings has no schedules yet; if somebody makes them just now, creating them finds that out.
			if _, known := doubtful[want.id()]; known || had[settings.Account] {
				doubtful[want.id()] = &want
			}
		}
	}
	return doubtful
}

func readSettings(ctx context.Context, docs catalog.Documents, accounts []string, into *fleet, bar *terminal.Meter) error {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(comparers)
	for _, account := range accounts {
		group.Go(func() error {
			stored, err := readStored(ctx, docs, account)
			if err != nil {
				return fmt.Errorf("settings of %s: %w", account, err)
			}
			mu.Lock()
			defer mu.Unlock()
			into.settings[account] = stored
			bar.Add()
			return nil
		})
	}
	return group.Wait()
}

func describeSchedules(ctx context.Context, c client.Client, doubtful map[string]*wantedSchedule, into *fleet, bar *terminal.Meter) error {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(comparers)
	for id, want := range doubtful {
		group.Go(func() error {
			fact, exists, err := describe(ctx, c, id, want)
			if err != nil {
				return fmt.Errorf("schedule %s: %w", id, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if exists {
				into.schedules[id] = fact
			}
			bar.Add()
			return nil
		})
	}
	return group.Wait()
}

// readStored reads settings that may be of no use any more: applying the list repairs them.
func readStored(ctx context.Context, docs catalog.Documents, account string) (storedSettings, error) {
	settings, _, err := docs.StoredSettings(ctx, account)
	if fault.Is(err, fault.SettingsInvalid) {
		return storedSettings{unreadable: true}, nil
	}
	return storedSettings{Settings: settings}, err
}

func describe(ctx context.Context, c client.Client, id string, want *wantedSchedule) (fact scheduleFact, exists bool, err error) {
	description, err := c.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	for tries := 1; tries < describeTries && passes(err) && ctx.Err() == nil; tries++ {
		description, err = c.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	}
	if temporalclient.IsNotFound(err) {
		return scheduleFact{}, false, nil
	}
	if err != nil {
		return scheduleFact{}, false, err
	}
	if description.Schedule.State != nil {
		fact.paused = description.Schedule.State.Paused
	}
	if want != nil {
		fact.difference = want.difference(description.Schedule)
	}
	return fact, true, nil
}

// describeTries is how often a schedule is asked for. One answer of thousands that is late, from a server that is busy with
// the others, is no reason to plan from the start. The client itself waits between tries, within the ten seconds of a call.
const describeTries = 5

// passes reports whether an error is of a server that has too much to do just now.
func passes(err error) bool {
	var late *serviceerror.DeadlineExceeded
	var busy *serviceerror.ResourceExhausted
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late) || errors.As(err, &busy)
}

// listSchedules names the schedules that are ours.
func listSchedules(ctx context.Context, c client.Client) ([]string, error) {
	entries, err := scheduleEntries(ctx, c)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, entry := range entries {
		ids = append(ids, entry.ID)
	}
	return ids, nil
}

func scheduleEntries(ctx context.Context, c client.Client) ([]*client.ScheduleListEntry, error) {
	pages, err := c.ScheduleClient().List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the schedules: %w", err)
	}
	var entries []*client.ScheduleListEntry
	for pages.HasNext() {
		entry, err := pages.Next()
		if err != nil {
			return nil, fmt.Errorf("list the schedules: %w", err)
		}
		if _, _, ours := parseScheduleID(entry.ID); ours {
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

// confirm asks before accounts are deleted that a list merely does not name: it may be the wrong list. A script cannot be asked, so it has to say --yes.
func (a *app) confirm(p plan, flags applyFlags) error {
	deleted := p.counts()[remove]
	if !flags.prune || flags.yes || deleted == 0 {
		return nil
	}
	if !a.IsTerminal(a.Stdin) {
		return badUsage("this would delete %s; nothing was changed. Say --yes if that is meant", terminal.Plural(int64(deleted), "object"))
	}
	if !a.Ask("Delete " + terminal.Plural(int64(deleted), "object") + "?") {
		return badInput(errors.New("nothing was changed"))
	}
	return nil
}

// applyFailure is an account that is not as the list says.
type applyFailure struct {
	Account string `json:"account"`
	Error   string `json:"error"`
}

// carryOut does what the plan says. Accounts do not depend on each other: one that fails keeps none back.
func (a *app) carryOut(ctx context.Context, docs catalog.Documents, c client.Client, p plan, perSecond float64) ([]applyFailure, error) {
	todo := len(p.changes())
	limit := rate.NewLimiter(rate.Limit(perSecond), 1)
	bar := a.Meter(todo, "applying")
	var mu sync.Mutex
	var failed []applyFailure
	done := 0
	var group errgroup.Group
	group.SetLimit(4)
	for _, account := range p.accounts {
		group.Go(func() error {
			for _, change := range account.changing() {
				err := limit.Wait(ctx)
				if err == nil {
					err = carryOutOne(ctx, docs, c, account.settings, change)
				}
				mu.Lock()
				if err != nil {
					failed = append(failed, applyFailure{change.Account, fmt.Sprintf("%s %s: %v", change.Action, change.What, err)})
					mu.Unlock()
					return nil // its other changes depend on this one
				}
				done++
				mu.Unlock()
				bar.Add()
			}
			return nil
		})
	}
	_ = group.Wait() // failures are gathered
	bar.Finish()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %d of %d changes were made; apply again to go on", context.Cause(ctx), done, todo)
	}
	slices.SortFunc(failed, func(x, y applyFailure) int { return strings.Compare(x.Account, y.Account) })
	return failed, nil
}

func carryOutOne(ctx context.Context, docs catalog.Documents, c client.Client, settings catalog.Settings, change change) error {
	if change.What == "settings" {
		if change.Action == remove {
			return docs.DeleteSettings(ctx, change.Account)
		}
		return docs.SaveSettings(ctx, settings)
	}
	want := wantedSchedule{change.Account, change.Feed, interval(settings)}
	switch change.Action {
	case create:
		return createSchedule(ctx, c, want)
	case update:
		return updateSchedule(ctx, c, want)
	}
	err := c.ScheduleClient().GetHandle(ctx, want.id()).Delete(ctx)
	if temporalclient.IsNotFound(err) {
		return nil // somebody was faster
	}
	return err
}

func createSchedule(ctx context.Context, c client.Client, want wantedSchedule) error {
	_, err := c.ScheduleClient().Create(ctx, want.options())
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return updateSchedule(ctx, c, want) // somebody was faster
	}
	return advise(err)
}

func updateSchedule(ctx context.Context, c client.Client, want wantedSchedule) error {
	return advise(c.ScheduleClient().GetHandle(ctx, want.id()).Update(ctx, client.ScheduleUpdateOptions{DoUpdate: want.update}))
}

// applied is what --output json prints.
type applied struct {
	DryRun   bool           `json:"dry_run"`
	Changes  []change       `json:"changes"`
	Counts   map[action]int `json:"counts"`
	Unlisted []string       `json:"unlisted"` // accounts that are not in the list and were left alone
	Failed   []applyFailure `json:"failed"`
}

func (a *app) printApplied(p plan, flags applyFlags, failed []applyFailure) error {
	if a.json() {
		result := applied{flags.dryRun, p.changes(), p.counts(), append([]string{}, p.unlisted...), append([]applyFailure{}, failed...)}
		if err := a.printJSON(result); err != nil {
			return err
		}
	} else {
		a.printConclusion(p, flags, failed)
	}
	if len(failed) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s could not be applied; apply again once this is repaired:", terminal.Plural(int64(len(failed)), "account"))
	const most = 20
	for i, f := range failed {
		if i == most {
			text += fmt.Sprintf("\n… and %d more", len(failed)-most)
			break
		}
		text += "\n" + f.Account + ": " + f.Error
	}
	return errors.New(text)
}

func (a *app) printConclusion(p plan, flags applyFlags, failed []applyFailure) {
	switch {
	case len(p.changes()) == 0:
	case flags.dryRun:
		fmt.Fprintln(a.Stdout, "Nothing was changed (--dry-run).")
	case len(failed) == 0:
		fmt.Fprintf(a.Stdout, "Done. 'starter status' shows the accounts.\n")
	}
}
