package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.temporal.io/sdk/worker"

	"vitrine/internal/config"
	"vitrine/internal/daemon"
)

// deployment is the version that this worker is of its Worker Deployment; the zero value if it is of none.
type deployment worker.DeploymentOptions

// newDeployment refuses a binary that names no version of its own: two that differ under one name would hand runs to
// each other that only one of them can go on with.
func newDeployment(c config.Config) (deployment, error) {
	return deploymentOf(c, daemon.Version(release))
}

func deploymentOf(c config.Config, version string) (deployment, error) {
	if c.Worker.Deployment == "" {
		return deployment{}, nil
	}
	build := cmp.Or(c.Worker.BuildID, buildID(version))
	if build == "" {
		return deployment{}, &daemon.RefusedError{Err: errors.New("VITRINE_BUILD_ID: it is not set, and this binary " +
			"names no version of its own: expected one for VITRINE_DEPLOYMENT, such as v1.2.3")}
	}
	if err := config.CheckBuildID(build); err != nil {
		return deployment{},
			&daemon.RefusedError{Err: fmt.Errorf("VITRINE_BUILD_ID: it is not set, and the version of "+
				"this binary is %q: %w", build, err)}
	}
	return deployment{
		UseVersioning: true,
		Version:       worker.WorkerDeploymentVersion{DeploymentName: c.Worker.Deployment, BuildID: build},
	}, nil
}

var betweenWords = regexp.MustCompile(`[^A-Za-z0-9._+-]+`)

// buildID makes one of "v1.2.3 (0123456789ab)"; empty if the version says nothing, or that the checkout was changed.
func buildID(version string) string {
	if strings.Contains(version, "devel") || strings.Contains(version, "unknown") ||
		strings.Contains(version, "modified") || strings.Contains(version, "dirty") {
		return ""
	}
	return strings.Trim(betweenWords.ReplaceAllString(version, "-"), "-")
}
