package vitrine_test

import (
	"fmt"
	"go/ast"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// rule is something that must be true of the whole repository. check lists what breaks it; bad is a small repository
// that does, so that a rule which never fails cannot go unnoticed.
type rule struct {
	name  string
	why   string
	check func(tree) []string
	bad   map[string]string
}

func TestPolicy(t *testing.T) {
	repository, err := load(os.DirFS("."))
	require.NoError(t, err)
	for _, r := range rooms() {
		require.NotEmpty(t, repository.product(r.name), "%s: the rules look for Go files in the wrong place", r.name)
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			if broken := r.check(repository); len(broken) > 0 {
				t.Errorf("%s\n\nThe rule: %s.", strings.Join(broken, "\n"), r.why)
			}
		})
	}
}

func TestPolicyRulesCanFail(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			files := fstest.MapFS{}
			for name, text := range r.bad {
				files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			bad, err := load(files)
			require.NoError(t, err)
			require.Len(t, r.check(bad), 1, "each bad example breaks its rule exactly once")
		})
	}
}

// doesIO are the parts of the standard library that reach out of the process.
var doesIO = []string{"net", "os", "syscall", "database", "plugin", "C"}

func rules() []rule {
	return slices.Concat(roomRules(rooms()), confinementRules(), reachRules(), codeRules(), moduleRules())
}

// roomRules say what a room's product files may import: no more than is allowed, and nothing is allowed in vain.
func roomRules(rooms []room) (rules []rule) {
	for _, r := range rooms {
		rules = append(rules, r.rule())
	}
	return append(rules,
		rule{
			name:  "rooms without a rule",
			why:   "a room that may import everything will; say in rooms() what it is for, and so what it needs",
			check: func(t tree) []string { return lawless(t, rooms) },
			bad:   map[string]string{"internal/lawless/at.go": "package lawless"},
		},
		rule{
			name:  "what rooms may import and do not",
			why:   "what is allowed in vain hides what a room is for, and lets in unseen what it once got rid of",
			check: func(t tree) []string { return unused(t, rooms) },
			bad:   allUsed(rooms, "internal/order"),
		},
	)
}

