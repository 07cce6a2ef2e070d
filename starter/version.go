package main

import (
	"runtime"

	"github.com/spf13/cobra"
)

// versionView is what --output json prints.
type versionView struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the starter",
		Long: "Print the version of the starter, and what it was built with. Worker and starter should be of the " +
			"same release.",
		Example: "  starter version\n  starter version -o json | jq -r .version",
		Args:    noArgs("there is one version"),
		RunE: func(*cobra.Command, []string) error {
			v := versionView{version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if a.json() {
				return a.printJSON(v)
			}
			a.Say("starter %s\n  built with %s for %s", v.Version, v.Go, v.System)
			return nil
		},
	}
}
