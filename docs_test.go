package vitrine_test

import (
	"go/ast"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/config"
	"vitrine/internal/feed"
	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/internal/telemetry"
)

// The documents keep up with the code: what can be read from the code is compared here, not remembered.

// make docs sets VITRINE_UPDATE_DOCS, and the test writes what it would otherwise ask for.
func TestGeneratedPages(t *testing.T) {
	orders, err := os.ReadFile("docs/orders.md")
	require.NoError(t, err)
	for document, want := range map[string]string{
		"docs/feed-columns.md":  feed.ColumnsMarkdown(),
		"docs/configuration.md": config.Markdown(),
		"docs/metrics.md":       telemetry.Markdown(),
		"docs/orders.md":        withDiagram(t, string(orders), order.Diagram()),
	} {
		if os.Getenv("VITRINE_UPDATE_DOCS") != "" {
			require.NoError(t, os.WriteFile(document, []byte(want), 0o644))
		}
		written, err := os.ReadFile(document)
		require.NoError(t, err)
		require.Equal(t, want, string(written), "%s is not what the code says: run make docs", document)
	}
}

var generatedDiagram = regexp.MustCompile(
	"(?s)(<!-- made by make docs from [^>]+ -->\n```mermaid\n).*?(```\n<!-- end -->)")

// withDiagram is the page with its one generated diagram as it should be.
func withDiagram(t *testing.T, page, diagram string) string {
	t.Helper()
	require.Len(t, generatedDiagram.FindAllString(page, -1), 1, "where the diagram goes")
	return generatedDiagram.ReplaceAllString(page, "${1}"+diagram+"${2}")
}

func TestHandbookExplainsEveryErrorCode(t *testing.T) {
	repository, err := load(os.DirFS("."))
	require.NoError(t, err)
	handbook := repository.text("docs/operations.md")
	codes := errorCodes(repository)
	require.NotEmpty(t, codes)
	for _, code := range codes {
		require.Contains(t, handbook, "| `"+code+"` |", "docs/operations.md says nothing about this code")
	}
}

// errorCodes reads the closed list from its declaration.
func errorCodes(t tree) (codes []string) {
	for _, s := range t.product("internal/fault") {
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			kind, named := spec.Type.(*ast.Ident)
			literal, isText := spec.Values[0].(*ast.BasicLit)
			if named && isText && kind.Name == "Code" {
				code, err := strconv.Unquote(literal.Value)
				if err == nil {
					codes = append(codes, code)
				}
			}
			return true
		})
	}
	return codes
}

func TestHandbookListsTheEvents(t *testing.T) {
	handbook, err := os.ReadFile("docs/operations.md")
	require.NoError(t, err)
	for _, types := range [][]string{order.EventTypes(), intake.AccountEventTypes(), intake.AgreementEventTypes(),
		intake.ImportSetEventTypes(), intake.CatalogImportEventTypes()} {
		require.Contains(t, string(handbook), "\n```\n"+strings.Join(types, "\n")+"\n```\n",
			"an endpoint at Stripe has to be subscribed to these")
	}
}

var (
	starterCommand = regexp.MustCompile("`starter ([a-z ]+)")
	commandUse     = regexp.MustCompile(`Use: +"([a-z]+)`)
)

// What the table of Stripe's page names is there: its commands are the starter's, its links lead to headings.
func TestStripesPageIsCoveredByWhatThereIs(t *testing.T) {
	repository, err := load(os.DirFS("."))
	require.NoError(t, err)
	handbook := repository.text("docs/operations.md")
	_, after, found := strings.Cut(handbook, "\n## Stripe's page, step by step\n")
	require.True(t, found)
	section, _, _ := strings.Cut(after, "\n## ")
	for _, link := range markdownLink.FindAllStringSubmatch(section, -1) {
		if anchor, here := strings.CutPrefix(link[1], "#"); here {
			require.Contains(t, slugs(handbook), anchor)
		}
	}
	known := map[string]bool{}
	for _, s := range repository.product("starter") {
		for _, use := range commandUse.FindAllStringSubmatch(repository.text(s.path), -1) {
			known[use[1]] = true
		}
	}
	commands := starterCommand.FindAllStringSubmatch(section, -1)
	require.Greater(t, len(commands), 15)
	for _, command := range commands {
		words := strings.Fields(command[1])
		if _, err := os.Stat("starter/" + strings.Join(words, "_") + ".go"); err == nil {
			continue
		}
		for _, word := range words {
			require.True(t, known[word], "starter %s", command[1])
		}
	}
}

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	htmlComment  = regexp.MustCompile(`(?s)<!--.*?-->`)
)

func TestLinksBetweenDocumentsLead(t *testing.T) {
	repository := os.DirFS(".")
	documents := []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		found, err := fs.Glob(repository, pattern)
		require.NoError(t, err)
		documents = append(documents, found...)
	}
	for _, document := range documents {
		text, err := fs.ReadFile(repository, document)
		require.NoError(t, err)
		for _, link := range markdownLink.FindAllStringSubmatch(htmlComment.ReplaceAllString(string(text), ""), -1) {
			target, _, _ := strings.Cut(link[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			_, err := fs.Stat(repository, path.Join(path.Dir(document), target))
			require.NoError(t, err, "%s links to %s", document, link[1])
		}
	}
}

var (
	namedPage = regexp.MustCompile(`docs/[a-z-]+\.md(?:#[a-z0-9-]+)?`)
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noSlug    = regexp.MustCompile(`[^a-z0-9 -]`)
)

// What a message sends somebody to read is there, down to the heading.
func TestPagesThatTheCodeNamesAreThere(t *testing.T) {
	repository, err := load(os.DirFS("."))
	require.NoError(t, err)
	named := map[string]string{}
	for _, s := range repository.sources {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok {
				for _, page := range namedPage.FindAllString(literal.Value, -1) {
					named[page] = s.path
				}
			}
			return true
		})
	}
	require.Greater(t, len(named), 5)
	for page, source := range named {
		name, anchor, deep := strings.Cut(page, "#")
		text, err := os.ReadFile(name)
		require.NoError(t, err, source)
		if deep {
			require.Contains(t, slugs(string(text)), anchor, "%s names %s", source, page)
		}
	}
}

