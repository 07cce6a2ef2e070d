package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/internal/terminal"
	"vitrine/sandbox/s3"
	"vitrine/sandbox/stack"
)

const upHelp = `Up brings up Temporal with its Web UI, an S3 endpoint, the Stripe emulator and a mail catcher, and stays until Ctrl-C.

It prints what worker and starter need, for catalogs and for orders, as lines to paste into a shell. From the folder of
the repository, in three terminals:

  bin/sandbox up --env-file sandbox.env
  . ./sandbox.env && bin/worker
  . ./sandbox.env
  bin/starter source put acct_demo examples/product.csv
  bin/starter sync acct_demo --follow

For orders let the emulator know where starter serve listens:

  bin/sandbox up --env-file sandbox.env --webhook-url http://127.0.0.1:8080/webhooks/stripe \
      --hook-url http://127.0.0.1:8080/hooks/stripe

and start it in a terminal of its own. Merchants' endpoints on this machine name their secret as
"secret_env": "MERCHANT_SECRET_SANDBOX". docs/emulator.md shows how an agent buys, and what else the emulator does when asked.

Everything is kept in a temporary directory, which goes away at the end.`

// up is one run of the command.
type up struct {
	options   stack.Options
	envFile   string
	readyFile string
	output    string
	withStdin bool
	webhooks  []string // where the emulator sends events
	hook      string   // where it asks about checkouts
	s3Users   map[string]string

	terminal.Terminal
}

func upCommand(here terminal.Terminal) *cobra.Command {
	u := &up{Terminal: here}
	command := &cobra.Command{
		Use:   "up",
		Short: "Bring up Temporal, S3, the Stripe emulator and a mail catcher, until Ctrl-C",
		Long:  upHelp,
		Args:  cobra.NoArgs,
		RunE:  func(command *cobra.Command, _ []string) error { return u.run(command.Context()) },
	}
	stackFlags(command, &u.options)
	flags := command.Flags()
	flags.StringVar(&u.envFile, "env-file", "", "also write the environment to this file; it goes away at the end")
	flags.StringVar(&u.readyFile, "ready-file", "",
		"write a JSON description to this file once everything is up; it goes away at the end")
	flags.StringArrayVar(&u.webhooks, "webhook-url", nil,
		"let the Stripe emulator send the events of all accounts there (may be repeated)")
	flags.StringVar(&u.hook, "hook-url", "", "let the Stripe emulator ask there about checkouts of all accounts")
	flags.StringVarP(&u.output, "output", "o", "env", "how to print the environment: env or json")
	flags.StringArrayVar(&u.options.Namespaces, "namespace", nil, "make a further Temporal namespace (may be repeated)")
	flags.StringToStringVar(&u.s3Users, "s3-user", nil,
		"let NAME=FILE use the S3 endpoint as the IAM policy in the file allows, with the access key NAME and the secret NAME-secret (may be repeated)")
	flags.StringSliceVar(&u.options.Only, "only", nil,
		"bring up nothing but these parts: "+strings.Join(stack.Parts(), ", ")+" (may be repeated)")
	flags.BoolVar(&u.options.InMemory, "in-memory", false, "keep Temporal's database in memory")
	flags.StringVar(&u.options.Postgres, "postgres", "",
		"keep Temporal's database in the PostgreSQL at HOST:PORT, which is new and trusts its user postgres")
	flags.StringVar(&u.options.LogLevel, "log-level", "warn",
		"of the Temporal server's log, which is in the temporary directory")
	flags.BoolVar(&u.withStdin, "until-eof", false,
		"end as well when the standard input ends, and so with whoever holds it")
	_ = flags.MarkHidden("until-eof")
	return command
}

// description is what --output json and --ready-file say.
type description struct {
	Env      map[string]string `json:"env"`
	Orders   map[string]string `json:"orders_env"` // what orders need beside it
	Services []stack.Service   `json:"services"`
	WebUI    string            `json:"web_ui"`
	Stripe   string            `json:"stripe"`
	S3       string            `json:"s3"`
	Mail     string            `json:"mail"`
	Dir      string            `json:"dir"`
	PID      int               `json:"pid"`
}

func (u *up) run(ctx context.Context) (err error) {
	if u.output != "env" && u.output != "json" {
		return fmt.Errorf("--output %q is not known: expected env or json", u.output)
	}
	if err := u.readPolicies(); err != nil {
		return err
	}
	// The S3 endpoint changes the working directory, and paths from the command line are relative to the old one.
	if err := absolute(&u.envFile, &u.readyFile, &u.options.TempDir); err != nil {
		return err
	}
	if u.withStdin {
		ctx = untilEOF(ctx, u.Stdin)
	}
	u.options.Ready = func(s stack.Service) {
		u.Remark("  %-16s %-28s %4d ms", s.Name, s.Address, s.Took.Milliseconds())
	}
	begun := time.Now()
	running, err := stack.Start(ctx, u.options)
	if err != nil {
		return u.unlessInterrupted(ctx, err)
	}
	defer func() {
		u.Remark("Stopping.")
		err = errors.Join(err, remove(u.envFile), remove(u.readyFile), running.Stop())
	}()
	if err := u.register(ctx, running); err != nil {
		return err
	}
	if err := u.announce(running); err != nil {
		return err
	}
	u.Remark("Up after %.1f s. Ctrl-C ends it.", time.Since(begun).Seconds())
	u.sayWhatFollows()
	<-ctx.Done()
	return nil
}

