package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"vitrine/internal/config"
)

// healthcheckTimeout is below what container runtimes give a health check by default.
const healthcheckTimeout = 3 * time.Second

// healthcheck asks the worker on this machine whether it is ready. An image without a shell has nothing else to ask with.
func healthcheck(lookup config.Lookup, errs io.Writer) int {
	c, err := config.LoadWorker(lookup)
	if err != nil {
		explainConfig(errs, err)
		return exitFailed // container runtimes reserve 2
	}
	if err := askReady(c.Worker.Listen); err != nil {
		_, _ = fmt.Fprintf(errs, "worker: not ready: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func askReady(listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(context.Background(), healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %s", response.Status)
	}
	return nil
}
