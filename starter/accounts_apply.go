package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/account"
	"vitrine/internal/terminal"
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
  news_url       where news of the account is posted to (default: VITRINE_NEWS_URL)
  news_secret    the variable of the worker with that endpoint's signing secret, MERCHANT_SECRET_…, or its file's name
  report_to      the merchant's address that reports are mailed to which have something new (VITRINE_REPORTS_FROM)

The account's own rules; an empty cell leaves one to the deployment, whose variable has the same name (VITRINE_DIALECT):

  import_api          v1 or v2 (VITRINE_STRIPE_IMPORT_API)
  dialect             how the source is written: stripe or google
  quotes              what double quotes mean in the source: auto, rfc4180, literal or backslash
  invalid_rows        rows that Stripe would refuse: hold_back or send
  unknown_columns     columns that Stripe does not document: send or drop
  source              what the source is: whole, or changes to the catalog (absent rows stay, delete=true deletes)
  full_send_every     when every row is sent again, such as 168h
  heal                what becomes of drift that an audit finds: report, resend or resend_and_delete
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
	f.DurationVar(&flags.every, "every", account.MinInterval, "interval of the accounts for which the list names none")
	f.Float64Var(&flags.rate, "rate", 8, "most writes a second, to S3 and Temporal together")
	f.BoolVar(&flags.prune, "prune", false, "delete the schedules and settings of accounts that are not in the list")
	f.BoolVar(&flags.dryRun, "dry-run", false, "print the plan and stop")
	f.BoolVarP(&flags.yes, "yes", "y", false, "delete without asking")
	must(c.MarkFlagFilename("file", "txt", "csv", "tsv", "xlsx"))
	return c
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
	is, err := a.readPresent(ctx, docs, c, wanted, flags.prune)
	if err != nil {
		return err
	}
	if err := checkSources(docs.Layout, wanted, is.others(wanted, flags.prune)); err != nil {
		return badInput(err)
	}
	p := makePlan(wanted, is, flags.prune)
	if !a.json() {
		p.write(a.Stdout, &a.Terminal)
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

// confirm asks before accounts are deleted that a list merely does not name: it may be the wrong list. A script cannot
// be asked, so it has to say --yes.
func (a *app) confirm(p plan, flags applyFlags) error {
	deleted := p.counts()[remove]
	if !flags.prune || flags.yes || deleted == 0 {
		return nil
	}
	if !a.IsTerminal(a.Stdin) {
		return badUsage("this would delete %s; nothing was changed. Say --yes if that is meant",
			terminal.Plural(int64(deleted), "object"))
	}
	if !a.Ask("Delete " + terminal.Plural(int64(deleted), "object") + "?") {
		return badInput(errors.New("nothing was changed"))
	}
	return nil
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
		result := applied{flags.dryRun, p.changes(), p.counts(), append([]string{}, p.unlisted...),
			append([]applyFailure{}, failed...)}
		if err := a.printJSON(result); err != nil {
			return err
		}
	} else {
		a.printConclusion(p, flags, failed)
	}
	if len(failed) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s could not be applied; apply again once this is repaired:",
		terminal.Plural(int64(len(failed)), "account"))
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
		a.Say("Nothing was changed (--dry-run).")
	case len(failed) == 0:
		a.Say("Done. 'starter status' shows the accounts.")
	}
}
