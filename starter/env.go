package main

import (
	"github.com/spf13/cobra"

	"vitrine/internal/config"
	"vitrine/internal/terminal"
)

func (a *app) envCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:     "env",
		Short:   "List the environment variables that configure Vitrine, and what is set",
		Long:    "List the environment variables that configure Vitrine, and what is set. Secrets are not shown.",
		Example: "  starter env\n  starter env --all     # the worker's too",
		Args:    noArgs("variables are not selected by name"),
		RunE:    func(*cobra.Command, []string) error { return a.env(all) },
	}
	c.Flags().BoolVar(&all, "all", false, "the variables of the worker too")
	return c
}

type envView struct {
	Name    string `json:"name"`
	Value   string `json:"value,omitempty"` // as set; secrets redacted
	Set     bool   `json:"set"`
	Default string `json:"default,omitempty"`
	Meaning string `json:"meaning"`
	Worker  bool   `json:"worker"`
	Starter bool   `json:"starter"`
	Serve   bool   `json:"serve"`
	Codec   bool   `json:"codec"`
}

func (a *app) env(all bool) error {
	views := []envView{}
	for _, v := range config.Table() {
		if !v.Starter && !v.Serve && !v.Codec && !all {
			continue
		}
		value, isSet := a.Lookup(v.Name)
		views = append(views,
			envView{v.Name, v.Shown(value), isSet && value != "", v.Default, v.Meaning, v.Worker, v.Starter, v.Serve,
				v.Codec})
	}
	if a.json() {
		return a.printJSON(views)
	}
	for _, v := range views {
		state := "not set"
		switch {
		case v.Set:
			state = "= " + terminal.Printable(v.Value)
		case v.Default != "":
			state = "default " + v.Default
		}
		a.Say("%s  %s\n    %s", v.Name, state, v.Meaning)
	}
	return nil
}
