package doctor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"vitrine/internal/fault"
)

// Severity is what a check makes of what it found.
type Severity string

// The severities, from good to bad.
const (
	Right    Severity = "right"
	Unseen   Severity = "unseen"   // it cannot be seen from here, or not before something else is mended
	Doubtful Severity = "doubtful" // it works, or is not needed yet, and somebody has to look at it
	Wrong    Severity = "wrong"
)

// Diagnosis is what a check found.
type Diagnosis struct {
	Severity Severity `json:"severity"`
	Found    string   `json:"found"`
	Remedy   string   `json:"remedy,omitempty"` // the command or page that mends it; empty if nothing is to be mended
}

func right(format string, values ...any) Diagnosis {
	return Diagnosis{Right, fmt.Sprintf(format, values...), ""}
}

func unseen(remedy, format string, values ...any) Diagnosis {
	return Diagnosis{Unseen, fmt.Sprintf(format, values...), remedy}
}

func doubtful(remedy, format string, values ...any) Diagnosis {
	return Diagnosis{Doubtful, fmt.Sprintf(format, values...), remedy}
}

func wrong(remedy, format string, values ...any) Diagnosis {
	return Diagnosis{Wrong, fmt.Sprintf(format, values...), remedy}
}

// Check is one thing that has to be right.
type Check struct {
	Subject string // OfDeployment, or the account that it is about
	Name    string
	Within  time.Duration // how long it may take; zero: usual
	Alone   bool          // beside no other of the kind: it takes all cores, and memory for a whole source
	Look    func(context.Context) Diagnosis
	// Silent is what it means if nothing answers in time. Nil: whoever does not answer has a check of its own, which
	// says so.
	Silent func(within time.Duration) Diagnosis
}

// silent is the diagnosis of whoever has to answer and does not.
func silent(remedy string) func(time.Duration) Diagnosis {
	return func(within time.Duration) Diagnosis { return wrong(remedy, "no answer within %s", within) }
}

// Result is a check that was made.
type Result struct {
	Subject string `json:"subject"`
	Check   string `json:"check"`
	Diagnosis
	Seconds float64 `json:"seconds"`
}

// usual is how long a check may take unless it says so: servers answer in a fraction of it.
const usual = 10 * time.Second

// Examine makes the checks, so many at once. tell hears of each, in the order of the table, as soon as it and those
// before it were made. A check that does not come back is given up after its time; the others do not wait for it.
func Examine(ctx context.Context, checks []Check, atOnce int, tell func(Result)) {
	results := make([]chan Result, len(checks))
	free := make(chan struct{}, atOnce)
	alone := make(chan struct{}, 1)
	var all sync.WaitGroup
	for i, check := range checks {
		results[i] = make(chan Result, 1)
		all.Go(func() {
			if check.Alone {
				alone <- struct{}{}
				defer func() { <-alone }()
			}
			free <- struct{}{}
			defer func() { <-free }()
			results[i] <- check.make(ctx)
		})
	}
	for _, result := range results {
		tell(<-result)
	}
	all.Wait()
}

func (c Check) make(ctx context.Context) Result {
	within := c.Within
	if within == 0 {
		within = usual
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	began := time.Now()
	found := make(chan Diagnosis, 1)
	go func() { found <- c.Look(ctx) }()
	result := Result{Subject: c.Subject, Check: c.Name}
	select {
	case result.Diagnosis = <-found:
	case <-ctx.Done():
	}
	if ctx.Err() != nil && result.Severity != Right { // whatever it found, it found for want of time
		result.Diagnosis = c.givenUp(ctx, within)
	}
	result.Seconds = time.Since(began).Seconds()
	return result
}

func (c Check) givenUp(ctx context.Context, within time.Duration) Diagnosis {
	switch {
	case ctx.Err() == context.Canceled:
		return unseen("", "stopped before it answered")
	case c.Silent != nil:
		return c.Silent(within)
	}
	return unseen("", "no answer within %s", within)
}

// asked makes a check of what a process asks before it starts.
func asked(ask func(context.Context) error, fine string, remedy func(error) string) func(context.Context) Diagnosis {
	return func(ctx context.Context) Diagnosis {
		if err := ask(ctx); err != nil {
			return wrong(remedy(err), "%v", err)
		}
		return right("%s", fine)
	}
}

// refused reports whether an error says that the answer is no, as opposed to none.
func refused(err error) bool {
	f, ok := fault.Of(err)
	return ok && f.Kind == fault.Permanent
}
