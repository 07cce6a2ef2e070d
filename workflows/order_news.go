package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"vitrine/internal/news"
	"vitrine/internal/order"
)

// herald tells the platform that an order waits for a person, and that it goes on. Nothing waits for it, and one thing
// is told after the other.
type herald struct {
	life  *order.Lifecycle
	aside *background
	held  time.Time // since when the order is, as it was told; zero: it is not
	queue []news.News
	busy  bool
}

// newHerald goes on from what an earlier run told.
func newHerald(life *order.Lifecycle, aside *background) herald {
	h := herald{life: life, aside: aside}
	if r := life.Record(); r.State == order.StateHeld {
		h.held = r.Since
	}
	return h
}

// tell tells what has changed.
func (h *herald) tell(ctx workflow.Context) {
	r, id := h.life.Record(), h.life.ID()
	switch held := r.State == order.StateHeld; {
	case held && h.held.IsZero():
		h.held = r.Since
		h.say(ctx, news.HeldOrder(id.Account, id.Session, r.Reason, "", news.Began, h.held, h.held))
	case !held && !h.held.IsZero():
		over := news.HeldOrder(id.Account, id.Session, "", string(r.State), news.Over, h.held, workflow.Now(ctx))
		h.held = time.Time{}
		h.say(ctx, over)
	}
}

func (h *herald) say(ctx workflow.Context, n news.News) {
	if workflow.GetVersion(ctx, "news", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	h.queue = append(h.queue, n)
	if h.busy {
		return
	}
	h.busy = true
	h.aside.do(ctx, func(ctx workflow.Context) {
		for ; len(h.queue) > 0; h.queue = h.queue[1:] {
			telling := quickStore(ctx, "Tell the platform: "+h.queue[0].Text())
			if err := workflow.ExecuteActivity(telling, newsSteps.TellNews, h.queue[0]).Get(ctx, nil); err != nil {
				workflow.GetLogger(ctx).Warn("the platform was not told", "news", h.queue[0].ID, "error", err)
			}
		}
		h.busy = false
	})
}
