package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/terminal"
)

// Exit codes. Beyond them, a signal ends the process with 128 and its number: 130 for Ctrl-C.
const (
	exitOK     = 0
	exitFailed = 1 // a sync or a report failed, an account could not be applied, a server could not be reached
	exitUsage  = 2 // the command line, a file given to it, or the configuration is wrong: nothing was done
	exitRows   = 4 // rows of a validated file have errors
)

// app is what the commands share. Temporal and S3 are opened by the first command that needs them, so that
// `starter validate` and --help work where neither exists.
type app struct {
	terminal.Terminal

	environ func() []string
	user    func() string // the name that the operating system has for whoever runs this; empty: none
	poll    time.Duration // between two looks at a run that is followed

	browse func(ctx context.Context, file string) error // opens a file in a browser

	openTemporal  func(context.Context) (client.Client, error)
	openDocuments func(context.Context) (catalog.Documents, error)

	temporalClient client.Client
	docs           *catalog.Documents

	warned  bool   // of variables that mean nothing
	output  string // --output
	timeout time.Duration
	cancel  context.CancelFunc // of --timeout
}

func newApp() *app {
	a := &app{
		Terminal: terminal.OfProcess(), environ: os.Environ, user: systemUser, poll: 250 * time.Millisecond, browse: openInBrowser,
	}
	a.openTemporal = a.dialTemporal
	a.openDocuments = a.connectStorage
	return a
}

// systemUser is empty where a container has no list of users.
func systemUser() string {
	current, err := user.Current()
	if err != nil {
		return ""
	}
	return current.Username
}

// execute runs one command line and returns the exit code. It prints the error, if any, and nobody else does.
func (a *app) execute(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	a.close()
	if err == nil {
		return exitOK
	}
	a.printError(command, err)
	var stop interrupted
	var usage *usageError
	var rows *rowsError
	switch {
	case errors.As(context.Cause(ctx), &stop):
		return 128 + int(stop.signal)
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &rows):
		return exitRows
	}
	return exitFailed
}

func (a *app) printError(command *cobra.Command, err error) {
	lead := "starter: "
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(a.Stderr, terminal.Hung(lead, line, a.Width(a.Stderr)))
		lead = "  "
	}
	var usage *usageError
	if errors.As(err, &usage) && usage.help {
		fmt.Fprintf(a.Stderr, "Try '%s --help'.\n", command.CommandPath())
	}
}

func (a *app) close() {
	if a.temporalClient != nil {
		a.temporalClient.Close()
	}
	if a.cancel != nil {
		a.cancel()
	}
}

// temporal is the connection to Temporal, opened once.
func (a *app) temporal(ctx context.Context) (client.Client, error) {
	if a.temporalClient == nil {
		opened, err := a.openTemporal(ctx)
		if err != nil {
			return nil, err
		}
		a.temporalClient = opened
	}
	return a.temporalClient, nil
}

// documents are the settings, states and reports in S3, opened once.
func (a *app) documents(ctx context.Context) (catalog.Documents, error) {
	if a.docs == nil {
		opened, err := a.openDocuments(ctx)
		if err != nil {
			return catalog.Documents{}, err
		}
		a.docs = &opened
	}
	return *a.docs, nil
}

// usageError is a mistake in what the starter was given: the command line, a file, the configuration.
type usageError struct {
	err  error
	help bool // the command's help would help
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func badUsage(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...), help: true}
}

func badInput(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err: err}
}

const rootHelp = `Vitrine keeps the product catalog of every connected account in front of AI agents.
The starter starts, schedules and watches its syncs, receives the orders that agents place ('starter serve'), and steers
them ('starter order').

Exit codes:
  0    ok
  1    failed: a sync failed or was rejected, a verdict was not taken, an account could not be applied, Temporal or S3
       could not be reached; validate: nothing of the file can be sent; sync --dry-run: nothing of a source can
  2    the command line, a file given to it, or the configuration is wrong; nothing was done
  4    validate: rows of the file have errors, and would be kept back
  130  stopped by Ctrl-C

The configuration comes from environment variables: 'starter env' lists them.`

