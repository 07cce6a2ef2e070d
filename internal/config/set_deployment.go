package config

import (
	"errors"
	"regexp"
)

// deploymentPattern leaves out the dot and the double underline, by which Temporal separates the name from the build
// id.
var (
	deploymentPattern = regexp.MustCompile(`^[A-Za-z0-9]([_-]?[A-Za-z0-9])*$`)
	buildIDPattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)
)

// maxVersionName keeps both names within what Temporal takes together.
const maxVersionName = 100

func setDeployment(c *Config, value string) error {
	if len(value) > maxVersionName || !deploymentPattern.MatchString(value) {
		return errors.New("expected a name of letters, digits, - and _, such as vitrine")
	}
	c.Worker.Deployment = value
	return nil
}

func setBuildID(c *Config, value string) error {
	c.Worker.BuildID = value
	return CheckBuildID(value)
}

// CheckBuildID returns an error for what names no version.
func CheckBuildID(value string) error {
	if len(value) > maxVersionName || !buildIDPattern.MatchString(value) {
		return errors.New("expected the name of a version, of letters, digits and . _ + -, such as v1.2.3")
	}
	return nil
}
