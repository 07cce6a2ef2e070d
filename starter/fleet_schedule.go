package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/fleet"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

// dispatcher is the schedule of a shard's looks.
type dispatcher struct{ shard, of int }

func (d dispatcher) id() string { return workflows.DispatchID(d.shard) }

func (d dispatcher) input() workflows.CatalogDispatchInput {
	return workflows.CatalogDispatchInput{Shard: d.shard}
}

// spec spreads the shards' looks over the time between two of them.
func (d dispatcher) spec() client.ScheduleSpec {
	share := fleet.LookEvery * time.Duration(d.shard) / time.Duration(max(d.of, 1))
	offset := share.Truncate(time.Second) % fleet.LookEvery
	return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: fleet.LookEvery, Offset: offset}}}
}

// policy: a look that takes long is not run beside itself, and after an outage one look is as good as all that were
// missed.
func (d dispatcher) policy() client.SchedulePolicies {
	return client.SchedulePolicies{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: fleet.LookEvery}
}

func (d dispatcher) action() *client.ScheduleWorkflowAction {
	in := d.input()
	return &client.ScheduleWorkflowAction{
		ID: d.id(), Workflow: workflows.CatalogDispatchType, Args: []any{in}, TaskQueue: workflows.TaskQueue,
		WorkflowExecutionTimeout: workflows.DispatchTimeout, StaticSummary: in.Summary(), Priority: in.Priority(),
	}
}

// make creates the schedule, paused if there is a note, or makes the one that is there as it is to be; one that is
// paused stays so.
func (d dispatcher) make(ctx context.Context, c client.Client, note string) error {
	policy := d.policy()
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: d.id(), Spec: d.spec(), Action: d.action(), Overlap: policy.Overlap, CatchupWindow: policy.CatchupWindow,
		Paused: note != "", Note: note,
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		handle := c.ScheduleClient().GetHandle(ctx, d.id())
		err = handle.Update(ctx, client.ScheduleUpdateOptions{DoUpdate: d.update})
	}
	if err != nil {
		return fmt.Errorf("schedule the looks at shard %d: %w", d.shard, advise(err))
	}
	return nil
}

// lookNow has the shard looked at, whenever its time comes.
func (d dispatcher) lookNow(ctx context.Context, c client.Client) error {
	err := c.ScheduleClient().GetHandle(ctx, d.id()).Trigger(ctx, client.ScheduleTriggerOptions{})
	if err != nil {
		return fmt.Errorf("have shard %d looked at: %w", d.shard, advise(err))
	}
	return nil
}

func (d dispatcher) update(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
	spec, policy := d.spec(), d.policy()
	return &client.ScheduleUpdate{Schedule: &client.Schedule{
		Action: d.action(), Spec: &spec, Policy: &policy, State: in.Description.Schedule.State,
	}}, nil
}

// dispatcherFact is a dispatcher's schedule as it is.
type dispatcherFact struct {
	Shard  int    `json:"shard"`
	Found  bool   `json:"found"`
	Paused bool   `json:"paused,omitempty"`
	Note   string `json:"note,omitempty"`
}

// readDispatchers asks for the schedules of so many shards, and for those beyond that the list still has.
func readDispatchers(
	ctx context.Context, c client.Client, shards int, listed []string,
) (facts []dispatcherFact, err error) {
	asked := map[int]bool{}
	for shard := range shards {
		asked[shard] = true
	}
	for _, id := range listed {
		if shard, ok := parseDispatchID(id); ok {
			asked[shard] = true
		}
	}
	for shard := 0; len(asked) > 0; shard++ {
		if !asked[shard] {
			continue
		}
		delete(asked, shard)
		described, err := c.ScheduleClient().GetHandle(ctx, workflows.DispatchID(shard)).Describe(ctx)
		if err != nil && !temporalclient.IsNotFound(err) {
			return nil, fmt.Errorf("schedule %s: %w", workflows.DispatchID(shard), err)
		}
		fact := dispatcherFact{Shard: shard, Found: err == nil}
		if err == nil && described.Schedule.State != nil {
			fact.Paused, fact.Note = described.Schedule.State.Paused, described.Schedule.State.Note
		}
		facts = append(facts, fact)
	}
	return facts, nil
}

// parseDispatchID is the shard whose looks a schedule has; ok is false if it is another schedule.
func parseDispatchID(id string) (shard int, ok bool) {
	number, ours := strings.CutPrefix(id, workflows.DispatchPrefix)
	shard, err := strconv.Atoi(number)
	return shard, ours && err == nil && shard >= 0 && workflows.DispatchID(shard) == id
}
