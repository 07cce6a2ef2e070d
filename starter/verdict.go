package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// verdict is one of the two ways to end a hold.
type verdict struct {
	desk.Verdict
	question string
	effect   string // what becomes of the run
}

var (
	approval  = verdict{desk.Approval, "Send this to Stripe?", "the run goes on and sends it"}
	rejection = verdict{desk.Rejection, "Reject this version of the source?",
		"nothing of it is sent; the next version is looked at as usual"}
)

type verdictFlags struct {
	feed, why, by string
	version       string // what was looked at
	yes, follow   bool

	// Of many at once:
	reasons []string
	file    string
	dryRun  bool
	oneFeed bool // --feed was given
}

const verdictHelp = `

A sync is held before anything is uploaded if its source looks broken: empty, much smaller than before, full of
invalid rows, prices or currencies that moved all at once, promotions that give too much away. 'starter status --held'
lists them. --why and --by are recorded in the run's history and in the report. On a terminal this shows what is held
and asks; a script is not asked.

Repeating a command is safe, from any host: the same verdict about the same version is answered as done.

Exit codes: 0 if the verdict was taken, now or before; 1 if nothing is held or a run did not take it.` + verdictManyHelp

func (a *app) verdictCommand(d verdict, flags *verdictFlags) *cobra.Command {
	c := &cobra.Command{
		Use:               d.Update + " ACCOUNT...",
		Args:              accountArgs(0, 0),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			flags.oneFeed = c.Flags().Changed("feed")
			if accounts := distinct(args); flags.many(accounts) {
				return explain(c.Context(), a.decideMany(c.Context(), accounts, d, *flags))
			}
			return explain(c.Context(), a.decide(c.Context(), args[0], d, *flags))
		},
	}
	feedFlag(c, &flags.feed)
	c.Flags().StringVar(&flags.why, "why", "", "why, for the history and the report; required")
	c.Flags().StringVar(&flags.version, "version", "",
		"the version of the source that you looked at; another one is not decided about")
	c.Flags().StringVar(&flags.by, "by", "", "who decides (default: the user at this host)")
	c.Flags().StringSliceVar(&flags.reasons, "reason", nil,
		"everything that is held for these reasons alone, such as shrink,price_moves")
	c.Flags().StringVar(&flags.file, "file", "", "a list of accounts, as 'starter accounts apply' reads it; - is stdin")
	c.Flags().BoolVar(&flags.dryRun, "dry-run", false, "print what would be decided about, and stop")
	c.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) decide(ctx context.Context, account string, d verdict, flags verdictFlags) error {
	kind, err := feed.ParseKind(flags.feed)
	if err != nil {
		return badInput(err)
	}
	in, err := a.verdictInput(flags, desk.MaxWhy)
	if err != nil {
		return err
	}
	id := catalog.ID{Account: account, Feed: kind}
	state, err := a.heldState(ctx, id)
	if err != nil {
		return err
	}
	if state.Held == nil {
		return a.decidedBefore(ctx, state, d, in)
	}
	held := state.Held
	if in.Version != "" && in.Version != held.Version {
		return fmt.Errorf("version %s of the source is held, not %s: 'starter status --held' shows why; nothing was "+
			"decided", terminal.Printable(held.Version), terminal.Printable(in.Version))
	}
	shown, err := a.confirmVerdict(id, d, *held, flags.yes)
	if err != nil {
		return err
	}
	if shown { // what a person agrees to is what they saw
		in.Version = held.Version
	}
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	// Without a worker the server keeps the verdict and this command waits: it should not do so in silence.
	alone := time.AfterFunc(5*time.Second, func() { a.Remark(askForVerdictWorker) })
	taken, err := desk.Desk{Temporal: c}.Decide(ctx, d.Verdict, catalog.ID{Account: account, Feed: kind}, *held, in)
	alone.Stop()
	if err != nil {
		return explainVerdict(ctx, account, *held, err)
	}
	if err := a.printVerdict(d, taken, flags.follow); err != nil || !flags.follow {
		return err
	}
	run := desk.SyncRun{Account: account, Feed: kind, WorkflowID: taken.WorkflowID, RunID: taken.RunID, Joined: true}
	return a.followAll(ctx, c, []desk.SyncRun{run}, "'starter status' shows how it ends")
}

const askForVerdictWorker = "… no worker has taken the verdict yet: is one running?"

// verdictInput is checked before anything is asked or sent: in bytes, as the run checks it.
func (a *app) verdictInput(flags verdictFlags, most int) (in workflows.VerdictInput, err error) {
	in.By, in.Why, in.Version = strings.TrimSpace(flags.by), strings.TrimSpace(flags.why),
		strings.TrimSpace(flags.version)
	if in.Why == "" {
		return in, badUsage("why? Say it with --why, for those who ask later")
	}
	if in.By == "" {
		if in.By, err = a.whoami(); err != nil {
			return in, err
		}
	}
	for _, given := range []struct{ flag, text string }{{"--why", in.Why}, {"--by", in.By}} {
		if n := len(given.text); n > most {
			return in, badUsage("%s has %d bytes, and at most %d are kept: be brief, and refer to a ticket for more",
				given.flag, n, most)
		}
	}
	return in, nil
}

