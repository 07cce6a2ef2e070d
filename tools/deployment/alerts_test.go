package deployment

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

func rules(t *testing.T) (all []rulefmt.Rule) {
	t.Helper()
	files, err := filepath.Glob("../../deploy/prometheus/*.rules.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		parsed, problems := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}),
			slog.New(slog.DiscardHandler))
		require.Empty(t, problems, file)
		for _, group := range parsed.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}

func recorded(t *testing.T) (found []rulefmt.Rule) {
	t.Helper()
	return slices.DeleteFunc(rules(t), func(r rulefmt.Rule) bool { return r.Record == "" })
}

func alerts(t *testing.T) (found []rulefmt.Rule) {
	t.Helper()
	return slices.DeleteFunc(rules(t), func(r rulefmt.Rule) bool { return r.Alert == "" })
}

func TestRulesAskForWhatThereIs(t *testing.T) {
	all := known(t)
	for _, r := range rules(t) {
		requireKnown(t, all, r.Expr)
	}
	for _, wrong := range []string{
		`vitrine_no_such_total`, `vitrine_orders{feed="product"}`, `vitrine_orders{state="lost"}`,
		`sum by (account) (vitrine_orders)`,
		`vitrine_orders_older{than="2h"}`, `vitrine:orders_older:max{state="lost"}`,
		`vitrine_steps_total{outcome="StripeAway"}`, `vitrine_step_duration_seconds`,
	} {
		require.False(t, passes(t, wrong), wrong)
	}
}

// passes tells whether requireKnown does, which has to be able to fail.
func passes(t *testing.T, expression string) bool {
	t.Helper()
	all, failed := known(t), make(chan bool)
	go func() {
		inner := &testing.T{}
		defer func() { failed <- inner.Failed() }()
		requireKnown(inner, all, expression)
	}()
	return !<-failed
}

// requireOutcomes: an outcome is an error code, or one of those that the handbook and docs/metrics.md list.
func requireOutcomes(t *testing.T, pattern, expression string) {
	t.Helper()
	pages := read(t, "../../docs/operations.md") + read(t, "../../docs/metrics.md")
	for value := range strings.SplitSeq(pattern, "|") {
		kind, rest, _ := strings.Cut(value, "_")
		listed := strings.Contains(pages, "`"+value+"`") ||
			strings.Contains(pages, "`"+kind+"_…`") && strings.Contains(pages, "`"+rest+"`")
		require.True(t, listed, "%s: no page knows the outcome %s", expression, value)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

var heading = regexp.MustCompile(`(?m)^### (Vitrine\w+)$`)

// Whoever is woken finds what it means and what to do, under the alert's own name; and no section is about an alert
// that is not there any more.
func TestEveryAlertHasARunbook(t *testing.T) {
	sections := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(read(t, "../../docs/operations.md"), -1) {
		sections[h[1]] = true
	}
	named := map[string]bool{}
	for _, a := range alerts(t) {
		named[a.Alert] = true
		require.Equal(t, "docs/operations.md#"+strings.ToLower(a.Alert), a.Annotations["runbook_url"])
		require.NotEmpty(t, a.Annotations["summary"], a.Alert)
		require.Contains(t, []string{"page", "ticket"}, a.Labels["severity"], a.Alert)
	}
	require.Equal(t, named, sections)
}

type inhibition struct {
	Source []string `json:"source_matchers"`
	Target []string `json:"target_matchers"`
	Equal  []string `json:"equal"`
}

var matcher = regexp.MustCompile(`^(\w+)=(~?)"(.*)"$`)

// matched are the alerts that an inhibition's matchers choose.
func matched(t *testing.T, matchers []string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, a := range alerts(t) {
		fits := true
		for _, m := range matchers {
			parts := matcher.FindStringSubmatch(m)
			require.NotNil(t, parts, m)
			value := map[string]string{"alertname": a.Alert}
			maps.Copy(value, a.Labels)
			pattern := regexp.QuoteMeta(parts[3])
			if parts[2] != "" {
				pattern = parts[3]
			}
			fits = fits && regexp.MustCompile("^(?:"+pattern+")$").MatchString(value[parts[1]])
		}
		if fits {
			found[a.Alert] = true
		}
	}
	return found
}

// What an outage explains is not told beside it; the outage itself always is.
func TestAnOutageIsToldOnce(t *testing.T) {
	var config struct {
		Inhibitions []inhibition `json:"inhibit_rules"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "../../deploy/prometheus/alertmanager.yaml")), &config))
	require.NotEmpty(t, config.Inhibitions)
	quiet := map[string]map[string]bool{}
	for _, i := range config.Inhibitions {
		sources, targets := matched(t, i.Source), matched(t, i.Target)
		require.NotEmpty(t, sources, i.Source)
		require.NotEmpty(t, targets, i.Target)
		for source := range sources {
			require.NotContains(t, targets, source, "it would inhibit itself")
			if quiet[source] == nil {
				quiet[source] = map[string]bool{}
			}
			maps.Copy(quiet[source], targets)
		}
	}
	for source, follows := range map[string][]string{
		"VitrineStripeAway": {"VitrineSyncsFail", "VitrineCatalogsLate", "VitrineImportsSlow",
			"VitrineWorkWaits"},
		"VitrineStripeKeyRefused": {"VitrineSyncsFail", "VitrineOrdersHeld"},
		"VitrineStorageAway": {"VitrineSyncsFail", "VitrineNothingIsLookedAt", "VitrineHooksKnowNoSettings",
			"VitrineOrdersHeld"},
		"VitrineTemporalAway": {"VitrineNoWorker", "VitrineNothingIsLookedAt", "VitrineWebhooksFail",
			"VitrineCensusStale"},
		"VitrineNoWorker": {"VitrineNothingIsLookedAt", "VitrineCensusStale"},
	} {
		for _, target := range follows {
			require.True(t, quiet[source][target], "%s does not quieten %s", source, target)
		}
	}
	for _, a := range alerts(t) {
		require.False(t, a.Labels["dependency"] != "" && quietened(quiet, a.Alert),
			"%s is what everything follows from", a.Alert)
		for after := range strings.FieldsSeq(a.Labels["after"]) {
			require.Contains(t, []string{"stripe", "storage", "temporal"}, after, a.Alert)
		}
	}
}

func quietened(quiet map[string]map[string]bool, alert string) bool {
	for _, targets := range quiet {
		if targets[alert] {
			return true
		}
	}
	return false
}
