package deployment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const licencesPage = "../../docs/licences.md"

// module is a module that a binary has code of.
type module struct {
	Path, Version, Dir string
}

// linked are the modules of both binaries, without Vitrine itself.
func linked(t *testing.T) (all []module) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Module", "./worker", "./starter")
	list.Dir = "../.."
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOWORK=off")
	out, err := list.Output()
	require.NoError(t, err)
	seen := map[string]bool{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var of struct{ Module *module }
		require.NoError(t, decoder.Decode(&of))
		if m := of.Module; m != nil && m.Version != "" && !seen[m.Path] {
			seen[m.Path] = true
			all = append(all, *m)
		}
	}
	slices.SortFunc(all, func(x, y module) int { return strings.Compare(x.Path, y.Path) })
	return all
}

// unlicensed are modules that bring no text of a licence, and what is known of them.
var unlicensed = map[string]string{
	"github.com/nexus-rpc/nexus-proto-annotations": "none in the module; the project's others are MIT",
}

// licences are those of the texts in a module's root, as far as they are recognised.
func licences(t *testing.T, m module) string {
	t.Helper()
	files, err := os.ReadDir(m.Dir)
	require.NoError(t, err, m.Path)
	var found []string
	for _, f := range files {
		name := strings.ToUpper(f.Name())
		if f.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, f.Name()))
		require.NoError(t, err)
		if kind := kindOf(string(text)); !slices.Contains(found, kind) {
			found = append(found, kind)
		}
	}
	if len(found) == 0 {
		require.Contains(t, unlicensed, m.Path, "no licence was recognised in %s", m.Dir)
		return unlicensed[m.Path]
	}
	slices.Sort(found)
	return strings.Join(found, ", ")
}

const licencesHead = `# Licences of what is linked in

<!-- made by make licences -->

Vitrine itself has no licence yet: the choice is the owner's. These are the modules whose code is in ` +
	"`worker` and `starter`" + ` as they
are built for Linux, and the licences by whose wording the texts in their roots were recognised. Go's standard library is
BSD-3-Clause. Whoever passes the binaries on passes these texts on too. What the sandbox and the tests link in is not among
them: it is not passed on.

| module | version | licence |
|---|---|---|
`

// wordings are what the texts of licences have and others have not. The first that fits counts.
var wordings = []struct{ licence, words string }{
	{"Apache-2.0", "apache license version 2.0"},
	{"MIT-0", "mit no attribution"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"BSD-3-Clause", "nor the names of its contributors may be used to endorse"},
	{"BSD-3-Clause", "neither the name of"},
	{"BSD-2-Clause", "redistributions in binary form must reproduce"},
	{
		"ISC",
		"permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided",
	},
	{
		"0BSD",
		"permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted",
	},
}

const notRecognised = "not recognised"

func kindOf(text string) string {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "license, version", "license version"),
		"apache license version 2.0, january 2004", "apache license version 2.0")
	for _, w := range wordings {
		if strings.Contains(text, w.words) {
			return w.licence
		}
	}
	return notRecognised
}

// permissive are licences that ask for their text to be passed on, and for nothing else of those who link.
var permissive = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// make licences sets VITRINE_UPDATE_DOCS.
func TestLicencesOfWhatIsLinkedIn(t *testing.T) {
	var page strings.Builder
	page.WriteString(licencesHead)
	for _, m := range linked(t) {
		of := licences(t, m)
		if unlicensed[m.Path] == "" {
			for each := range strings.SplitSeq(of, ", ") {
				require.Contains(t, permissive, each, "%s: somebody has to look at this licence", m.Path)
			}
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", m.Path, m.Version, of)
	}
	if os.Getenv("VITRINE_UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(licencesPage, []byte(page.String()), 0o644))
	}
	require.Equal(t, page.String(), read(t, licencesPage), "run make licences")
}
