package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/config"
	"vitrine/internal/daemon"
)

func TestTheBuildIDIsTheBinarysVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"v1.2.3": "v1.2.3", "v1.2.3 (0123456789ab)": "v1.2.3-0123456789ab", "v1.2.3-4-gabcdef0": "v1.2.3-4-gabcdef0",
		"(devel)": "", "unknown": "", "v1.2.3-dirty": "", "v1.2.3 (0123456789ab, modified)": "",
	} {
		c := config.Config{Worker: config.Worker{Deployment: "vitrine"}}
		got, err := deploymentOf(c, version)
		if want == "" {
			require.ErrorAs(t, err, new(*daemon.RefusedError), version)
			require.ErrorContains(t, err, "VITRINE_BUILD_ID")
			c.Worker.BuildID = "build-7"
			got, err = deploymentOf(c, version)
			want = "build-7"
		}
		require.NoError(t, err)
		require.True(t, got.UseVersioning)
		require.Equal(t, want, got.Version.BuildID)
		require.Equal(t, "vitrine", got.Version.DeploymentName)
	}
}

func TestAWorkerOfNoDeploymentIsNotVersioned(t *testing.T) {
	t.Parallel()
	got, err := deploymentOf(config.Config{Worker: config.Worker{BuildID: "v1"}}, "(devel)")
	require.NoError(t, err)
	require.Zero(t, got)
}
