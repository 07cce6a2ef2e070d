package desk

import (
	"context"
	"encoding/json"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/keyring"
)

// Desk has what is asked for answers, and told.
type Desk struct {
	Documents catalog.Documents
	Temporal  client.Client
	Keys      keyring.Keys // of what failures say
	Marks     *Marks       // of the fleet's accounts; nil: every list reads what dispatchers saw
	Read      func()       // is told of each account whose documents were read; nil: nobody is
}

// readers is how many documents are read at once.
const readers = 16

func (d Desk) settings() account.Documents { return account.Documents{Store: d.Documents.Store} }

// IsUnusable: the document is there but of no use, and reading it again would not help.
func IsUnusable(err error) bool {
	return fault.Is(err, fault.SettingsInvalid) && !errors.Is(err, context.Canceled)
}

// IsOpen reports whether a run in that status may still do something.
func IsOpen(s enumspb.WorkflowExecutionStatus) bool {
	return s == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING || s == enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
}

// Attribute is a search attribute of a run; empty if it has none of that name: such a run belongs to nobody.
func Attribute(run *workflowpb.WorkflowExecutionInfo, name string) string {
	var value string
	_ = json.Unmarshal(run.GetSearchAttributes().GetIndexedFields()[name].GetData(), &value)
	return value
}
