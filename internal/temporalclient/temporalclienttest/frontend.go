package temporalclienttest

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// workflowService is the name under which a Temporal server answers health checks.
const workflowService = "temporal.api.workflowservice.v1.WorkflowService"

// Frontend answers at Address.
type Frontend struct {
	Address string

	answers Answers
	health  *health.Server
	ended   chan struct{}
}

// Answers are what a Frontend says.
type Answers struct {
	Namespace        string // the only one there is
	SearchAttributes map[string]enumspb.IndexedValueType
	SearchError      error // to whoever asks for the search attributes
	Denial           error // to everybody, whatever they ask
}

// Start serves until the test ends.
func Start(t *testing.T, a Answers) *Frontend {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &Frontend{
		Address: listener.Addr().String(),
		health:  health.NewServer(),
		ended:   make(chan struct{}),
		answers: a,
	}
	f.SetHealthy(true)
	server := grpc.NewServer(grpc.UnaryInterceptor(a.intercept))
	workflowservice.RegisterWorkflowServiceServer(server, workflows{Frontend: f})
	operatorservice.RegisterOperatorServiceServer(server, operators{Frontend: f})
	healthpb.RegisterHealthServer(server, f.health)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		close(f.ended)
		server.Stop()
		require.NoError(t, <-served)
	})
	return f
}

// intercept puts errors into the form in which a Temporal server sends them.
func (a Answers) intercept(
	ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (answer any, err error) {
	if err = a.Denial; err == nil {
		answer, err = handler(ctx, request)
	}
	return answer, serviceerror.ToStatus(err).Err()
}

// SetHealthy changes the answer to health checks.
func (f *Frontend) SetHealthy(healthy bool) {
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if healthy {
		status = healthpb.HealthCheckResponse_SERVING
	}
	f.health.SetServingStatus(workflowService, status)
}

// wait is a long poll without work.
func (f *Frontend) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-f.ended:
	}
}

type workflows struct {
	workflowservice.UnimplementedWorkflowServiceServer
	*Frontend
}

func (w workflows) GetSystemInfo(
	context.Context, *workflowservice.GetSystemInfoRequest,
) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}},
		nil
}

func (w workflows) DescribeNamespace(
	_ context.Context, r *workflowservice.DescribeNamespaceRequest,
) (*workflowservice.DescribeNamespaceResponse, error) {
	if r.GetNamespace() != w.answers.Namespace {
		return nil, serviceerror.NewNamespaceNotFound(r.GetNamespace())
	}
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

func (w workflows) PollWorkflowTaskQueue(
	ctx context.Context, _ *workflowservice.PollWorkflowTaskQueueRequest,
) (*workflowservice.PollWorkflowTaskQueueResponse, error) {
	w.wait(ctx)
	return &workflowservice.PollWorkflowTaskQueueResponse{}, nil
}

func (w workflows) PollActivityTaskQueue(
	ctx context.Context, _ *workflowservice.PollActivityTaskQueueRequest,
) (*workflowservice.PollActivityTaskQueueResponse, error) {
	w.wait(ctx)
	return &workflowservice.PollActivityTaskQueueResponse{}, nil
}

func (w workflows) CountWorkflowExecutions(
	context.Context, *workflowservice.CountWorkflowExecutionsRequest,
) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	return &workflowservice.CountWorkflowExecutionsResponse{}, nil
}

type operators struct {
	operatorservice.UnimplementedOperatorServiceServer
	*Frontend
}

func (o operators) ListSearchAttributes(
	context.Context, *operatorservice.ListSearchAttributesRequest,
) (*operatorservice.ListSearchAttributesResponse, error) {
	return &operatorservice.ListSearchAttributesResponse{CustomAttributes: o.answers.SearchAttributes},
		o.answers.SearchError
}
