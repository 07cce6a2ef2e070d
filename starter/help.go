package main

import (
	"cmp"
	"fmt"
	"strings"

	"vitrine/internal/terminal"

	"github.com/spf13/cobra"
)

// help is cobra's, to the width of the terminal.
func (a *app) help(c *cobra.Command, _ []string) {
	text := strings.TrimSpace(cmp.Or(c.Long, c.Short)) + "\n\n" + c.UsageString()
	fmt.Fprint(a.Stdout, terminal.Fitted(text, a.Width(a.Stdout)))
}
