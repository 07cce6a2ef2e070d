package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

// Options shape a run.
type Options struct {
	Accounts int
	Orders   int           // that agents place while things break
	Changes  int           // of catalogs, meanwhile
	For      time.Duration // how long things break
	All      bool          // everything breaks once, however long that takes, and what is lost for good is lost
	Patience time.Duration // how long everything may take to come right afterwards
	Seed     uint64
	Only     *regexp.Regexp // break what has such a name; nil: everything
	Keep     bool           // leave everything up
	Log      io.Writer
}

const (
	// A breakage lasts this long, unless it says otherwise.
	shortest, longest = 5 * time.Second, 20 * time.Second
	// usually is how long a breakage takes with all that comes after it: the pace of merchants and agents goes by it.
	usually = 25 * time.Second
	// An order that is placed when something was mended has this long before the next thing breaks.
	probed = 3 * time.Minute
)

// interval is the shortest time between two imports of a catalog, and how often each is looked at: a machine has to
// keep up with the looks.
func (o Options) interval() time.Duration {
	return max(20*time.Second, time.Duration(o.Accounts)*time.Second)
}

// may reports whether something with this name may break.
func (o Options) may(name string) bool { return o.Only == nil || o.Only.MatchString(name) }

// run is one run of chaos.
type run struct {
	Options
	deployment *Deployment
	trade      *trade
	began      time.Time
}

// Run does all of it. An error means that it could not be done, not that something came out wrong.
func Run(ctx context.Context, repository string, o Options) (result Result, err error) {
	d, err := NewDeployment(repository, o.interval().String())
	if err != nil {
		return Result{}, err
	}
	r := &run{Options: o, deployment: d, trade: newTrade(d, o.Accounts), began: time.Now()}
	r.say("bringing everything up; what breaks, and when, is that of seed %d", o.Seed)
	defer func() {
		if !o.Keep {
			err = errors.Join(err, d.Down(context.WithoutCancel(ctx)), d.Close())
		}
	}()
	if err := d.Up(ctx); err != nil {
		return Result{}, err
	}
	if err := r.board(ctx); err != nil {
		return Result{}, err
	}
	result = Result{Seed: o.Seed, All: o.All, Accounts: o.Accounts}
	began := time.Now()
	if result.Broken, result.Unbroken, err = r.breaks(ctx); err != nil {
		return result, err
	}
	result.Lasted = rounded(time.Since(began))
	return r.recover(ctx, result)
}

func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.Log, "%6s  %s\n", time.Since(r.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// since is how long the run lasts already.
func (r *run) since() simcontrol.Duration { return rounded(time.Since(r.began)) }

func rounded(d time.Duration) simcontrol.Duration {
	return simcontrol.Duration(d.Round(100 * time.Millisecond))
}

// whole is a duration for people: tenths of a second, of seconds alone.
func whole(d simcontrol.Duration) time.Duration {
	if time.Duration(d) < 10*time.Second {
		return time.Duration(d)
	}
	return time.Duration(d).Round(time.Second)
}

func (r *run) chance(of uint64) *rand.Rand { return rand.New(rand.NewPCG(r.Seed, of)) }

// orderSettings have orders laid into the merchants' bucket. An agent may buy what has left the catalog since, and
// Stripe's clock may be put back to before the merchant came on board.
func orderSettings(account, bucket string) string {
	return fmt.Sprintf(`{"account":%q,"enabled":true,"since":%q,"unknown_sku":"fulfil",`+
		`"fulfillment":{"kind":"s3","bucket":%q}}`, account, time.Now().UTC().Add(-3*time.Hour).Format(time.RFC3339),
		bucket)
}

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
	// What a machine that is busy leaves out, the same command makes when it is said again.
	applying, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	if err := mended(applying, func(ctx context.Context) error {
		_, err := r.deployment.Starter(ctx, list.String(), "accounts", "apply", "--file", "-", "--rate", "50")
		return err
	}); err != nil {
		return err
	}
	if err := r.hurry(ctx); err != nil {
		return err
	}
	var settings errgroup.Group
	settings.SetLimit(4)
	for _, s := range r.trade.shops {
		settings.Go(func() error {
			return mended(applying, func(ctx context.Context) error {
				_, err := r.deployment.Starter(ctx, orderSettings(s.account, r.trade.bucket), "order", "settings",
					"set", s.account, "--file", "-")
				return err
			})
		})
	}
	if err := settings.Wait(); err != nil {
		return err
	}
	if _, err := r.deployment.Starter(ctx, "", "order", "sweep", "--every", "1m"); err != nil {
		return err
	}
	found, err := r.settled(applying)
	if wrong := found.wrong(); err == nil && len(wrong) > 0 {
		err = fmt.Errorf("before anything broke, %d things were not right: %s", len(wrong), wrong[0])
	}
	return err
}

