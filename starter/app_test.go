package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
	"vitrine/internal/terminal"
)

// noon is when the tests happen.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// stage is a starter with an S3 in memory and a Temporal of the test's own making.
type stage struct {
	t              *testing.T
	app            *app
	store          *objectstoretest.Memory
	docs           catalog.Documents
	temporal       *fakeTemporal
	browsed        []string // files that were opened in a browser
	browseErr      error
	stdin          string
	stdout, stderr bytes.Buffer
	ctx            context.Context
	columns        int // of the terminal, if there is one
}

// accounts are the settings that the stage's accounts have.
func (s *stage) accounts() account.Documents { return account.Documents{Store: s.docs.Store} }

func newStage(t *testing.T) *stage {
	t.Helper()
	store := objectstoretest.NewMemory("catalogs", "state")
	store.Clock = func() time.Time { return noon }
	s := &stage{t: t, store: store, temporal: newFakeTemporal(), ctx: t.Context()}
	s.docs = catalog.Documents{Store: statestore.Store{Objects: store, Layout: statestore.Layout{
		SourceBucket: "catalogs", SourceKey: "catalogs/{account}/{feed}.csv", StateBucket: "state",
		StatePrefix: "state/",
	}}}
	s.app = &app{
		Terminal: terminal.Terminal{
			Lookup:     func(string) (string, bool) { return "", false },
			Now:        func() time.Time { return noon },
			IsTerminal: func(any) bool { return false },
			Size:       func(io.Writer) int { return s.columns },
		},
		environ: func() []string { return nil },
		user:    func() string { return "" },
		poll:    time.Millisecond,
		browse: func(_ context.Context, file string) error {
			s.browsed = append(s.browsed, file)
			return s.browseErr
		},
		openTemporal:  func(context.Context) (client.Client, error) { return s.temporal, nil },
		openDocuments: func(context.Context) (catalog.Documents, error) { return s.docs, nil },
	}
	return s
}

// run executes a command line and returns the exit code.
func (s *stage) run(args ...string) int {
	s.stdout.Reset()
	s.stderr.Reset()
	s.app.Stdin, s.app.Stdout, s.app.Stderr = strings.NewReader(s.stdin), &s.stdout, &s.stderr
	s.app.output, s.app.timeout = "", 0
	return s.app.execute(s.ctx, args)
}

func TestExitCodesOfMistakes(t *testing.T) {
	for _, test := range []struct {
		name string
		args string
		says string
	}{
		{"unknown command", "acounts", `"acounts" is not a command of starter; did you mean accounts?`},
		{"unknown command of a group", "accounts aply", "did you mean apply?"},
		{"unknown flag", "sync acct_1 --nope", "unknown flag: --nope"},
		{"no account", "sync", "expected the id of a connected account"},
		{"not an account", "sync sk_live_123", "is not a Stripe account id"},
		{"too many accounts", "report acct_1 acct_2", "expected one account, got 2"},
		{"unknown feed", "sync acct_1 --feed prices", `feed "prices" is not known`},
		{"page and output", "report acct_1 --page r.html -o csv", "choose one"},
		{"page and browser", "report acct_1 --page r.html --open", "choose one"},
		{"unknown output", "status --output yaml", `--output "yaml" is not known: expected table or json`},
		{"csv where there is none", "status --output csv", "expected table or json"},
		{"negative timeout", "status --timeout=-1s", "is negative"},
		{"apply without a file", "accounts apply", "Give the list as -f FILE"},
		{"apply with an argument", "accounts apply accounts.txt", "give the list as -f FILE"},
		{"apply too often", "accounts apply -f - --every 5m", "Stripe takes an update of a catalog every 15 minutes"},
		{"apply at no rate", "accounts apply -f - --rate 0", "above zero"},
		{"apply a file that is not there", "accounts apply -f nowhere.txt", "nowhere.txt"},
		{"pause nobody", "schedule pause", "name the accounts, or say --all"},
		{"pause some and all", "schedule pause acct_1 --all", "name the accounts, or say --all"},
		{"validate nothing", "validate", "expected one file"},
		{"validate a file that is not there", "validate nowhere.csv", "nowhere.csv"},
		{"validate an unknown format", "validate catalog.xlsx", "expected a name that ends in .csv"},
		{"validate stdin of unknown format", "validate -", "add --format csv"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t)
			require.Equal(t, exitUsage, s.run(strings.Fields(test.args)...), s.stderr.String())
			require.Contains(t, s.stderr.String(), test.says)
			require.True(t, strings.HasPrefix(s.stderr.String(), "starter: "), s.stderr.String())
			require.Equal(t, 1, strings.Count(s.stderr.String(), "starter: "), "the error is printed once")
			require.Empty(t, s.stdout.String())
		})
	}
}

func TestAMissingConfigurationIsAMistake(t *testing.T) {
	s := newStage(t)
	s.app.openDocuments = s.app.connectStorage
	require.Equal(t, exitUsage, s.run("status"))
	require.Contains(t, s.stderr.String(), "VITRINE_STATE_BUCKET")
}

func TestAllProblemsOfTheConfigurationAreSaidAtOnce(t *testing.T) {
	s := newStage(t)
	s.app.Lookup = func(name string) (string, bool) {
		value, ok := map[string]string{"VITRINE_SOURCE_BUCKET": "NOT A BUCKET", "VITRINE_SOURCE_KEY": "/x"}[name]
		return value, ok
	}
	s.app.openDocuments = s.app.connectStorage
	require.Equal(t, exitUsage, s.run("status"))
	require.Contains(t, s.stderr.String(), "VITRINE_SOURCE_BUCKET")
	require.Contains(t, s.stderr.String(), "VITRINE_SOURCE_KEY")
}