// lawless finds rooms of the product that have no rule. A folder whose name ends in test helps tests.
func lawless(t tree, rooms []room) (broken []string) {
	for _, s := range t.sources {
		ruled := slices.ContainsFunc(rooms, func(r room) bool { return r.name == s.room })
		beside := s.test || s.room == "." || strings.HasSuffix(s.room, "test") ||
			within(s.room, []string{"sandbox", "tools"})
		if !ruled && !beside {
			broken = append(broken, s.room+" has no rule")
		}
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

// unused finds what is allowed and not imported; "*" is what does I/O.
func unused(t tree, rooms []room) (broken []string) {
	for _, r := range rooms {
		used := map[string]bool{}
		for _, s := range t.product(r.name) {
			for _, imported := range s.imports {
				used[imported] = true
				used["*"] = used["*"] || standard(imported) && within(imported, doesIO)
			}
		}
		for i, allowed := range r.allowed() {
			if !used[allowed] || slices.Contains(r.allowed()[:i], allowed) {
				broken = append(broken, fmt.Sprintf("%s may import %s, and does not", r.name, allowed))
			}
		}
	}
	return broken
}

// allUsed is a repository in which every room uses what it may, but one, which leaves out the first of it.
func allUsed(rooms []room, but string) map[string]string {
	files := map[string]string{}
	for _, r := range rooms {
		imported := slices.Clone(r.allowed())
		if r.name == but {
			imported = imported[1:]
		}
		for i, allowed := range imported {
			if allowed == "*" {
				imported[i] = doesIO[0]
			}
		}
		files[r.name+"/all.go"] = importing(imported...)
	}
	return files
}

// importing is the text of a file that imports packages.
func importing(imported ...string) string {
	text := "package imports"
	for _, name := range imported {
		text += "; import _ " + strconv.Quote(name)
	}
	return text
}

// rooms are all that the product is made of, each with what its files may import at most.
func rooms() []room {
	const why = "a room that imports less can be tested and understood alone, and what it must not do it cannot do"
	return []room{
		{
			name: "workflows",
			why:  "workflow code is replayed: it decides, and leaves everything that touches the world to activities",
			std:  []string{"cmp", "errors", "fmt", "slices", "strconv", "strings", "time"},
			others: []string{
				"vitrine/activities", "vitrine/internal/catalog", "vitrine/internal/drift", "vitrine/internal/fault",
				"vitrine/internal/feed", "vitrine/internal/news", "vitrine/internal/order",
				"vitrine/internal/statestore",
				"vitrine/internal/strictjson", "vitrine/internal/utc",
				"github.com/dustin/go-humanize", // numbers in what the Web UI shows
				"go.temporal.io/sdk/temporal", "go.temporal.io/sdk/workflow", "go.temporal.io/api/enums/v1",
				"go.temporal.io/sdk/worker", // for its interface WorkflowRegistry, to register by
			},
			bad: "net/http",
		},
		{
			name: "activities",
			why:  "activities reach the world through ports; the adapters behind them live under internal/",
			others: []string{
				"vitrine/internal/account", "vitrine/internal/assortment", "vitrine/internal/catalog",
				"vitrine/internal/drift", "vitrine/internal/fault", "vitrine/internal/feed",
				"vitrine/internal/feed/lines", "vitrine/internal/fleet",
				"vitrine/internal/news", "vitrine/internal/order", "vitrine/internal/report",
				"vitrine/internal/staging",
				"vitrine/internal/budget",
				"vitrine/internal/statestore",
				"go.temporal.io/sdk/activity", "go.temporal.io/sdk/interceptor", "go.temporal.io/sdk/temporal",
			},
			bad: "vitrine/internal/objectstore",
		},
		{name: "internal/feed", why: "the feed is pure: readers in, writers out",
			others: []string{"vitrine/internal/currency", "vitrine/internal/feed/ascii", "vitrine/internal/feed/lines",
				"github.com/cespare/xxhash/v2", "github.com/zeebo/xxh3", "golang.org/x/text/unicode/norm"},
			bad: "os"},
		{name: "internal/feed/lines", why: "how a file is written is one thing, and what stands in its cells another",
			others: []string{"vitrine/internal/feed/ascii"},
			bad:    "vitrine/internal/feed"},
		{name: "internal/feed/ascii", why: "what a byte is hangs on nothing, least of all on what a feed makes of it",
			std: []string{"encoding/binary"},
			bad: "vitrine/internal/feed"},
		{name: "internal/access", why: why,
			std: []string{"*"},
			bad: "vitrine/internal/config"},
		{name: "internal/currency", why: why,
			bad: "os"},
		{name: "internal/utc", why: why,
			bad: "vitrine/internal/order"},
		{name: "internal/fault", why: why,
			bad: "go.temporal.io/sdk/temporal"},
		{name: "internal/strictjson", why: why,
			others: []string{"github.com/go-json-experiment/json", "github.com/go-json-experiment/json/jsontext"},
			bad:    "os"},
		{
			name:   "internal/statestore",
			why:    "what knows every key knows no document: rooms put theirs into it, and it reaches S3 through a port",
			others: []string{"vitrine/internal/fault", "vitrine/internal/feed", "vitrine/internal/feed/lines"},
			bad:    "vitrine/internal/catalog",
		},
		{
			name: "internal/account",
			why:  "what is about an account alone is below its catalogs and its orders, which both need it",
			others: []string{"vitrine/internal/fault", "vitrine/internal/feed", "vitrine/internal/feed/lines",
				"vitrine/internal/statestore", "vitrine/internal/utc"},
			bad: "vitrine/internal/catalog",
		},
		{name: "internal/catalog", why: why,
			others: []string{"vitrine/internal/account", "vitrine/internal/drift", "vitrine/internal/fault",
				"vitrine/internal/feed", "vitrine/internal/statestore", "vitrine/internal/utc",
				"github.com/dustin/go-humanize"},
			bad: "vitrine/activities"},
		{name: "internal/news", why: "the words of news are spoken in workflows too: they reach nothing",
			others: []string{"vitrine/internal/account", "vitrine/internal/catalog", "vitrine/internal/fault",
				"vitrine/internal/feed"},
			bad: "vitrine/activities"},
		{name: "internal/fleet", why: why,
			others: []string{"vitrine/internal/account", "vitrine/internal/catalog", "vitrine/internal/fault",
				"vitrine/internal/feed", "vitrine/internal/statestore"},
			bad: "vitrine/activities"},
		{
			name: "internal/order", why: "the words of orders are spoken in workflows too: they reach nothing",
			others: []string{"vitrine/internal/account", "vitrine/internal/currency",
				"vitrine/internal/fault", "vitrine/internal/statestore", "vitrine/internal/strictjson",
				"vitrine/internal/utc",
				"golang.org/x/text/unicode/norm", // one reason is one, however its letters are made
			},
			bad: "vitrine/internal/catalog",
		},
		{
			name: "internal/drift", why: "what tells two states of a catalog apart is pure: rows in, findings out",
			others: []string{"vitrine/internal/feed", "vitrine/internal/feed/lines", "github.com/cespare/xxhash/v2"},
			bad:    "vitrine/internal/catalog",
		},
		{
			name: "internal/report", why: "the report is pure: findings in, documents out",
			others: []string{"vitrine/internal/catalog", "vitrine/internal/feed"},
			bad:    "os",
		},
		{
			name: "internal/staging",
			why:  "a dry run is the worker's own code: staging reaches S3 through a port, and Stripe not at all",
			others: []string{"vitrine/internal/account", "vitrine/internal/catalog", "vitrine/internal/fault",
				"vitrine/internal/feed", "vitrine/internal/feed/lines", "vitrine/internal/report",
				"vitrine/internal/statestore"},
			bad: "vitrine/internal/stripeapi",
		},
		{
			name: "internal/fulfillment",
			why:  "what knows a buyer reaches the merchant and the mail server, and nothing else",
			std:  []string{"*"},
			others: []string{
				"vitrine/internal/account", "vitrine/internal/checkout", "vitrine/internal/fault",
				"vitrine/internal/news",
				"vitrine/internal/order", "vitrine/internal/statestore", "github.com/wneessen/go-mail",
				"golang.org/x/text/language", "golang.org/x/text/language/display", // countries' names
				"code.dny.dev/ssrf", // refuses addresses
			},
			bad: "vitrine/internal/stripeapi",
		},
		{
			name: "internal/doctor",
			why:  "what examines a deployment is handed all it looks at, and says what mends it: it makes no client",
			others: []string{
				"vitrine/internal/account", "vitrine/internal/catalog", "vitrine/internal/fault",
				"vitrine/internal/feed", "vitrine/internal/fleet", "vitrine/internal/order",
				"vitrine/internal/preflight", "vitrine/internal/statestore", "vitrine/internal/stripeapi",
				"vitrine/internal/utc",
				"go.temporal.io/api/enums/v1", "go.temporal.io/sdk/temporal",
			},
			std: []string{"context", "fmt", "net/url", "slices", "strconv", "strings", "sync", "time"},
			bad: "vitrine/internal/objectstore",
		},
		{
			name: "internal/budget",
			why:  "how fast something may be called, and whether at all, is decided without calling it",
			std:  []string{"context", "math/rand/v2", "strings", "sync", "sync/atomic", "time"},
			bad:  "net/http",
		},
		{
			name: "internal/launch",
			why:  "whoever starts syncs starts the same run: what they know beyond it is no part of starting",
			others: []string{
				"vitrine/internal/catalog", "vitrine/workflows", "go.temporal.io/api/enums/v1",
				"go.temporal.io/api/serviceerror", "go.temporal.io/sdk/client",
			},
			bad: "vitrine/internal/objectstore",
		},
		{
			name: "internal/desk",
			why:  "what is asked and told is the same whoever asks: it knows neither a terminal nor HTTP",
			others: []string{
				"vitrine/internal/account", "vitrine/internal/catalog", "vitrine/internal/fault",
				"vitrine/internal/feed", "vitrine/internal/fleet",
				"vitrine/internal/launch", "vitrine/internal/keyring", "vitrine/internal/order",
				"vitrine/internal/payload",
				"vitrine/internal/statestore", "vitrine/internal/temporalclient", "vitrine/workflows",
				"golang.org/x/sync/errgroup",
				"go.temporal.io/api/enums/v1", "go.temporal.io/api/workflow/v1",
				"go.temporal.io/api/workflowservice/v1", "go.temporal.io/sdk/client", "go.temporal.io/sdk/temporal",
			},
			bad: "net/http",
		},
		{name: "internal/keyring", why: why,
			std: []string{"crypto/aes", "crypto/cipher", "encoding/base64", "errors", "fmt", "regexp", "slices",
				"strings"},
			bad: "os"},
		{
			name: "internal/payload", why: "what encrypts is handed its keys, and reaches nothing",
			others: []string{
				"go.temporal.io/api/common/v1", "go.temporal.io/api/failure/v1", "go.temporal.io/sdk/converter",
				"go.temporal.io/sdk/temporal", "go.temporal.io/sdk/workflow", "google.golang.org/protobuf/proto",
				"vitrine/internal/keyring",
			},
			bad: "os",
		},
		{
			name: "internal/privacy", why: "what erases reaches the buckets through a port, and nothing else",
			others: []string{"vitrine/internal/fault", "vitrine/internal/order", "vitrine/internal/statestore"},
			bad:    "vitrine/internal/objectstore",
		},
		{
			name: "internal/assortment",
			why:  "what an account sells is made and looked up anywhere: files come through a port",
			others: []string{"vitrine/internal/fault", "vitrine/internal/feed", "vitrine/internal/feed/lines",
				"vitrine/internal/statestore", "github.com/cespare/xxhash/v2", "golang.org/x/sync/semaphore"},
			bad: "os",
		},
		{
			name: "internal/checkout",
			why:  "answers to a checkout are pure: what is asked and what is known in, the answer out",
			others: []string{"vitrine/internal/assortment", "vitrine/internal/feed", "vitrine/internal/order",
				"vitrine/internal/strictjson"},
			bad: "net/http",
		},
		{
			name: "internal/daemon",
			why:  "what processes share is how they stay, and not what they do: that would be a room that knows everything",
			std:  []string{"*"},
			others: []string{
				"vitrine/internal/config", "vitrine/internal/health", "vitrine/internal/keyring",
				"vitrine/internal/preflight",
				"vitrine/internal/stripeapi", "vitrine/internal/telemetry", "vitrine/internal/temporalclient",
				"vitrine/internal/budget",
				"go.temporal.io/sdk/client", "go.temporal.io/sdk/temporal", "go.uber.org/fx",
			},
			bad: "vitrine/workflows",
		},
		{
			name: "internal/console",
			why:  "what people see in a browser is the desk's: it makes no client, and knows no other way to ask",
			std:  []string{"*"},
			others: []string{
				"vitrine/internal/access", "vitrine/internal/account", "vitrine/internal/catalog",
				"vitrine/internal/desk",
				"vitrine/internal/feed", "vitrine/internal/order", "vitrine/internal/report", "vitrine/internal/server",
				"vitrine/workflows", "golang.org/x/sync/errgroup",
			},
			bad: "vitrine/internal/objectstore",
		},
		{
			name: "internal/server",
			why:  "what answers HTTP is handed all it asks and tells: it makes no client, and needs no process around it",
			std:  []string{"*"},
			others: []string{
				"vitrine/internal/access", "vitrine/internal/account", "vitrine/internal/assortment",
				"vitrine/internal/catalog", "vitrine/internal/checkout",
				"vitrine/internal/desk", "vitrine/internal/fault", "vitrine/internal/feed", "vitrine/internal/intake",
				"vitrine/internal/order",
				"vitrine/internal/strictjson", "vitrine/internal/stripeapi", "vitrine/internal/temporalclient",
				"vitrine/workflows",
				"github.com/felixge/httpsnoop",
				"go.temporal.io/sdk/client", "go.temporal.io/sdk/temporal",
				// what a codec endpoint speaks
				"go.temporal.io/api/common/v1", "go.temporal.io/sdk/converter",
				"google.golang.org/protobuf/encoding/protojson",
			},
			bad: "vitrine/internal/objectstore",
		},
		{
			name: "internal/terminal",
			why:  "what people see is made of words and numbers: it knows neither Stripe nor Temporal, nor what a command does",
			std:  []string{"*"},
			others: []string{
				"github.com/dustin/go-humanize", "github.com/rivo/uniseg", "github.com/schollz/progressbar/v3",
				"golang.org/x/term",
			},
			bad: "vitrine/internal/catalog",
		},
		{
			name:   "internal/stripesim",
			why:    "the emulator judges the product, so it shares no code with it",
			std:    []string{"*"},
			others: []string{"vitrine/internal/simcontrol"},
			bad:    "vitrine/internal/feed",
		},
		{
			name: "internal/simcontrol",
			why:  "who steers the emulator and looks into it needs its words alone, and not the emulator itself",
			std:  []string{"*"},
			bad:  "vitrine/internal/stripesim",
		},
		{
			name: "internal/config",
			why:  "what configures reads the environment and files: it makes nothing of them, and reaches no network",
			std: []string{"cmp", "encoding/base64", "errors", "fmt", "io", "io/fs", "log/slog", "math", "net",
				"net/mail", "net/url", "os", "path/filepath", "regexp", "slices", "strconv", "strings", "time"},
			others: []string{
				"vitrine/internal/access", "vitrine/internal/account", "vitrine/internal/feed",
				"vitrine/internal/keyring", "vitrine/internal/news", "vitrine/internal/statestore",
			},
			bad: "net/http",
		},
		{
			name: "internal/health",
			why:  "whoever asks whether a process lives is answered by what it is handed: it knows nothing of the process",
			std:  []string{"*"},
			bad:  "vitrine/internal/telemetry",
		},
		{
			name:   "internal/preflight",
			why:    "what is tried before a start is handed what it tries: it makes no client",
			others: []string{"vitrine/internal/fault", "vitrine/internal/statestore"},
			bad:    "vitrine/internal/objectstore",
		},
		{
			name: "internal/telemetry",
			why:  "what measures knows the words that it counts, and starts nothing",
			std:  []string{"*"},
			others: []string{
				"vitrine/internal/catalog", "vitrine/internal/config", "vitrine/internal/fault",
				"vitrine/internal/feed", "vitrine/internal/fleet", "vitrine/internal/news", "vitrine/internal/order",
				"vitrine/internal/stripeapi",
				"github.com/felixge/httpsnoop",
				"github.com/prometheus/client_golang/prometheus",
				"github.com/prometheus/client_golang/prometheus/collectors",
				"github.com/prometheus/client_golang/prometheus/promhttp",
				"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/codes",
				"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp",
				"go.opentelemetry.io/otel/exporters/prometheus", "go.opentelemetry.io/otel/propagation",
				"go.opentelemetry.io/otel/sdk/metric", "go.opentelemetry.io/otel/sdk/resource",
				"go.opentelemetry.io/otel/sdk/trace", "go.opentelemetry.io/otel/trace",
				"go.temporal.io/sdk/client", "go.temporal.io/sdk/contrib/opentelemetry",
				"go.temporal.io/sdk/interceptor",
			},
			bad: "vitrine/workflows",
		},
		{
			name: "internal/intake",
			why:  "what brings an event to its order knows workflows and Temporal, and no other way in or out",
			others: []string{
				"vitrine/activities", "vitrine/internal/account", "vitrine/internal/catalog", "vitrine/internal/fault",
				"vitrine/internal/order", "vitrine/workflows",
				"go.temporal.io/api/enums/v1", "go.temporal.io/api/serviceerror", "go.temporal.io/sdk/client",
			},
			bad: "net/http",
		},
		{
			name: "internal/stripeapi",
			why:  "what speaks with Stripe knows the words of those who ask it, and neither S3 nor Temporal",
			std:  []string{"*"},
			others: []string{
				"vitrine/internal/account", "vitrine/internal/budget", "vitrine/internal/catalog",
				"vitrine/internal/drift", "vitrine/internal/fault", "vitrine/internal/feed", "vitrine/internal/order",
				"github.com/stripe/stripe-go/v83", "github.com/stripe/stripe-go/v83/rawrequest",
				"github.com/stripe/stripe-go/v83/webhook",
			},
			bad: "vitrine/internal/objectstore",
		},
		{
			name: "internal/objectstore",
			why:  "what speaks with S3 knows objects and their versions, and nothing of what is in them",
			std:  []string{"*"},
			others: []string{
				"vitrine/internal/fault", "vitrine/internal/statestore",
				"github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/aws/retry",
				"github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/service/s3",
				"github.com/aws/aws-sdk-go-v2/service/s3/types",
				"github.com/aws/smithy-go", "github.com/aws/smithy-go/transport/http",
			},
			bad: "vitrine/internal/catalog",
		},
		{
			name: "internal/temporalclient",
			why:  "what connects to Temporal knows namespaces, queues and keys, and none of the workflows in them",
			std:  []string{"*"},
			others: []string{
				"vitrine/internal/fault", "vitrine/internal/keyring", "vitrine/internal/payload",
				"go.temporal.io/api/enums/v1", "go.temporal.io/api/operatorservice/v1",
				"go.temporal.io/api/serviceerror", "go.temporal.io/api/taskqueue/v1",
				"go.temporal.io/api/workflowservice/v1", "go.temporal.io/sdk/client",
				"go.temporal.io/sdk/contrib/envconfig", "go.temporal.io/sdk/log", "go.temporal.io/sdk/temporal",
				"google.golang.org/grpc/codes",
			},
			bad: "vitrine/workflows",
		},
		{
			name: "worker",
			why:  "the worker wires workflows and steps to what they need, and serves no people",
			std:  []string{"*"},
			others: []string{
				"vitrine/activities", "vitrine/internal/account", "vitrine/internal/assortment",
				"vitrine/internal/budget", "vitrine/internal/catalog", "vitrine/internal/config",
				"vitrine/internal/daemon", "vitrine/internal/feed", "vitrine/internal/fleet",
				"vitrine/internal/fulfillment", "vitrine/internal/health", "vitrine/internal/intake",
				"vitrine/internal/launch", "vitrine/internal/news", "vitrine/internal/objectstore",
				"vitrine/internal/order", "vitrine/internal/preflight", "vitrine/internal/staging",
				"vitrine/internal/statestore", "vitrine/internal/stripeapi", "vitrine/internal/telemetry",
				"vitrine/internal/temporalclient", "vitrine/internal/terminal", "vitrine/workflows",
				"go.temporal.io/api/enums/v1", "go.temporal.io/api/serviceerror",
				"go.temporal.io/api/workflowservice/v1", "go.temporal.io/sdk/client",
				"go.temporal.io/sdk/interceptor", "go.temporal.io/sdk/temporal", "go.temporal.io/sdk/worker",
				"go.uber.org/dig", "go.uber.org/fx", "go.uber.org/fx/fxevent", "golang.org/x/time/rate",
			},
			bad: "vitrine/internal/console",
		},
		{
			name: "starter",
			why:  "a command asks and tells through rooms: Stripe and S3 are spoken with by their adapters",
			std:  []string{"*"},
			others: []string{
				"vitrine/activities", "vitrine/internal/account", "vitrine/internal/assortment",
				"vitrine/internal/catalog", "vitrine/internal/config", "vitrine/internal/console",
				"vitrine/internal/daemon", "vitrine/internal/desk", "vitrine/internal/doctor",
				"vitrine/internal/drift", "vitrine/internal/fault", "vitrine/internal/feed",
				"vitrine/internal/feed/lines",
				"vitrine/internal/fleet", "vitrine/internal/fulfillment", "vitrine/internal/health",
				"vitrine/internal/intake", "vitrine/internal/keyring", "vitrine/internal/launch",
				"vitrine/internal/objectstore", "vitrine/internal/order", "vitrine/internal/payload",
				"vitrine/internal/preflight", "vitrine/internal/privacy", "vitrine/internal/report",
				"vitrine/internal/server", "vitrine/internal/staging", "vitrine/internal/statestore",
				"vitrine/internal/strictjson", "vitrine/internal/stripeapi", "vitrine/internal/telemetry",
				"vitrine/internal/temporalclient", "vitrine/internal/terminal", "vitrine/workflows",
				"github.com/dustin/go-humanize", "github.com/spf13/cobra", "github.com/xuri/excelize/v2",
				"go.temporal.io/api/common/v1", "go.temporal.io/api/enums/v1", "go.temporal.io/api/failure/v1",
				"go.temporal.io/api/history/v1", "go.temporal.io/api/serviceerror", "go.temporal.io/api/workflow/v1",
				"go.temporal.io/api/workflowservice/v1", "go.temporal.io/sdk/client", "go.temporal.io/sdk/converter",
				"go.temporal.io/sdk/temporal", "go.uber.org/dig", "go.uber.org/fx", "golang.org/x/sync/errgroup",
				"golang.org/x/time/rate",
			},
			bad: "github.com/stripe/stripe-go/v83",
		},
	}
}

// room is what may be imported: std is a list of standard packages, nil for all but those that do I/O, "*" for all. bad
// is something that may not be.
type room struct {
	name, why string
	std       []string
	others    []string
	bad       string
}

func (r room) rule() rule {
	return rule{
		name: "imports of " + r.name,
		why:  r.why,
		bad:  map[string]string{r.name + "/bad.go": importing(r.bad)},
		check: func(t tree) (broken []string) {
			for _, s := range t.product(r.name) {
				for _, imported := range s.imports {
					if !r.allows(imported) {
						broken = append(broken, fmt.Sprintf("%s imports %s", s.path, imported))
					}
				}
			}
			return broken
		},
	}
}

func (r room) allowed() []string { return slices.Concat(r.std, r.others) }

func (r room) allows(imported string) bool {
	switch {
	case !standard(imported):
		return slices.Contains(r.others, imported)
	case r.std == nil:
		return !within(imported, doesIO)
	case r.std[0] == "*":
		return true
	}
	return slices.Contains(r.std, imported)
}

// confinementRules keep a library in the rooms that it belongs to, tests included.
func confinementRules() []rule {
	return []rule{
		confined("fx", []string{"go.uber.org/fx", "go.uber.org/dig"}, []string{"worker", "starter", "internal/daemon"},
			"fx wires the two processes, and what they share; everything else is made by plain constructors"),
		confined("stripe-go", []string{"github.com/stripe/stripe-go"}, []string{"internal/stripeapi", "sandbox"},
			"one adapter knows Stripe's library, its traps and its errors; the sandbox measures uploads against it"),
		confined("the AWS SDK", []string{"github.com/aws"}, []string{"internal/objectstore", "sandbox"},
			"one adapter knows S3's library and its errors; the sandbox fills buckets"),
		confined("go-mail", []string{"github.com/wneessen/go-mail"}, []string{"internal/fulfillment", "sandbox"},
			"one adapter knows the mail library, and that its errors name the recipient"),
		confined("OpenTelemetry", []string{"go.opentelemetry.io"}, []string{"internal/telemetry", "sandbox"},
			"one room measures, and knows what may be told of a span"),
		confined("Temporal's server", []string{"go.temporal.io/server", "github.com/temporalio/ui-server"},
			[]string{"sandbox"},
			"embedding a server costs 500 modules, and the product needs none of them"),
		confined("what draws on terminals",
			[]string{"github.com/schollz/progressbar", "github.com/rivo/uniseg", "golang.org/x/term"},
			[]string{"internal/terminal", "sandbox"},
			"one room of the product knows how wide a terminal is, and whether one is there"),
		confined("versitygw", []string{"github.com/versity"}, []string{"sandbox"},
			"the product talks to S3, whoever serves it"),
		confined("the mail catcher's libraries", []string{"github.com/emersion"}, []string{"sandbox/mail"},
			"whoever looks at caught mails asks the catcher, and the product only sends them"),
		confined("the strict JSON library", []string{"github.com/go-json-experiment/json"},
			[]string{"internal/strictjson"},
			"it becomes the standard library's encoding/json/v2, and one room will change its import then"),
		confined("a browser's driver", []string{"github.com/chromedp"}, []string{"sandbox/e2e"},
			"the product serves pages; whether a browser shows them well, the sandbox tries"),
		confined("testify's assert", []string{"github.com/stretchr/testify/assert"}, nil,
			"a test that goes on after a failed assertion reports consequences; use require"),
	}
}

func confined(name string, libraries, rooms []string, why string) rule {
	return rule{
		name: "where " + name + " may be imported",
		why:  why,
		bad: map[string]string{
			"internal/anywhere/bad_test.go": `package anywhere; import _ "` + libraries[0] + `/v83/part"`,
		},
		check: func(t tree) (broken []string) {
			for _, s := range t.sources {
				for _, imported := range s.imports {
					if within(imported, libraries) && !within(s.room, rooms) {
						broken = append(broken, fmt.Sprintf("%s imports %s", s.path, imported))
					}
				}
			}
			return broken
		},
	}
}

// reachRules hold through any number of other rooms.
func reachRules() []rule {
	adapters := []string{
		"github.com/stripe", "github.com/aws", "net/http",
		"vitrine/internal/objectstore", "vitrine/internal/stripeapi", "vitrine/internal/fulfillment",
		"vitrine/internal/stripesim", "vitrine/internal/simcontrol",
		"vitrine/internal/config",
	}
	const pure = "what decides must not be able to call out by a detour"
	emulators := []string{"vitrine/internal/stripesim", "vitrine/internal/simcontrol", "vitrine/sandbox",
		"go.temporal.io/server", "github.com/versity"}
	const bare = "the binaries that run in production carry no emulator and no server"
	return []rule{
		unreachable("workflows", adapters, pure),
		unreachable("activities", adapters, pure),
		unreachable("worker", emulators, bare),
		unreachable("starter", emulators, bare),
	}
}

func unreachable(room string, libraries []string, why string) rule {
	return rule{
		name: "what " + room + " must not reach",
		why:  why,
		bad: map[string]string{
			room + "/bad.go":         `package bad; import _ "vitrine/internal/between"`,
			"internal/between/at.go": `package between; import _ "` + libraries[0] + `/thing"`,
		},
		check: func(t tree) (broken []string) {
			for imported, way := range t.reached(room) {
				if within(imported, libraries) {
					broken = append(broken, way)
				}
			}
			slices.Sort(broken)
			return broken
		},
	}
}

// codeRules are about what the code says, wherever it is.
func codeRules() []rule {
	return []rule{
		{
			name:  "lines",
			why:   fmt.Sprintf("what is read beside something else fits %d columns; texts in backquotes have a width of their own", widest),
			check: wideProduct,
			bad: map[string]string{"internal/wide/wide.go": "// Package wide is wide.\npackage wide\n\nconst text = `" +
				strings.Repeat("x", widest) + "\n`\n\nvar (\n\tname = \"" + strings.Repeat("é", widest-12) + "\"\n)\n"},
		},
		{
			name: "lines of tests",
			why: fmt.Sprintf("a test is read as often as what it tests: %d columns, and long texts in quotes have a width of "+
				"their own", widest),
			check: wideTests,
			bad: map[string]string{"sandbox/wide/wide_test.go": "package wide\n\nvar (\n" +
				"\ttext = \"" + strings.Repeat("x", widest) + "\"\n" +
				"\ttable = map[string]int{\n\t\t\"x\":" + strings.Repeat(" ", widest) + "1,\n\t}\n" +
				"\twide = " + strings.Repeat("1 + ", widest/4) + "1\n)\n"},
		},
		{
			name:  "package comments",
			why:   "whoever opens a package learns from one sentence what it is for",
			check: withoutPackageComment,
			bad:   map[string]string{"internal/mute/mute.go": "package mute", "internal/mute/more.go": "package mute"},
		},
		{
			name:  "where package comments are",
			why:   "whoever looks for that sentence looks in doc.go, or in a command's main.go, and in no other file",
			check: misplacedPackageComment,
			bad: map[string]string{
				"internal/found/doc.go":  "// Package found is found.\npackage found",
				"internal/found/lost.go": "// Package found is lost.\npackage found",
				"tools/found/main.go":    "// Found is a command.\npackage main",
			},
		},
		{
			name:  "package names",
			why:   "a name that fits everything attracts everything: name a package after what it knows",
			check: vaguelyNamed,
			bad:   map[string]string{"internal/retryutil/util.go": "// Package util is vague.\npackage util"},
		},
		{
			name:  "the clock in workflows",
			why:   "workflow code is replayed: the time comes from workflow.Now, pauses from workflow.Sleep or timers",
			check: clockInWorkflows,
			bad: map[string]string{
				"workflows/bad.go": `package workflows; import clock "time"; var now = clock.Now()`,
			},
		},
		{
			name:  "buyers in workflows",
			why:   "what a workflow holds is in history for as long as that lives: it speaks of orders by their Summary",
			check: buyersInWorkflows,
			bad: map[string]string{
				"workflows/bad.go": `package workflows; import "vitrine/internal/order"; var kept order.Document`,
			},
		},
		{
			name:  "keys of the state bucket",
			why:   "whoever grants, expires or erases what is kept reads one list of keys: internal/statestore makes them all",
			check: keysElsewhere,
			bad: map[string]string{
				"internal/order/bad.go": `package order; var key = layout.StatePrefix + "orders.json"`,
			},
		},
		{
			name:  "what people read",
			why:   "a line that is wider than its terminal breaks within words: internal/terminal writes what people read, and breaks it",
			check: printsElsewhere,
			bad: map[string]string{
				"starter/bad.go": `package main; import "fmt"; func say() { fmt.Fprintf(a.Stdout, "a line\n") }`,
			},
		},
		{
			name:  "docstrings",
			why:   "whoever calls it reads its sentence and not its body: what it is, and where it matters its unit, shape, errors and source",
			check: undocumented,
			bad: map[string]string{"internal/mute/mute.go": `// Package mute says little.
				package mute
				// The states.
				const (
					Said = iota
				)
				var unsaid = 1
				func (mute) Unseen() {}
				type mute int // no comment of its own is needed
				type Named int // at the end of its line
				func (*Named) Speak() {}`},
		},
		{
			name: "time.Sleep",
			why:  "a sleep is too short or too long: wait for what you wait for, with a deadline; exceptions stand in sleepers, with their reason",
			check: func(t tree) []string {
				return sleeping(t, sleepers)
			},
			bad: asleep("internal/lazy/lazy_test.go"),
		},
	}
}

func withoutPackageComment(t tree) (broken []string) {
	documented, packages := map[string]bool{}, []string{}
	for _, s := range t.sources {
		p := s.room + ": package " + strings.TrimSuffix(s.pkg, "_test")
		documented[p] = documented[p] || s.doc != ""
		packages = append(packages, p)
	}
	slices.Sort(packages)
	for _, p := range slices.Compact(packages) {
		if !documented[p] {
			broken = append(broken, p+" has no package comment")
		}
	}
	return broken
}

func misplacedPackageComment(t tree) (broken []string) {
	for _, s := range t.sources {
		place := "doc.go"
		if s.pkg == "main" {
			place = "main.go"
		}
		if s.doc != "" && path.Base(s.path) != place {
			broken = append(broken, s.path+" has a package comment: it belongs into "+place)
		}
	}
	return broken
}

// undocumented finds exported identifiers without a comment: its own, one at the end of its line, or its group's.
func undocumented(t tree) (broken []string) {
	for _, s := range t.sources {
		if s.test {
			continue
		}
		for _, declaration := range s.file.Decls {
			for _, name := range mute(declaration) {
				broken = append(broken, s.path+": "+name+" has no comment")
			}
		}
	}
	return broken
}

func mute(declaration ast.Decl) (names []string) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d.Recv.List[0].Type))) {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if d.Doc == nil {
				names = append(names, muteSpec(spec)...)
			}
		}
	}
	return names
}

