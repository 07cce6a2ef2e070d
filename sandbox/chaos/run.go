package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

// Options shape a run.
type Options struct {
	Accounts int
	Orders   int           // that agents place while things break
	Changes  int           // of catalogs, meanwhile
	For      time.Duration // how long things break
	Patience time.Duration // how long everything may take to come right afterwards
	Seed     uint64
	Keep     bool // leave everything up
	Log      io.Writer
}

const (
	// interval is the shortest time between two imports of a catalog, and how often each is looked at.
	interval = 20 * time.Second
	// A breakage lasts this long, and so does the peace after it.
	shortest, longest = 5 * time.Second, 25 * time.Second
)

// run is one run of chaos.
type run struct {
	Options
	deployment *Deployment
	trade      *trade
	began      time.Time
}

// Run does all of it. An error means that it could not be done, not that something came out wrong.
func Run(ctx context.Context, repository string, o Options) (verdict Verdict, err error) {
	d, err := NewDeployment(repository, interval.String())
	if err != nil {
		return Verdict{}, err
	}
	r := &run{Options: o, deployment: d, trade: newTrade(d, o.Accounts), began: time.Now()}
	r.say("bringing everything up")
	defer func() {
		if !o.Keep {
			err = errors.Join(err, d.Down(context.WithoutCancel(ctx)), d.Close())
		}
	}()
	if err := d.Up(ctx); err != nil {
		return Verdict{}, err
	}
	if err := r.board(ctx); err != nil {
		return Verdict{}, err
	}
	verdict = Verdict{Seed: o.Seed, Accounts: o.Accounts}
	if verdict.Broken, err = r.breaks(ctx); err != nil {
		return verdict, err
	}
	return r.recover(ctx, verdict)
}

func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.Log, "%6s  %s\n", time.Since(r.began).Round(time.Second), fmt.Sprintf(format, args...))
}

func (r *run) chance(of uint64) *rand.Rand { return rand.New(rand.NewPCG(r.Seed, of)) }

// board gives every merchant a catalog, a schedule and orders, and waits until Stripe has the catalogs.
func (r *run) board(ctx context.Context) error {
	r.say("%d merchants come on board", r.Accounts)
	chance := r.chance(0)
	var list strings.Builder
	for _, s := range r.trade.shops {
		if err := r.trade.change(ctx, s, chance); err != nil {
			return err
		}
		fmt.Fprintln(&list, s.account)
	}
	if _, err := r.deployment.Starter(ctx, list.String(), "accounts", "apply", "--file", "-", "--rate",
		"50"); err != nil {
		return err
	}
	if err := r.hurry(ctx); err != nil {
		return err
	}
	for _, s := range r.trade.shops {
		settings := fmt.Sprintf(`{"account":%q,"enabled":true,"fulfillment":{"kind":"s3"}}`, s.account)
		if _, err := r.deployment.Starter(ctx, settings, "order", "settings", "set", s.account, "--file",
			"-"); err != nil {
			return err
		}
	}
	if _, err := r.deployment.Starter(ctx, "", "order", "sweep", "--every", "1m"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	found, err := r.settled(ctx)
	if err == nil && len(found.wrong) > 0 {
		err = fmt.Errorf("before anything broke, %d things were not right: %s", len(found.wrong), found.wrong[0])
	}
	return err
}

// hurry makes the schedules quicker than the starter lets anybody make them: Stripe takes a catalog every 15 minutes,
// and the emulator does not mind.
func (r *run) hurry(ctx context.Context) error {
	temporal, err := client.Dial(client.Options{HostPort: "127.0.0.1:" + r.deployment.env["TEMPORAL_PORT"],
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer temporal.Close()
	for _, s := range r.trade.shops {
		schedule := temporal.ScheduleClient().GetHandle(ctx,
			workflows.ScheduleID(catalog.ID{Account: s.account, Feed: feed.Product}))
		err := schedule.Update(ctx, client.ScheduleUpdateOptions{
			DoUpdate: func(is client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				is.Description.Schedule.Spec = &client.ScheduleSpec{
					Intervals: []client.ScheduleIntervalSpec{{Every: interval}},
				}
				return &client.ScheduleUpdate{Schedule: &is.Description.Schedule}, nil
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// breaks breaks one thing after the other while merchants and agents go on, and mends all of it.
func (r *run) breaks(ctx context.Context) ([]Break, error) {
	r.say("things break for %s", r.For)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var meanwhile sync.WaitGroup
	meanwhile.Go(func() {
		chance := r.chance(1)
		failed := every(ctx, r.Changes, r.For, func() error {
			return r.trade.change(ctx, r.trade.shops[chance.IntN(r.Accounts)], chance)
		})
		r.say("%d catalogs changed; %d attempts to write one failed", r.Changes, failed)
	})
	meanwhile.Go(func() {
		chance := r.chance(2)
		failed := every(ctx, r.Orders, r.For, func() error {
			return r.trade.buy(ctx, r.trade.shops[chance.IntN(r.Accounts)], chance)
		})
		r.say("%d orders placed; %d attempts to place one failed", r.Orders, failed)
	})
	broken, err := r.breakOneByOne(ctx)
	if err != nil {
		stop()
	}
	meanwhile.Wait()
	return broken, err
}

func (r *run) breakOneByOne(ctx context.Context) (broken []Break, err error) {
	chance := r.chance(3)
	all := breakages(r.deployment, chance)
	for end := time.Now().Add(r.For); time.Now().Before(end) && ctx.Err() == nil; {
		b := all[chance.IntN(len(all))]
		lasts := shortest + time.Duration(chance.Int64N(int64(longest-shortest)))
		r.say("%s, for %s", b.name, lasts.Round(time.Second))
		at := time.Since(r.began)
		mend, err := b.begin(ctx)
		if err != nil {
			return broken, fmt.Errorf("%s: %w", b.name, err)
		}
		wait(ctx, lasts)
		mending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		err = mended(mending, mend)
		cancel()
		if err != nil {
			return broken, fmt.Errorf("mend %s: %w", b.name, err)
		}
		broken = append(broken, Break{What: b.name, At: at.Round(time.Second), For: lasts.Round(time.Second)})
		wait(ctx, shortest)
	}
	return broken, ctx.Err()
}

// recover waits until everything is right, and says how long that took.
func (r *run) recover(ctx context.Context, verdict Verdict) (Verdict, error) {
	r.say("everything is mended")
	mended := time.Now()
	waiting, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	found, err := r.settled(waiting)
	if err != nil {
		return verdict, err
	}
	verdict.Wrong, verdict.Imports, verdict.Orders = found.wrong, found.imports, found.orders
	verdict.Recovered = time.Since(mended).Round(time.Second)
	for _, s := range r.trade.shops {
		verdict.Versions += s.versions
	}
	return verdict, ctx.Err()
}

// settled waits until nothing is wrong. When ctx ends it returns what still is.
func (r *run) settled(ctx context.Context) (found findings, err error) {
	for {
		looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		found, err = r.trade.wrong(looking, r.deployment)
		cancel()
		if err == nil && len(found.wrong) == 0 || ctx.Err() != nil {
			return found, err
		}
		wait(ctx, 2*time.Second)
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
