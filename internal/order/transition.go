package order

import (
	"fmt"
	"slices"

	"vitrine/internal/fault"
)

// Input is what happens to an order: what a step has found, or what has come in. Each is a method of Lifecycle.
type Input string

// The inputs that may lead from one step to another. What else comes in is only remembered, until a step looks at it.
const (
	InputLoad      Input = "load"
	InputRestore   Input = "restore"
	InputPay       Input = "pay"
	InputCheck     Input = "check"
	InputSubmit    Input = "submit"
	InputDecide    Input = "decide"
	InputLapse     Input = "lapse"
	InputAccept    Input = "accept"
	InputCapture   Input = "capture"
	InputLose      Input = "lose"
	InputReconcile Input = "reconcile"
	InputJudge     Input = "judge"
	InputDispute   Input = "dispute"
	InputHold      Input = "hold"
	InputResume    Input = "resume"
	InputSkip      Input = "skip"
	InputCallOff   Input = "call off"
	InputReject    Input = "reject"
	InputReturn    Input = "return"
	InputOwe       Input = "owe"
	InputEnd       Input = "end"
	InputReopen    Input = "reopen"
)

// Transition is one way from a step to another.
type Transition struct {
	Input Input
	From  Step
	To    Step
	As    string // what the diagram calls it, where it draws it: several inputs may hold an order, or call it off
}

// steps are all of them, in the order of a life; open are those at which something is left to be done, and lively those
// of them at which money does not go back already.
var (
	steps = []Step{
		StepLoad, StepAwaitPayment, StepCheck, StepSubmit, StepDecide,
		StepAccept, StepWatch, StepHeld, StepReturn, StepEnd,
	}
	open   = steps[:len(steps)-1]
	lively = open[:len(open)-1]
	// restored are those that an order is left at: one that was on its way to the merchant is held.
	restored = []Step{StepAwaitPayment, StepCheck, StepDecide, StepAccept, StepWatch, StepHeld, StepReturn, StepEnd}
)

// ways are all transitions, by what leads to them. To where it is, an input may lead an order wherever it makes sense.
var ways = []struct {
	input Input
	from  []Step
	to    []Step
	as    string
}{
	{InputLoad, []Step{StepLoad}, []Step{StepAwaitPayment}, "not paid yet"},
	{InputLoad, []Step{StepLoad}, []Step{StepCheck}, "paid or reserved"},
	{InputLoad, []Step{StepLoad}, []Step{StepReturn}, "call off"},
	{InputLoad, []Step{StepLoad}, []Step{StepHeld}, "hold"},
	{InputLoad, []Step{StepLoad}, []Step{StepEnd}, "not wanted, or never paid"},
	{InputRestore, []Step{StepLoad}, restored, ""},
	{InputPay, []Step{StepAwaitPayment}, []Step{StepLoad}, "news, or time is over"},
	{InputCheck, []Step{StepCheck}, []Step{StepSubmit}, "adds up"},
	{InputCheck, []Step{StepCheck}, []Step{StepReturn}, "call off"},
	{InputCheck, []Step{StepCheck}, []Step{StepHeld}, "hold"},
	{InputSubmit, []Step{StepSubmit}, nil, ""},
	{InputDecide, []Step{StepSubmit}, []Step{StepDecide}, "pending"},
	{InputDecide, []Step{StepSubmit, StepDecide}, []Step{StepAccept}, "accepted"},
	{InputDecide, []Step{StepSubmit, StepDecide}, []Step{StepReturn}, "rejected"},
	{InputLapse, []Step{StepSubmit, StepDecide, StepHeld}, []Step{StepReturn}, "call off"},
	{InputLapse, []Step{StepHeld}, open, "resume"},
	{InputAccept, []Step{StepAccept}, []Step{StepWatch}, "money agrees"},
	{InputCapture, []Step{StepAccept, StepWatch}, []Step{StepHeld}, "hold"},
	{InputLose, []Step{StepAccept, StepWatch}, []Step{StepReturn}, "call off"},
	{InputLose, []Step{StepAccept, StepWatch}, []Step{StepHeld}, "hold"},
	{InputReconcile, lively, []Step{StepReturn}, "call off"},
	{InputReconcile, lively, []Step{StepHeld}, "hold"},
	{InputDispute, open, []Step{StepHeld}, "hold"},
	{InputJudge, open, []Step{StepHeld}, "hold"},
	{InputHold, open, []Step{StepHeld}, "hold"},
	{InputResume, []Step{StepHeld}, open, "resume"},
	{InputSkip, []Step{StepHeld}, []Step{StepLoad, StepAccept, StepWatch, StepReturn}, "resume"},
	{InputSkip, []Step{StepAwaitPayment, StepCheck, StepSubmit, StepDecide, StepHeld}, []Step{StepReturn}, "call off"},
	{InputCallOff, lively, []Step{StepReturn}, "call off"},
	{InputReject, []Step{StepWatch}, []Step{StepReturn}, "call off"},
	{InputReturn, []Step{StepReturn}, []Step{StepWatch}, "money is back"},
	{InputOwe, []Step{StepWatch}, []Step{StepReturn}, "owed again"},
	{InputEnd, []Step{StepWatch}, []Step{StepEnd}, "settled"},
	{InputReopen, []Step{StepEnd}, []Step{StepLoad, StepWatch}, "news"},
}

// Steps are all that this worker knows, in the order of a life.
func Steps() []Step { return slices.Clone(steps) }

// Transitions are all that there are, in the order of a life. docs/orders.md draws them.
func Transitions() (all []Transition) {
	for _, way := range ways {
		for _, from := range way.from {
			for _, to := range way.to {
				if from != to {
					all = append(all, Transition{Input: way.input, From: from, To: to, As: way.as})
				}
			}
		}
	}
	return all
}

// possible reports whether the input makes sense at a step. Of a step that only a newer worker knows, nothing is known
// but that a person has to look.
func (in Input) possible(at Step) bool {
	if !slices.Contains(steps, at) {
		return in == InputHold
	}
	for _, way := range ways {
		if way.input == in && slices.Contains(way.from, at) {
			return true
		}
	}
	return false
}

// leads reports whether the input may take an order from a step to another; to where it is, it always may. A step that
// only a newer worker knows is gone on with, and found out then.
func (in Input) leads(from, to Step) bool {
	if from == to {
		return true
	}
	newer := !slices.Contains(steps, to)
	for _, way := range ways {
		if way.input == in && slices.Contains(way.from, from) && (newer || slices.Contains(way.to, to)) {
			return true
		}
	}
	return in == InputHold && to == StepHeld
}

// blind reports whether the input makes sense for an order that was not read from Stripe yet.
func (in Input) blind() bool {
	return slices.Contains([]Input{InputLoad, InputRestore, InputHold, InputResume, InputSkip, InputReopen}, in)
}

// impossible is what an order says to an input that cannot be, where it stands: somebody has called a method out of
// turn.
func impossible(in Input, at Step, why string) error {
	text := fmt.Errorf("an order cannot be told %q at the step %q: %s", in, at.name(), why)
	return fault.NewPermanent(fault.OrderConflict, text)
}

// name is what people call a step: the first one is written as nothing, and the last one as a word that diagrams
// reserve.
func (s Step) name() string {
	switch s {
	case StepLoad:
		return "load"
	case StepEnd:
		return "ended"
	}
	return string(s)
}
