package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

const rootHelp = `Vitrine keeps the product catalog of every connected account in front of AI agents.
The starter starts, schedules and watches its syncs, receives the orders that agents place ('starter serve'), and steers
them ('starter order').

Exit codes:
  0    ok
  1    failed: a sync failed or was rejected, a verdict was not taken, an account could not be applied, Temporal or S3
       could not be reached; validate: nothing of the file can be sent; sync --dry-run: nothing of a source can
  2    the command line, a file given to it, or the configuration is wrong; nothing was done
  3    doctor: nothing is wrong, and something is to be looked at; rehearse: Stripe and Vitrine judge rows differently;
       drift: Stripe has something else than it should
  4    validate: rows of the file have errors, and would be kept back
  130  stopped by Ctrl-C

The configuration comes from environment variables: 'starter env' lists them.`

const rootExamples = `  starter accounts apply -f accounts.csv           # settings and schedules for a list of accounts
  starter source put acct_1Nv0FGQ9RKHgCVdK my.csv  # put a catalog where the merchant's export is expected
  starter sync acct_1Nv0FGQ9RKHgCVdK --follow      # sync now, and watch
  starter fleet apply --all                        # thousands of accounts: dispatchers in place of schedules
  starter status --failed                          # what needs a look
  starter approve acct_1Nv0FGQ9RKHgCVdK --why "…"  # let a held sync go on
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
		a.syncCommand(), a.driftCommand(), a.accountsCommand(), a.platformCommand(), a.agreementsCommand(),
		a.rehearseCommand(), a.doctorCommand(), a.scheduleCommand(), a.fleetCommand(), a.maintenanceCommand(),
		a.deploymentCommand(), a.statusCommand(), a.reportCommand(), a.approveCommand(), a.rejectCommand(),
		a.validateCommand(), a.orderCommand(), a.privacyCommand(),
		a.sourceCommand(), a.serveCommand(), a.codecCommand(), a.healthcheckCommand(), a.envCommand(),
		a.versionCommand(),
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

// listOutput marks a command that can print a list of ids in the forms that people hand on.
const listOutput = "list"

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
		ctx, cancel := context.WithTimeoutCause(c.Context(), a.timeout,
			fmt.Errorf("gave up after %s (--timeout)", a.timeout))
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
	if c.Annotations[listOutput] != "" {
		formats = append(formats, listForms()...)
	}
	return formats
}

func completeOutput(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return outputs(c), cobra.ShellCompDirectiveNoFileComp
}

// help is cobra's, as wide as it may be.
func (a *app) help(c *cobra.Command, _ []string) {
	text := strings.TrimSpace(cmp.Or(c.Long, c.Short)) + "\n\n" + c.UsageString()
	a.Help(text)
}
