package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/internal/statestore"
	"vitrine/internal/terminal"
	"vitrine/sandbox/child"
	"vitrine/sandbox/mail"
	"vitrine/sandbox/ports"
	"vitrine/sandbox/stack"
)

// Options shape a demo.
type Options struct {
	Bin   string // directory of the binaries worker and starter
	Stack stack.Options
	Stay  bool // until ctx ends, instead of ending after the tour

	terminal.Terminal
	Stdout *os.File // what the terminal's output goes to: the starter writes there itself, and knows how wide it is
}

// demo is one tour.
type demo struct {
	options Options
	story   *story
	home    string // the working directory of whoever started the demo

	stack     *stack.Stack
	worker    *child.Process
	serve     *child.Process
	workerLog string
	layout    statestore.Layout
	documents catalog.Documents
	emulator  simcontrol.Client
	caught    mail.Control
	temporal  client.Client
	shops     []*shop
	placed    map[order.ID]order.State // where each order stood when it was looked at last
}

// Run gives the tour. It leaves nothing behind, whether it ends well or not.
func Run(ctx context.Context, o Options) error {
	home, err := os.Getwd()
	if err != nil {
		return err
	}
	d := &demo{options: o, story: &story{Terminal: o.Terminal}, home: home, shops: newShops(),
		placed: map[order.ID]order.State{}}
	if err := d.findBinaries(); err != nil {
		return err
	}
	err = d.tour(ctx)
	switch {
	case err == nil && o.Stay:
		d.stay(ctx)
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	case err != nil:
		d.explain(err)
	}
	return errors.Join(err, d.stop())
}

