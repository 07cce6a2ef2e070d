package intake

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"

	"vitrine/activities"
	"vitrine/internal/order"
)

// ImportSetEventTypes are those that tell that an import of v1 has ended. Whether Stripe sends them for catalogs is not
// documented beyond doubt, and nothing depends on it: whoever waits for an import also looks.
func ImportSetEventTypes() []string {
	const set = "data_management.import_set."
	return []string{set + "succeeded", set + "failed"}
}

// CatalogImportEventTypes are those that tell that an import of v2 has ended; they come as thin events alone.
func CatalogImportEventTypes() []string {
	const imports = "v2.commerce.product_catalog.imports."
	return []string{imports + "succeeded", imports + "succeeded_with_errors", imports + "failed"}
}

// aboutImport ends the wait of the run that waits for the import. It reads nothing of Stripe: the run looks itself, so
// that the event has to be believed in nothing. Ending a step from outside costs no more than its next look would.
// Nothing depends on it either, so an error comes with NotAwaited: it is no reason for Stripe to send the event again.
func (i Intake) aboutImport(ctx context.Context, e order.Event) (Outcome, error) {
	if i.Importing == nil || e.Object == "" {
		return NotAwaited, nil
	}
	run, waits, err := i.Importing(ctx, e.Account, e.Object)
	switch {
	case err != nil:
		return NotAwaited, fmt.Errorf("find the run that waits for %s: %w", e.Object, err)
	case !waits:
		return NotAwaited, nil
	}
	err = i.Temporal.CompleteActivityByID(ctx, i.Namespace, run.WorkflowID, run.RunID, activities.AwaitID(e.Object),
		activities.AwaitedImport{Heard: true}, nil)
	switch {
	case errors.As(err, new(*serviceerror.NotFound)):
		return NotAwaited, nil
	case err != nil:
		return NotAwaited, fmt.Errorf("tell %s of the end of %s: %w", run.WorkflowID, e.Object, err)
	}
	return Heard, nil
}
