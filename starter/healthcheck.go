package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vitrine/internal/config"
	"vitrine/internal/health"
)

func (a *app) healthcheckCommand() *cobra.Command {
	var codec bool
	command := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the 'starter serve' on this machine whether it is ready",
		Long: `Ask the 'starter serve' on this machine, or the 'starter codec', whether it is ready, by the same configuration. It is for a container's health check:
the image has no shell, and nothing else to ask with.

Exit codes: 0 if it is ready, 1 if it is not.`,
		Example: "  starter healthcheck\n  starter healthcheck --codec",
		Args:    noArgs("it asks by the configuration of 'starter serve'"),
		RunE: func(c *cobra.Command, _ []string) error {
			listen, err := a.probed(codec)
			if err != nil { // no usage error: container runtimes reserve 2
				return errors.Join(errors.New("the configuration is not usable ('starter env' explains it):"), err)
			}
			if err := health.Ask(c.Context(), listen); err != nil {
				return fmt.Errorf("not ready: %w", err)
			}
			return nil
		},
	}
	command.Flags().BoolVar(&codec, "codec", false, "ask 'starter codec'")
	return command
}

// probed is the address on which the process answers probes.
func (a *app) probed(codec bool) (string, error) {
	if codec {
		c, err := config.LoadCodec(a.Lookup)
		return c.Codec.Listen, err
	}
	c, err := config.LoadServe(a.Lookup)
	return c.Worker.Listen, err
}
