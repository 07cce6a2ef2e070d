package main

import (
	"fmt"
	"strings"

	"vitrine/internal/config"
)

// release is set by the linker: -X main.release=v1.2.3.
var release string

const helpText = `The worker runs Vitrine's workflows: it takes catalogs from S3 to Stripe as Temporal asks it to. Run as many as you like;
they share the work. It serves /livez, /readyz and /metrics (Prometheus).

Usage:
  worker               run until SIGTERM or SIGINT, which let running steps end first
  worker healthcheck   ask the worker that runs here whether it is ready, for a container's health check: exit 0 or 1
  worker --version
  worker --help

Exit codes: 0 after SIGTERM or SIGINT, 1 if it could not start or had to give up, 2 if the configuration is wrong, also if
Temporal, S3 or Stripe says so: a bucket does not exist, a key is not known. While one of them is away it waits, and is
not ready.

It is configured by environment variables:

`

func help() string {
	text := strings.Builder{}
	text.WriteString(helpText)
	for _, v := range config.Table() {
		if !v.Worker {
			continue
		}
		fmt.Fprintf(&text, "  %s\n      %s\n", v.Name, v.Meaning)
		if v.Default != "" {
			fmt.Fprintf(&text, "      default: %s\n", v.Default)
		}
	}
	return text.String()
}