// slugs are what a page's headings are called in links.
func slugs(page string) (all []string) {
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		all = append(all, strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return all
}

var controlRoute = regexp.MustCompile(`"((?:GET|POST|PATCH|DELETE) /_sim/[^"]+)"`)

var (
	linkToCode   = regexp.MustCompile(`\]\(\.\./([^)#]+)\)`)
	exportedName = regexp.MustCompile("`([A-Z]\\w*[a-z]\\w*)`")
	paragraph    = regexp.MustCompile(`\n\n|\n\d+\. |\n\|`)
)

// A name that the page gives is declared in a file, or a folder, that the same paragraph links.
func TestTheArchitectureNamesWhatThereIs(t *testing.T) {
	repository, err := load(os.DirFS("."))
	require.NoError(t, err)
	declared := declarations(repository)
	names := 0
	for _, text := range paragraph.Split(repository.text("docs/architecture.md"), -1) {
		var places []string
		for _, link := range linkToCode.FindAllStringSubmatch(text, -1) {
			places = append(places, strings.TrimSuffix(link[1], "/"))
		}
		for _, name := range exportedName.FindAllStringSubmatch(text, -1) {
			names++
			require.True(t, slices.ContainsFunc(places, func(place string) bool { return declared[place][name[1]] }),
				"docs/architecture.md: %s is not declared in %q", name[1], places)
		}
	}
	require.Greater(t, names, 40)
}

func TestTheArchitectureNamesEveryRoom(t *testing.T) {
	page := tree{FS: os.DirFS(".")}.text("docs/architecture.md")
	_, page, _ = strings.Cut(page, "\n## Rooms\n")
	page, _, _ = strings.Cut(page, "\n## Words\n")
	for _, r := range rooms() {
		require.Contains(t, page, "](../"+r.name+"/)", "docs/architecture.md does not say what %s is about", r.name)
	}
}

// declarations are the top-level names and methods of each file, and of each folder of the product.
func declarations(t tree) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, s := range t.sources {
		if s.test {
			continue
		}
		for _, place := range []string{s.path, s.room} {
			if all[place] == nil {
				all[place] = map[string]bool{}
			}
			for _, name := range topLevel(s.file) {
				all[place][name] = true
			}
		}
	}
	return all
}

func topLevel(file *ast.File) (names []string) {
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			names = append(names, d.Name.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, s.Name.Name)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

func TestTheEmulatorsOwnCallsAreDocumented(t *testing.T) {
	repository, err := load(os.DirFS("."))
	require.NoError(t, err)
	page, inPage := repository.text("docs/emulator.md"), map[string]bool{}
	for _, call := range regexp.MustCompile("(?m)^\\| `((?:GET|POST|PATCH|DELETE) /_sim/[^`]+)` \\|").
		FindAllStringSubmatch(page, -1) {
		inPage[call[1]] = true
	}
	routes := map[string]bool{}
	for _, s := range repository.product("internal/stripesim") {
		for _, route := range controlRoute.FindAllStringSubmatch(repository.text(s.path), -1) {
			routes[route[1]] = true
		}
	}
	require.Greater(t, len(routes), 30)
	require.Equal(t, routes, inPage, "docs/emulator.md has a row for each call, and for none that is not there")
}

var ownMetric = regexp.MustCompile(`^vitrine_[a-z_]+$`)

// Whatever is reported is defined, and what is defined is reported by somebody.
func TestMetricsAreReportedByTheirNames(t *testing.T) {
	repository, err := load(os.DirFS("."))
	require.NoError(t, err)
	reported, defined := map[string]bool{}, map[string]bool{}
	for _, s := range repository.sources {
		if s.test || within(s.room, []string{"sandbox"}) || strings.HasSuffix(s.path, "telemetry/definitions.go") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			for _, literal := range reportedTo(n) {
				if name, err := strconv.Unquote(literal.Value); err == nil && ownMetric.MatchString(name) {
					reported[name] = true
				}
			}
			return true
		})
	}
	for _, d := range telemetry.Definitions() {
		defined[d.Name] = true
	}
	require.Equal(t, defined, reported)
}

// reportedTo are the names in what asks for a metric by its name.
func reportedTo(n ast.Node) (names []*ast.BasicLit) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return nil
	}
	asked, isMethod := call.Fun.(*ast.SelectorExpr)
	literal, isText := call.Args[0].(*ast.BasicLit)
	if isMethod && isText && slices.Contains([]string{"Counter", "Gauge", "Timer"}, asked.Sel.Name) {
		names = append(names, literal)
	}
	return names
}

func TestMakeHelpFits(t *testing.T) {
	made, err := exec.LookPath("make")
	if err != nil {
		t.Skip("there is no make here")
	}
	for _, columns := range []int{80, 60} {
		command := exec.Command(made, "help")
		command.Env = append(os.Environ(), "COLUMNS="+strconv.Itoa(columns))
		listed, err := command.Output()
		require.NoError(t, err)
		require.Contains(t, string(listed), "make up")
		for line := range strings.Lines(string(listed)) {
			require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), columns, line)
		}
	}
}
