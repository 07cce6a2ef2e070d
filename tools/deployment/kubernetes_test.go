package deployment

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"vitrine/internal/config"
)

const kubernetes = "../../deploy/kubernetes/"

var overlays = []string{"overlays/temporal-cloud", "overlays/self-hosted"}

// cluster is what kubectl apply -k would send.
type cluster struct {
	deployments []*apps.Deployment
	scalers     []*autoscaling.HorizontalPodAutoscaler
	budgets     []*disruption.PodDisruptionBudget
	policies    []*networking.NetworkPolicy
	services    []*core.Service
	accounts    []*core.ServiceAccount
	configs     []*core.ConfigMap
	monitors    []*monitoring.ServiceMonitor
	rules       []*monitoring.PrometheusRule
}

// build decodes strictly: a field that Kubernetes does not know would be dropped by it, or refused.
func build(t *testing.T, folder string) cluster {
	t.Helper()
	if !path.IsAbs(folder) {
		folder = kubernetes + folder
	}
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	require.NoError(t, err)
	var c cluster
	for _, r := range made.Resources() {
		text, err := r.AsYAML()
		require.NoError(t, err)
		require.NoError(t, c.add(r.GetKind(), text), "%s of %s", r.GetName(), folder)
	}
	return c
}

func (c *cluster) add(kind string, text []byte) error {
	switch kind {
	case "Deployment":
		return decode(text, &c.deployments)
	case "HorizontalPodAutoscaler":
		return decode(text, &c.scalers)
	case "PodDisruptionBudget":
		return decode(text, &c.budgets)
	case "NetworkPolicy":
		return decode(text, &c.policies)
	case "Service":
		return decode(text, &c.services)
	case "ServiceAccount":
		return decode(text, &c.accounts)
	case "ConfigMap":
		return decode(text, &c.configs)
	case "ServiceMonitor":
		return decode(text, &c.monitors)
	}
	return decode(text, &c.rules)
}

func decode[T any](text []byte, into *[]*T) error {
	one := new(T)
	*into = append(*into, one)
	return yaml.UnmarshalStrict(text, one)
}

func TestManifestsAreWhatKubernetesKnows(t *testing.T) {
	for _, folder := range append([]string{"base"}, overlays...) {
		c := build(t, folder)
		require.Len(t, c.deployments, 2, folder)
		for _, d := range c.deployments {
			require.Equal(t, "apps/v1", d.APIVersion)
			require.Nil(t, d.Spec.Replicas, "the autoscaler says how many: another number would be set at every apply")
		}
		require.Len(t, c.scalers, 2)
		require.Len(t, c.policies, 2)
	}
	require.Error(t, new(cluster).add("Deployment", []byte("spec: {replica: 3}")), "a field that is not known fails")
}

// readers are the variables that a process reads, and those that only have a meaning elsewhere are none.
func readers(name string) map[string]bool {
	reads := map[string]bool{}
	for _, v := range config.Table() {
		reads[v.Name] = name == "worker" && v.Worker || name == "serve" && (v.Serve || v.Starter)
	}
	return reads
}

func TestEveryVariableIsReadByWhoGetsIt(t *testing.T) {
	for _, folder := range overlays {
		c := build(t, folder)
		for _, d := range c.deployments {
			container := only(t, d)
			reads := readers(container.Name)
			for _, e := range container.Env {
				require.True(t, reads[e.Name], "%s: %s does not read %s", folder, d.Name, e.Name)
			}
			require.Equal(t, c.configs[0].Name, container.EnvFrom[0].ConfigMapRef.Name)
			for name := range c.configs[0].Data {
				known := slices.ContainsFunc(config.Table(),
					func(v config.Variable) bool { return v.Name == name && !v.Secret })
				require.True(t, known, "%s: nobody knows %s, or it is a secret", folder, name)
			}
		}
		require.NoError(t, loads(t, c), folder)
	}
}

// loads reads what the worker is given as the worker does; files are not there to be read.
func loads(t *testing.T, c cluster) error {
	t.Helper()
	given := map[string]string{"STRIPE_API_KEY": "sk_test_1"}
	for name, value := range c.configs[0].Data {
		given[name] = value
	}
	for _, d := range c.deployments {
		for _, e := range only(t, d).Env {
			if d.Name == "vitrine-worker" && !strings.HasSuffix(e.Name, "_FILE") && e.Value != "" &&
				!strings.HasPrefix(e.Value, "/secrets/") {
				given[e.Name] = e.Value
			}
		}
	}
	_, err := config.LoadWorker(func(name string) (string, bool) { v, ok := given[name]; return v, ok })
	return err
}

