package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// help is cobra's, to the width of the terminal.
func (a *app) help(c *cobra.Command, _ []string) {
	text := strings.TrimSpace(cmp.Or(c.Long, c.Short)) + "\n\n" + c.UsageString()
	fmt.Fprint(a.stdout, fitted(text, a.width(a.stdout)))
}