// hurry makes the schedules quicker than the starter lets anybody make them: Stripe takes a catalog every 15 minutes,
// and the emulator does not mind.
func (r *run) hurry(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	return mended(ctx, r.hurryAll)
}

func (r *run) hurryAll(ctx context.Context) error {
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
				every := client.ScheduleIntervalSpec{Every: r.interval()}
				if of := is.Description.Schedule.Spec; len(of.Intervals) > 0 { // they are not all looked at at once
					every.Offset = of.Intervals[0].Offset % every.Every
				}
				is.Description.Schedule.Spec = &client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{every}}
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
func (r *run) breaks(ctx context.Context) (broken []Break, unbroken []string, err error) {
	all := r.deck()
	lasts := r.For
	if r.All {
		lasts = time.Duration(len(all)) * usually
	}
	r.say("things break for about %s", lasts)
	older, err := copyBucket(ctx, r.trade.store, r.deployment.env["VITRINE_STATE_BUCKET"])
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var meanwhile sync.WaitGroup
	meanwhile.Go(func() {
		chance := r.chance(1)
		done, failed := every(ctx, r.Changes, lasts, func() error {
			return r.trade.change(ctx, r.trade.shops[chance.IntN(r.Accounts)], chance)
		})
		r.say("%d catalogs changed; %d attempts to write one failed", done, failed)
	})
	meanwhile.Go(func() {
		chance := r.chance(2)
		done, failed := every(ctx, r.Orders, lasts, func() error {
			return r.trade.buy(ctx, r.trade.shops[chance.IntN(r.Accounts)], chance)
		})
		r.say("%d orders placed; %d attempts to place one failed", done, failed)
	})
	refunding, enough := context.WithCancel(ctx)
	defer enough()
	meanwhile.Go(func() {
		for ; refunding.Err() == nil; wait(refunding, 10*time.Second) {
			// What goes wrong now is asked for again in the end.
			_ = r.trade.refund(refunding, r.deployment)
		}
	})
	broken, unbroken, err = r.breakOneByOne(ctx, all, older)
	if enough(); err != nil {
		stop()
	}
	meanwhile.Wait()
	return broken, unbroken, err
}

