package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/sandbox/child"
	"vitrine/sandbox/ports"
)

// guest is somebody who follows the documents: a sandbox of their own, the environment that it prints, and a shell.
type guest struct {
	*testing.T
	dir string // where they stand; the repository's examples are in it
	env []string
}

// bringUp does what README and docs/emulator.md say first.
func bringUp(t *testing.T) *guest {
	t.Helper()
	g := &guest{T: t, dir: t.TempDir()}
	repository, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(filepath.Join(repository, "examples"), filepath.Join(g.dir, "examples")))
	require.NoError(t, os.Symlink(house.bin, filepath.Join(g.dir, "bin")))
	free, err := ports.Several(3)
	require.NoError(t, err)
	door := "http://" + ports.Address(free[0])
	g.env = append(child.Isolated(os.Environ()), "VITRINE_WEBHOOK_LISTEN="+ports.Address(free[0]))
	envFile := filepath.Join(g.dir, "sandbox.env")
	up, err := child.Start(child.Command{
		Path: house.up, Env: g.env, Dir: g.dir, Stderr: &safeBuffer{}, Stdout: &safeBuffer{},
		Args: []string{
			"up", "--in-memory", "--env-file", envFile, "--import-delay", "100ms",
			"--webhook-url", door + "/webhooks/stripe", "--hook-url", door + "/hooks/stripe",
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = up.Stop(patience) })
	require.Eventually(t, func() bool { _, err := os.Stat(envFile); return err == nil }, time.Minute,
		20*time.Millisecond)
	g.start("VITRINE_LISTEN="+ports.Address(free[1]), "exec bin/worker")
	g.start("VITRINE_LISTEN="+ports.Address(free[2]), "exec bin/starter serve")
	for _, port := range free[1:] {
		require.Eventually(t,
			func() bool { return ports.Answers(t.Context(), "http://"+ports.Address(port)+"/readyz") == nil },
			time.Minute, 50*time.Millisecond)
	}
	return g
}

// start lets a program run in a terminal of its own.
func (g *guest) start(variable, line string) {
	g.Helper()
	process, err := child.Start(g.shell(". ./sandbox.env && "+line, variable))
	require.NoError(g, err)
	g.Cleanup(func() { _ = process.Stop(patience) })
}

func (g *guest) shell(script string, variables ...string) child.Command {
	shell, err := exec.LookPath("sh")
	require.NoError(g, err)
	return child.Command{Path: shell, Args: []string{"-euc", script}, Env: append(g.env, variables...), Dir: g.dir}
}

// types runs lines as they stand in a document, and returns what they print. An answer that is an error ends it.
func (g *guest) types(script string) string {
	g.Helper()
	ctx, cancel := context.WithTimeoutCause(g.Context(), patience,
		errors.New("it did not end within "+patience.String()))
	defer cancel()
	out := &safeBuffer{}
	command := g.shell("curl() { command curl --fail-with-body \"$@\"; echo; }\n" + script)
	command.Stdout, command.Stderr = out, out
	code, err := child.Run(ctx, command)
	require.NoError(g, err, "%s", out)
	require.Zero(g, code, "%s", out)
	return out.String()
}

func TestTheDocumentsLeadFromACatalogToAnOrder(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the documents' examples need curl")
	}
	g := bringUp(t)
	printed := g.types(`. ./sandbox.env
bin/starter source put acct_demo examples/product.csv
bin/starter sync acct_demo --follow
bin/starter report acct_demo`)
	require.Contains(t, printed, "13 accepted")
	require.Contains(t, printed, "Every row is in order.")
	require.Contains(t, g.types(`. ./sandbox.env
bin/starter order settings set acct_demo -f examples/orders.json`), "acct_demo")

	examples := commandsOf(t, "../../docs/emulator.md")
	require.Greater(t, strings.Count(examples, "curl "), 20)
	said := g.types(examples)
	for _, fact := range []string{`"FH-MUG-SAND"`, `"import_fail"`, `"won"`, `"canceled"`, "/webhooks/stripe"} {
		require.Contains(t, said, fact)
	}
	require.Eventually(t, func() bool {
		return strings.Contains(g.types(". ./sandbox.env; bin/starter order list -o json"), "acct_demo/cs_")
	}, time.Minute, 500*time.Millisecond, "its webhooks arrived")
}

// commandsOf are the lines of a document's shell blocks.
func commandsOf(t *testing.T, document string) string {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	var commands strings.Builder
	inside := false
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = strings.TrimSpace(line) == "```sh"
		case inside:
			commands.WriteString(line)
		}
	}
	return commands.String()
}
