package temporalclient_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vitrine/internal/fault"
	"vitrine/internal/temporalclient"
	"vitrine/internal/temporalclient/temporalclienttest"
)

var quiet = slog.New(slog.DiscardHandler)

func options(address, namespace string) client.Options {
	return client.Options{HostPort: address, Namespace: namespace, Logger: log.NewStructuredLogger(quiet)}
}

func TestDialNamesTheAddressThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	_, err = temporalclient.Dial(t.Context(), options(address, "default"))
	require.ErrorContains(t, err, address)
	require.ErrorContains(t, err, "TEMPORAL_ADDRESS")
}

func TestDialNamesTheNamespaceThatIsMissing(t *testing.T) {
	t.Parallel()
	server := temporalclienttest.Start(t, temporalclienttest.Answers{Namespace: "default"})
	_, err := temporalclient.Dial(t.Context(), options(server.Address, "typo"))
	require.ErrorContains(t, err, `no namespace "typo"`)
	require.ErrorContains(t, err, "temporal operator namespace create --namespace typo")
}

// What Temporal answers again is a permanent fault, so that a process that waits for a Temporal that is away does not
// wait for one that lets it not in.
func TestOnlyATemporalThatAnswersIsAPermanentFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers   temporalclienttest.Answers
		unhealthy bool
		permanent bool
		says      string
	}{
		"no such namespace": {answers: temporalclienttest.Answers{Namespace: "other"}, permanent: true,
			says: "TEMPORAL_NAMESPACE"},
		"permission denied": {answers: temporalclienttest.Answers{Denial: serviceerror.NewPermissionDenied("no", "")},
			permanent: true, says: "TEMPORAL_API_KEY"},
		"unauthenticated": {answers: temporalclienttest.Answers{Denial: status.Error(codes.Unauthenticated, "who?")},
			permanent: true, says: "TEMPORAL_API_KEY"},
		"overloaded": {answers: temporalclienttest.Answers{Denial: serviceerror.NewUnavailable("later")},
			says: "does not answer"},
		"not serving yet": {answers: temporalclienttest.Answers{Namespace: "default"}, unhealthy: true,
			says: "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := temporalclienttest.Start(t, c.answers)
			server.SetHealthy(!c.unhealthy)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // the SDK repeats what is overloaded
			defer cancel()
			_, err := temporalclient.Dial(ctx, options(server.Address, "default"))
			require.ErrorContains(t, err, c.says)
			f, ok := fault.Of(err)
			require.Equal(t, c.permanent, ok && f.Kind == fault.Permanent, err)
		})
	}
}

func TestDialConnects(t *testing.T) {
	t.Parallel()
	server := temporalclienttest.Start(t, temporalclienttest.Answers{Namespace: "default"})
	c, err := temporalclient.Dial(t.Context(), options(server.Address, "default"))
	require.NoError(t, err)
	c.Close()
}

func TestOptionsRefuseABrokenFile(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", "client_test.go") // which is no TOML
	_, err := temporalclient.Options(quiet, nil, nil)
	require.ErrorContains(t, err, "temporal.toml")
}

func TestOptionsFollowTheEnvironment(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", t.TempDir()+"/none.toml")
	t.Setenv("TEMPORAL_ADDRESS", "")
	t.Setenv("TEMPORAL_NAMESPACE", "shops")
	o, err := temporalclient.Options(quiet, nil, nil)
	require.NoError(t, err)
	require.Equal(t, "localhost:7233", o.HostPort)
	require.Equal(t, "shops", o.Namespace)
	require.NotNil(t, o.Logger)
}

func TestOptionsRefuseSwitchesThatSayNeither(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", t.TempDir()+"/none.toml")
	for _, name := range []string{"TEMPORAL_TLS", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION"} {
		t.Run(name, func(t *testing.T) {
			for _, value := range []string{"yes", "on", "ture", " true", "2", "-"} {
				t.Setenv(name, value)
				_, err := temporalclient.Options(quiet, nil, nil)
				require.ErrorContains(t, err, name+"=", value)
				require.ErrorContains(t, err, "true or false", value)
			}
			for _, value := range []string{"", "true", "False", "1", "0", "TRUE"} {
				t.Setenv(name, value)
				_, err := temporalclient.Options(quiet, nil, nil)
				require.NoError(t, err, value)
			}
		})
	}
}

