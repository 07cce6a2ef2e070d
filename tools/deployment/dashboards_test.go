package deployment

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// dashboard is what the tests look at of one.
type dashboard struct {
	UID         string                             `json:"uid"`
	Title       string                             `json:"title"`
	Panels      []panel                            `json:"panels"`
	Annotations struct{ List []panelAsAnnotation } `json:"annotations"`
}

type panel struct {
	ID      int      `json:"id"`
	Type    string   `json:"type"`
	Title   string   `json:"title"`
	Targets []target `json:"targets"`
	GridPos struct{ H, W, X, Y int }
}

type target struct {
	Expr   string `json:"expr"`
	Legend string `json:"legendFormat"`
}

type panelAsAnnotation struct{ Expr string }

var legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)

func TestDashboardsAskForWhatThereIs(t *testing.T) {
	all, uids, asked := known(t), map[string]bool{}, 0
	files, err := filepath.Glob("../../deploy/grafana/*.json")
	require.NoError(t, err)
	require.Len(t, files, 5)
	for _, file := range files {
		var d dashboard
		require.NoError(t, json.Unmarshal([]byte(read(t, file)), &d), file)
		require.False(t, uids[d.UID], "%s: its uid is another one's", file)
		uids[d.UID] = true
		require.True(t, strings.HasPrefix(d.Title, "Vitrine: "))
		ids := map[int]bool{}
		for _, p := range d.Panels {
			require.False(t, ids[p.ID], "%s: %s", file, p.Title)
			ids[p.ID] = true
			require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, "%s: %s", file, p.Title)
			require.Equal(t, p.Type == "row", len(p.Targets) == 0, "%s: %s", file, p.Title)
			for _, of := range p.Targets {
				asked++
				requireTarget(t, all, of)
			}
		}
		for _, a := range d.Annotations.List {
			requireKnown(t, all, withRange(a.Expr))
		}
	}
	require.Greater(t, asked, 50)
}

// withRange puts a time in the place of Grafana's variable.
func withRange(expression string) string {
	return strings.ReplaceAll(expression, "$__rate_interval", "5m")
}

// requireTarget: the expression is about what there is, and the legend about what the expression leaves.
func requireTarget(t *testing.T, all map[string]series, of target) {
	t.Helper()
	expression := withRange(of.Expr)
	requireKnown(t, all, expression)
	groups := groupings(t, expression)
	for _, named := range legendLabel.FindAllStringSubmatch(of.Legend, -1) {
		left := slices.ContainsFunc(groups, func(by []string) bool { return slices.Contains(by, named[1]) })
		for _, s := range selectors(t, expression) {
			_, has := all[s.Name][named[1]]
			left = left || len(groups) == 0 && (has || slices.Contains(everywhere, named[1]))
		}
		require.True(t, left, "%s has no %s for its legend", of.Expr, named[1])
	}
}

// Every alert rings on one of the invented days: one that cannot would be found out on a real one.
func TestDaysAreInventedForEveryAlert(t *testing.T) {
	var days struct {
		Tests []struct {
			Alerts []struct {
				Name string `json:"alertname"`
				Exp  []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
			Series []struct {
				Series string `json:"series"`
			} `json:"input_series"`
		} `json:"tests"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "../../deploy/prometheus/rules_test.yaml")), &days))
	all, ring := known(t), map[string]bool{}
	for _, day := range days.Tests {
		for _, s := range day.Series {
			requireKnown(t, all, s.Series)
		}
		for _, a := range day.Alerts {
			ring[a.Name] = ring[a.Name] || len(a.Exp) > 0
		}
	}
	for _, a := range alerts(t) {
		require.True(t, ring[a.Alert], "%s rings on no day", a.Alert)
	}
}
