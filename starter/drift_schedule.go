package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/workflows"
)

// scheduleAudits makes a schedule for each account, or gives the one that exists its interval; paused stays paused.
// They are spread over the interval by the accounts' ids, as those of syncs are.
func (a *app) scheduleAudits(ctx context.Context, accounts []string, interval time.Duration) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, account := range accounts {
		if err := scheduleAudit(ctx, c, account, interval); err != nil {
			errs = append(errs, fmt.Errorf("schedule the audits of %s: %w", account, advise(err)))
		} else if !a.json() {
			a.Say("%s  audits every %s (schedule %s)", account, every(interval),
				workflows.CatalogAuditInput{Account: account}.WorkflowID())
		}
	}
	if a.json() && len(errs) == 0 {
		return a.printJSON(map[string]any{"accounts": accounts, "every": every(interval)})
	}
	return errors.Join(errs...)
}

func scheduleAudit(ctx context.Context, c client.Client, account string, interval time.Duration) error {
	in := workflows.CatalogAuditInput{Account: account}
	id := in.WorkflowID()
	spec := client.ScheduleSpec{
		Intervals: []client.ScheduleIntervalSpec{{Every: interval, Offset: offset(id, interval)}},
	}
	policy := client.SchedulePolicies{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: interval}
	action := &client.ScheduleWorkflowAction{
		ID: id, Workflow: workflows.CatalogAuditType, Args: []any{in}, TaskQueue: workflows.TaskQueue,
		WorkflowExecutionTimeout: auditTimeout, StaticSummary: in.Summary(),
		TypedSearchAttributes: in.SearchAttributes(),
		Priority:              in.Priority(),
	}
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: id, Spec: spec, Action: action, Overlap: policy.Overlap, CatchupWindow: policy.CatchupWindow,
		TypedSearchAttributes: in.SearchAttributes(),
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	return c.ScheduleClient().GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			state := in.Description.Schedule.State
			return &client.ScheduleUpdate{
				Schedule: &client.Schedule{Action: action, Spec: &spec, Policy: &policy, State: state},
			}, nil
		},
	})
}

// stopAudits takes the schedules away; one that is not there is no error.
func (a *app) stopAudits(ctx context.Context, accounts []string) error {
	c, err := a.temporal(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, account := range accounts {
		id := workflows.CatalogAuditInput{Account: account}.WorkflowID()
		err := c.ScheduleClient().GetHandle(ctx, id).Delete(ctx)
		if missing := new(serviceerror.NotFound); err != nil && !errors.As(err, &missing) {
			errs = append(errs, fmt.Errorf("take the schedule %s away: %w", id, err))
		} else if !a.json() {
			a.Say("%s  is audited on no schedule", account)
		}
	}
	if a.json() && len(errs) == 0 {
		return a.printJSON(map[string]any{"accounts": accounts, "every": nil})
	}
	return errors.Join(errs...)
}
