// Command stripesim serves the Stripe emulator alone, for containers: it needs no part of the sandbox but the emulator.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
	"vitrine/internal/terminal"
)

const usage = `Stripesim serves an emulator of Stripe: catalog imports, orders of agents, webhooks. It forgets everything when it stops.

Usage:
  stripesim [flags]               serve until SIGTERM or SIGINT
  stripesim [flags] healthcheck   ask the one that listens here whether it is up: exit 0 or 1

Flags:
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		here := terminal.OfProcess()
		here.Remark("stripesim: %v", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("stripesim", flag.ContinueOnError)
	listen := flags.String("listen", ":12111", "address to serve on")
	delay := flags.Duration("import-delay", 2*time.Second, "how long an import stays pending")
	dir := flags.String("dir", os.TempDir(), "where uploaded files are kept meanwhile")
	webhook := flags.String("webhook-url", "", "send the events of all accounts there, signed with $WEBHOOK_SECRET")
	hook := flags.String("hook-url", "", "ask there about checkouts of all accounts, signed with $HOOK_SECRET")
	here := terminal.OfProcess()
	flags.Usage = func() {
		text := bytes.NewBufferString(usage)
		flags.SetOutput(text)
		flags.PrintDefaults()
		here.Help(strings.ReplaceAll(text.String(), "\t", "    "))
		flags.SetOutput(os.Stderr)
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
		doors := doors{webhook: *webhook, webhookSecret: os.Getenv("WEBHOOK_SECRET"), hook: *hook,
			hookSecret: os.Getenv("HOOK_SECRET")}
		options := stripesim.Options{Dir: *dir, ImportDelay: *delay,
			Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
		return serve(ctx, *listen, options, doors)
	case "healthcheck":
		return healthcheck(ctx, *listen)
	}
	return fmt.Errorf("argument %q is not known: stripesim --help explains", flags.Arg(0))
}

// doors are where starter serve listens. It need not be there yet: events are tried again.
type doors struct {
	webhook, webhookSecret string
	hook, hookSecret       string
}

// register tells the emulator at base of the doors that there are.
func (d doors) register(ctx context.Context, base string) error {
	emulator := simcontrol.Client{BaseURL: base}
	if d.webhook != "" && d.webhookSecret != "" {
		endpoint := simcontrol.Endpoint{URL: d.webhook, Secrets: []string{d.webhookSecret}, Connect: true,
			EnabledEvents: order.EventTypes()}
		if _, err := emulator.AddEndpoint(ctx, endpoint); err != nil {
			return fmt.Errorf("--webhook-url %s: %w", d.webhook, err)
		}
	}
	if d.hook != "" && d.hookSecret != "" {
		if err := emulator.SetHook(ctx, simcontrol.Hook{URL: d.hook, Secret: d.hookSecret}); err != nil {
			return fmt.Errorf("--hook-url %s: %w", d.hook, err)
		}
	}
	return nil
}

func serve(ctx context.Context, listen string, o stripesim.Options, at doors) (err error) {
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
	// It calls itself, which takes no time: who ends it meanwhile need not hear of that.
	if err := at.register(context.WithoutCancel(ctx), loopback(listener.Addr())); err != nil {
		return err
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// Whoever was owed an answer asks again. A shutdown would wait for connections that never asked anything.
	return server.Close()
}

// loopback is the address at which a listener of this machine answers itself.
func loopback(listening net.Addr) string {
	_, port, _ := net.SplitHostPort(listening.String())
	return "http://" + net.JoinHostPort("127.0.0.1", port)
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
