package vitrine_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const modulePath = "vitrine"

// source is one Go file.
type source struct {
	path    string // slash-separated, from the root of the repository
	room    string // the folder that it lies in; "." for the root
	pkg     string
	test    bool
	doc     string // the package comment, if this file has it
	imports []string
	file    *ast.File
}

// tree is every Go file of the repository, the sandbox's module included, and the files themselves for the rules about
// documents.
type tree struct {
	fs.FS
	sources []source
}

// load parses a repository. Folders that the go command ignores are left out.
func load(repository fs.FS) (tree, error) {
	t := tree{FS: repository}
	fset := token.NewFileSet()
	err := fs.WalkDir(repository, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if ignoredFolder(name) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		s, err := parse(repository, fset, name)
		if err == nil {
			t.sources = append(t.sources, s)
		}
		return err
	})
	return t, err
}

func ignoredFolder(name string) bool {
	base := path.Base(name)
	return name != "." &&
		(strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "vendor")
}

func parse(repository fs.FS, fset *token.FileSet, name string) (source, error) {
	text, err := fs.ReadFile(repository, name)
	if err != nil {
		return source{}, err
	}
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	s := source{
		path: name, room: path.Dir(name), pkg: file.Name.Name, test: strings.HasSuffix(name, "_test.go"),
		doc: strings.TrimSpace(file.Doc.Text()), file: file,
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		s.imports = append(s.imports, imported)
	}
	return s, nil
}

// product are the files of a room, tests left out; folders below the room are rooms of their own.
func (t tree) product(room string) (files []source) {
	for _, s := range t.sources {
		if s.room == room && !s.test {
			files = append(files, s)
		}
	}
	return files
}

// reached is what a room's product files import, directly or through other rooms, each with the way there.
func (t tree) reached(room string) map[string]string {
	ways := map[string]string{}
	var visit func(room, way string)
	visit = func(room, way string) {
		for _, s := range t.product(room) {
			for _, imported := range s.imports {
				if _, seen := ways[imported]; seen {
					continue
				}
				ways[imported] = way + " → " + imported
				if inside, ok := strings.CutPrefix(imported, modulePath+"/"); ok {
					visit(inside, ways[imported])
				}
			}
		}
	}
	visit(room, room)
	return ways
}

// within reports whether name is one of roots or lies below one of them.
func within(name string, roots []string) bool {
	return slices.ContainsFunc(roots,
		func(root string) bool { return name == root || strings.HasPrefix(name, root+"/") })
}

// standard reports whether an import path belongs to the standard library.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return first != modulePath && !strings.Contains(first, ".")
}

// calls finds the uses of pkg.name in a file, whatever the file calls pkg; lines are not given, names are.
func (s source) calls(pkg string, names ...string) (found []string) {
	local := s.localName(pkg)
	if local == "" {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && x.Name == local && slices.Contains(names, selector.Sel.Name) {
			found = append(found, pkg+"."+selector.Sel.Name)
		}
		return true
	})
	return found
}

func (s source) localName(pkg string) string {
	for i, imported := range s.imports {
		if imported != pkg {
			continue
		}
		if name := s.file.Imports[i].Name; name != nil {
			return name.Name
		}
		return path.Base(pkg)
	}
	return ""
}
