package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/sandbox/child"
)

const (
	handbook = "../../docs/operations.md"
	readme   = "../../README.md"
)

// temporalCLI is a directory with Temporal's own command.
var temporalCLI = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(house.dir, "cli")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return "", err
	}
	printed, err := exec.Command("../../tools/temporal", filepath.Join(bin, "temporal")).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tools/temporal: %w\n%s", err, printed)
	}
	return bin, nil
})

// sectionOf is what stands below a heading of a document, down to the next one.
func sectionOf(t *testing.T, document, heading string) string {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	_, below, found := strings.Cut(string(text), "\n"+heading+"\n")
	require.True(t, found, "%s has no heading %q", document, heading)
	section, _, _ := strings.Cut(below, "\n##")
	return section
}

// blocksOf are the shell blocks of a section, each as it stands.
func blocksOf(t *testing.T, document, heading string) (blocks []string) {
	t.Helper()
	for n, text := range strings.Split(sectionOf(t, document, heading), "```") {
		if commands, shell := strings.CutPrefix(text, "sh\n"); shell && n%2 == 1 {
			blocks = append(blocks, commands)
		}
	}
	require.NotEmpty(t, blocks, "%s has no commands below %q", document, heading)
	return blocks
}

// linesOf are the commands of a block, one by one, however many lines each takes.
func linesOf(block string) []string {
	return strings.Split(strings.TrimSpace(strings.NewReplacer("\\\n", "", "|\n", "|").Replace(block)), "\n")
}

// quotedIn is the command that a section's text quotes between backquotes, by how it begins.
func quotedIn(t *testing.T, document, heading, beginning string) string {
	t.Helper()
	_, rest, found := strings.Cut(sectionOf(t, document, heading), "`"+beginning)
	require.True(t, found, "%s does not say %q below %q", document, beginning, heading)
	rest, _, _ = strings.Cut(rest, "`")
	return beginning + strings.ReplaceAll(rest, "\n", " ")
}

// types runs what a document says, as an operator would: in a shell that knows the starter and Temporal's own
// command. What the document leaves to its reader is put in, in pairs of what stands there and what takes its place.
func (r *room) types(commands string, instead ...string) answer {
	r.t.Helper()
	for i := 0; i < len(instead); i += 2 {
		require.Contains(r.t, commands, instead[i], "the document says something else")
	}
	commands = strings.NewReplacer(instead...).Replace(commands)
	cli, err := temporalCLI()
	require.NoError(r.t, err)
	shell, err := exec.LookPath("sh")
	require.NoError(r.t, err)
	path := strings.Join([]string{r.bin, cli, os.Getenv("PATH")}, string(filepath.ListSeparator))
	stdout, stderr := &safeBuffer{}, &safeBuffer{}
	code, err := child.Run(within(r.t), child.Command{
		Path: shell, Args: []string{"-euc", commands}, Dir: r.t.TempDir(), Stdout: stdout, Stderr: stderr,
		Env: r.environ("PATH="+path, "NO_COLOR=1"),
	})
	require.NoError(r.t, err, "%s\n%s%s", commands, stdout, stderr)
	require.NotContains(r.t, stderr.String(), "WARNING: DATA RACE")
	return answer{code: code, stdout: stdout.String(), stderr: stderr.String()}
}

// typed is what such commands print that have to succeed.
func (r *room) typed(commands string, instead ...string) string {
	r.t.Helper()
	got := r.types(commands, instead...)
	require.Zero(r.t, got.code, "%s\n%s%s", commands, got.stdout, got.stderr)
	return got.stdout
}

// here reports whether programs that the handbook's lines call are installed.
func here(programs ...string) bool {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return false
		}
	}
	return true
}

// rehearsals say for each section of the handbook that has commands, and for each of its blocks in turn, which tests run
// them, or do what they do.
var rehearsals = map[string][][]string{
	"## Deploying":            {{"deploy/try"}},
	"### Images and releases": {{"deploy/same-twice"}},
	"## Temporal":             {{"TestANamespaceIsMadeByHand"}, {"TestTheRateOfAQueueIsSetByHand"}},
	"## Encryption":           {{"TestKeysAreTurnedOnAndRotatedUnderOrders", "TestTheCommandReadsThroughTheCodec"}},
	"## Watching":             {{"TestRunsAreFoundByHand"}},
	"## The fleet":            {{"TestAFleetIsSyncedByItsDispatcher"}, {"TestAFleetIsSyncedByItsDispatcher"}},
	"## Held syncs":           {{"TestATruncatedFileIsHeldAndApproved", "TestWhatWaitsIsListedAndDecidedByHand"}},
	"## Drift":                {{"TestDriftIsFoundAndHealed"}},
	"## Receiving orders":     {{"TestAMerchantDecidesLater", "TestParcelsAreReported"}},
	"### API":                 {{"TestTheAPIIsWhatItsDocumentSays"}},
	"## Orders that wait for a person": {{"TestWhatWaitsIsListedAndDecidedByHand"},
		{"TestWhatWaitsIsListedAndDecidedByHand"}},
	"## During an incident":                     {{"TestAStepIsHeldByHand"}, {"TestAStepIsHeldByHand"}},
	"### Versions side by side":                 {{"TestANewVersionIsRampedUp"}, {"TestARunIsMovedToAnotherVersionByHand"}},
	"### Temporal's database is lost":           {{"TestTemporalsDatabaseIsLost"}},
	"### The state bucket is older than Stripe": {{"TestTheStateBucketIsRolledBack"}},
}

// Whoever writes commands into the handbook says which test tries them.
func TestEveryCommandOfTheHandbookIsRehearsed(t *testing.T) {
	sources, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var tests strings.Builder
	for _, source := range sources {
		text, err := os.ReadFile(source)
		require.NoError(t, err)
		tests.Write(text)
	}
	text, err := os.ReadFile(handbook)
	require.NoError(t, err)
	var heading string
	blocks := map[string]int{}
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "## "), strings.HasPrefix(line, "### "):
			heading = line
		case line == "```sh":
			blocks[heading]++
			require.LessOrEqual(t, blocks[heading], len(rehearsals[heading]),
				"nothing tries the commands of the last of these blocks below %q", heading)
		}
	}
	for heading, tried := range rehearsals {
		require.Len(t, tried, blocks[heading], "the handbook has fewer blocks of commands below %q", heading)
		untried := func(tests []string) bool { return len(tests) == 0 }
		require.False(t, slices.ContainsFunc(tried, untried), "nothing tries a block of commands below %q", heading)
		for _, test := range slices.Concat(tried...) {
			if !strings.HasPrefix(test, "Test") {
				require.FileExists(t, filepath.Join("../..", test))
				continue
			}
			require.Contains(t, tests.String(), "\nfunc "+test+"(t *testing.T) {", "%q", heading)
		}
	}
}
