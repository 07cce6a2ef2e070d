package deployment

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"

	"vitrine/internal/config"
)

// with is an overlay as an installation writes it: one of ours, and components.
func with(t *testing.T, overlay string, components ...string) cluster {
	t.Helper()
	folder := t.TempDir()
	back := fromHere(t, folder)
	text := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [" +
		filepath.Join(back, overlay) + "]\ncomponents:\n"
	for _, component := range components {
		text += "  - " + filepath.Join(back, "components", component) + "\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600))
	return build(t, folder)
}

// fromHere is the way from a folder to deploy/kubernetes.
func fromHere(t *testing.T, folder string) string {
	t.Helper()
	ours, err := filepath.Abs(kubernetes)
	require.NoError(t, err)
	back, err := filepath.Rel(folder, ours)
	require.NoError(t, err)
	return back
}

// handbook is the overlay that the handbook shows, with one of ours by its path, and with every component.
func handbook(t *testing.T, overlay string) cluster {
	t.Helper()
	folder := t.TempDir()
	back := fromHere(t, folder)
	shown := regexp.MustCompile("(?s)```yaml\n(apiVersion: kustomize.*?)```").
		FindStringSubmatch(read(t, "../../docs/operations.md"))
	require.Len(t, shown, 2)
	remote := regexp.MustCompile(
		`github\.com/acme/vitrine/deploy/kubernetes/(overlays|components)/([a-z-]+)\?ref=v1\.2\.3`)
	shownFolders := remote.FindAllStringSubmatch(shown[1], -1)
	require.Equal(t, "overlays", shownFolders[0][1])
	require.Equal(t, "components", shownFolders[len(shownFolders)-1][1], "the list of components ends it")
	text := remote.ReplaceAllStringFunc(shown[1], func(address string) string {
		found := remote.FindStringSubmatch(address)
		if found[1] == "overlays" {
			return filepath.Join(back, overlay)
		}
		return filepath.Join(back, found[1], found[2])
	})
	for _, component := range []string{"encryption", "mail", "news"} {
		text += "  - " + filepath.Join(back, "components", component) + "\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600))
	return build(t, folder)
}

// What an operator writes after the handbook names its namespace, image and buckets once, and all of it follows.
func TestTheHandbooksOverlayReachesEverything(t *testing.T) {
	for _, overlay := range overlays {
		c := handbook(t, overlay)
		require.Len(t, c.deployments, 3)
		for _, d := range c.deployments {
			require.Equal(t, "vitrine", d.Namespace, d.Name)
			require.Equal(t, "registry.acme.example/vitrine:v1.2.3", only(t, d).Image, d.Name)
		}
		for _, s := range c.services {
			require.Equal(t, "vitrine", s.Namespace, s.Name)
		}
		for _, p := range c.policies {
			require.Equal(t, "vitrine", p.Namespace, p.Name)
		}
		require.Len(t, c.configs, 1)
		require.Equal(t, "acme-vitrine-state", c.configs[0].Data["VITRINE_STATE_BUCKET"])
		require.Equal(t, "25s", c.configs[0].Data["VITRINE_SHUTDOWN_TIMEOUT"], "the base's others stay")
		require.Equal(t, "acme.a1b2c", backlogAsked(t, c).Selector.MatchLabels["temporal_namespace"])
		require.Len(t, c.rules, 5, "of the backlog, and four files")
		for _, r := range c.rules {
			require.Equal(t, "vitrine", r.Namespace, r.Name)
			require.Equal(t, "kube-prometheus-stack", r.Labels["release"], r.Name)
		}
		require.Equal(t, "kube-prometheus-stack", c.monitors[0].Labels["release"])
	}
}

func TestTheComponentGivesEveryProcessTheKeys(t *testing.T) {
	for _, overlay := range overlays {
		c := with(t, overlay, "encryption")
		require.Len(t, c.deployments, 3)
		for _, d := range c.deployments {
			container := only(t, d)
			require.Contains(t, container.Env,
				core.EnvVar{Name: "VITRINE_PAYLOAD_KEYS_FILE", Value: "/secrets/payload-keys/keys"})
			require.Contains(t, container.VolumeMounts,
				core.VolumeMount{Name: "payload-keys", MountPath: "/secrets/payload-keys", ReadOnly: true})
			volume := slices.IndexFunc(d.Spec.Template.Spec.Volumes,
				func(v core.Volume) bool { return v.Name == "payload-keys" })
			require.Equal(t, "vitrine-payload-keys", d.Spec.Template.Spec.Volumes[volume].Secret.SecretName, d.Name)
		}
		codec := c.deployments[slices.IndexFunc(c.deployments,
			func(d *apps.Deployment) bool { return d.Name == "vitrine-codec" })]
		for _, e := range only(t, codec).Env {
			require.True(t, slices.ContainsFunc(config.Table(),
				func(v config.Variable) bool { return v.Name == e.Name && (v.Codec || v.Starter) }), e.Name)
		}
		require.True(t, *only(t, codec).SecurityContext.ReadOnlyRootFilesystem)
		policy := c.policies[slices.IndexFunc(c.policies, func(p *networking.NetworkPolicy) bool {
			return c.selected(t, &p.Spec.PodSelector) == codec
		})]
		require.Empty(t, policy.Spec.Egress, "it talks to nobody")
		require.Contains(t, policy.Spec.PolicyTypes, networking.PolicyTypeEgress)
	}
}

// Secrets that only some installations have are components: a file that is named and is not there ends the worker.
func TestTheComponentsGiveTheWorkerItsSecrets(t *testing.T) {
	for _, overlay := range overlays {
		c := with(t, overlay, "mail", "news")
		for _, d := range c.deployments {
			mounted := map[string]string{}
			for _, v := range d.Spec.Template.Spec.Volumes {
				if v.Secret != nil {
					mounted["/secrets/"+v.Name] = v.Secret.SecretName
				}
			}
			given := map[string]core.EnvVar{}
			for _, e := range only(t, d).Env {
				require.True(t, readers(only(t, d).Name)[e.Name], "%s does not read %s", d.Name, e.Name)
				given[e.Name] = e
			}
			if d.Name != "vitrine-worker" {
				require.NotContains(t, mounted, "/secrets/mail", d.Name)
				continue
			}
			require.Equal(t, "/secrets/mail/url", given["VITRINE_SMTP_URL_FILE"].Value)
			require.Equal(t, "/secrets/news/secrets", given["VITRINE_NEWS_SECRETS_FILE"].Value)
			require.Equal(t, "vitrine-news", given["VITRINE_NEWS_URL"].ValueFrom.SecretKeyRef.Name)
			for _, name := range []string{"mail", "news"} {
				require.Contains(t, only(t, d).VolumeMounts,
					core.VolumeMount{Name: name, MountPath: "/secrets/" + name, ReadOnly: true})
				require.Equal(t, "vitrine-"+name, mounted["/secrets/"+name])
			}
		}
	}
}