// sayWhatFollows tells where the environment lies, and what is missing for orders.
func (u *up) sayWhatFollows() {
	if u.envFile != "" {
		u.Remark("The environment lies in %s until then: take it into a shell as '. %s'.", u.envFile, u.envFile)
	}
	if len(u.webhooks) == 0 && len(u.options.Only) == 0 {
		u.Remark("Without --webhook-url the emulator tells nobody of orders: 'sandbox up --help' says more.")
	}
}

func (u *up) readPolicies() error {
	for _, name := range slices.Sorted(maps.Keys(u.s3Users)) {
		policy, err := os.ReadFile(u.s3Users[name])
		if err != nil {
			return fmt.Errorf("--s3-user %s: %w", name, err)
		}
		u.options.S3Users = append(u.options.S3Users,
			s3.User{AccessKey: name, SecretKey: name + "-secret", Policy: policy})
	}
	return nil
}

// register tells the emulator where starter serve is going to listen. It need not be there yet: events are tried again.
func (u *up) register(ctx context.Context, running *stack.Stack) error {
	emulator := simcontrol.Client{BaseURL: running.Stripe()}
	for _, address := range u.webhooks {
		endpoint := simcontrol.Endpoint{URL: address, Secrets: []string{stack.WebhookSecret}, Connect: true,
			EnabledEvents: slices.Concat(order.EventTypes(), intake.AccountEventTypes(),
				intake.ImportSetEventTypes())}
		thin := endpoint
		thin.Thin, thin.EnabledEvents = true, slices.Concat(intake.AgreementEventTypes(),
			intake.CatalogImportEventTypes())
		for _, e := range []simcontrol.Endpoint{endpoint, thin} {
			if _, err := emulator.AddEndpoint(ctx, e); err != nil {
				return fmt.Errorf("--webhook-url %s: %w", address, err)
			}
		}
	}
	if u.hook == "" {
		return nil
	}
	if err := emulator.SetHook(ctx, simcontrol.Hook{URL: u.hook, Secret: stack.HookSecret}); err != nil {
		return fmt.Errorf("--hook-url %s: %w", u.hook, err)
	}
	return nil
}

// unlessInterrupted takes an end that was asked for during the start as one.
func (u *up) unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (u *up) announce(running *stack.Stack) error {
	described := describe(running)
	if err := u.print(running, described); err != nil {
		return err
	}
	if u.envFile != "" {
		if err := writeWhole(u.envFile, exports(running)); err != nil {
			return err
		}
	}
	if u.readyFile != "" {
		return writeWhole(u.readyFile, indented(described))
	}
	return nil
}

func (u *up) print(running *stack.Stack, described description) error {
	text := exports(running)
	if u.output == "json" {
		text = indented(described)
	}
	_, err := io.WriteString(u.Stdout, text)
	return err
}

func describe(running *stack.Stack) description {
	d := description{
		Env: map[string]string{}, Orders: map[string]string{}, Services: running.Services(), Dir: running.Dir(),
		PID:   os.Getpid(),
		WebUI: running.WebUI(), Stripe: running.Stripe(), S3: running.S3(), Mail: running.Mail(),
	}
	for _, v := range running.Variables() {
		d.Env[v.Name] = v.Value
	}
	for _, v := range running.OrderVariables() {
		d.Orders[v.Name] = v.Value
	}
	return d
}

// exports is shell text: no value of the sandbox has a quote in it.
func exports(running *stack.Stack) string {
	var text strings.Builder
	for _, v := range append(running.Variables(), running.OrderVariables()...) {
		fmt.Fprintf(&text, "export %s='%s'\n", v.Name, v.Value)
	}
	return text.String()
}

func indented(document any) string {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		panic(err) // strings and numbers encode
	}
	return string(text) + "\n"
}

// writeWhole makes the file appear with all of its content, because somebody may be waiting for it.
func writeWhole(path, content string) error {
	half := path + ".half"
	if err := os.WriteFile(half, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(half, path)
}

func remove(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func absolute(paths ...*string) error {
	for _, path := range paths {
		if *path == "" {
			continue
		}
		full, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = full
	}
	return nil
}

// untilEOF is ctx, or shorter: it ends when stdin does. A test that dies closes the pipe it holds.
func untilEOF(ctx context.Context, stdin io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	return ctx
}
