package actions

import (
	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
)

// BySchedule is what a schedule costs for each run that it starts.
const BySchedule = 2

// Billed counts the Actions of a run as far as its history tells: beats of steps are not in it, and steps that end
// within four seconds have none.
func Billed(events []*historypb.HistoryEvent) (actions int) {
	for _, event := range events {
		switch event.GetEventType() {
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
			enums.EVENT_TYPE_TIMER_STARTED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
			enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
			actions++
		case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			actions += int(event.GetActivityTaskStartedEventAttributes().GetAttempt()) - 1
		case enums.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
			set := event.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()
			if _, version := set["TemporalChangeVersion"]; !version { // that one is free
				actions++
			}
		}
	}
	return actions
}
