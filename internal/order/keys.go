package order

import (
	"maps"
	"slices"
	"strings"
)

// RefundRefused gives back what was paid for lines that the merchant does not ship, RefundAll what is left
// of an order that is off.
const (
	RefundRefused = "refund/refused_lines"
	RefundAll     = "refund/all"
)

// KeyOf is the idempotency key of a step, as of now: a step whose key is spent has another one.
func (l *Lifecycle) KeyOf(step string) string { return l.id.KeyOf(step, l.r.Keys[step]) }

// SpentKeysOf are the keys of a step that were given up; something may have come of them after all. What is known to
// have, is no answer to what is owed beside it.
func (l *Lifecycle) SpentKeysOf(step string) (keys []string) {
	for n := range l.r.Keys[step] {
		if key := l.id.KeyOf(step, n); !l.gaveBack(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// LeaveMade leaves the keys of a step behind under which money went back: what is still owed is another refund. A key
// stays of which nothing is listed, because its answer may have been lost.
func (l *Lifecycle) LeaveMade(step string) {
	for l.gaveBack(l.KeyOf(step)) {
		l.Spend(step)
	}
}

// gaveBack reports whether a refund that holds was made under the key.
func (l *Lifecycle) gaveBack(key string) bool {
	return slices.ContainsFunc(l.r.Refunds, func(r Refund) bool { return !r.Failed() && r.Key == key })
}

// Spend leaves a key of this step behind; those of other steps may have done something that nobody heard of.
func (l *Lifecycle) Spend(step string) {
	l.touch(step)
	l.r.Keys[step]++
}

// RefundFailed is for a refund that Stripe made and that failed at once: whoever retries needs another key, and the
// asker knows.
func (l *Lifecycle) RefundFailed(step string, r Refund) {
	l.Spend(step)
	l.r.HeldFor = append(l.r.HeldFor, r.ID)
}

// Ask remembers the step of a refund that a person asks for, and leaves the keys behind that it was made under and has
// failed since.
func (l *Lifecycle) Ask(step string) {
	l.touch(step)
	for slices.ContainsFunc(l.r.Refunds, func(r Refund) bool { return r.Failed() && r.Key == l.KeyOf(step) }) {
		l.Spend(step)
	}
}

// AskedSteps are the steps of refunds that persons asked for, and how many keys of each are spent.
func (l *Lifecycle) AskedSteps() map[string]int {
	var asked map[string]int
	for _, step := range l.keyed() {
		if strings.HasPrefix(step, RefundAsked) {
			if asked == nil {
				asked = map[string]int{}
			}
			asked[step] = l.r.Keys[step]
		}
	}
	return asked
}

// touch remembers a step whose keys may have to be looked through later.
func (l *Lifecycle) touch(step string) {
	if l.r.Keys == nil {
		l.r.Keys = map[string]int{}
	}
	l.r.Keys[step] += 0
}

// spendKeyOf leaves the key behind that a refund was made under which has failed since: what is asked for again, or
// owed, is made under another.
func (l *Lifecycle) spendKeyOf(refund Refund) {
	l.touch(RefundRefused)
	for _, step := range l.keyed() {
		if refund.Key != "" && step != RefundAll && refund.Key == l.KeyOf(step) {
			l.r.Keys[step]++
		}
	}
}

// keyed are the steps that have keys, sorted: a replay must go through them in the same order.
//
//workflowcheck:ignore
func (l *Lifecycle) keyed() []string { return slices.Sorted(maps.Keys(l.r.Keys)) }
