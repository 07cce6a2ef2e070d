package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"

	"vitrine/internal/config"
	"vitrine/internal/daemon"
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
	if len(args) == 1 && args[0] == "healthcheck" {
		return healthcheck(lookup, errs)
	}
	if code, done := answer(args, out, errs); done {
		return code
	}
	c, err := config.LoadWorker(lookup)
	if err != nil {
		explainConfig(errs, err)
		return exitMisused
	}
	return serve(fx.New(modules(c, process{environ: os.Environ(), logs: errs})), errs)
}

// serve runs app until a signal or a failure ends it. fx's own Run would exit the process, and hide in its log why.
func serve(app *fx.App, errs io.Writer) int {
	if err := app.Err(); err != nil {
		return fail(errs, "start", err)
	}
	signals := app.Wait() // from here on SIGTERM and SIGINT drain
	starting, cancel := context.WithTimeout(context.Background(), app.StartTimeout())
	defer cancel()
	if err := app.Start(starting); err != nil {
		return fail(errs, "start", err)
	}
	signal := <-signals
	stopping, cancel := context.WithTimeout(context.Background(), app.StopTimeout())
	defer cancel()
	if err := app.Stop(stopping); err != nil {
		return fail(errs, "stop", err)
	}
	return signal.ExitCode
}

// fail prints the cause without fx's account of who needed whom.
func fail(errs io.Writer, doing string, err error) int {
	_, _ = fmt.Fprintf(errs, "worker: %s: %v\n", doing, dig.RootCause(err))
	return exitCode(err)
}

func exitCode(err error) int {
	if errors.As(err, new(*daemon.RefusedError)) {
		return exitMisused
	}
	return exitFailed
}

// answer does what needs no configuration.
func answer(args []string, out, errs io.Writer) (code int, done bool) {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	showVersion := flags.Bool("version", false, "")
	switch err := flags.Parse(args); {
	case err == flag.ErrHelp:
		printHelp(out)
		return exitOK, true
	case err != nil:
		_, _ = fmt.Fprintf(errs, "worker: %v; worker --help explains\n", err)
		return exitMisused, true
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(errs, "worker: argument %q: it takes none; worker --help explains\n", flags.Arg(0))
		return exitMisused, true
	case *showVersion:
		_, _ = fmt.Fprintf(out, "worker %s\n", daemon.Version(release))
		return exitOK, true
	}
	return exitOK, false
}

func explainConfig(errs io.Writer, err error) {
	problems := strings.Split(err.Error(), "\n")
	_, _ = fmt.Fprintf(errs, "worker: the configuration has %s:\n", count(len(problems), "problem"))
	for _, problem := range problems {
		_, _ = fmt.Fprintf(errs, "  %s\n", problem)
	}
	_, _ = fmt.Fprintln(errs, "worker --help lists every variable.")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
