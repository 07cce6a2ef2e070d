package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/terminal"
	"vitrine/sandbox/demo"
)

const demoHelp = `Demo brings up Temporal with its Web UI, an S3 endpoint, the Stripe emulator and a mail catcher, starts the worker, and
syncs the catalogs of three shops with the starter: live progress, outcomes, a report on refused rows, and an unchanged
second run. Then agents buy five times: an order as usual, one whose payment is captured when the parcel leaves, one that
the merchant rejects, one that is refunded later, and one that is disputed; each with its state, its money and its mail.
Everything it shows is checked against what the emulator, the buckets and the mail catcher really have.

On a terminal it stays up until Ctrl-C. With CI=true, or without a terminal, it ends after the tour: with exit code 0 if
everything was right.`

func demoCommand(here terminal.Terminal, stdout *os.File) *cobra.Command {
	// Long enough to be seen, short enough to be waited for.
	options := demo.Options{Terminal: here, Stdout: stdout, Stay: here.IsTerminal(here.Stdout) && !inCI()}
	options.Stack.ImportDelay = 2 * time.Second
	command := &cobra.Command{
		Use:   "demo",
		Short: "Watch catalogs travel into Stripe's emulator, and agents' orders come back",
		Long:  demoHelp,
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := absolute(&options.Stack.TempDir); err != nil {
				return err
			}
			return demo.Run(command.Context(), options)
		},
	}
	stackFlags(command, &options.Stack)
	command.Flags().StringVar(&options.Bin, "bin", besideMe(), "directory of the binaries worker and starter")
	return command
}

func inCI() bool {
	ci := os.Getenv("CI")
	return ci != "" && ci != "false" && ci != "0"
}

// besideMe is the directory of this binary: the build puts all of them into one.
func besideMe() string {
	executable, err := os.Executable()
	if err != nil {
		return "."
	}
	return filepath.Dir(executable)
}