func muteSpec(spec ast.Spec) (names []string) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Doc == nil && s.Comment == nil && s.Name.IsExported() {
			names = append(names, s.Name.Name)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if s.Doc == nil && s.Comment == nil && name.IsExported() {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

// receiver is the name of a method's type: *T, T, or T[P].
func receiver(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

var vagueNames = []string{"base", "common", "helper", "helpers", "lib", "manager", "misc", "shared", "util", "utils"}

func vaguelyNamed(t tree) (broken []string) {
	for _, s := range t.sources {
		if slices.Contains(vagueNames, strings.TrimSuffix(s.pkg, "_test")) ||
			slices.Contains(vagueNames, path.Base(s.room)) {
			broken = append(broken, fmt.Sprintf("%s: package %s", s.path, s.pkg))
		}
	}
	return broken
}

func clockInWorkflows(t tree) (broken []string) {
	for _, s := range t.product("workflows") {
		for _, call := range s.calls("time", "Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick",
			"NewTicker", "NewTimer") {
			broken = append(broken, fmt.Sprintf("%s uses %s", s.path, call))
		}
	}
	return broken
}

func buyersInWorkflows(t tree) (broken []string) {
	for _, s := range t.product("workflows") {
		for _, personal := range s.calls("vitrine/internal/order", "Session", "Document", "Evidence", "Buyer",
			"Recipient", "Address", "LineText") {
			broken = append(broken, fmt.Sprintf("%s speaks of %s", s.path, personal))
		}
	}
	return broken
}

// widest is how many columns a line of code may take; a tab takes four.
const widest = 120

// widestText is how wide a text may be that tests and the sandbox have to break a line for: a catalog, an answer of
// Stripe's or a screen is read better in one piece.
const widestText = 80

var (
	quotedText = regexp.MustCompile("`[^`]*`|" + `"(?:[^"\\]|\\.)*"`)
	padding    = regexp.MustCompile(`: +`)
)

// wideProduct finds wide lines of the product.
func wideProduct(t tree) (broken []string) {
	return wideLines(t, false)
}

// wideTests finds wide lines of tests and of the sandbox, where long texts in quotes have a width of their own too, and
// what aligns the values of a table has none.
func wideTests(t tree) (broken []string) {
	return wideLines(t, true)
}

// wideLines finds lines that are wider, but for texts in backquotes and what is set in a comment.
func wideLines(t tree, lenient bool) (broken []string) {
	for _, s := range t.sources {
		if lenient != (s.test || within(s.room, []string{"sandbox"})) {
			continue
		}
		text, err := fs.ReadFile(t.FS, s.path)
		if err != nil {
			broken = append(broken, err.Error())
			continue
		}
		inText := false
		for i, line := range strings.Split(string(text), "\n") {
			quoted := inText
			if strings.Count(line, "`")%2 == 1 {
				inText, quoted = !inText, true
			}
			set := strings.HasPrefix(line, "//\t") || strings.HasPrefix(line, "//  ")
			if lenient {
				line = padding.ReplaceAllString(line, ": ")
				quoted = quoted || slices.ContainsFunc(quotedText.FindAllString(line, -1),
					func(text string) bool { return utf8.RuneCountInString(text) >= widestText })
			}
			if !quoted && !set && utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")) > widest {
				broken = append(broken, fmt.Sprintf("%s:%d is wider than %d columns", s.path, i+1, widest))
			}
		}
	}
	return broken
}

// keysElsewhere finds what puts keys together from the prefix that all of them begin with.
func keysElsewhere(t tree) (broken []string) {
	for _, s := range t.sources {
		if s.test || within(s.room, []string{"internal/statestore", "internal/config"}) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if e, ok := n.(*ast.SelectorExpr); ok && e.Sel.Name == "StatePrefix" {
				broken = append(broken, s.path+" makes a key of its own")
			}
			return true
		})
	}
	return broken
}

