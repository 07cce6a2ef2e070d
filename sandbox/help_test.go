package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"vitrine/internal/terminal"
)

func TestTheHelpOfEveryCommandFits(t *testing.T) {
	var out bytes.Buffer
	here := terminal.Of(nil, &out, &out, func(string) (string, bool) { return "", false })
	root := rootCommand(here, os.Stdout)
	for _, c := range append([]*cobra.Command{root}, root.Commands()...) {
		out.Reset()
		require.NoError(t, c.Help())
		require.NotEmpty(t, out.String())
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, terminal.Breadth(strings.TrimSuffix(line, "\n")), 80, "%s: %s", c.CommandPath(),
				line)
		}
	}
}
