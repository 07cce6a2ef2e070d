package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever takes a file says what is wrong with the one that was named, where it was looked for, and what to do; and it
// is the command line that is wrong, so nothing was done.
func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	there := t.TempDir()
	for name, c := range map[string]struct{ file, says string }{
		"none": {filepath.Join(there, "none.csv"),
			"there is no file " + filepath.Join(there, "none.csv") + ": check its name"},
		"none, in no folder": {filepath.Join(there, "gone", "none.csv"),
			"nor a folder " + filepath.Join(there, "gone")},
		"a folder": {there + ".csv", "is a folder: name a file in it"},
	} {
		for _, args := range [][]string{
			{"accounts", "apply", "-f"}, {"order", "settings", "set", "acct_1", "-f"}, {"validate"},
			{"source", "put", "acct_1"},
		} {
			t.Run(name+" "+args[0], func(t *testing.T) {
				t.Parallel()
				if name == "a folder" {
					require.NoError(t, os.MkdirAll(c.file, 0o700))
				}
				s := newStage(t)
				require.Equal(t, exitUsage, s.run(append(args, c.file)...), s.stderr.String())
				require.Contains(t, s.stderr.String(), c.says)
				require.NotContains(t, s.stderr.String(), "no such file")
			})
		}
	}
}