// printsElsewhere finds commands that print past the terminal.
func printsElsewhere(t tree) (broken []string) {
	for _, s := range t.sources {
		if s.test || !within(s.room, []string{"starter", "worker", "sandbox/demo"}) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			function, _ := call.Fun.(*ast.SelectorExpr)
			to, _ := call.Args[0].(*ast.SelectorExpr)
			if function != nil && to != nil && strings.HasPrefix(function.Sel.Name, "Fprint") &&
				slices.Contains([]string{"Stdout", "Stderr"}, to.Sel.Name) {
				broken = append(broken, s.path+" prints past the terminal")
			}
			return true
		})
		if len(s.calls("fmt", "Print", "Printf", "Println")) > 0 {
			broken = append(broken, s.path+" prints past the terminal")
		}
	}
	return broken
}

// sleepers are the files that may sleep, each with its reason. An entry that is not needed any more is an error.
var sleepers = map[string]string{
	"sandbox/e2e/room_test.go": "polls for what a test waits for, up to a deadline",
	"starter/app_test.go":      "lets the time pass that --timeout allows",
}

// asleep is a repository in which the allowed files sleep, and one more.
func asleep(name string) map[string]string {
	files := map[string]string{name: ""}
	for allowed := range sleepers {
		files[allowed] = ""
	}
	for name := range files {
		files[name] = `package lazy; import "time"; func init() { time.Sleep(1) }`
	}
	return files
}

