package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/activities"
	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/doctor"
	"vitrine/internal/fulfillment"
	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/internal/preflight"
	"vitrine/internal/stripeapi"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

const doctorHelp = `Look at everything that has to be right: the deployment (Temporal, S3, Stripe, mail), and the accounts that are named.

Of each point it says what it found, and, if something is wrong, the one command or page that mends it. It reads, tries a
conditional write on a key of its own that it removes, asks the address of your webhook endpoints who is there, and posts a
signed ping to merchants' endpoints; nothing of it stays.
Run it with the environment of the worker: what is set elsewhere alone cannot be seen from here.

  ✓  right
  ✗  wrong
  !  it works, or is not needed yet, and somebody has to look at it
  ·  it cannot be seen from here, or not before something else is mended

Exit codes: 0 if nothing is ✗ or !, 3 if something is !, 1 if something is ✗.`

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor [ACCOUNT...]",
		Short: "Look at everything that has to be right, and say what mends it",
		Long:  doctorHelp,
		Example: "  starter doctor\n  starter doctor acct_1Nv0FGQ9RKHgCVdK\n" +
			"  starter doctor -o json | jq '.[] | select(.severity == \"wrong\")'",
		Args:              accountArgs(0, 0),
		ValidArgsFunction: a.completeAccounts,
		RunE: func(c *cobra.Command, args []string) error {
			return explain(c.Context(), a.doctor(c.Context(), distinct(args)))
		},
	}
}

// examined is how many checks are made at once: enough that one that waits holds none up, and kind to Stripe.
const examined = 12

const (
	// beforehand is how long what the checks are made from may take to read.
	beforehand = 5 * time.Second
	// answers is how long S3 may take for the few small calls that show whether state can be kept, and Stripe for the
	// first one.
	answers = 8 * time.Second
)

// samples is how many accounts are asked for, at most, to find one that is connected.
const samples = 5

// findingsError says how much is not right; the command's output says what.
type findingsError struct{ wrong, doubtful int }

func (e *findingsError) Error() string {
	if e.wrong == 0 {
		return terminal.Plural(int64(e.doubtful), "point") + " to look at"
	}
	return fmt.Sprintf("%s wrong, %d to look at", terminal.Plural(int64(e.wrong), "point"), e.doubtful)
}

