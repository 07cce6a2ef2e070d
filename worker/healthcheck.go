package main

import (
	"context"
	"fmt"
	"io"

	"vitrine/internal/config"
	"vitrine/internal/health"
)

// healthcheck asks the worker on this machine whether it is ready. An image without a shell has nothing else to ask
// with.
func healthcheck(lookup config.Lookup, errs io.Writer) int {
	c, err := config.LoadWorker(lookup)
	if err != nil {
		explainConfig(errs, err)
		return exitFailed // container runtimes reserve 2
	}
	if err := health.Ask(context.Background(), c.Worker.Listen); err != nil {
		_, _ = fmt.Fprintf(errs, "worker: not ready: %v\n", err)
		return exitFailed
	}
	return exitOK
}