func sleeping(t tree, allowed map[string]string) (broken []string) {
	asleep := map[string]bool{}
	for _, s := range t.sources {
		for range s.calls("time", "Sleep") {
			asleep[s.path] = true
			if allowed[s.path] == "" {
				broken = append(broken, s.path+" calls time.Sleep")
			}
		}
	}
	for name := range allowed {
		if !asleep[name] {
			broken = append(broken, name+" does not sleep any more: take it off the list")
		}
	}
	return broken
}

// moduleRules are about go.mod.
func moduleRules() []rule {
	return []rule{
		{
			name:  "replacements in go.mod",
			why:   "a module with replacements cannot be installed by its path, and nobody can update what it replaces",
			check: replaced,
			bad: map[string]string{"go.mod": "module vitrine\n\nreplace a => b v1.0.0\n",
				"sandbox/go.mod": "module vitrine/sandbox\n\nreplace vitrine => ..\n\nreplace (\n\tc => c v1.2.3\n)\n"},
		},
		{
			name:  "weight of go.mod",
			why:   "whoever builds the product must not have to download the sandbox's servers",
			check: heavy,
			bad: map[string]string{
				"go.mod": "module vitrine\n\nrequire (\n\tgo.temporal.io/server v1.32.1 // indirect\n)\n",
			},
		},
		{
			name:  "no workspace",
			why:   "go.work would merge the sandbox's requirements into the product's; the sandbox replaces vitrine => .. instead",
			check: workspace,
			bad:   map[string]string{"go.work": "go 1.26.0\nuse .\n"},
		},
	}
}