func TestAServerThatIsAwayIsAFailure(t *testing.T) {
	s := newStage(t)
	s.app.openTemporal = func(context.Context) (client.Client, error) {
		return nil, errors.New("Temporal does not answer")
	}
	require.Equal(t, exitFailed, s.run("schedule", "list"))
	require.Equal(t, "starter: Temporal does not answer\n", s.stderr.String())
}

// Which of the two sides of a connection notices first that time is over decides what gRPC says of it.
func TestAnAnswerThatComesTooLateSaysWhatToDo(t *testing.T) {
	const reset = "stream terminated by RST_STREAM with error code: CANCEL"
	for _, late := range []error{
		serviceerror.NewDeadlineExceeded(reset), serviceerror.NewCanceled(reset), context.DeadlineExceeded,
		serviceerror.NewDeadlineExceeded("context deadline exceeded"),
	} {
		s := newStage(t)
		s.app.openTemporal = func(context.Context) (client.Client, error) {
			return nil, fmt.Errorf("trigger the schedule: %w", late)
		}
		require.Equal(t, exitFailed, s.run("schedule", "trigger", "acct_1"))
		said := strings.Join(strings.Fields(s.stderr.String()), " ")
		require.Equal(t, "starter: trigger the schedule: "+noAnswerInTime, said)
	}
}

func TestCtrlCExitsWith130(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted{syscall.SIGINT})
	s.ctx = ctx
	require.Equal(t, 130, s.run("accounts", "list"))
	require.Equal(t, "starter: stopped by Ctrl-C\n", s.stderr.String())
}

func TestTheTimeoutSaysThatItWasOne(t *testing.T) {
	s := newStage(t)
	s.store.Before = func(string, string, string) error {
		time.Sleep(100 * time.Millisecond)
		return context.DeadlineExceeded
	}
	require.Equal(t, exitFailed, s.run("accounts", "list", "--timeout", "1ms"))
	require.Equal(t, "starter: gave up after 1ms (--timeout)\n", s.stderr.String())
}

func TestHelpAndVersionNeedNothing(t *testing.T) {
	s := newStage(t)
	s.app.openTemporal, s.app.openDocuments = nil, nil
	for _, args := range [][]string{{}, {"--help"}, {"accounts"}, {"schedule"}, {"--version"}, {"env"},
		{"completion", "bash"}, {"help", "sync"}} {
		require.Equal(t, exitOK, s.run(args...), args)
		require.NotEmpty(t, s.stdout.String(), args)
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	s := newStage(t)
	root := s.app.rootCommand()
	for _, c := range root.Commands() {
		require.NotEmpty(t, c.Example, c.CommandPath())
		for _, sub := range c.Commands() {
			require.NotEmpty(t, sub.Example, sub.CommandPath())
		}
	}
}

func TestCompletionOffersTheAccounts(t *testing.T) {
	s := newStage(t)
	require.NoError(t, s.accounts().SaveSettings(t.Context(), account.Settings{Account: "acct_1"}))
	require.NoError(t, s.accounts().SaveSettings(t.Context(), account.Settings{Account: "acct_2"}))
	require.Equal(t, exitOK, s.run("__complete", "sync", "acct_1", ""))
	require.Equal(t, "acct_2\n:4\n", s.stdout.String())
}

func TestCompletionIsSilentWithoutStorage(t *testing.T) {
	s := newStage(t)
	s.app.openDocuments = func(context.Context) (catalog.Documents, error) {
		return catalog.Documents{}, io.ErrUnexpectedEOF
	}
	require.Equal(t, exitOK, s.run("__complete", "sync", ""))
	require.Equal(t, ":4\n", s.stdout.String())
}

func TestEnvHidesSecrets(t *testing.T) {
	s := newStage(t)
	s.app.Lookup = func(name string) (string, bool) { return "hush-" + name, true }
	for _, args := range [][]string{{"env"}, {"env", "--all"}, {"env", "--all", "-o", "json"}} {
		require.Equal(t, exitOK, s.run(args...))
		for _, v := range config.Table() {
			if v.Secret {
				require.NotContains(t, s.stdout.String(), "hush-"+v.Name+"\n")
				require.NotContains(t, s.stdout.String(), `"hush-`+v.Name+`"`)
			}
		}
		require.Contains(t, s.stdout.String(), "hush-VITRINE_SOURCE_KEY")
	}
}

// An address may hold a password whatever the variable is for.
func TestNoOutputHoldsAPassword(t *testing.T) {
	s := newStage(t)
	s.app.openTemporal, s.app.openDocuments = s.app.dialTemporal, s.app.connectStorage
	for _, value := range []string{"smtp://ada:hunter2@mail.example:25", "sk_live_hunter2 ", "whsec_hunter2,x"} {
		s.app.Lookup = func(string) (string, bool) { return value, true }
		for _, args := range [][]string{
			{"env", "--all"}, {"env", "--all", "-o", "json"}, {"status"}, {"status", "-o", "json"}, {"serve"},
			{"validate", "nowhere.csv"},
			{"accounts", "show", "acct_1"}, {"order", "list"}, {"--help"}, {"serve", "--help"},
		} {
			s.run(args...)
			require.NotContains(t, s.stdout.String()+s.stderr.String(), "hunter2", args)
		}
	}
}