func only(t *testing.T, d *apps.Deployment) core.Container {
	t.Helper()
	require.Len(t, d.Spec.Template.Spec.Containers, 1)
	return d.Spec.Template.Spec.Containers[0]
}

// A secret is a file of a mounted secret; the keys of one's own S3 server alone are variables.
func TestSecretsAreFiles(t *testing.T) {
	for _, folder := range overlays {
		for _, d := range build(t, folder).deployments {
			container, mounted := only(t, d), map[string]string{}
			for _, m := range container.VolumeMounts {
				mounted[m.MountPath] = m.Name
				if strings.HasPrefix(m.MountPath, "/secrets/") {
					require.True(t, m.ReadOnly)
				}
			}
			for _, e := range container.Env {
				if file := e.Value; strings.HasPrefix(file, "/") {
					require.True(t, mounted[file] != "" || mounted[path.Dir(file)] != "",
						"%s: nothing is mounted for %s", d.Name, e.Name)
				}
				if e.ValueFrom != nil {
					require.Contains(t, []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}, e.Name)
				}
			}
			for _, v := range config.Table() {
				if v.Secret && v.Name != "AWS_ACCESS_KEY_ID" && v.Name != "AWS_SECRET_ACCESS_KEY" {
					require.False(t,
						slices.ContainsFunc(container.Env, func(e core.EnvVar) bool { return e.Name == v.Name }),
						v.Name)
				}
			}
		}
	}
}

// A stop takes VITRINE_SHUTDOWN_TIMEOUT and 5 s (worker/run.go and starter/serve.go); whoever is killed before loses
// what was under way.
func TestThereIsTimeToStop(t *testing.T) {
	const afterwards, spare = 5 * time.Second, 10 * time.Second
	for _, folder := range overlays {
		c := build(t, folder)
		timeout, err := time.ParseDuration(c.configs[0].Data["VITRINE_SHUTDOWN_TIMEOUT"])
		require.NoError(t, err)
		for _, d := range c.deployments {
			before := time.Duration(0)
			if hooks := only(t, d).Lifecycle; hooks != nil {
				before = time.Duration(hooks.PreStop.Sleep.Seconds) * time.Second
			}
			grace := time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
			require.Equal(t, before+timeout+afterwards+spare, grace, d.Name)
		}
	}
}

func TestPodsMayDoLittle(t *testing.T) {
	for _, d := range build(t, overlays[0]).deployments {
		pod, container := d.Spec.Template.Spec, only(t, d)
		require.True(t, *pod.SecurityContext.RunAsNonRoot)
		require.Equal(t, int64(65532), *pod.SecurityContext.RunAsUser, "the image's own")
		require.False(t, *pod.AutomountServiceAccountToken)
		require.True(t, *container.SecurityContext.ReadOnlyRootFilesystem)
		require.False(t, *container.SecurityContext.AllowPrivilegeEscalation)
		require.Equal(t, []core.Capability{"ALL"}, container.SecurityContext.Capabilities.Drop)
		require.NotEmpty(t, container.Resources.Limits.Memory().String())
		require.False(t, strings.HasSuffix(container.Image, ":latest"))
	}
}

// Whatever selects pods, ports or deployments selects some.
func TestSelectorsSelect(t *testing.T) {
	for _, folder := range overlays {
		c := build(t, folder)
		for _, b := range c.budgets {
			require.NotNil(t, c.selected(t, b.Spec.Selector), b.Name)
		}
		for _, p := range c.policies {
			d := c.selected(t, &p.Spec.PodSelector)
			require.NotNil(t, d, p.Name)
			for _, in := range p.Spec.Ingress {
				require.NotEmpty(t, in.From, "%s is open to everybody", p.Name)
				for _, port := range in.Ports {
					require.True(t, hasPort(only(t, d), port.Port.StrVal), "%s: %s", p.Name, port.Port)
				}
			}
		}
		for _, s := range c.scalers {
			require.True(t, slices.ContainsFunc(c.deployments,
				func(d *apps.Deployment) bool { return d.Name == s.Spec.ScaleTargetRef.Name }))
			require.GreaterOrEqual(t, *s.Spec.MinReplicas, int32(2), "one may go")
		}
		for _, d := range c.deployments {
			for _, spread := range d.Spec.Template.Spec.TopologySpreadConstraints {
				require.Same(t, d, c.selected(t, spread.LabelSelector))
			}
			container := only(t, d)
			require.True(t, hasPort(container, container.LivenessProbe.HTTPGet.Port.StrVal))
			require.True(t, hasPort(container, container.ReadinessProbe.HTTPGet.Port.StrVal))
		}
		c.requireScraped(t)
	}
}