var replacement = regexp.MustCompile(`(?m)^\s*(?:replace\s+)?(\S+)(?: v\S+)? => (\S+).*$`)

// replaced allows the sandbox to take the product from beside it, and to hold a dependency of its servers at a version
// that they work with: it is never installed by its path, and the product's own go.mod decides for the product.
func replaced(t tree) (broken []string) {
	for _, name := range []string{"go.mod", "sandbox/go.mod"} {
		for _, match := range replacement.FindAllStringSubmatch(t.text(name), -1) {
			line, from, to := strings.TrimSpace(match[0]), match[1], match[2]
			ours := from == modulePath && to == ".."
			if name == "go.mod" || !ours && from != to {
				broken = append(broken, name+": "+line)
			}
		}
	}
	return broken
}

var tooHeavy = regexp.MustCompile(`(?m)^.*(?:go\.temporal\.io/server|temporalio/ui-server|versity/versitygw) .*$`)

func heavy(t tree) (broken []string) {
	for _, line := range tooHeavy.FindAllString(t.text("go.mod"), -1) {
		broken = append(broken, "go.mod: "+strings.TrimSpace(line))
	}
	return broken
}

func workspace(t tree) []string {
	if t.text("go.work") == "" {
		return nil
	}
	return []string{"there is a go.work"}
}

// text is a file's content, empty if it does not exist.
func (t tree) text(name string) string {
	content, err := fs.ReadFile(t, name)
	if err != nil {
		return ""
	}
	return string(content)
}
