package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"

	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/terminal"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // it could not start, or something ended it
	exitMisused = 2 // the configuration or the arguments are wrong: a restart would not help
)

const (
	startTimeout = 15 * time.Second
	// afterWorkers is what a stop takes beyond VITRINE_SHUTDOWN_TIMEOUT, which is for the activities alone.
	afterWorkers = 5 * time.Second
)

func timeouts(c config.Config) fx.Option {
	return fx.Options(fx.StartTimeout(startTimeout), fx.StopTimeout(c.Worker.ShutdownTimeout+afterWorkers))
}

// process is what the worker has of its surroundings.
type process struct {
	environ []string
	logs    io.Writer
}

// run is main without the process around it.
func run(args []string, lookup config.Lookup, out, errs io.Writer) int {
	t := terminal.Of(nil, out, errs, lookup)
	asks := len(args) > 0 && args[0] == "healthcheck"
	if asks {
		args = args[1:]
	}
	if code, done := answer(&t, args); done {
		return code
	}
	if asks {
		return healthcheck(&t)
	}
	c, err := config.LoadWorker(lookup)
	if err != nil {
		explainConfig(&t, err)
		return exitMisused
	}
	return serve(&t, fx.New(modules(c, process{environ: os.Environ(), logs: errs})))
}

// serve runs app until a signal or a failure ends it. fx's own Run would exit the process, and hide in its log why.
func serve(t *terminal.Terminal, app *fx.App) int {
	if err := app.Err(); err != nil {
		return fail(t, "start", err)
	}
	signals := app.Wait() // from here on SIGTERM and SIGINT drain
	starting, cancel := context.WithTimeout(context.Background(), app.StartTimeout())
	defer cancel()
	if err := app.Start(starting); err != nil {
		return fail(t, "start", err)
	}
	signal := <-signals
	stopping, cancel := context.WithTimeout(context.Background(), app.StopTimeout())
	defer cancel()
	if err := app.Stop(stopping); err != nil {
		return fail(t, "stop", err)
	}
	return signal.ExitCode
}

// fail prints the cause without fx's account of who needed whom.
func fail(t *terminal.Terminal, doing string, err error) int {
	t.Remark("worker: %s: %v", doing, dig.RootCause(err))
	return exitCode(err)
}

func exitCode(err error) int {
	if errors.As(err, new(*daemon.RefusedError)) {
		return exitMisused
	}
	return exitFailed
}

// answer does what needs no configuration.
func answer(t *terminal.Terminal, args []string) (code int, done bool) {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	showVersion := flags.Bool("version", false, "")
	switch err := flags.Parse(args); {
	case err == flag.ErrHelp:
		t.Help(help())
		return exitOK, true
	case err != nil:
		t.Remark("worker: %v; worker --help explains", err)
		return exitMisused, true
	case flags.NArg() > 0:
		t.Remark("worker: argument %q: it takes none; worker --help explains", flags.Arg(0))
		return exitMisused, true
	case *showVersion:
		t.Say("worker %s", daemon.Version(release))
		return exitOK, true
	}
	return exitOK, false
}

func explainConfig(t *terminal.Terminal, err error) {
	problems := strings.Split(err.Error(), "\n")
	t.Remark("worker: the configuration has %s:", terminal.Plural(int64(len(problems)), "problem"))
	for _, problem := range problems {
		t.Tell(t.Stderr, "  ", problem)
	}
	t.Remark("worker --help lists every variable.")
}
