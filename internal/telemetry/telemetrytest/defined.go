package telemetrytest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"vitrine/internal/telemetry"
)

// RequireDefined fails unless families are exactly the metrics of the service, each with its type and its labels.
func RequireDefined(t *testing.T, service telemetry.Service, families []*dto.MetricFamily) {
	t.Helper()
	var shown, defined []string
	for _, family := range families {
		shown = append(shown, described(family))
	}
	for _, d := range telemetry.Definitions() {
		if d.On(service) {
			var labels []string
			for _, l := range d.Labels {
				labels = append(labels, l.Name)
			}
			slices.Sort(labels)
			defined = append(defined, strings.Join(append([]string{d.Name, string(d.Kind)}, labels...), " "))
		}
	}
	require.ElementsMatch(t, defined, shown)
}

func described(family *dto.MetricFamily) string {
	words := []string{family.GetName(), strings.ToLower(family.GetType().String())}
	for _, pair := range family.GetMetric()[0].GetLabel() {
		words = append(words, pair.GetName())
	}
	return strings.Join(words, " ")
}

var (
	openHelp    = regexp.MustCompile(`(?m)^# HELP .*\n`)
	openCounter = regexp.MustCompile(`(?m)^# TYPE (\S+) counter$`)
	openUnknown = regexp.MustCompile(`(?m)^(# TYPE \S+) unknown$`)
)

// classic is a page of OpenMetrics in the older text, which there is a parser for: there a counter is called as its
// series are.
func classic(page string) string {
	page = openHelp.ReplaceAllString(page, "")
	page = openCounter.ReplaceAllString(page, "# TYPE ${1}_total counter")
	return openUnknown.ReplaceAllString(page, "$1 untyped")
}

// RequirePage fails unless what /metrics answered has exactly the metrics of the service, of those that are Vitrine's
// own.
func RequirePage(t *testing.T, service telemetry.Service, page string) {
	t.Helper()
	if strings.HasSuffix(page, "# EOF\n") {
		page = classic(page)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(strings.NewReader(page))
	require.NoError(t, err)
	var own []*dto.MetricFamily
	for name, family := range all {
		if strings.HasPrefix(name, "vitrine_") {
			own = append(own, family)
		}
	}
	RequireDefined(t, service, own)
}