const rootExamples = `  starter accounts apply -f accounts.csv           # settings and schedules for a list of accounts
  starter source put acct_1Nv0FGQ9RKHgCVdK my.csv  # put a catalog where the merchant's export is expected
  starter sync acct_1Nv0FGQ9RKHgCVdK --follow      # sync now, and watch
  starter status --failed                          # what needs a look
  starter approve acct_1Nv0FGQ9RKHgCVdK --why "…"  # let a sync go on that was held
  starter report acct_1Nv0FGQ9RKHgCVdK             # what is wrong with its rows, and how to fix it
  starter validate catalog.csv                     # before anything is sent
  starter serve                                    # receive Stripe's webhooks
  starter order list --state held                  # orders that need a look`

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:               "starter",
		Short:             "Start, schedule and watch Vitrine's catalog syncs, and receive orders",
		Long:              rootHelp,
		Example:           rootExamples,
		Version:           version(),
		SilenceErrors:     true, // execute prints them, once
		SilenceUsage:      true,
		PersistentPreRunE: a.prepare,
	}
	group(root)
	root.SetVersionTemplate("starter {{.Version}}\n")
	root.SetHelpFunc(a.help)
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return badUsage("%w", err) })
	flags := root.PersistentFlags()
	flags.StringVarP(&a.output, "output", "o", "table", "how to print: table or json")
	flags.DurationVar(&a.timeout, "timeout", 0, "give up after this long, such as 5m; 0 means never")
	must(root.RegisterFlagCompletionFunc("output", completeOutput))
	root.AddCommand(
		a.syncCommand(), a.accountsCommand(), a.scheduleCommand(), a.statusCommand(), a.reportCommand(), a.approveCommand(), a.rejectCommand(), a.validateCommand(), a.orderCommand(), a.privacyCommand(),
		a.sourceCommand(), a.serveCommand(), a.healthcheckCommand(), a.envCommand(), a.versionCommand(),
	)
	return root
}

// group makes a command that only holds others: alone it prints its help, and a misspelt one below it is an error,
// which cobra would answer with help and exit code 0.
func group(c *cobra.Command) *cobra.Command {
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if close := c.SuggestionsFor(args[0]); len(close) > 0 {
			hint = "; did you mean " + strings.Join(close, " or ") + "?"
		}
		return badUsage("%q is not a command of %s%s", args[0], c.CommandPath(), hint)
	}
	c.SuggestionsMinimumDistance = 2
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return c
}

// csvOutput marks a command that can print CSV too.
const csvOutput = "csv"

// prepare checks what all commands share.
func (a *app) prepare(c *cobra.Command, _ []string) error {
	formats := outputs(c)
	if !slices.Contains(formats, a.output) && !isCompletion(c) {
		return badUsage("--output %q is not known: expected %s", a.output, strings.Join(formats, " or "))
	}
	if a.timeout < 0 {
		return badUsage("--timeout %s is negative", a.timeout)
	}
	if a.timeout > 0 {
		ctx, cancel := context.WithTimeoutCause(c.Context(), a.timeout, fmt.Errorf("gave up after %s (--timeout)", a.timeout))
		a.cancel = cancel
		c.SetContext(ctx)
	}
	return nil
}

func isCompletion(c *cobra.Command) bool {
	return strings.HasPrefix(c.Name(), "__complete") || c.Name() == "completion"
}

func outputs(c *cobra.Command) []string {
	formats := []string{"table", "json"}
	if c.Annotations[csvOutput] != "" {
		formats = append(formats, csvOutput)
	}
	return formats
}

func completeOutput(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return outputs(c), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) json() bool { return a.output == "json" }

// accountArgs checks that every argument is an account id, and that there are as many as the command takes.
func accountArgs(least, most int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return badUsage("expected the id of a connected account (acct_…)")
		case most > 0 && len(args) > most:
			return badUsage("expected one account, got %d", len(args))
		}
		for _, account := range args {
			if err := catalog.CheckAccount(account); err != nil {
				return badInput(err)
			}
		}
		return nil
	}
}

// distinct drops repeated accounts: the shell's globs and copied lists have them.
func distinct(accounts []string) []string {
	var once []string
	seen := map[string]bool{}
	for _, account := range accounts {
		if !seen[account] {
			seen[account] = true
			once = append(once, account)
		}
	}
	return once
}

// completeAccounts offers the accounts that have settings. Completion must never hang or print: a shell waits for it.
func (a *app) completeAccounts(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx := c.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	docs, err := a.documents(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	accounts, _ := docs.Accounts(ctx)
	accounts = slices.DeleteFunc(accounts, func(account string) bool { return slices.Contains(args, account) })
	return accounts, cobra.ShellCompDirectiveNoFileComp
}

// explain turns the end of a context into why it ended: "context canceled" tells nobody anything.
func explain(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	cause := context.Cause(ctx)
	if f, ok := fault.Of(err); errors.Is(err, cause) || ok && f.Kind == fault.Permanent {
		return err // it says more
	}
	return cause
}

// must is for mistakes in this program that every test of it finds.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
