package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/terminal"
)

const verdictManyHelp = `

A mistake of the platform's holds many at once. Name several accounts, give a list of them (--file FILE), or select what is held by
its reasons: --reason shrink is about every feed that is held for nothing else. The plan is printed first; on a terminal it asks,
and a script has to say --yes. Each verdict is about the version that the plan shows.`

// many reports whether the verdict is about more than one feed that was named.
func (f verdictFlags) many(accounts []string) bool {
	return len(accounts) != 1 || len(f.reasons) > 0 || f.file != "" || f.dryRun
}

func (f verdictFlags) checkMany(accounts []string) error {
	switch {
	case f.file != "" && len(accounts) > 0:
		return badUsage("name the accounts, or give a list of them with --file")
	case f.file == "" && len(accounts) == 0 && len(f.reasons) == 0:
		return badUsage("expected the id of a connected account (acct_…), several of them, a list of them (--file " +
			"FILE), or --reason")
	case f.follow:
		return badUsage("--follow is for one sync: 'starter status --watch' shows many")
	case f.version != "":
		return badUsage("--version is for one sync: each of these has a version of its own")
	}
	return nil
}

// heldFeed is what a verdict is about.
type heldFeed struct {
	catalog.ID
	Held catalog.Hold `json:"held"`
}

// verdictPlan is what a verdict about many is about, and what it is not.
type verdictPlan struct {
	DryRun  bool                `json:"dry_run"`
	Verdict string              `json:"verdict"`
	Held    []heldFeed          `json:"held"`
	Others  int                 `json:"others,omitempty"` // that are held for other reasons too, and are left alone
	Taken   []desk.TakenVerdict `json:"taken"`
	Failed  []applyFailure      `json:"failed"`
}

// decideMany decides about all that is selected.
func (a *app) decideMany(ctx context.Context, accounts []string, d verdict, flags verdictFlags) error {
	if err := flags.checkMany(accounts); err != nil {
		return err
	}
	in, err := a.verdictInput(flags, desk.MaxWhy)
	if err != nil {
		return err
	}
	p, err := a.planVerdicts(ctx, accounts, d, flags)
	if err != nil {
		return err
	}
	if !a.json() {
		a.printVerdictPlan(p)
	}
	switch {
	case len(p.Held) == 0 && !a.json():
		return errors.New("nothing of these is held; nothing was decided")
	case len(p.Held) == 0 || flags.dryRun:
		return a.printVerdicts(p)
	case flags.yes:
	case !a.IsTerminal(a.Stdin):
		return badUsage("this would decide about %s; nothing was decided. Say --yes if that is meant",
			terminal.Plural(int64(len(p.Held)), "feed"))
	case !a.Ask(d.question):
		return badInput(errors.New("nothing was decided: the syncs are still held"))
	}
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	taken, errs := make([]desk.TakenVerdict, len(p.Held)), make([]error, len(p.Held))
	bar := a.Meter(len(p.Held), "deciding")
	var group errgroup.Group
	group.SetLimit(switchedAtOnce)
	for i, h := range p.Held {
		group.Go(func() error {
			each := in
			each.Version = h.Held.Version // what a person agrees to is what they saw
			taken[i], errs[i] = desk.Desk{Temporal: c}.Decide(ctx, d.Verdict, h.ID, h.Held, each)
			if errs[i] != nil {
				errs[i] = explainVerdict(ctx, h.Account, h.Held, errs[i])
			}
			bar.Add()
			return nil
		})
	}
	_ = group.Wait() // errors are in errs
	bar.Finish()
	for i, h := range p.Held {
		if errs[i] != nil {
			p.Failed = append(p.Failed, applyFailure{h.Name(), errs[i].Error()})
			continue
		}
		p.Taken = append(p.Taken, taken[i])
	}
	return a.printVerdicts(p)
}

