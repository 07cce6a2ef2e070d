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
	"regexp"
	"syscall"
	"time"

	"vitrine/sandbox/chaos"
)

const usage = `chaos brings docker-compose.yml up, lets merchants change catalogs and agents buy, breaks one thing after the other meanwhile,
mends everything, and waits until Stripe has every catalog as its merchant wrote it last, by one import for each version at most,
and every order is decided, with its merchant, and its money taken once and given back once where it was to be. Nobody helps. It
exits with 1 if that does not come true, or if nothing could be broken.

With --all everything breaks once, however long that takes; then Temporal's database is lost for good, and the state bucket is
one of before, and what the handbook says is done, by its own commands. It exits with 1 as well if anything could not be broken.

It needs Linux, a Docker engine on this machine in which the images are there (deploy/try builds them), bin/starter, and root: for
the containers' networks, disks and clocks. With --all it needs jq and xargs as well, as the handbook does.

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
	flags.BoolVar(&o.All, "all", false, "break everything once, instead of what comes up within --for")
	only := flags.String("only", "", "break what has a name like this: a regular expression")
	flags.DurationVar(&o.Patience, "patience", 15*time.Minute, "how long everything may take to come right afterwards")
	flags.Uint64Var(&o.Seed, "seed", 1, "another seed breaks other things at other times")
	flags.BoolVar(&o.Keep, "keep", false, "leave everything up")
	form := flags.String("output", "text", "how the verdict is printed: text or json")
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
	if *form != "text" && *form != "json" {
		return fmt.Errorf("--output is text or json, and not %q", *form)
	}
	var err error
	if o.Only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	absolute, err := filepath.Abs(*repository)
	if err != nil {
		return err
	}
	result, err := chaos.Run(ctx, absolute, o)
	if err != nil { // what was seen until then is worth reading, and no result
		if result.BrokenOff = true; len(result.Broken) > 0 {
			err = errors.Join(err, result.Write(os.Stderr))
		}
		return err
	}
	if *form == "json" {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(result)
	} else {
		err = result.Write(os.Stdout)
	}
	if err != nil {
		return err
	}
	return result.Failed()
}