func (a *app) doctor(ctx context.Context, accounts []string) error {
	c, problems := config.LoadAll(a.Lookup)
	look := a.examination(ctx, c, problems)
	checks := look.deployment(ctx, accounts).Checks()
	for _, id := range accounts {
		checks = append(checks, look.account(ctx, id).Checks()...)
	}
	results := []doctor.Result{}
	found := findingsError{}
	subject := ""
	doctor.Examine(ctx, checks, examined, func(r doctor.Result) {
		results = append(results, r)
		switch r.Severity {
		case doctor.Wrong:
			found.wrong++
		case doctor.Doubtful:
			found.doubtful++
		}
		if !a.json() {
			a.printResult(r, r.Subject != subject)
		}
		subject = r.Subject
	})
	if a.json() {
		if err := a.printJSON(results); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if found.wrong+found.doubtful > 0 {
		return &found
	}
	return nil
}

var marks = map[doctor.Severity]string{doctor.Right: "✓", doctor.Wrong: "✗", doctor.Doubtful: "!", doctor.Unseen: "·"}

func (a *app) printResult(r doctor.Result, first bool) {
	if first {
		a.Say("%s", r.Subject)
	}
	a.Tell(a.Stdout, fmt.Sprintf("  %s %-27s ", marks[r.Severity], r.Check), r.Found)
	if r.Remedy != "" {
		a.Tell(a.Stdout, fmt.Sprintf("    %-27s → ", ""), r.Remedy)
	}
}

// examination is what a doctor looks at, with what this environment leads to.
type examination struct {
	app      *app
	c        config.Config
	problems []error
	storage  doctor.Storage
	settings func(context.Context) error // says why nothing can be read of the state bucket
	atStripe doctor.AtStripe             // nil: there is no client
	noStripe error
	temporal func() (client.Client, error)
	mailer   *fulfillment.Mailer
	noMailer error // why there is none, if one is set
}

// hasMail reports whether a mail server is set, be it of use or not.
func (e examination) hasMail() bool { return e.mailer != nil || e.noMailer != nil }

func (e examination) reachMail(ctx context.Context) error {
	if e.noMailer != nil {
		return e.noMailer
	}
	return e.mailer.Reach(ctx)
}

func (a *app) examination(ctx context.Context, c config.Config, problems []error) examination {
	e := examination{app: a, c: c, problems: problems, storage: doctor.Storage{Layout: c.Layout()}}
	// By what is usable of the configuration: a mistake in it must hide nothing else.
	docs, err := openStorage(ctx, c)
	if e.storage.Err = err; err == nil {
		a.docs, e.storage.Objects = &docs, docs.Objects
		e.storage.Buckets, _ = docs.Objects.(doctor.Buckets)
		e.settings = doctor.Once(preflight.Settings(docs.Objects, c.Layout()).Ask, answers)
		writes := doctor.Once(preflight.State(docs.Objects, c.Layout()).Ask, answers)
		e.storage.State = func(ctx context.Context) error {
			if err := e.settings(ctx); err != nil {
				return err
			}
			return writes(ctx)
		}
	}
	if e.noStripe = c.CheckStripe(); e.noStripe == nil {
		var stripe *stripeapi.Client
		if stripe, e.noStripe = daemon.NewStripe(c); e.noStripe == nil {
			e.atStripe = doctor.Reached(stripe, answers)
		}
	}
	// What one check says, no other repeats.
	e.problems, e.noStripe = takeOver(e.noStripe, e.problems, "STRIPE_API_KEY")
	e.problems, e.storage.Err = takeOver(e.storage.Err, e.problems, "VITRINE_STATE_BUCKET", "VITRINE_SOURCE_BUCKET")
	if address := c.Orders.SMTP.Reveal(); address != "" {
		e.mailer, e.noMailer = fulfillment.NewMailer(
			fulfillment.MailOptions{SMTP: address, Templates: c.Orders.MailTemplates})
	}
	if e.noMailer == nil {
		e.noMailer = problemWith(e.problems, "VITRINE_SMTP_URL")
	}
	e.problems, e.noMailer = takeOver(e.noMailer, e.problems, "VITRINE_SMTP_URL", "VITRINE_MAIL_TEMPLATES")
	e.temporal = sync.OnceValues(func() (client.Client, error) {
		opened, err := a.dialAs(context.WithoutCancel(ctx), c)
		if err == nil {
			a.temporalClient = opened
		}
		return opened, err
	})
	return e
}

// takeOver leaves to a check that fails anyway what the configuration says of its variables, which is why.
func takeOver(failed error, problems []error, variables ...string) (others []error, cause error) {
	if failed == nil {
		return problems, nil
	}
	for _, problem := range problems {
		if problemWith([]error{problem}, variables...) != nil {
			failed = problem
			continue
		}
		others = append(others, problem)
	}
	return others, failed
}

// problemWith is the first problem with one of some variables, or with the file of one; nil: there is none.
func problemWith(problems []error, variables ...string) error {
	for _, problem := range problems {
		var of *config.Problem
		if errors.As(problem, &of) &&
			slices.ContainsFunc(variables, func(v string) bool { return strings.HasPrefix(of.Variable, v) }) {
			return problem
		}
	}
	return nil
}

// deployment tries what a key may do for the accounts that are asked about, before others.
func (e examination) deployment(ctx context.Context, named []string) doctor.Deployment {
	namespace := client.DefaultNamespace
	if options, err := temporalclient.Options(slog.New(slog.DiscardHandler), nil, e.c.PayloadKeys); err == nil {
		namespace = options.Namespace
	}
	d := doctor.Deployment{
		Problems: e.problems, Mistyped: config.Unknown(e.app.environ()), Storage: e.storage,
		Temporal: doctor.Temporal{Open: e.inspector, Namespace: namespace, Now: e.app.Now,
			Attributes: []temporal.SearchAttributeKey{
				workflows.SearchAccount, workflows.SearchFeed, workflows.SearchOutcome, workflows.SearchRowsFailed,
				workflows.SearchOrderState, workflows.SearchAgent,
			}, Queues: []doctor.Queue{
				{Name: workflows.TaskQueue, Kind: enumspb.TASK_QUEUE_TYPE_WORKFLOW},
				{Name: activities.StripeTaskQueue, Kind: enumspb.TASK_QUEUE_TYPE_ACTIVITY},
				{Name: activities.OrderTaskQueue, Kind: enumspb.TASK_QUEUE_TYPE_ACTIVITY},
				{Name: activities.MerchantTaskQueue, Kind: enumspb.TASK_QUEUE_TYPE_ACTIVITY},
			}},
		Stripe: doctor.Stripe{
			AtStripe: e.atStripe, Err: e.noStripe, Livemode: e.c.Livemode(), API: e.c.Rules.ImportAPI,
			Events: order.EventTypes(), AccountEvents: intake.AccountEventTypes(),
			ThinEvents: intake.AgreementEventTypes(), Ask: askAddress, Now: e.app.Now,
		},
	}
	if e.hasMail() {
		d.Mail = e.reachMail
	}
	if e.storage.Err == nil {
		d.Fleet = e.fleet
	}
	if e.storageAway(ctx) == nil {
		ctx, cancel := context.WithTimeout(ctx, beforehand)
		defer cancel()
		// Whether they can be listed, the check of the bucket says.
		if accounts, err := settingsOf(*e.app.docs).Accounts(ctx); err == nil {
			named = slices.Concat(named, accounts)
		}
		orders, err := e.app.orderDocuments(ctx)
		if err == nil {
			accounts, err := orders.Accounts(ctx)
			d.Stripe.Orders = err == nil && len(accounts) > 0
		}
	}
	d.Stripe.Samples = named[:min(len(named), samples)]
	return d
}

// storageAway is why nothing need be asked of S3: it cannot be opened, or read. Its own check says so, and everybody
// who asked again might wait as long.
func (e examination) storageAway(ctx context.Context) error {
	if e.storage.Err != nil {
		return e.storage.Err
	}
	return e.settings(ctx)
}

func (e examination) inspector() (doctor.Inspector, error) {
	c, err := e.temporal()
	if err != nil {
		return nil, err
	}
	options, err := temporalclient.Options(slog.New(slog.DiscardHandler), nil, e.c.PayloadKeys)
	return temporalclient.Inspector{Client: c, Namespace: options.Namespace}, err
}
