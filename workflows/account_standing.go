package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
)

// standingSteps names the activities of AccountStanding; it is never called.
var standingSteps *activities.AccountStanding

// AccountStandingType is the workflow type of AccountStanding, as the CLIs spell it.
const AccountStandingType = "AccountStanding"

// AccountStandingInput parks an account, or resumes it: one of the two is set.
type AccountStandingInput struct {
	Park   *activities.ParkAccountInput   `json:"park,omitempty"`
	Resume *activities.ResumeAccountInput `json:"resume,omitempty"`
}

// AccountStandingResult is what became of it.
type AccountStandingResult struct {
	Park   *activities.ParkAccountResult   `json:"park,omitempty"`
	Resume *activities.ResumeAccountResult `json:"resume,omitempty"`
}

// Account is whose standing it is about.
func (in AccountStandingInput) Account() string {
	switch {
	case in.Park != nil:
		return in.Park.Account
	case in.Resume != nil:
		return in.Resume.Account
	}
	return ""
}

// WorkflowID is that of one act; what tells it from others is an event's id, or whatever else names it.
func (in AccountStandingInput) WorkflowID(act string) string {
	return "account-standing/" + in.Account() + "/" + act
}

// Summary is the one line that the Web UI shows for a run.
func (in AccountStandingInput) Summary() string {
	if in.Park != nil {
		return fmt.Sprintf("Park %s (%s)", in.Park.Account, in.Park.Trigger)
	}
	return "Resume " + in.Account()
}

// SearchAttributes are what a run bears from its start.
func (in AccountStandingInput) SearchAttributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(SearchAccount.ValueSet(in.Account()))
}

// AccountStanding parks an account that has left, or that somebody parks, and lets it return. The worker alone writes
// standings: whoever hears of an event, or runs a command, needs no right to.
func AccountStanding(ctx workflow.Context, in AccountStandingInput) (AccountStandingResult, error) {
	var result AccountStandingResult
	switch {
	case in.Park != nil:
		step := quickStore(ctx, "Park the account, and pause its schedules")
		err := workflow.ExecuteActivity(step, standingSteps.ParkAccount, *in.Park).Get(ctx, &result.Park)
		return result, err
	case in.Resume != nil:
		step := quickStore(ctx, "Let the account return, and resume its schedules")
		err := workflow.ExecuteActivity(step, standingSteps.ResumeAccount, *in.Resume).Get(ctx, &result.Resume)
		return result, err
	}
	return result, nil
}
