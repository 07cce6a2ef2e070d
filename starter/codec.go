package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/payload"
	"vitrine/internal/server"
	"vitrine/internal/telemetry"
)

const codecHelp = `Decrypt Temporal's payloads for its Web UI and its CLI, until SIGTERM or SIGINT.

  POST /decode   with a token whose scope is read
  POST /encode   with one whose scope is operate
  GET  /         has a browser ask for the token, as the password of any user, and keep it for the Web UI
  GET  /readyz

on VITRINE_CODEC_LISTEN, which is this machine alone unless it says otherwise; where others reach it, something that speaks
TLS has to stand before it. It needs the keys (VITRINE_PAYLOAD_KEYS_FILE) and tokens (VITRINE_CODEC_TOKENS_FILE), and takes
pages of the Web UIs in VITRINE_CODEC_ORIGINS alone. Every request leaves one line in the log: who asked, about which
namespace, for how many payloads, and never what was in them. It talks to nobody: neither Temporal nor S3 nor Stripe.

In the Web UI name it as the codec endpoint, with cross-origin credentials; for the CLI:

  temporal workflow show -w ID --codec-endpoint http://127.0.0.1:8089 --codec-auth "Bearer TOKEN"`

func (a *app) codecCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "codec",
		Short:   "Decrypt Temporal's payloads for its Web UI and CLI",
		Long:    codecHelp,
		Example: "  VITRINE_CODEC_ORIGINS=http://127.0.0.1:8233 starter codec",
		Args:    noArgs("it is configured by environment variables, which 'starter env' lists"),
		RunE:    func(c *cobra.Command, _ []string) error { return a.codec(c.Context()) },
	}
}

// codecDrains is how long requests under way get to end. Browsers open connections ahead of time, and net/http waits
// some six seconds for the first request of each.
const codecDrains = 10 * time.Second

func (a *app) codec(ctx context.Context) error {
	c, err := config.LoadCodec(a.Lookup)
	if err != nil {
		return badInput(errors.Join(errors.New("the configuration is not usable ('starter env' explains it):"), err))
	}
	logger := telemetry.NewLogger(a.Stderr, c.Log)
	codec := server.NewCodec(server.CodecOptions{
		Codec: payload.Codec{Keys: c.PayloadKeys}, Tokens: c.Codec.Tokens, Origins: c.Codec.Origins, Logger: logger,
	})
	running, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	public := server.New(codec.Routes(), logger)
	listen := daemon.Listener{
		Variable: "VITRINE_CODEC_LISTEN", Address: c.Codec.Listen, Serves: "the Web UI and the CLI", Server: public,
		GiveUp: daemon.GiveUp(giveUp), Logger: logger,
	}
	if err := listen.Start(ctx); err != nil {
		return err
	}
	if !withinMachine(c.Codec.Listen) {
		logger.Warn("the codec is reachable from other machines, in plain HTTP: something that speaks TLS has to " +
			"stand before it")
	}
	<-running.Done()
	if ctx.Err() == nil {
		return fmt.Errorf("gave up: %w", context.Cause(running))
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), codecDrains)
	defer cancel()
	return server.Drain(draining, public)
}

func withinMachine(address string) bool {
	host, _, _ := net.SplitHostPort(address) // the configuration was checked
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
