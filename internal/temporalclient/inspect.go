package temporalclient

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// Inspector tells how a namespace is set up, and who works in it.
type Inspector struct {
	Client    client.Client
	Namespace string
}

// Version is the server's.
func (i Inspector) Version(ctx context.Context) (string, error) {
	info, err := i.Client.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
	return info.GetServerVersion(), err
}

// Retention is how long the namespace keeps the histories of runs that ended.
func (i Inspector) Retention(ctx context.Context) (time.Duration, error) {
	described, err := i.Client.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: i.Namespace})
	return described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), err
}

// SearchAttributes returns an error that names what the namespace lacks, with the command that adds it. told is false
// if the server keeps the list from whoever asks.
func (i Inspector) SearchAttributes(ctx context.Context, needed ...temporal.SearchAttributeKey) (told bool, err error) {
	list, err := i.Client.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: i.Namespace})
	if err != nil {
		return false, err
	}
	return true, compare(i.Namespace, list.GetCustomAttributes(), needed)
}

// LastPoll is when a task queue was last asked for work of a kind, and by how many; zero: by nobody in five minutes.
func (i Inspector) LastPoll(
	ctx context.Context, queue string, kind enumspb.TaskQueueType,
) (at time.Time, pollers int, err error) {
	described, err := i.Client.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: i.Namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: queue, Kind: enumspb.TASK_QUEUE_KIND_NORMAL},
		TaskQueueType: kind,
	})
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("task queue %s: %w", queue, err)
	}
	for _, poller := range described.GetPollers() {
		if polled := poller.GetLastAccessTime().AsTime(); polled.After(at) {
			at = polled
		}
	}
	return at, len(described.GetPollers()), nil
}