// planVerdicts finds what is held of the accounts, or of all.
func (a *app) planVerdicts(ctx context.Context, accounts []string, d verdict, flags verdictFlags) (verdictPlan, error) {
	p := verdictPlan{DryRun: flags.dryRun, Verdict: d.Done, Held: []heldFeed{}, Taken: []desk.TakenVerdict{},
		Failed: []applyFailure{}}
	kinds := feed.Kinds()
	if flags.oneFeed {
		kind, err := feed.ParseKind(flags.feed)
		if err != nil {
			return p, badInput(err)
		}
		kinds = []feed.Kind{kind}
	}
	docs, err := a.documents(ctx)
	if err != nil {
		return p, err
	}
	switch {
	case flags.file != "":
		listed, err := a.readAccountsFile(flags.file, account.MinInterval)
		if err != nil {
			return p, err
		}
		for _, s := range listed {
			accounts = append(accounts, s.Account)
		}
	case len(accounts) == 0:
		if accounts, err = settingsOf(docs).Accounts(ctx); err != nil {
			return p, err
		}
	}
	found, err := a.findHeld(ctx, docs, distinct(accounts), kinds)
	for _, h := range found {
		if !forNothingElse(h.Held, flags.reasons) {
			p.Others++
			continue
		}
		p.Held = append(p.Held, h)
	}
	return p, err
}

// findHeld reads the states of many feeds. One that cannot be used holds nothing that could be decided about.
func (a *app) findHeld(
	ctx context.Context, docs catalog.Documents, accounts []string, kinds []feed.Kind,
) (found []heldFeed, err error) {
	held := make([]*catalog.Hold, len(accounts)*len(kinds))
	bar := a.Meter(len(held), "looking")
	defer bar.Finish()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(comparers)
	id := func(i int) catalog.ID { return catalog.ID{Account: accounts[i/len(kinds)], Feed: kinds[i%len(kinds)]} }
	for i := range held {
		group.Go(func() error {
			state, _, err := docs.State(ctx, id(i))
			if err != nil && !desk.IsUnusable(err) {
				return err
			}
			held[i] = state.Held
			bar.Add()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, h := range held {
		if h != nil {
			found = append(found, heldFeed{id(i), *h})
		}
	}
	return found, nil
}

// forNothingElse reports whether everything that holds a feed was named; without reasons everything was.
func forNothingElse(h catalog.Hold, reasons []string) bool {
	return len(reasons) == 0 || !slices.ContainsFunc(h.Reasons, func(r catalog.HoldReason) bool {
		return !slices.Contains(reasons, r.Guard)
	})
}

func (a *app) printVerdictPlan(p verdictPlan) {
	t := a.Table("ACCOUNT", "FEED", "HELD", "#SENDS", "#DELETES", "WHY", "~REASON")
	t.Spare = []string{"HELD", "SENDS", "WHY"}
	for i, h := range p.Held {
		if i == mostMoves {
			break
		}
		var guards []string
		for _, reason := range h.Held.Reasons {
			guards = append(guards, reason.Guard)
		}
		t.Add(h.Account, string(h.Feed), terminal.Rough(a.Now().Sub(h.Held.Since)), humanize.Comma(h.Held.Rows.Sent),
			humanize.Comma(h.Held.Rows.Deleted), strings.Join(guards, ","), terminal.Shortened(h.Held.Text(), 90))
	}
	if len(p.Held) > 0 {
		t.Write(a.Stdout)
	}
	var sends, deletes int64
	for _, h := range p.Held {
		sends, deletes = sends+h.Held.Rows.Sent, deletes+h.Held.Rows.Deleted
	}
	if more := len(p.Held) - mostMoves; more > 0 {
		a.Say("… and %s more", humanize.Comma(int64(more)))
	}
	text := fmt.Sprintf("Plan: %s to be %s; together they would send %s rows and delete %s.",
		terminal.Plural(int64(len(p.Held)), "held feed"), p.Verdict, humanize.Comma(sends), humanize.Comma(deletes))
	if p.Others > 0 {
		text += fmt.Sprintf(" %s held for other reasons too, and left alone.", terminal.AreOrIs(p.Others, "feed"))
	}
	a.Blank()
	a.Say("%s", text)
}

func (a *app) printVerdicts(p verdictPlan) error {
	switch {
	case a.json():
		if err := a.printJSON(p); err != nil {
			return err
		}
	case p.DryRun:
		a.Say("Nothing was decided (--dry-run).")
	default:
		a.Say("%s %s.", terminal.Plural(int64(len(p.Taken)), "feed"), p.Verdict)
	}
	if len(p.Failed) == 0 {
		return nil
	}
	var texts []string
	for _, f := range p.Failed {
		texts = append(texts, f.Account+": "+f.Error)
	}
	return fmt.Errorf("%s not %s; the same command goes on: %s", terminal.AreOrIs(len(p.Failed), "feed"), p.Verdict,
		terminal.Some(texts, 5))
}
