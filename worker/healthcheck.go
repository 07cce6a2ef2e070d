package main

import (
	"context"

	"vitrine/internal/config"
	"vitrine/internal/health"
	"vitrine/internal/terminal"
)

// healthcheck asks the worker on this machine whether it is ready. An image without a shell has nothing else to ask
// with.
func healthcheck(t *terminal.Terminal) int {
	c, err := config.LoadWorker(t.Lookup)
	if err != nil {
		explainConfig(t, err)
		return exitFailed // container runtimes reserve 2
	}
	if err := health.Ask(context.Background(), c.Worker.Listen); err != nil {
		t.Remark("worker: not ready: %v", err)
		return exitFailed
	}
	return exitOK
}
