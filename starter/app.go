package main

import (
	"context"
	"errors"
	"os"
	"os/user"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/terminal"
)

// Exit codes. Beyond them, a signal ends the process with 128 and its number: 130 for Ctrl-C.
const (
	exitOK     = 0
	exitFailed = 1 // a sync or a report failed, an account could not be applied, a server could not be reached
	exitUsage  = 2 // the command line, a file given to it, or the configuration is wrong: nothing was done
	exitDoubts = 3 // doctor, rehearse, drift: nothing is wrong, and something is to be looked at
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

	warned  sync.Once // of variables that mean nothing
	output  string    // --output
	timeout time.Duration
	cancel  context.CancelFunc // of --timeout
}

func newApp() *app {
	a := &app{
		Terminal: terminal.OfProcess(), environ: os.Environ, user: systemUser, poll: 250 * time.Millisecond,
		browse: openInBrowser,
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
	var found *findingsError
	var drifted *driftError
	var difference *differenceError
	switch {
	case errors.As(context.Cause(ctx), &stop):
		return 128 + int(stop.signal)
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &found) && found.wrong == 0, errors.As(err, &drifted), errors.As(err, &difference):
		return exitDoubts
	case errors.As(err, &rows):
		return exitRows
	}
	return exitFailed
}

func (a *app) printError(command *cobra.Command, err error) {
	lead := "starter: "
	for line := range strings.SplitSeq(told(err), "\n") {
		a.Tell(a.Stderr, lead, line)
		lead = "  "
	}
	var usage *usageError
	if errors.As(err, &usage) && usage.help {
		a.Remark("Try '%s --help'.", command.CommandPath())
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

func (a *app) json() bool { return a.output == "json" }
