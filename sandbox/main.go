// Sandbox is everything that Vitrine needs to run, on one machine and without an account anywhere: `sandbox up` brings
// up Temporal, S3, a Stripe emulator and a mail catcher, `sandbox demo` shows Vitrine at work on them.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/terminal"
	"vitrine/sandbox/stack"
)

func main() {
	os.Exit(run())
}

func run() int {
	claimed, err := claimStdout()
	if err != nil {
		fmt.Fprintf(os.Stderr, "sandbox: %v\n", err)
		return 1
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer release()
	context.AfterFunc(ctx, func() { time.AfterFunc(patience, release) })
	ctx, stdout, stderr := untilUnread(ctx, claimed, os.Stderr)
	here := terminal.Of(os.Stdin, stdout, stderr, os.LookupEnv)
	if err := rootCommand(here, claimed).ExecuteContext(ctx); err != nil {
		here.Remark("sandbox: %v", err)
		if ctx.Err() != nil {
			return 130 // what a shell reports for Ctrl-C
		}
		return 1
	}
	return 0
}

// patience is how long further signals are ignored after the first one: shells, make and closing terminals send it
// twice. Then one ends the process at once, for whoever does not want to wait for an orderly end.
const patience = 2 * time.Second

// claimStdout keeps the standard output for the commands, whose output is there to be pasted and parsed: a library that
// greets on os.Stdout (versitygw does) greets nobody.
func claimStdout() (*os.File, error) {
	stdout := os.Stdout
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	os.Stdout = nowhere
	return stdout, nil
}

// rootCommand makes the commands for a terminal; stdout is the file that its output goes to, for children.
func rootCommand(here terminal.Terminal, stdout *os.File) *cobra.Command {
	root := &cobra.Command{
		Use:   "sandbox",
		Short: "Run everything that Vitrine talks to, on this machine",
		Example: `  sandbox demo                    # watch catalogs travel into Stripe's emulator, and agents' orders come back
  sandbox up                      # the infrastructure alone, until Ctrl-C
  sandbox up --env-file sandbox.env`,
		Args:          cobra.NoArgs,
		SilenceErrors: true, // main prints them, once
		SilenceUsage:  true,
	}
	root.SetOut(here.Stdout)
	root.SetErr(here.Stderr)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		here.Help(strings.TrimSpace(cmp.Or(c.Long, c.Short)) + "\n\n" + c.UsageString())
	})
	root.AddCommand(upCommand(here), demoCommand(here, stdout))
	return root
}

// stackFlags are the flags about the infrastructure that up and demo share.
func stackFlags(command *cobra.Command, o *stack.Options) {
	flags := command.Flags()
	flags.IntVar(&o.Ports.Temporal, "temporal-port", 0, "port of Temporal (default 7233, or another if that is in use)")
	flags.IntVar(&o.Ports.WebUI, "ui-port", 0, "port of Temporal's Web UI (default 8233, or another if that is in use)")
	flags.IntVar(&o.Ports.S3, "s3-port", 0, "port of the S3 endpoint (default 7070, or another if that is in use)")
	flags.IntVar(&o.Ports.Stripe, "stripe-port", 0,
		"port of the Stripe emulator (default 12111, or another if that is in use)")
	flags.IntVar(&o.Ports.Mail, "mail-port", 0,
		"port of the page with caught mails (default 8025, or another if that is in use)")
	flags.IntVar(&o.Ports.SMTP, "smtp-port", 0,
		"port that mails are sent to (default 1025, or another if that is in use)")
	flags.DurationVar(&o.ImportDelay, "import-delay", o.ImportDelay,
		"how long the Stripe emulator keeps an import pending")
	flags.StringVar(&o.TempDir, "temp-dir", "",
		"where to make the sandbox's directory, which goes away at the end (default: the system's)")
}
