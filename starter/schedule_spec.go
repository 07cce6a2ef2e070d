package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/launch"
	"vitrine/workflows"
)

// wantedSchedule is the schedule that an account's feed is to have.
type wantedSchedule struct {
	account  string
	feed     feed.Kind
	interval time.Duration
}

func (w wantedSchedule) id() string {
	return workflows.ScheduleID(catalog.ID{Account: w.account, Feed: w.feed})
}

// offset spreads the accounts of a platform evenly over the interval: a thousand schedules that all tick at :00 would
// be a stampede at Stripe. It depends on the id alone, so it stays where it is however often the list is applied.
func (w wantedSchedule) offset() time.Duration { return offset(w.id(), w.interval) }

func offset(id string, interval time.Duration) time.Duration {
	sum := sha256.Sum256([]byte(id))
	seconds := binary.BigEndian.Uint64(sum[:8]) % uint64(interval/time.Second)
	return time.Duration(seconds) * time.Second
}

func (w wantedSchedule) input() workflows.CatalogSyncInput {
	return workflows.CatalogSyncInput{Account: w.account, Feed: w.feed}
}

func (w wantedSchedule) spec() client.ScheduleSpec {
	return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: w.interval, Offset: w.offset()}}}
}

// policy: a run that takes longer than the interval is not run beside itself; after an outage one sync catches up, not
// all that were missed; and a failing catalog goes on being tried, for a schedule that paused itself is a catalog that
// grows old in silence.
func (w wantedSchedule) policy() client.SchedulePolicies {
	return client.SchedulePolicies{
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: w.interval,
	}
}

func (w wantedSchedule) action() *client.ScheduleWorkflowAction {
	in := w.input()
	return &client.ScheduleWorkflowAction{
		ID:                       w.id(),
		Workflow:                 workflows.CatalogSyncType,
		Args:                     []any{in},
		TaskQueue:                workflows.TaskQueue,
		WorkflowExecutionTimeout: launch.RunTimeout,
		StaticSummary:            in.Summary(),
		TypedSearchAttributes:    in.SearchAttributes(),
		Priority:                 in.Priority(),
	}
}

// options create the schedule. It is not triggered at once: applying a list would start every account's sync in the
// same minute, and the first tick comes within one interval anyway.
func (w wantedSchedule) options() client.ScheduleOptions {
	policy := w.policy()
	return client.ScheduleOptions{
		ID:            w.id(),
		Spec:          w.spec(),
		Action:        w.action(),
		Overlap:       policy.Overlap,
		CatchupWindow: policy.CatchupWindow,
	}
}

// update makes an existing schedule the wanted one. Its state is left alone: a schedule that somebody paused stays
// paused, with their note.
func (w wantedSchedule) update(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
	current := in.Description.Schedule
	spec, policy := w.spec(), w.policy()
	return &client.ScheduleUpdate{
		Schedule: &client.Schedule{Action: w.action(), Spec: &spec, Policy: &policy, State: current.State},
	}, nil
}

// difference says what is not as wanted about a schedule; it is empty if nothing is.
//
// The description is compared field by field. A hash of the wanted schedule in its memo, readable from the list of
// schedules, would save this call, but could not be kept true: Temporal refuses to change the memo of a schedule
// ("memo updates are not supported on workflow-backed schedules"), the list lags behind, and a change that somebody
// made by hand would go unnoticed.
func (w wantedSchedule) difference(is client.Schedule) string {
	var found []string
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	interval, offset, plain := desk.PlainInterval(is.Spec)
	policy := w.policy()
	switch {
	case !plain:
		say("its times were changed by hand")
	case interval != w.interval:
		say("every %s → %s", every(interval), every(w.interval))
		if is.Policy != nil {
			policy.CatchupWindow = is.Policy.CatchupWindow // it follows the interval
		}
	case offset != w.offset():
		say("offset %s → %s", every(offset), every(w.offset()))
	}
	if is.Policy == nil || *is.Policy != policy {
		say("policies")
	}
	if !w.sameAction(is.Action) {
		say("what it starts")
	}
	return strings.Join(found, ", ")
}

func (w wantedSchedule) sameAction(action client.ScheduleAction) bool {
	is, ok := action.(*client.ScheduleWorkflowAction)
	if !ok {
		return false
	}
	want := w.action()
	return is.ID == want.ID && is.Workflow == want.Workflow && is.TaskQueue == want.TaskQueue &&
		is.WorkflowExecutionTimeout == want.WorkflowExecutionTimeout && is.StaticSummary == want.StaticSummary &&
		is.Priority == want.Priority && sameAttributes(is.TypedSearchAttributes, want.TypedSearchAttributes) &&
		w.sameInput(is.Args)
}

func sameAttributes(is, want temporal.SearchAttributes) bool {
	if is.Size() != want.Size() {
		return false
	}
	for _, key := range []temporal.SearchAttributeKeyKeyword{workflows.SearchAccount, workflows.SearchFeed} {
		isValue, _ := is.GetKeyword(key)
		wantValue, _ := want.GetKeyword(key)
		if isValue != wantValue {
			return false
		}
	}
	return true
}

// sameInput compares the input, which a description holds as it is stored. If it is encrypted it cannot be read here;
// it follows from the id, so it is taken to be right.
func (w wantedSchedule) sameInput(args []any) bool {
	if len(args) != 1 {
		return false
	}
	payload, ok := args[0].(*commonpb.Payload)
	if !ok || string(payload.GetMetadata()[converter.MetadataEncoding]) != converter.MetadataEncodingJSON {
		return ok
	}
	var in workflows.CatalogSyncInput
	return json.Unmarshal(payload.GetData(), &in) == nil && in == w.input()
}
