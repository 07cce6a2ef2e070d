package deployment

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const operatorRules = kubernetes + "components/alerts/rules.yaml"

// operatorRulesMade are the rules of deploy/prometheus as objects of the Prometheus operator: the files as they stand,
// below a spec.
func operatorRulesMade(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../../deploy/prometheus/*.rules.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	made := "# Made by 'make operator-rules' from deploy/prometheus.\n"
	for i, file := range files {
		if i > 0 {
			made += "---\n"
		}
		name := strings.TrimSuffix(filepath.Base(file), ".rules.yaml")
		made += "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: vitrine-" + name + "\nspec:\n"
		for line := range strings.Lines(read(t, file)) {
			if line != "\n" {
				line = "  " + line
			}
			made += line
		}
	}
	return made
}

// A cluster gets the rules that were tried, and the operator's own types read them. VITRINE_UPDATE_DOCS=1 writes them.
func TestTheOperatorsRulesAreThoseOfPrometheus(t *testing.T) {
	made := operatorRulesMade(t)
	if os.Getenv("VITRINE_UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(operatorRules, []byte(made), 0o644))
	}
	require.Equal(t, made, read(t, operatorRules), "make operator-rules writes it")

	var ours, wanted []string
	c := with(t, overlays[0], "alerts")
	for _, object := range c.rules {
		for _, group := range object.Spec.Groups {
			for _, r := range group.Rules {
				ours = append(ours, r.Alert+r.Record)
			}
		}
	}
	for _, r := range rules(t) {
		wanted = append(wanted, r.Alert+r.Record)
	}
	require.ElementsMatch(t, append(wanted, backlogAsked(t, c).Name), ours)
}
