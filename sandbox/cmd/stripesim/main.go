// Command stripesim serves the Stripe emulator alone, for containers: it needs no part of the sandbox but the emulator.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
)

const usage = `stripesim serves an emulator of Stripe: catalog imports, orders of agents, webhooks. It forgets everything when it stops.

Usage:
  stripesim [flags]               serve until SIGTERM or SIGINT
  stripesim [flags] healthcheck   ask the one that listens here whether it is up: exit 0 or 1

Flags:
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "stripesim: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("stripesim", flag.ContinueOnError)
	listen := flags.String("listen", ":12111", "address to serve on")
	delay := flags.Duration("import-delay", 2*time.Second, "how long an import stays pending")
	dir := flags.String("dir", os.TempDir(), "where uploaded files are kept meanwhile")
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
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	switch flags.Arg(0) {
	case "":
		return serve(ctx, *listen, stripesim.Options{Dir: *dir, ImportDelay: *delay, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	case "healthcheck":
		return healthcheck(ctx, *listen)
	}
	return fmt.Errorf("argument %q is not known: stripesim --help explains", flags.Arg(0))
}

func serve(ctx context.Context, listen string, o stripesim.Options) (err error) {
	emulator, err := stripesim.New(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, emulator.Close()) }()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: emulator, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(draining)
}

func healthcheck(ctx context.Context, listen string) error {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err = simcontrol.Client{BaseURL: "http://" + net.JoinHostPort("127.0.0.1", port)}.Stats(ctx)
	return err
}
