package telemetry

import (
	"fmt"
	"strings"
)

// Markdown is docs/metrics.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(metricsHead)
	for _, part := range []struct {
		title string
		of    func(Definition) bool
	}{
		{"Of both", func(d Definition) bool { return d.On(Worker) && d.On(Serve) }},
		{"Of the worker", func(d Definition) bool { return d.On(Worker) && !d.On(Serve) }},
		{"Of starter serve", func(d Definition) bool { return d.On(Serve) && !d.On(Worker) }},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n", part.title)
		for _, d := range Definitions() {
			if part.of(d) {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, d.Kind, labelsMarkdown(d.Labels), d.Help)
			}
		}
	}
	return b.String()
}

// metricsHead has ~ in the place of the backquotes that Go has no way to write here.
var metricsHead = strings.ReplaceAll(`# Metrics

<!-- made by make docs from internal/telemetry -->

Every metric of Vitrine's own, as ~/metrics~ of a worker and of ~starter serve~ has it. No label bears an account, an order
or anything of a buyer. Beside these there are the metrics of [Temporal's
SDK](https://docs.temporal.io/references/sdk-metrics) (~temporal_…~), of the Go runtime (~go_…~) and of the process
(~process_…~). Durations are in seconds, sizes in bytes; a histogram has ~_bucket~, ~_sum~ and ~_count~.

What to watch by them, and which alerts there are, is in [Operating Vitrine](operations.md#watching).
`, "~", "`")

func labelsMarkdown(labels []Label) string {
	var all []string
	for _, l := range labels {
		text := fmt.Sprintf("`%s`: %s", l.Name, l.Meaning)
		if !strings.Contains(l.Meaning, "`") && len(l.Values) > 1 {
			text += " (`" + strings.Join(l.Values, "`, `") + "`)"
		}
		all = append(all, text)
	}
	return strings.Join(all, "<br>")
}