func (d *demo) tour(ctx context.Context) error {
	begun := time.Now()
	chapters := []func(context.Context) error{
		d.bringUp,
		d.startWorker,
		d.exportCatalogs,
		d.applyAccounts,
		d.sync,
		d.showReport,
		d.syncUnchanged,
		d.changePrice,
		d.removeProduct,
		d.holdTruncated,
		d.showStatus,
		d.serveOrders,
		d.orderNormally,
		d.orderCapturedOnShipment,
		d.orderRejected,
		d.orderRefunded,
		d.orderDisputed,
		d.showOrders,
		d.showRuns,
	}
	for _, chapter := range chapters {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	d.suggest(time.Since(begun))
	return nil
}

func (d *demo) findBinaries() error {
	var err error
	// Absolute, because the S3 endpoint changes the working directory.
	if d.options.Bin, err = filepath.Abs(d.options.Bin); err != nil {
		return err
	}
	for _, name := range []string{"worker", "starter"} {
		if _, err := os.Stat(d.binary(name)); err != nil {
			return fmt.Errorf("the binary %s is missing (build it first, or name its directory with --bin): %w", name,
				err)
		}
	}
	return nil
}

func (d *demo) binary(name string) string { return filepath.Join(d.options.Bin, name) }

func (d *demo) bringUp(ctx context.Context) error {
	d.story.begin("Temporal, S3, a Stripe emulator and a mail catcher come up on this machine")
	options := d.options.Stack
	options.Ready = func(s stack.Service) {
		d.story.check("%-16s %-28s %4d ms", s.Name, s.Address, s.Took.Milliseconds())
	}
	var err error
	if d.stack, err = stack.Start(ctx, options); err != nil {
		return err
	}
	d.emulator = simcontrol.Client{BaseURL: d.stack.Stripe()}
	d.caught = mail.Control{BaseURL: d.stack.Mail()}
	return d.connect(ctx)
}

func (d *demo) startWorker(ctx context.Context) error {
	d.story.begin("The worker starts, as it would in production")
	port, err := ports.Pick(0)
	if err != nil {
		return err
	}
	d.workerLog = filepath.Join(d.stack.Dir(), "worker.log")
	log, err := os.Create(d.workerLog)
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own handle
	env := append(d.stack.Environ(os.Environ()), "VITRINE_LISTEN="+ports.Address(port))
	d.worker, err = child.Start(child.Command{Path: d.binary("worker"), Env: env, Dir: d.stack.Dir(), Stdout: log,
		Stderr: log})
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := awaitReady(ctx, "the worker", d.worker, "http://"+ports.Address(port)+"/readyz"); err != nil {
		return err
	}
	d.story.check("worker is ready after %d ms (process %d, log %s)", time.Since(begun).Milliseconds(), d.worker.PID(),
		d.workerLog)
	return nil
}

func awaitReady(ctx context.Context, name string, process *child.Process, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := ports.Answers(ctx, address)
		if err == nil {
			return nil
		}
		select {
		case <-process.Ended():
			return fmt.Errorf("%s ended with exit code %d instead of getting ready", name, process.ExitCode())
		case <-ctx.Done():
			return fmt.Errorf("%s did not get ready: %w", name, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (d *demo) exportCatalogs(ctx context.Context) error {
	d.story.begin("Three shops export their catalogs to S3")
	var rows [][]string
	for _, s := range d.shops {
		if err := s.generate(); err != nil {
			return err
		}
		if err := d.export(ctx, s); err != nil {
			return err
		}
		rows = append(rows, []string{s.account, s.about, humanize.Comma(int64(s.summary.Rows)),
			terminal.Bytes(int64(len(s.content))), "s3://" + d.layout.SourceBucket + "/" + s.key(d.layout)})
	}
	d.story.table([]string{"ACCOUNT", "CATALOG", "#ROWS", "#SIZE", "~OBJECT"}, rows)
	return nil
}

func (d *demo) applyAccounts(ctx context.Context) error {
	d.story.begin("The platform lists its accounts: every one gets a schedule, every 15 minutes")
	list := accountsFile(d.shops)
	if err := os.WriteFile(filepath.Join(d.stack.Dir(), "accounts.csv"), []byte(list), 0o600); err != nil {
		return err
	}
	d.story.command("cat accounts.csv")
	for line := range strings.Lines(list) {
		d.story.say("%s", strings.TrimRight(line, "\n"))
	}
	if err := d.starter(ctx, "accounts", "apply", "-f", "accounts.csv"); err != nil {
		return err
	}
	return d.checkSchedules(ctx)
}

func (d *demo) sync(ctx context.Context) error {
	d.story.begin("All three are synced at once, without waiting for their schedules")
	if err := d.starter(ctx, append(append([]string{"sync"}, accountsOf(d.shops)...), "--follow")...); err != nil {
		return err
	}
	for _, s := range d.shops {
		if err := d.checkImported(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) showReport(ctx context.Context) error {
	careless := d.shops[2]
	d.story.begin("What the merchant reads about the rows that Vitrine kept back, and those that Stripe refused")
	if err := d.starter(ctx, "report", careless.account); err != nil {
		return err
	}
	return d.checkReport(ctx, careless)
}

func (d *demo) syncUnchanged(ctx context.Context) error {
	d.story.begin("Nothing changed, so the next sync costs one look at S3")
	if err := d.starter(ctx, append(append([]string{"sync"}, accountsOf(d.shops)...), "--follow")...); err != nil {
		return err
	}
	return d.checkNothingSent(ctx)
}

func (d *demo) showStatus(ctx context.Context) error {
	d.story.begin("The fleet at a glance")
	return d.starter(ctx, "status")
}

// starter runs the starter as its user would, at the same terminal.
func (d *demo) starter(ctx context.Context, args ...string) error {
	d.story.command("starter " + typed(args))
	ctx, cancel := context.WithTimeoutCause(ctx, 5*time.Minute, errors.New("it did not end within 5 minutes"))
	defer cancel()
	code, err := child.Run(ctx, child.Command{
		Path: d.binary("starter"), Args: args, Env: d.stack.Environ(os.Environ()), Dir: d.stack.Dir(),
		Stdout: d.options.Stdout, Stderr: d.options.Stdout,
	})
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("starter %s ended with exit code %d", typed(args), code)
	}
	return nil
}

// typed are arguments as somebody would type them.
func typed(args []string) string {
	line := slices.Clone(args)
	for i, arg := range line {
		if strings.Contains(arg, " ") {
			line[i] = `"` + arg + `"`
		}
	}
	return strings.Join(line, " ")
}

// stay waits for Ctrl-C, and says so if the worker goes: somebody may have killed it on purpose, to see what happens.
func (d *demo) stay(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-d.worker.Ended():
		d.story.say("The worker is gone. Start another one in a second terminal, with the environment above: %s",
			d.shown("worker"))
		<-ctx.Done()
	}
}

// explain says what went wrong, with what the worker said last.
func (d *demo) explain(err error) {
	d.story.wrong(err.Error())
	if d.workerLog == "" {
		return
	}
	content, readErr := os.ReadFile(d.workerLog)
	if readErr != nil {
		d.story.say("The worker's log cannot be read: %v", readErr)
		return
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	const last = 40
	if len(lines) > last {
		lines = lines[len(lines)-last:]
	}
	d.story.say("The worker's last words:")
	for _, line := range lines {
		d.story.aside("%s", line)
	}
}

// drainTime is a little more than the worker gives its running steps.
const drainTime = 40 * time.Second

func (d *demo) stop() error {
	d.story.Blank()
	d.story.aside("Stopping.")
	var errs []error
	if d.temporal != nil {
		d.temporal.Close()
	}
	for _, process := range []*child.Process{d.serve, d.worker} {
		if process != nil && process.Running() {
			errs = append(errs, process.Stop(drainTime))
		}
	}
	if d.stack != nil {
		errs = append(errs, d.stack.Stop())
	}
	return errors.Join(errs...)
}
