package deployment

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"vitrine/internal/telemetry"
)

// grows are the functions that ask how much a counter has grown: of a series that is born with its first event they see
// nothing.
var grows = []string{"increase", "rate", "irate", "delta", "resets"}

// shownAtStart are the series of Vitrine's own that /metrics has before anything has happened, of worker and server
// together, by the name of the metric. What is asked of a histogram is asked of its buckets, sums and counts.
func shownAtStart(t *testing.T) map[string][]labels.Labels {
	t.Helper()
	shown := map[string][]labels.Labels{}
	for _, service := range []telemetry.Service{telemetry.Worker, telemetry.Serve} {
		metrics, err := telemetry.NewMetrics(service, "v0", slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		families, err := metrics.Gatherer().Gather()
		require.NoError(t, err)
		for _, family := range families {
			for _, one := range family.GetMetric() {
				b := labels.NewScratchBuilder(4)
				for _, pair := range one.GetLabel() {
					b.Add(pair.GetName(), pair.GetValue())
				}
				b.Sort()
				is := b.Labels()
				name := family.GetName()
				if one.GetHistogram() == nil {
					shown[name] = append(shown[name], is)
					continue
				}
				for _, part := range []string{"_sum", "_count"} {
					shown[name+part] = append(shown[name+part], is)
				}
				for _, bucket := range one.GetHistogram().GetBucket() {
					le := model.SampleValue(bucket.GetUpperBound()).String()
					shown[name+"_bucket"] = append(shown[name+"_bucket"],
						labels.NewBuilder(is).Set("le", le).Labels())
				}
			}
		}
	}
	return shown
}

// growing are the selectors of an expression of which it is asked how much they have grown, those of recorded rules
// with what is chosen of the record among them.
func growing(t *testing.T, expression string) (found []*parser.VectorSelector) {
	t.Helper()
	parser.Inspect(parse(t, expression), func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		if slices.ContainsFunc(path, func(n parser.Node) bool {
			call, ok := n.(*parser.Call)
			return ok && slices.Contains(grows, call.Func.Name)
		}) {
			found = append(found, s)
		}
		for _, r := range recorded(t) {
			if r.Record != s.Name {
				continue
			}
			for _, of := range growing(t, r.Expr) {
				of.LabelMatchers = append(slices.Clone(of.LabelMatchers), asked(s)...)
				found = append(found, of)
			}
		}
		return nil
	})
	return found
}

// asked are the matchers of a selector but for its name and for what Prometheus itself gives.
func asked(s *parser.VectorSelector) (found []*labels.Matcher) {
	for _, m := range s.LabelMatchers {
		if m.Name != model.MetricNameLabel && !slices.Contains(everywhere, m.Name) {
			found = append(found, m)
		}
	}
	return found
}

// alternatives are the values that a selector chooses, one of each label at a time: each may be the one whose first
// event is waited for.
func alternatives(matchers []*labels.Matcher) (all [][]*labels.Matcher) {
	all = [][]*labels.Matcher{nil}
	for _, m := range matchers {
		values := []*labels.Matcher{m}
		if m.Type == labels.MatchRegexp {
			values = nil
			for value := range strings.SplitSeq(m.Value, "|") {
				values = append(values, labels.MustNewMatcher(labels.MatchRegexp, m.Name, value))
			}
		}
		var longer [][]*labels.Matcher
		for _, before := range all {
			for _, value := range values {
				longer = append(longer, append(slices.Clone(before), value))
			}
		}
		all = longer
	}
	return all
}

// unseen are the alternatives of an expression for which there is no series at the start.
func unseen(t *testing.T, shown map[string][]labels.Labels, expression string) (missing []string) {
	t.Helper()
	for _, s := range growing(t, expression) {
		if !strings.HasPrefix(s.Name, "vitrine_") {
			continue // Temporal's SDK makes its series as they come, and repeats what fails
		}
		for _, one := range alternatives(asked(s)) {
			if !slices.ContainsFunc(shown[s.Name], func(is labels.Labels) bool { return labelsFit(is, one) }) {
				missing = append(missing, s.Name+" "+strings.Join(texts(one), ","))
			}
		}
	}
	return missing
}

func labelsFit(is labels.Labels, matchers []*labels.Matcher) bool {
	return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(is.Get(m.Name)) })
}

func texts(matchers []*labels.Matcher) (all []string) {
	for _, m := range matchers {
		all = append(all, m.String())
	}
	return all
}

// An alert that waits for the first event of a kind rings with it: the series is there before, at zero.
func TestRulesSeeTheFirstEvent(t *testing.T) {
	shown := shownAtStart(t)
	for _, r := range rules(t) {
		require.Empty(t, unseen(t, shown, r.Expr),
			"%s%s: its first event would not be seen. Let the label's Values in "+
				"internal/telemetry have it", r.Alert, r.Record)
	}
	for _, blind := range []string{
		`increase(vitrine_no_such_total[1h])`, `increase(vitrine_steps_total{outcome="NoSuchCode"}[1h]) > 0`,
		`rate(vitrine_catalog_freshness_seconds_bucket{le="7"}[1h])`,
		`vitrine:catalog_looks:increase15m{found="lost"}`, `rate(vitrine_steps_total{outcome=~"ok|NoSuchCode"}[1h])`,
	} {
		require.NotEmpty(t, unseen(t, shown, blind), blind)
	}
	require.Empty(t, unseen(t, shown, `vitrine:catalog_looks:increase15m{found="failing"}`))
}
