package desk

import (
	"context"

	"go.temporal.io/sdk/client"

	"vitrine/internal/order"
	"vitrine/workflows"
)

// Steered is what an order took.
type Steered struct {
	ID   order.ID `json:"id"`
	Done string   `json:"done"` // the command
}

// Repeated is a refund that was made before: nothing moved.
type Repeated struct {
	Steered
	Already bool         `json:"already"` // by an earlier command; this one did nothing
	Refund  order.Refund `json:"refund"`
}

// Steer has an order carry out an update, and returns how it stands then.
func (d Desk) Steer(
	ctx context.Context, id order.ID, update string, argument any,
) (view workflows.OrderView, err error) {
	handle, err := d.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id.String(), UpdateName: update, Args: []any{argument},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &view)
	}
	return view, err
}
