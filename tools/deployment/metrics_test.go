package deployment

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
	"vitrine/internal/telemetry"
)

// series is what an expression may ask for: the labels that it has, each with its values where those are known.
type series map[string][]string

// everywhere are the labels that Prometheus itself gives.
var everywhere = []string{"job", "instance", "namespace", "pod", "environment"}

// sdk are the metrics of Temporal's SDK and of the Go client that rules and dashboards use, as a worker shows them.
var sdk = map[string][]string{
	"temporal_long_request_total":                                     {"operation"},
	"temporal_long_request_failure_total":                             {"operation", "status_code"},
	"temporal_request_total":                                          {"operation"},
	"temporal_request_failure_total":                                  {"operation", "status_code"},
	"temporal_request_latency_seconds_bucket":                         {"operation"},
	"temporal_num_pollers":                                            {"poller_type", "task_queue"},
	"temporal_workflow_task_execution_failed_total":                   {"workflow_type", "failure_reason"},
	"temporal_activity_schedule_to_start_latency_seconds_bucket":      {"task_queue", "activity_type"},
	"temporal_workflow_task_schedule_to_start_latency_seconds_bucket": {"task_queue", "workflow_type"},
	"temporal_worker_task_slots_available":                            {"task_queue", "worker_type"},
	"temporal_worker_task_slots_used":                                 {"task_queue", "worker_type"},
	"temporal_workflow_completed_total":                               {"workflow_type"},
	"temporal_workflow_failed_total":                                  {"workflow_type"},
	"temporal_sticky_cache_size":                                      {},
	"process_start_time_seconds":                                      {},
	"process_resident_memory_bytes":                                   {},
	"process_cpu_seconds_total":                                       {},
	"go_goroutines":                                                   {},
}

// known are all series that there are, with those that rules record.
func known(t *testing.T) map[string]series {
	t.Helper()
	all := map[string]series{}
	for _, d := range telemetry.Definitions() {
		of := series{}
		for _, l := range d.Labels {
			of[l.Name] = valuesOf(l)
		}
		if d.Kind != telemetry.Histogram {
			all[d.Name] = of
			continue
		}
		all[d.Name+"_sum"], all[d.Name+"_count"] = of, of
		buckets := maps.Clone(of)
		buckets["le"] = nil
		all[d.Name+"_bucket"] = buckets
	}
	for name, has := range sdk {
		of := series{}
		for _, l := range has {
			of[l] = nil
		}
		if strings.HasSuffix(name, "_bucket") {
			of["le"] = nil
		}
		all[name] = of
	}
	for _, r := range recorded(t) {
		all[r.Record] = of(t, all, r.Expr)
	}
	return all
}

// valuesOf are all values that a label may have, nil if the list is open.
func valuesOf(l telemetry.Label) []string {
	switch l.Name {
	case "feed", "found", "fate", "guard", "step", "task_queue", "hook", "question", "than":
		return l.Values
	case "state":
		var all []string
		for _, s := range order.States() {
			all = append(all, string(s))
		}
		return all
	}
	return nil
}

// of is what an expression that records has left of labels.
func of(t *testing.T, all map[string]series, expression string) series {
	t.Helper()
	left := series{}
	for _, selector := range selectors(t, expression) {
		for name, values := range all[selector.Name] {
			for _, by := range groupings(t, expression) {
				if slices.Contains(by, name) {
					left[name] = values
				}
			}
		}
	}
	return left
}

func parse(t *testing.T, expression string) parser.Expr {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	require.NoError(t, err, expression)
	return expr
}

func selectors(t *testing.T, expression string) (found []*parser.VectorSelector) {
	t.Helper()
	parser.Inspect(parse(t, expression), func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			found = append(found, s)
		}
		return nil
	})
	return found
}

func groupings(t *testing.T, expression string) (found [][]string) {
	t.Helper()
	parser.Inspect(parse(t, expression), func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok {
			found = append(found, a.Grouping)
		}
		return nil
	})
	return found
}

// requireKnown: whatever an expression asks for is there, down to the labels and their values.
func requireKnown(t *testing.T, all map[string]series, expression string) {
	t.Helper()
	grouped := map[string]bool{}
	for _, s := range selectors(t, expression) {
		has, there := all[s.Name]
		require.True(t, there, "%s: there is no metric %s", expression, s.Name)
		for name := range has {
			grouped[name] = true
		}
		for _, m := range s.LabelMatchers {
			if m.Name != model.MetricNameLabel && !slices.Contains(everywhere, m.Name) {
				require.Contains(t, has, m.Name, expression)
				requireValues(t, has[m.Name], m, expression)
			}
		}
	}
	for _, by := range groupings(t, expression) {
		for _, name := range by {
			require.True(t, grouped[name] || slices.Contains(everywhere, name), "%s: nothing has the label %s",
				expression, name)
		}
	}
}

var word = regexp.MustCompile(`^[\w-]+$`)

func requireValues(t *testing.T, known []string, m *labels.Matcher, expression string) {
	t.Helper()
	for value := range strings.SplitSeq(m.Value, "|") {
		if word.MatchString(value) && known != nil {
			require.Contains(t, known, value, "%s: %s", expression, m.Name)
		}
	}
	if m.Name == "outcome" {
		requireOutcomes(t, m.Value, expression)
	}
}