// deck is what may break, in the order of chance.
func (r *run) deck() (all []breakage) {
	chance := r.chance(3)
	for _, b := range breakages(r.deployment, chance) {
		if r.may(b.name) {
			all = append(all, b)
		}
	}
	chance.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// breakOneByOne breaks what comes up, and names what could not be broken.
func (r *run) breakOneByOne(
	ctx context.Context, all []breakage, older *bucketCopy,
) (broken []Break, unbroken []string, err error) {
	chance := r.chance(4)
	end := time.Now().Add(r.For)
	for i := 0; len(all) > 0 && (r.All && i < len(all) || !r.All && time.Now().Before(end)); i++ {
		b, err := r.breakOne(ctx, all[i%len(all)], chance)
		if is := new(unbrokenError); errors.As(err, &is) && ctx.Err() == nil {
			r.say("%v; going on without it", err)
			if name := all[i%len(all)].name; !slices.Contains(unbroken, name) {
				unbroken = append(unbroken, name)
			}
			continue
		}
		if err != nil {
			return broken, unbroken, err
		}
		broken = append(broken, b)
	}
	if !r.All {
		return broken, unbroken, ctx.Err()
	}
	for _, l := range r.losses(older) {
		if !r.may(l.name) {
			continue
		}
		b, err := r.lose(ctx, l)
		if err != nil {
			return broken, unbroken, err
		}
		broken = append(broken, b)
	}
	return broken, unbroken, ctx.Err()
}

// unbrokenError is that something could not be broken: what stands in the way passes, or it is mended by now.
type unbrokenError struct{ error }

// tryToBegin breaks something. What is in the way of it passes within seconds, such as a container that starts again;
// what was broken by then is mended before the next try.
func (b breakage) tryToBegin(ctx context.Context) (mend mending, err error) {
	trying, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if mend, err = b.begin(ctx); err == nil {
			return mend, nil
		}
		if mend != nil {
			mending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			broken := mended(mending, mend)
			if cancel(); broken != nil {
				return nil, errors.Join(err, broken)
			}
		}
		if wait(trying, 3*time.Second); trying.Err() != nil {
			return nil, &unbrokenError{fmt.Errorf("%s: %w", b.name, err)}
		}
	}
}

// breakOne breaks something, mends it, and sees how long an order takes then.
func (r *run) breakOne(ctx context.Context, b breakage, chance *rand.Rand) (Break, error) {
	lasts := b.lasts
	if lasts == 0 {
		lasts = shortest + time.Duration(chance.Int64N(int64(longest-shortest)))
	}
	r.say("%s, for %s", b.name, lasts.Round(time.Second))
	is := Break{What: b.name, At: r.since(), For: rounded(lasts)}
	mend, err := b.tryToBegin(ctx)
	if err != nil {
		return is, err
	}
	wait(ctx, lasts)
	mending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := mended(mending, mend); err != nil {
		return is, fmt.Errorf("mend %s: %w", b.name, err)
	}
	is.Recovered, err = r.probe(ctx)
	r.say("an order took %s then", whole(is.Recovered))
	return is, err
}

// probe places an order, and says how long it takes until it is with its merchant and its money is taken: events,
// server, Temporal, workers, S3 and Stripe all have to do with it.
func (r *run) probe(ctx context.Context) (simcontrol.Duration, error) {
	began := time.Now()
	var session string
	for {
		switch is, err := r.trade.probed(ctx, r.trade.shops[0].account, &session); {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case is:
			return rounded(time.Since(began)), nil
		case time.Since(began) > probed:
			r.say("an order is not through after %s: %v", probed, err)
			return rounded(time.Since(began)), nil
		}
		wait(ctx, 200*time.Millisecond)
	}
}

// recover waits until everything is right, and says how long that took.
func (r *run) recover(ctx context.Context, result Result) (Result, error) {
	r.say("everything is mended")
	ended := time.Now()
	waiting, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	if err := mended(waiting, r.trade.makeSure); err != nil {
		return result, err
	}
	found, err := r.settled(waiting)
	if err != nil {
		return result, err
	}
	result = result.counted(found)
	result.Recovered = rounded(time.Since(ended))
	return result, ctx.Err()
}

// settled waits until nothing is wrong, while merchants give money back. When ctx ends it returns what is there.
func (r *run) settled(ctx context.Context) (found evidence, err error) {
	said := time.Now()
	for {
		refused := r.trade.refund(ctx, r.deployment)
		looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		found, err = r.trade.look(looking, r.deployment)
		cancel()
		wrong := found.wrong()
		if err == nil && refused == nil && len(wrong) == 0 || ctx.Err() != nil {
			return found, err
		}
		if time.Since(said) > 30*time.Second {
			said = time.Now()
			r.say("%d things are not right yet, such as: %s", len(wrong), firstOf(wrong, errors.Join(err, refused)))
		}
		wait(ctx, 2*time.Second)
	}
}

func firstOf(wrong []string, err error) string {
	if len(wrong) > 0 {
		return wrong[0]
	}
	return fmt.Sprint(err)
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
