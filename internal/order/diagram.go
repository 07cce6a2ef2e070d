package order

import (
	"slices"
	"strings"
)

// working are the steps that the diagram draws in one box: what all of them have in common is drawn once, from the box.
var working = []Step{StepLoad, StepAwaitPayment, StepCheck, StepSubmit, StepDecide, StepAccept, StepWatch}

const box = "at_work"

// Diagram draws Transitions as a state diagram of Mermaid (https://mermaid.js.org/syntax/stateDiagram.html).
func Diagram() string {
	inside, outside := arrows()
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    state \"at work\" as " + box + " {\n        [*] --> load\n")
	for _, arrow := range inside {
		b.WriteString("        " + arrow + "\n")
	}
	b.WriteString("    }\n")
	for _, arrow := range outside {
		b.WriteString("    " + arrow + "\n")
	}
	return b.String()
}

// arrows are those within the box, and the others.
func arrows() (inside, outside []string) {
	drawn := map[Transition]bool{}
	for _, t := range Transitions() {
		drawn[Transition{From: t.From, To: t.To, As: t.As}] = true
	}
	for _, t := range Transitions() {
		if t.As == "" {
			continue
		}
		out := func(s Step) bool { return drawn[Transition{From: s, To: t.To, As: t.As}] }
		in := func(s Step) bool { return drawn[Transition{From: t.From, To: s, As: t.As}] }
		from, to, starts, ends := t.From.name(), t.To.name(), slices.Contains(working, t.From), slices.Contains(working,
			t.To)
		switch {
		case starts && ends:
			inside = append(inside, from+" --> "+to+" : "+t.As)
			continue
		case starts && all(working, out):
			from = box
		case ends && all(working, in):
			to = box
		}
		outside = append(outside, from+" --> "+to+" : "+t.As)
	}
	return once(inside), once(outside)
}

func all(steps []Step, is func(Step) bool) bool {
	return !slices.ContainsFunc(steps, func(s Step) bool { return !is(s) })
}

// once leaves out what was there before.
func once(list []string) (kept []string) {
	for _, text := range list {
		if !slices.Contains(kept, text) {
			kept = append(kept, text)
		}
	}
	return kept
}
