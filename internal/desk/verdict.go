package desk

import (
	"cmp"
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

// Verdict is one of the two ways to end a hold.
type Verdict struct {
	Update string // of the run that is held
	Done   string // what it is called afterwards
}

// The two verdicts.
var (
	Approval  = Verdict{workflows.UpdateApprove, "approved"}
	Rejection = Verdict{workflows.UpdateReject, "rejected"}
)

// MaxWhy bounds what a person writes, in bytes: it is kept in the history, the state and the report.
const MaxWhy = 500

// Repeated is the answer to a verdict that was given before; nil if it was not.
func (v Verdict) Repeated(state catalog.State, in workflows.VerdictInput) *TakenVerdict {
	before := v.before(state, in)
	if before == nil {
		return nil
	}
	return &TakenVerdict{
		Account: state.Account, Feed: state.Feed, Verdict: v.Done, By: before.Verdict.By, Why: before.Verdict.Why,
		Version: before.Version, Before: &before.Verdict.At,
	}
}

// before is the same verdict, if a person gave it already: about the version that is asked for or, if none is, in the
// same words. Who says it is no part of it: the default names the host.
func (v Verdict) before(state catalog.State, in workflows.VerdictInput) *catalog.Decided {
	was := state.Rejected
	if v.Update == workflows.UpdateApprove {
		was = state.Approved
	}
	switch {
	case was == nil:
		return nil
	case in.Version != "" && in.Version == was.Version, in.Version == "" && in.Why == was.Verdict.Why:
		return was
	}
	return nil
}

// TakenVerdict is what a run took, as --output json prints it.
type TakenVerdict struct {
	Account    string       `json:"account"`
	Feed       feed.Kind    `json:"feed"`
	Verdict    string       `json:"verdict"` // approved or rejected
	By         string       `json:"by"`
	Why        string       `json:"why"`
	Version    string       `json:"version"` // of the source that was decided about
	WorkflowID string       `json:"workflow_id,omitempty"`
	RunID      string       `json:"run_id,omitempty"`
	Held       catalog.Hold `json:"held,omitzero"` // as the state had it
	// Before is when, if nothing was held any more; then there is no run and no hold.
	Before *time.Time `json:"decided_before,omitempty"`
}

// Decide passes a verdict on a hold to the run that waits for it, and waits until it is taken. It asks for the newest
// run of the workflow: a run that was reset goes on under another run id.
func (d Desk) Decide(
	ctx context.Context, v Verdict, of catalog.ID, held catalog.Hold, in workflows.VerdictInput,
) (TakenVerdict, error) {
	handle, err := d.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		UpdateID: workflows.VerdictID(v.Update, held), WorkflowID: held.Run.WorkflowID, UpdateName: v.Update,
		Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return TakenVerdict{}, err
	}
	var result workflows.VerdictResult
	if err := handle.Get(ctx, &result); err != nil {
		return TakenVerdict{}, err
	}
	return TakenVerdict{
		Account: of.Account, Feed: of.Feed, Verdict: v.Done, By: cmp.Or(result.By, in.By),
		Why:     cmp.Or(result.Why, in.Why),
		Version: result.Version, WorkflowID: held.Run.WorkflowID, RunID: handle.RunID(), Held: held,
	}, nil
}