type describer struct {
	status enumspb.WorkflowExecutionStatus
	err    error
}

func (d describer) DescribeWorkflow(context.Context, string, string) (*client.WorkflowExecutionDescription, error) {
	return &client.WorkflowExecutionDescription{RawResponse: &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: d.status},
	}}, d.err
}

func TestRunsDoNotGuess(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errors.New("connection refused"),
		serviceerror.NewUnavailable("down"),
		serviceerror.NewNamespaceNotFound("default"), // says nothing about the run
		context.Canceled,
	} {
		_, got := temporalclient.Runs{Client: describer{err: err}}.IsOpen(t.Context(), "id", "run")
		require.ErrorIs(t, got, err)
	}
}

func TestRunsAreOpenUntilTheyEnd(t *testing.T) {
	t.Parallel()
	open := map[enumspb.WorkflowExecutionStatus]bool{
		enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING: true,
		enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED:  true,
	}
	for number, name := range enumspb.WorkflowExecutionStatus_name {
		status := enumspb.WorkflowExecutionStatus(number)
		got, err := temporalclient.Runs{Client: describer{status: status}}.IsOpen(t.Context(), "id", "run")
		require.NoError(t, err)
		require.Equal(t, open[status], got, name)
	}
}

func TestRunsThatTheServerForgotAreClosed(t *testing.T) {
	t.Parallel()
	got, err := temporalclient.Runs{Client: describer{err: serviceerror.NewNotFound("workflow not found")}}.IsOpen(
		t.Context(), "id", "run")
	require.NoError(t, err)
	require.False(t, got)
}

var (
	account = temporal.NewSearchAttributeKeyKeyword("VitrineAccount")
	rows    = temporal.NewSearchAttributeKeyInt64("VitrineRowsFailed")
)

func TestCheckSearchAttributes(t *testing.T) {
	t.Parallel()
	keyword, number := enumspb.INDEXED_VALUE_TYPE_KEYWORD, enumspb.INDEXED_VALUE_TYPE_INT
	for name, c := range map[string]struct {
		had  map[string]enumspb.IndexedValueType
		want []string
	}{
		"none": {nil, []string{"lacks the search attributes VitrineAccount, VitrineRowsFailed",
			"temporal operator search-attribute create --namespace default --name VitrineAccount --type Keyword --name VitrineRowsFailed --type Int"}},
		"one": {map[string]enumspb.IndexedValueType{"VitrineAccount": keyword},
			[]string{"create --namespace default --name VitrineRowsFailed --type Int"}},
		"another": {map[string]enumspb.IndexedValueType{"VitrineAccount": keyword, "VitrineRowsFailed": keyword},
			[]string{"VitrineRowsFailed is Keyword and should be Int"}},
		"all": {map[string]enumspb.IndexedValueType{"VitrineAccount": keyword, "VitrineRowsFailed": number,
			"Other": keyword}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c2 := dial(t, temporalclienttest.Answers{Namespace: "default", SearchAttributes: c.had})
			err := temporalclient.CheckSearchAttributes(t.Context(), c2, "default", quiet, account, rows)
			if len(c.want) == 0 {
				require.NoError(t, err)
			}
			for _, text := range c.want {
				require.ErrorContains(t, err, text)
			}
		})
	}
}

func TestCheckSearchAttributesOnlyWarnsWhoMayNotAsk(t *testing.T) {
	t.Parallel()
	c := dial(t,
		temporalclienttest.Answers{Namespace: "default", SearchError: serviceerror.NewPermissionDenied("no", "")})
	var logs bytes.Buffer
	err := temporalclient.CheckSearchAttributes(t.Context(), c, "default", slog.New(slog.NewTextHandler(&logs, nil)),
		account)
	require.NoError(t, err)
	require.Contains(t, logs.String(), "level=WARN")
	require.Contains(t, logs.String(), "VitrineAccount")
}

func dial(t *testing.T, a temporalclienttest.Answers) client.Client {
	t.Helper()
	c, err := temporalclient.Dial(t.Context(), options(temporalclienttest.Start(t, a).Address, a.Namespace))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}
