package server

import (
	"container/list"
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	maxAnswers = 10_000
	answerLife = 15 * time.Minute // far longer than Stripe, or an agent, asks again
)

// answers gives an event that comes again the answer that it got, and one that comes twice at once is answered once.
type answers struct {
	now    func() time.Time
	mu     sync.Mutex
	byID   map[string]*list.Element // of *given
	oldest list.List
}

type given struct {
	id    string
	at    time.Time
	ready chan struct{} // closed once answer is there
	answer
}

func newAnswers(now func() time.Time) *answers {
	return &answers{now: now, byID: map[string]*list.Element{}}
}

// once answers an event, or says again. An answer that says that it failed is given to those who wait for it and then
// forgotten: the next try may fare better.
func (a *answers) once(ctx context.Context, id string, decide func() answer) (_ answer, again bool) {
	a.mu.Lock()
	a.forget()
	if at, known := a.byID[id]; known {
		g := at.Value.(*given)
		a.mu.Unlock()
		select {
		case <-g.ready:
			return g.answer, true
		case <-ctx.Done():
			return noAnswer(http.StatusServiceUnavailable, "late"), true
		}
	}
	g := &given{id: id, at: a.now(), ready: make(chan struct{})}
	// A decision that panics must not leave others waiting: they get this one.
	g.answer = noAnswer(http.StatusInternalServerError, "failed")
	at := a.oldest.PushBack(g)
	a.byID[id] = at
	a.mu.Unlock()
	defer func() {
		close(g.ready)
		if g.status != http.StatusOK {
			a.mu.Lock()
			a.remove(at)
			a.mu.Unlock()
		}
	}()
	g.answer = decide()
	return g.answer, false
}

func (a *answers) forget() {
	for at := a.oldest.Front(); at != nil; at = a.oldest.Front() {
		if a.oldest.Len() <= maxAnswers && a.now().Sub(at.Value.(*given).at) < answerLife {
			return
		}
		a.remove(at)
	}
}

func (a *answers) remove(at *list.Element) {
	g := at.Value.(*given)
	if a.byID[g.id] == at {
		delete(a.byID, g.id)
		a.oldest.Remove(at)
	}
}