// What each process has to reach, it may, and a worker's own machine's metadata nobody may.
func TestPoliciesLetThroughWhatIsNeeded(t *testing.T) {
	const dns, https, smtp, temporal, traces = 53, 443, 587, 7233, 4318
	needs := map[string][]int32{
		"vitrine-worker": {dns, https, smtp, temporal, traces}, "vitrine-serve": {dns, https, temporal, traces},
	}
	for _, folder := range overlays {
		for _, p := range build(t, folder).policies {
			var open []int32
			for _, out := range p.Spec.Egress {
				for _, port := range out.Ports {
					open = append(open, port.Port.IntVal)
				}
				for _, to := range out.To {
					require.True(t, to.IPBlock == nil || len(to.IPBlock.Except) > 0, "%s of %s", p.Name, folder)
				}
			}
			slices.Sort(open)
			require.Equal(t, slices.Sorted(slices.Values(needs[p.Name])), slices.Compact(open),
				"%s of %s", p.Name, folder)
		}
	}
}

// requireScraped: each service that the monitor selects leads to pods, and its job is called as the rules call it.
func (c cluster) requireScraped(t *testing.T) {
	t.Helper()
	monitor, jobs := c.monitors[0], []string{}
	selector, err := meta.LabelSelectorAsSelector(&monitor.Spec.Selector)
	require.NoError(t, err)
	for _, s := range c.services {
		d := c.selected(t, &meta.LabelSelector{MatchLabels: s.Spec.Selector})
		require.NotNil(t, d, s.Name)
		for _, port := range s.Spec.Ports {
			require.True(t, hasPort(only(t, d), port.TargetPort.StrVal), "%s: %s", s.Name, port.Name)
		}
		if selector.Matches(labels.Set(s.Labels)) {
			require.True(t, slices.ContainsFunc(s.Spec.Ports,
				func(p core.ServicePort) bool { return p.Name == monitor.Spec.Endpoints[0].Port }))
			jobs = append(jobs, s.Labels[monitor.Spec.JobLabel])
		}
	}
	require.ElementsMatch(t, []string{"vitrine-worker", "vitrine-serve"}, jobs)
}

func (c cluster) selected(t *testing.T, s *meta.LabelSelector) *apps.Deployment {
	t.Helper()
	selector, err := meta.LabelSelectorAsSelector(s)
	require.NoError(t, err)
	for _, d := range c.deployments {
		if selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			return d
		}
	}
	return nil
}

func hasPort(c core.Container, name string) bool {
	return slices.ContainsFunc(c.Ports, func(p core.ContainerPort) bool { return p.Name == name })
}

// The autoscaler asks for what the overlay's rule records, of one namespace of Temporal: another one may have a queue
// of the same name.
func TestTheAutoscalersMetricIsRecorded(t *testing.T) {
	namespaces := map[string]string{"overlays/temporal-cloud": "acme.a1b2c", "overlays/self-hosted": "catalogs"}
	for _, folder := range overlays {
		c := build(t, folder)
		require.Len(t, c.rules, 1, folder)
		rule := c.rules[0].Spec.Groups[0].Rules[0]
		sum, isSum := parse(t, rule.Expr.String()).(*parser.AggregateExpr)
		require.True(t, isSum, folder)
		asked := backlogAsked(t, c)
		require.Equal(t, rule.Record, asked.Name)
		require.Equal(t, map[string]string{"task_queue": "vitrine", "temporal_namespace": namespaces[folder]},
			asked.Selector.MatchLabels, folder)
		require.ElementsMatch(t, slices.Collect(maps.Keys(asked.Selector.MatchLabels)), sum.Grouping, folder)
		adapter := read(t, kubernetes+"prometheus-adapter.yaml")
		require.Contains(t, adapter, "name: {as: "+rule.Record+"}")
		require.Contains(t, adapter, "by ("+strings.Join(sum.Grouping, ", ")+")")
		if in, said := c.configs[0].Data["TEMPORAL_NAMESPACE"]; said {
			require.Equal(t, in, namespaces[folder])
		} else {
			require.Contains(t, read(t, kubernetes+folder+"/kustomization.yaml"),
				`namespace = "`+namespaces[folder]+`"`)
		}
	}
}

// backlogAsked is the metric by which the workers are scaled.
func backlogAsked(t *testing.T, c cluster) autoscaling.MetricIdentifier {
	t.Helper()
	var found []autoscaling.MetricIdentifier
	for _, s := range c.scalers {
		for _, m := range s.Spec.Metrics {
			if m.External != nil {
				found = append(found, m.External.Metric)
			}
		}
	}
	require.Len(t, found, 1)
	return found[0]
}
