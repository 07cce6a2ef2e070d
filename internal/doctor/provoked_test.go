package doctor

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/stripeapi"
)

// saying is a place in the code that finds something amiss: which severities, and patterns of its words.
type saying struct {
	at            string
	severities    []Severity
	found, remedy *regexp.Regexp
}

func (s saying) isOf(f Diagnosis) bool {
	return slices.Contains(s.severities, f.Severity) && s.found.MatchString(f.Found) && s.remedy.MatchString(f.Remedy)
}

// A diagnosis that nothing provokes may be wrong, and lead nowhere: every place in the code that finds something amiss
// is reached by a fault of the tests, and whatever is wrong or doubtful names what mends it.
func TestEveryDiagnosisIsProvoked(t *testing.T) {
	t.Parallel()
	seen := provoked(t)
	for _, f := range seen {
		if f.Severity == Wrong || f.Severity == Doubtful {
			require.NotEmpty(t, f.Remedy, f.Found)
		}
	}
	all := sayings(t)
	require.Greater(t, len(all), 70)
	for _, s := range all {
		require.True(t, slices.ContainsFunc(seen, s.isOf), "%s: no test provokes %s (%s)", s.at, s.found, s.remedy)
	}
}

// provoked is all that the faults of the tests bring to light.
func provoked(t *testing.T) (seen []Diagnosis) {
	t.Helper()
	look := func(spoil func(w *ward)) {
		w := newWard(t)
		spoil(w)
		checks := append(w.Deployment.Checks(), w.Account.Checks()...)
		Examine(t.Context(), checks, 4, func(r Result) { seen = append(seen, r.Diagnosis) })
	}
	for _, c := range faults() {
		look(c.spoil)
	}
	for _, c := range fleetFaults() {
		look(func(w *ward) { c.spoil(w, w.dispatched()) })
	}
	look(revokedKey)
	look(func(w *ward) {
		w.stripe.denied["Data management"] = fault.NewPermanent(fault.StripeRejected, errors.New("unrecognized"))
	})
	w := newWard(t)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	hold := make(chan struct{})
	defer close(hold)
	hung := Check{Look: func(context.Context) Diagnosis { <-hold; return Diagnosis{} }}
	for _, c := range []Check{hung, {Look: hung.Look, Within: time.Nanosecond},
		{Look: hung.Look, Within: time.Nanosecond, Silent: silent("call them")},
		{Look: hung.Look, Within: time.Nanosecond, Silent: w.Account.unended("product")}} {
		ctx := t.Context()
		if c.Within == 0 {
			ctx = stopped
		}
		seen = append(seen, c.make(ctx).Diagnosis)
	}
	return seen
}

// revokedKey is a key that Stripe does not know any more.
func revokedKey(w *ward) {
	w.stripe.err = fault.NewPermanent(fault.StripeUnauthorized, errors.New("revoked"))
	w.stripe.listErr, w.stripe.agreedErr, w.stripe.thinErr = w.stripe.err, w.stripe.err, w.stripe.err
	for _, p := range slices.Concat(stripeapi.ImportPermissions(w.Deployment.Stripe.API), stripeapi.OrderPermissions(),
		stripeapi.AuditPermissions()) {
		w.stripe.denied[p.Name] = w.stripe.err
	}
}

// sayings finds every call of wrong, doubtful, unseen and lack in the package.
func sayings(t *testing.T) (all []saying) {
	t.Helper()
	// What is wrong of a permission or an address may be doubtful where no orders are taken.
	of := map[string][]Severity{"wrong": {Wrong, Doubtful}, "doubtful": {Doubtful}, "unseen": {Unseen},
		"lack": {Wrong, Doubtful}}
	files := token.NewFileSet()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	var parsed []*ast.File
	constants := map[string]ast.Expr{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, entry.Name(), nil, 0)
		require.NoError(t, err)
		parsed = append(parsed, file)
		for _, d := range file.Decls {
			noteConstants(d, constants)
		}
	}
	for _, file := range parsed {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			name, ok := call.Fun.(*ast.Ident)
			if !ok || of[name.Name] == nil {
				return true
			}
			all = append(all, saying{at: files.Position(call.Pos()).String(), severities: of[name.Name],
				found:  regexp.MustCompile("(?s)^" + pattern(call.Args[1], constants) + "$"),
				remedy: regexp.MustCompile("(?s)^" + pattern(call.Args[0], constants) + "$")})
			return true
		})
	}
	return all
}

func noteConstants(d ast.Decl, constants map[string]ast.Expr) {
	declared, ok := d.(*ast.GenDecl)
	if !ok || declared.Tok != token.CONST {
		return
	}
	for _, spec := range declared.Specs {
		values := spec.(*ast.ValueSpec)
		for i, value := range values.Values {
			constants[values.Names[i].Name] = value
		}
	}
}

var verb = regexp.MustCompile(`%[a-z]`)

// pattern is what an expression may say: anything, where it is no constant.
func pattern(e ast.Expr, constants map[string]ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			return ".*"
		}
		return verb.ReplaceAllString(regexp.QuoteMeta(text), ".*")
	case *ast.BinaryExpr:
		return pattern(e.X, constants) + pattern(e.Y, constants)
	case *ast.Ident:
		if value, known := constants[e.Name]; known {
			return pattern(value, constants)
		}
	}
	return ".*"
}
