package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/utc"
)

// InventoryUpdateType is the workflow type of InventoryUpdate, as the CLIs spell it.
const InventoryUpdateType = "InventoryUpdate"

// SignalSold says that something was sold.
const SignalSold = "sold"

// InventoryUpdateInput starts an InventoryUpdate, which an accepted order does by a signal.
type InventoryUpdateInput struct {
	Account string `json:"account"` // the connected account, acct_…
}

// InventoryUpdateResult is what Stripe was told.
type InventoryUpdateResult struct {
	Imports []CatalogSyncImport `json:"imports,omitempty"`
	Rows    int64               `json:"rows"`
	Refused int64               `json:"refused"`
	Unknown int64               `json:"unknown"`        // nobody knows whether Stripe took them
	Note    string              `json:"note,omitempty"` // why it ended
}

// WorkflowID is the id of the run that has an account's stock: one, so that its imports are in order.
func (in InventoryUpdateInput) WorkflowID() string { return "inventory-update/" + in.Account }

// Summary is the one line that the Web UI shows for a run.
func (in InventoryUpdateInput) Summary() string {
	return "Tell Stripe how much is left of what " + in.Account + " sold"
}

// SearchAttributes are what a run bears from its start.
func (in InventoryUpdateInput) SearchAttributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(SearchAccount.ValueSet(in.Account))
}

// Priority puts it with the syncs, behind orders.
func (in InventoryUpdateInput) Priority() temporal.Priority {
	return temporal.Priority{PriorityKey: 4, FairnessKey: in.Account}
}

// inventorySteps names the activities of InventoryUpdate; it is never called.
var inventorySteps *activities.InventoryUpdate

// InventoryUpdate tells Stripe how much is left of what orders took, with the inventory's next free slot. What is sold
// while it waits or imports is looked at before it ends. The merchant's next export has the last word.
func InventoryUpdate(ctx workflow.Context, in InventoryUpdateInput) (InventoryUpdateResult, error) {
	ctx = workflow.WithPriority(ctx, in.Priority())
	u := inventoryUpdate{in: in, sold: workflow.GetSignalChannel(ctx, SignalSold)}
	err := u.run(ctx)
	return u.result, err
}

// inventoryUpdate is one run.
type inventoryUpdate struct {
	in     InventoryUpdateInput
	sold   workflow.ReceiveChannel
	waited int
	result InventoryUpdateResult
}

func (u *inventoryUpdate) run(ctx workflow.Context) error {
	for {
		for u.sold.ReceiveAsync(nil) { // every look sees all that was sold
		}
		staged, err := u.stage(ctx)
		if err != nil {
			return err
		}
		switch staged.Action {
		case activities.Wait:
			err = u.wait(ctx, staged)
		case activities.Skip:
			if u.sold.Len() == 0 {
				u.result.Note = staged.Note
				workflow.SetCurrentDetails(ctx, "Nothing to tell: "+staged.Note+".")
				return nil
			}
		default:
			u.waited = 0
			err = u.send(ctx, *staged.Delivery)
		}
		if err != nil {
			return err
		}
	}
}

func (u *inventoryUpdate) stage(ctx workflow.Context) (staged activities.StageInventoryResult, err error) {
	in := activities.StageInventoryInput{Account: u.in.Account, Waited: u.waited}
	looking := streamStore(ctx, "Look how much is left of what was sold")
	err = workflow.ExecuteActivity(looking, inventorySteps.StageInventory, in).Get(ctx, &staged)
	return staged, err
}

func (u *inventoryUpdate) wait(ctx workflow.Context, staged activities.StageInventoryResult) error {
	u.waited++
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Waiting until %s: %s.", utc.Text(staged.NotBefore), staged.Note))
	left := max(staged.NotBefore.Sub(workflow.Now(ctx)), time.Second)
	timer := workflow.NewTimerWithOptions(ctx, left, dated("Look again", staged.NotBefore))
	return timer.Get(ctx, nil)
}

// send brings the rows to Stripe. Whatever comes of it, the claim is let go of.
func (u *inventoryUpdate) send(ctx workflow.Context, d catalog.Delivery) error {
	settled, err := u.bring(ctx, d)
	rest, _ := workflow.NewDisconnectedContext(ctx)
	closing := quickStore(rest, "Let go of the inventory")
	in := activities.StageInventoryInput{Account: u.in.Account}
	closed := workflow.ExecuteActivity(closing, inventorySteps.CloseInventory, in).Get(rest, nil)
	switch {
	case err != nil:
		return err
	case closed != nil:
		return closed
	case settled.Outcome == catalog.Failed:
		return temporal.NewNonRetryableApplicationError(settled.Reason, string(settled.Code), nil, u.result)
	}
	return nil
}

func (u *inventoryUpdate) bring(ctx workflow.Context, d catalog.Delivery) (settled catalog.PartResult, err error) {
	id := catalog.ID{Account: u.in.Account, Feed: feed.Inventory}
	sync := catalogSync{in: CatalogSyncInput{Account: id.Account, Feed: id.Feed}, catalog: id}
	brought, err := sync.deliverPart(ctx, d, catalog.Counted(d.Parts[0].Rows, "row"))
	u.result.Imports = append(u.result.Imports, sync.result.Imports...)
	if err != nil {
		return settled, err
	}
	recording := streamStore(ctx, "Record what Stripe made of it")
	err = workflow.ExecuteActivity(recording, inventorySteps.SettleInventory, brought).Get(ctx, &settled)
	u.result.Rows += settled.Accepted
	u.result.Refused += settled.Refused
	u.result.Unknown += settled.Unknown
	return settled, err
}
