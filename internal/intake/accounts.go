package intake

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/activities"
	"vitrine/internal/account"
	"vitrine/internal/order"
	"vitrine/workflows"
)

// aboutAccount takes an event that is about an account itself.
func (i Intake) aboutAccount(ctx context.Context, e order.Event) (Outcome, error) {
	ours, err := i.Ours(ctx, e.Account)
	switch {
	case err != nil:
		return "", fmt.Errorf("look for the settings of %s: %w", e.Account, err)
	case !ours:
		return UnknownAccount, nil
	case e.Type == updated && e.ChargesDisabled:
		return ChargesDisabled, nil
	case e.Type == updated:
		return Noticed, nil
	}
	if err := i.park(ctx, e); err != nil {
		return "", fmt.Errorf("park %s: %w", e.Account, err)
	}
	return Parking, nil
}

// park starts a workflow that parks the account, once for each event.
func (i Intake) park(ctx context.Context, e order.Event) error {
	in := workflows.AccountStandingInput{Park: &activities.ParkAccountInput{
		Account: e.Account, Trigger: account.Deauthorized, By: "Stripe",
		Why: "the account has disconnected from the platform", At: e.Created, Event: e.ID,
	}}
	_, err := i.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: in.WorkflowID(e.ID), TaskQueue: workflows.TaskQueue, StaticSummary: in.Summary(),
		TypedSearchAttributes:    in.SearchAttributes(),
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, workflows.AccountStandingType, in)
	if errors.As(err, new(*serviceerror.WorkflowExecutionAlreadyStarted)) {
		return nil
	}
	return err
}
