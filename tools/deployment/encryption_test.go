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

// encrypted is an overlay as an installation writes it: one of ours, and the component.
func encrypted(t *testing.T, overlay string) cluster {
	t.Helper()
	ours, err := filepath.Abs(kubernetes)
	require.NoError(t, err)
	folder := t.TempDir()
	back, err := filepath.Rel(folder, ours)
	require.NoError(t, err)
	text := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [" +
		filepath.Join(back, overlay) +
		"]\ncomponents: [" + filepath.Join(back, "components/encryption") + "]\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600))
	return build(t, folder)
}

// handbook is the overlay that the handbook shows, with one of ours by its path, and the component.
func handbook(t *testing.T, overlay string) cluster {
	t.Helper()
	ours, err := filepath.Abs(kubernetes)
	require.NoError(t, err)
	folder := t.TempDir()
	back, err := filepath.Rel(folder, ours)
	require.NoError(t, err)
	shown := regexp.MustCompile("(?s)```yaml\n(apiVersion: kustomize.*?)```").
		FindStringSubmatch(read(t, "../../docs/operations.md"))
	require.Len(t, shown, 2)
	remote := regexp.MustCompile(`github\.com/acme/vitrine/deploy/kubernetes/overlays/[a-z-]+\?ref=v1\.2\.3`)
	require.Regexp(t, remote, shown[1])
	text := remote.ReplaceAllString(shown[1], filepath.Join(back, overlay)) +
		"components: [" + filepath.Join(back, "components/encryption") + "]\n"
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
	}
}

func TestTheComponentGivesEveryProcessTheKeys(t *testing.T) {
	for _, overlay := range overlays {
		c := encrypted(t, overlay)
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
