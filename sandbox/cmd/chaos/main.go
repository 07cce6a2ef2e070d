// Command chaos breaks the deployment of docker-compose.yml on purpose, and says what became of it; make chaos runs it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"vitrine/sandbox/chaos"
)

const usage = `chaos brings docker-compose.yml up, lets merchants change catalogs and agents buy, breaks one thing after the other meanwhile,
mends everything, and waits until Stripe has every catalog as its merchant wrote it last and every order is accepted and its money taken
once. Nobody helps. It exits with 1 if that does not come true.

It needs a Docker engine in which the images are there (deploy/try builds them), bin/starter, and root for a container's network.

Flags:
`

func main() {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "chaos: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	o := chaos.Options{Log: os.Stderr}
	repository := flags.String("repository", "..", "where docker-compose.yml is")
	flags.IntVar(&o.Accounts, "accounts", 20, "how many merchants there are")
	flags.IntVar(&o.Orders, "orders", 40, "how many orders agents place")
	flags.IntVar(&o.Changes, "changes", 60, "how many catalogs change")
	flags.DurationVar(&o.For, "for", 4*time.Minute, "how long things break")
	flags.DurationVar(&o.Patience, "patience", 15*time.Minute, "how long everything may take to come right afterwards")
	flags.Uint64Var(&o.Seed, "seed", 1, "another seed breaks other things at other times")
	flags.BoolVar(&o.Keep, "keep", false, "leave everything up")
	asJSON := flags.Bool("json", false, "print the verdict as JSON")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	}
	absolute, err := filepath.Abs(*repository)
	if err != nil {
		return err
	}
	verdict, err := chaos.Run(ctx, absolute, o)
	if err != nil {
		return err
	}
	if *asJSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(verdict)
	} else {
		err = verdict.Write(os.Stdout)
	}
	if err == nil && len(verdict.Wrong) > 0 {
		return fmt.Errorf("%d things are not right", len(verdict.Wrong))
	}
	return err
}
