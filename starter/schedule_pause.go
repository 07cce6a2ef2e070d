package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// switching pauses or resumes one schedule.
type switching func(ctx context.Context, handle client.ScheduleHandle, note string) error

func pauseSchedule(ctx context.Context, handle client.ScheduleHandle, note string) error {
	if note == "" {
		note = "paused with the starter"
	}
	return handle.Pause(ctx, client.SchedulePauseOptions{Note: note})
}

func resumeSchedule(ctx context.Context, handle client.ScheduleHandle, note string) error {
	if note == "" {
		note = "resumed with the starter"
	}
	return handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: note})
}

type pauseFlags struct {
	feed, note string
	all        bool
	rate       float64
}

func (a *app) pauseCommand(verb, short string, do switching) *cobra.Command {
	var flags pauseFlags
	c := &cobra.Command{
		Use:   verb + " [ACCOUNT...]",
		Short: short,
		Long: short +
			".\n\nThis is about every feed of the accounts, unless --feed names one. A run that is under way goes on.",
		Example: fmt.Sprintf("  starter schedule %[1]s acct_1Nv0FGQ9RKHgCVdK --note \"asked for by the merchant\"\n  "+
			"starter schedule %[1]s --all", verb),
		Args: func(c *cobra.Command, args []string) error {
			if flags.all == (len(args) > 0) {
				return badUsage("name the accounts, or say --all")
			}
			return accountArgs(0, 0)(c, args)
		},
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.switchSchedules(c.Context(), verb+"d", args, flags, do))
		},
	}
	c.Flags().StringVar(&flags.feed, "feed", "", "one feed alone (default: every feed)")
	completeFeeds(c)
	c.Flags().BoolVar(&flags.all, "all", false, "the schedules of all accounts")
	c.Flags().StringVar(&flags.note, "note", "", "why, for whoever looks at the schedule")
	c.Flags().Float64Var(&flags.rate, "rate", 0, "most schedules a second (default: as many as the server takes)")
	return c
}

func (a *app) switchSchedules(
	ctx context.Context, done string, accounts []string, flags pauseFlags, do switching,
) error {
	kind, err := feed.ParseKind(flags.feed)
	if err != nil {
		return badInput(err)
	}
	if flags.rate < 0 {
		return badUsage("--rate %g: expected a number above zero", flags.rate)
	}
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	ids, err := scheduleIDs(ctx, c, accounts)
	switch {
	case err != nil:
	case flags.feed != "":
		ids = ofFeed(ids, kind)
	case len(accounts) > 0:
		ids, err = existingSchedules(ctx, c, accounts, ids)
	}
	if err != nil {
		return err
	}
	switched, failed := a.switchAll(ctx, c, ids, flags, do)
	for seen := ids; len(accounts) == 0 && failed == nil; seen = append(seen, ids...) {
		if ids, failed = newSchedules(ctx, c, flags, kind, seen); len(ids) == 0 || failed != nil {
			break
		}
		var more []string
		more, failed = a.switchAll(ctx, c, ids, flags, do)
		switched = append(switched, more...)
	}
	if a.json() {
		if err := a.printJSON(map[string]any{done: switched}); err != nil {
			return err
		}
	} else {
		a.Say("%s %s.", terminal.Plural(int64(len(switched)), "schedule"), done)
	}
	return failed
}

func ofFeed(ids []string, kind feed.Kind) []string {
	return slices.DeleteFunc(ids, func(id string) bool { of, _ := parseScheduleID(id); return of.Feed != kind })
}

// newSchedules are those that the list shows by now and did not before: it lags behind by seconds.
func newSchedules(
	ctx context.Context, c client.Client, flags pauseFlags, kind feed.Kind, seen []string,
) ([]string, error) {
	ids, err := scheduleIDs(ctx, c, nil)
	if flags.feed != "" {
		ids = ofFeed(ids, kind)
	}
	known := map[string]bool{}
	for _, id := range seen {
		known[id] = true
	}
	return slices.DeleteFunc(ids, func(id string) bool { return known[id] }), err
}

// existingSchedules keeps those of ids that there are. Of an account that has none the product feed's is kept, so that
// somebody hears of it.
func existingSchedules(ctx context.Context, c client.Client, accounts, ids []string) ([]string, error) {
	views, err := viewSchedules(ctx, c, ids, func() {})
	if err != nil {
		return nil, err
	}
	var kept []string
	for _, account := range distinct(accounts) {
		before := len(kept)
		for _, v := range views {
			if v.Account == account {
				kept = append(kept, v.ID)
			}
		}
		if len(kept) == before {
			kept = append(kept, workflows.ScheduleID(catalog.ID{Account: account, Feed: feed.Product}))
		}
	}
	return kept, nil
}

// switchAll switches many at once, as fast as the server takes it unless somebody says less: whoever pauses everybody
// has an incident. The client slows down by itself where the server refuses.
func (a *app) switchAll(
	ctx context.Context, c client.Client, ids []string, flags pauseFlags, do switching,
) ([]string, error) {
	limit := rate.NewLimiter(rate.Inf, 1)
	if flags.rate > 0 {
		limit.SetLimit(rate.Limit(flags.rate))
	}
	errs := make([]error, len(ids))
	bar := a.Meter(len(ids), "schedules")
	var group errgroup.Group
	group.SetLimit(switchedAtOnce)
	for i, id := range ids {
		group.Go(func() error {
			if errs[i] = limit.Wait(ctx); errs[i] == nil {
				_, errs[i] = patiently(ctx, func() (struct{}, error) {
					return struct{}{}, do(ctx, c.ScheduleClient().GetHandle(ctx, id), flags.note)
				})
			}
			bar.Add()
			return nil
		})
	}
	_ = group.Wait() // errors are in errs
	bar.Finish()
	switched := []string{}
	for i, id := range ids {
		if errs[i] == nil {
			switched = append(switched, id)
			continue
		}
		errs[i] = noSchedule(id, errs[i])
	}
	if ctx.Err() != nil {
		return switched, context.Cause(ctx)
	}
	return switched, errors.Join(errs...)
}

// switchedAtOnce is more than a server answers in a second, and less than it would notice.
const switchedAtOnce = 16
