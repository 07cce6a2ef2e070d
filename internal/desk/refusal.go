package desk

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"vitrine/internal/fault"
	"vitrine/internal/temporalclient"
)

// Refusal is why somebody is not answered, or not obeyed, in words for whoever asked. What is away is for the log: it
// is in Err.
type Refusal struct {
	Kind RefusalKind
	Why  string
	Err  error // nil where there is no more to say
}

// RefusalKind is what a refusal means for whoever was refused.
type RefusalKind string

// The kinds of refusals.
const (
	Absent   RefusalKind = "absent"   // there is no such thing
	Conflict RefusalKind = "conflict" // it does not fit how things stand
	Unfit    RefusalKind = "unfit"    // it does not fit what it is about
	Damaged  RefusalKind = "damaged"  // what is kept cannot be read
	Away     RefusalKind = "away"     // nobody knows just now
)

// Error is for logs.
func (r *Refusal) Error() string {
	if r.Err == nil {
		return r.Why
	}
	return r.Why + ": " + r.Err.Error()
}

// Unwrap returns what is behind it.
func (r *Refusal) Unwrap() error { return r.Err }

func refuse(kind RefusalKind, why string) *Refusal { return &Refusal{Kind: kind, Why: why} }

// ErrNoAccount is what an account is answered with that nobody ever set or synced.
var ErrNoAccount = errors.New("there is no such account")

// Unanswered is why a question has no answer.
func Unanswered(err error) *Refusal {
	var told *Refusal
	switch {
	case errors.As(err, &told):
		return told
	case errors.Is(err, ErrNoAccount):
		return &Refusal{Absent, ErrNoAccount.Error(), nil}
	case fault.Is(err, fault.SourceMissing):
		return &Refusal{Absent, "there is no such report", err}
	case temporalclient.IsNotFound(err):
		return &Refusal{Absent, "there is no such order: no agent placed it, or it is settled and forgotten", err}
	case fault.Is(err, fault.SettingsInvalid):
		return &Refusal{Damaged, "what is kept of it cannot be read: the log says why", err}
	}
	return &Refusal{Away, "not known just now, because something is away: ask again", err}
}

// untold is about a command that nobody answered: nobody knows what became of it.
func untold(err error) *Refusal {
	return &Refusal{Away, "nobody has taken it yet, and somebody may still: look again, or send the same again", err}
}

// SaidByOrder is what an order itself says against a command; nil if it was not the order that spoke. A worker that
// does not know the update yet says nothing about the command.
func SaidByOrder(err error) *Refusal {
	var refused *temporal.ApplicationError
	if !errors.As(err, &refused) {
		return nil
	}
	switch fault.Code(refused.Type()) {
	case fault.OrderConflict:
		return refuse(Conflict, refused.Message())
	case fault.InputInvalid, fault.MerchantAnswerInvalid:
		return refuse(Unfit, refused.Message())
	}
	return nil
}
