package doctor

import (
	"context"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
)

// Temporal is the server, as far as it could be reached.
type Temporal struct {
	// Open connects, the first time that it is asked; its error says what is wrong and what to do.
	Open       func() (Inspector, error)
	Namespace  string
	Attributes []temporal.SearchAttributeKey
	Queues     []Queue
	Now        func() time.Time
}

// Queue is a task queue that workers have to ask for work.
type Queue struct {
	Name string
	Kind enumspb.TaskQueueType
}

// Inspector tells how a namespace is set up; see temporalclient.Inspector.
type Inspector interface {
	Version(ctx context.Context) (string, error)
	Retention(ctx context.Context) (time.Duration, error)
	SearchAttributes(ctx context.Context, needed ...temporal.SearchAttributeKey) (told bool, err error)
	LastPoll(ctx context.Context, queue string, kind enumspb.TaskQueueType) (at time.Time, pollers int, err error)
}

const (
	handbookTemporal = "docs/operations.md#temporal"
	mendTemporal     = "set TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, and start the server: " + handbookTemporal
	// leastRetention leaves time to look at a run that failed over a weekend.
	leastRetention = 3 * 24 * time.Hour
	// pollsWithin is far above the minute that a worker's question for work may stay open.
	pollsWithin = 3 * time.Minute
)

func (t Temporal) checks() []Check {
	checks := []Check{
		{Name: "temporal", Look: t.server, Silent: silent(mendTemporal)},
		{Name: "retention", Look: t.with(t.retention)},
		{Name: "search attributes", Look: t.with(t.attributes)},
		{Name: "fairness", Look: t.with(fairness)},
	}
	for _, queue := range t.Queues {
		checks = append(checks,
			Check{Name: "queue " + queue.Name, Look: t.with(func(ctx context.Context, i Inspector) Diagnosis {
				return t.polled(ctx, i, queue)
			})})
	}
	return checks
}

func (t Temporal) server(ctx context.Context) Diagnosis {
	inspector, err := t.Open()
	if err != nil {
		return wrong(mendTemporal, "%v", err)
	}
	version, err := inspector.Version(ctx)
	if err != nil {
		return doubtful(mendTemporal, "it answers, but does not say its version: %v", err)
	}
	return right("answers, version %s", version)
}

// with looks at what needs a connection. Why there is none, the check of the server says.
func (t Temporal) with(look func(context.Context, Inspector) Diagnosis) func(context.Context) Diagnosis {
	return func(ctx context.Context) Diagnosis {
		inspector, err := t.Open()
		if err != nil {
			return unseen("", "not looked at: Temporal cannot be used")
		}
		return look(ctx, inspector)
	}
}

func (t Temporal) retention(ctx context.Context, i Inspector) Diagnosis {
	remedy := "temporal operator namespace update --retention 168h --namespace " + t.Namespace
	switch kept, err := i.Retention(ctx); {
	case err != nil:
		return unseen("", "the namespace does not tell: %v", err)
	case kept == 0:
		return unseen(remedy, "the namespace does not say how long it keeps histories")
	case kept < leastRetention:
		return doubtful(remedy, "histories are kept for %s, which ends before somebody looks", kept)
	default:
		return right("histories are kept for %d days", int(kept.Hours()/24))
	}
}

func (t Temporal) attributes(ctx context.Context, i Inspector) Diagnosis {
	told, err := i.SearchAttributes(ctx, t.Attributes...)
	switch {
	case err != nil && !told:
		return unseen(handbookTemporal, "the server does not tell which there are: %v", err)
	case err != nil:
		said, command, _ := strings.Cut(err.Error(), "; add them: ")
		return wrong(command, "%s", said)
	}
	return right("all %d are there", len(t.Attributes))
}

// fairness cannot be seen: Temporal has no call that tells. Servers before 1.29 do not have it.
func fairness(ctx context.Context, i Inspector) Diagnosis {
	const remedy = "matching.enableFairness: true in the server's dynamic configuration: " + handbookTemporal
	version, err := i.Version(ctx)
	if err != nil {
		return unseen(remedy, "the server does not say its version: %v", err)
	}
	if before(version, 1, 29) {
		return doubtful("upgrade the Temporal server to 1.29 or later",
			"version %s has none: one busy account delays the others", version)
	}
	return unseen(remedy, "Temporal does not tell whether it is on; version %s has it", version)
}

// before compares a version of the form major.minor.patch; what is written otherwise is before none.
func before(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	is, err := strconv.Atoi(parts[0])
	below, badly := strconv.Atoi(parts[1])
	return err == nil && badly == nil && (is < major || is == major && below < minor)
}

func (t Temporal) polled(ctx context.Context, i Inspector, queue Queue) Diagnosis {
	remedy := "start bin/worker with TEMPORAL_NAMESPACE=" + t.Namespace
	at, pollers, err := i.LastPoll(ctx, queue.Name, queue.Kind)
	switch {
	case err != nil:
		return unseen("", "%v", err)
	case pollers == 0:
		return wrong(remedy, "no worker asks for work")
	case t.Now().Sub(at) > pollsWithin:
		return wrong(remedy, "no worker has asked for work for %s", t.Now().Sub(at).Round(time.Second))
	}
	return right("asked for work by workers (pollers: %d)", pollers)
}