// whoami is how the history names who decided, unless they say it themselves. A script, a timer or an exec into a
// container often has no USER.
func (a *app) whoami() (string, error) {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if user, _ := a.Lookup(name); user != "" {
			return atThisHost(user), nil
		}
	}
	if user := a.user(); user != "" {
		return atThisHost(user), nil
	}
	return "", badUsage("who decides? Neither USER nor the system says: add --by, such as --by ada@acme.example")
}

func atThisHost(user string) string {
	host, err := os.Hostname()
	if err != nil {
		return user
	}
	return user + "@" + host
}

// decidedBefore answers a verdict where nothing is held: as done if it was given before; otherwise the error says what
// there is instead.
func (a *app) decidedBefore(ctx context.Context, state catalog.State, d verdict, in workflows.VerdictInput) error {
	account, kind := state.Account, state.Feed
	if before := d.Repeated(state, in); before != nil {
		return a.printDecided(d, *before)
	}
	docs, err := a.documents(ctx)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("nothing is held of the %s feed of %s: %s", kind, account, lastOutcome(state, a.Now()))
	for _, other := range feed.Kinds() {
		if state, _, err := docs.State(ctx,
			catalog.ID{Account: account, Feed: other}); err == nil && state.Held != nil {
			text += fmt.Sprintf("; its %s feed is held: --feed %s", other, other)
		}
	}
	return errors.New(text)
}

func (a *app) printDecided(d verdict, t desk.TakenVerdict) error {
	if a.json() {
		return a.printJSON(t)
	}
	a.Say("%s  %s: %s version %s by %s already, %s: %s",
		t.Account, t.Feed, d.Done, terminal.Printable(t.Version), terminal.Printable(t.By),
		terminal.Relative(a.Now(), *t.Before), terminal.Printable(t.Why))
	return nil
}

func lastOutcome(s catalog.State, now time.Time) string {
	if s.Last == nil {
		return "it was never synced"
	}
	text := fmt.Sprintf("its last sync ended as %s, %s", terminal.Spaced(string(s.Last.Outcome)),
		terminal.Relative(now, s.Last.At))
	if s.Last.Reason != "" {
		text += " (" + terminal.Shortened(s.Last.Reason, 200) + ")"
	}
	return text
}

// confirmVerdict shows a person what they decide about. A script has looked already, or will not.
func (a *app) confirmVerdict(id catalog.ID, d verdict, held catalog.Hold, yes bool) (shown bool, err error) {
	if yes || !a.IsTerminal(a.Stdin) {
		return false, nil
	}
	a.describeHold(a.Stderr, id, held)
	if !a.Ask(d.question) {
		return true, badInput(errors.New("nothing was decided: the sync is still held"))
	}
	return true, nil
}

func explainVerdict(ctx context.Context, account string, held catalog.Hold, err error) error {
	var refused *temporal.ApplicationError
	var late *client.WorkflowUpdateServiceTimeoutOrCanceledError
	switch {
	case temporalclient.IsNotFound(err):
		return fmt.Errorf("the run that held it is gone (workflow %s): it ended, or somebody terminated it. The next "+
			"sync holds the source again, if it is still the same: 'starter sync %s' starts one", held.Run.WorkflowID,
			account)
	case errors.As(err, &refused):
		return fmt.Errorf("the run did not take the verdict: %s (workflow %s)", refused.Message(), held.Run.WorkflowID)
	case ctx.Err() != nil:
		return fmt.Errorf("%w; a worker may still take the verdict: 'starter status %s' shows it", context.Cause(ctx),
			account)
	case errors.As(err, &late):
		return fmt.Errorf("no worker has taken the verdict yet: is one running? 'starter status %s' shows if it is "+
			"taken later: %w", account, err)
	}
	return fmt.Errorf("send the verdict to workflow %s: %w", held.Run.WorkflowID, err)
}

// printVerdict leaves stdout to the results of a sync that is followed as JSON.
func (a *app) printVerdict(d verdict, t desk.TakenVerdict, follow bool) error {
	out := a.Stdout
	switch {
	case a.json() && !follow:
		return a.printJSON(t)
	case a.json():
		out = a.Stderr
	}
	a.Write(out, fmt.Sprintf("%s  %s: %s version %s by %s; %s", t.Account, t.Feed, d.Done,
		terminal.Printable(t.Version), terminal.Printable(t.By), d.effect))
	if t.Version != t.Held.Version {
		a.Tell(out, "  note      ", "the source was version "+t.Held.Version+" when this looked")
	}
	a.Tell(out, "  workflow  ", t.WorkflowID)
	return nil
}
