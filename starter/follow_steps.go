package main

import (
	"cmp"
	"regexp"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"vitrine/internal/fault"
	"vitrine/internal/payload"
	"vitrine/workflows"
)

// step is an activity of a run, or its wait for its turn, as far as it has come.
type step struct {
	name    string
	part    string // "part 2 of 3"; empty if there is one part, and for steps that are about none
	begun   time.Time
	ended   time.Time // zero while it is under way
	until   time.Time // of a wait
	failure string    // why it failed for good

	attempt  int32
	trouble  string    // why the attempt before this one failed
	waiting  string    // the attempts are no failures: what is being waited for
	nextTry  time.Time // while it rests between two attempts
	progress workflows.UploadProgress
	idle     bool // no worker has taken it yet
}

func (s step) over() bool { return !s.ended.IsZero() }

// turn is the name of the wait until Stripe takes the next update.
const turn = "Wait"

// stepsOf reads what a run has done so far out of its history. The history shows steps that begin and end between two
// looks; the description of the run does not.
func stepsOf(
	events []*historypb.HistoryEvent, read payload.Converter,
) (steps []*step, byActivity map[string]*step) {
	byActivity = map[string]*step{}
	var parts partTracker
	byEvent := map[int64]*step{}
	begin := func(event *historypb.HistoryEvent, s *step) {
		s.begun = event.GetEventTime().AsTime()
		steps, byEvent[event.GetEventId()] = append(steps, s), s
	}
	end := func(begun int64, event *historypb.HistoryEvent, failure string) {
		if s := byEvent[begun]; s != nil {
			s.ended, s.failure, s.nextTry, s.idle = event.GetEventTime().AsTime(), failure, time.Time{}, false
		}
	}
	for _, event := range events {
		switch event.GetEventType() {
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			scheduled := event.GetActivityTaskScheduledEventAttributes()
			s := &step{name: scheduled.GetActivityType().GetName(), attempt: 1}
			s.part = parts.of(s.name, read.Text(event.GetUserMetadata().GetSummary()))
			byActivity[scheduled.GetActivityId()] = s
			begin(event, s)
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			started := event.GetActivityTaskStartedEventAttributes()
			if s := byEvent[started.GetScheduledEventId()]; s != nil {
				s.attempt = max(1, started.GetAttempt())
				s.blame(started.GetLastFailure(), read)
			}
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			end(event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId(), event, "")
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED:
			failed := event.GetActivityTaskFailedEventAttributes()
			end(failed.GetScheduledEventId(), event, cmp.Or(read.Message(failed.GetFailure()), "failed"))
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
			timedOut := event.GetActivityTaskTimedOutEventAttributes()
			end(timedOut.GetScheduledEventId(), event, cmp.Or(read.Message(timedOut.GetFailure()), "timed out"))
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
			end(event.GetActivityTaskCanceledEventAttributes().GetScheduledEventId(), event, "cancelled")
		case enumspb.EVENT_TYPE_TIMER_STARTED:
			timer := event.GetTimerStartedEventAttributes()
			begin(event,
				&step{name: turn, until: event.GetEventTime().AsTime().Add(timer.GetStartToFireTimeout().AsDuration())})
		case enumspb.EVENT_TYPE_TIMER_FIRED:
			end(event.GetTimerFiredEventAttributes().GetStartedEventId(), event, "")
		case enumspb.EVENT_TYPE_TIMER_CANCELED:
			end(event.GetTimerCanceledEventAttributes().GetStartedEventId(), event, "cancelled")
		}
	}
	return steps, byActivity
}

// partTracker tells which part steps are about: the workflow says so in the summary of the first and the last step of
// each part, and those between follow in order.
type partTracker struct{ current string }

var partInSummary = regexp.MustCompile(`\bpart (\d+) of (\d+)\b`)

func (p *partTracker) of(name, summary string) string {
	found := partInSummary.FindStringSubmatch(summary)
	switch {
	case found != nil && found[2] == "1":
		p.current = ""
	case found != nil:
		p.current = found[0]
	case name == "Settle" || name == "FetchCatalog":
		p.current = ""
	}
	return p.current
}

// enliven adds what only the description of the run knows about steps under way: attempts, their failures, progress.
func enliven(byActivity map[string]*step, pending []*workflowpb.PendingActivityInfo, read payload.Converter) {
	for _, activity := range pending {
		s := byActivity[activity.GetActivityId()]
		if s == nil || s.over() {
			continue
		}
		s.attempt = max(1, activity.GetAttempt())
		s.blame(activity.GetLastFailure(), read)
		s.nextTry = time.Time{}
		if activity.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED {
			// not between two attempts
			s.idle = activity.GetLastStartedTime() == nil && activity.GetLastFailure() == nil
			if next := activity.GetNextAttemptScheduleTime(); next != nil {
				s.nextTry = next.AsTime()
			}
		}
		// other steps beat otherwise
		_ = read.FromPayloads(activity.GetHeartbeatDetails(), &s.progress)
	}
}

// blame tells a failed attempt from one that found that it has to wait.
func (s *step) blame(last *failurepb.Failure, read payload.Converter) {
	if last == nil {
		return
	}
	switch kind := last.GetApplicationFailureInfo().GetType(); fault.Code(kind) {
	case fault.RunWaiting:
		s.waiting = cmp.Or(read.Message(last), "another run of this feed is importing") // it names the run
	case fault.ImportPending:
		s.waiting = "Stripe is still processing"
	default:
		s.trouble, s.waiting = read.Message(last), ""
	}
}
