package workflows

import (
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/order"
)

// courier brings the order to the merchant, and what becomes of it to the merchant and to the buyer.
type courier struct {
	life  *order.Lifecycle
	aside *background
}

// handing is an order on its way to the merchant.
type handing struct {
	answer workflow.Future
	stop   workflow.CancelFunc
}

// hand begins to hand the order over, for days if the merchant's endpoint is down.
func (c courier) hand(ctx workflow.Context) handing {
	trying, stop := workflow.WithCancel(submission(ctx, "Hand the order to the merchant"))
	return handing{answer: workflow.ExecuteActivity(trying, orderSteps.SubmitOrder, c.life.ID()), stop: stop}
}

// end tries no more, and returns the merchant's answer. A try that is under way may still get through: nothing goes on
// beside it. The merchant must not read that the order is off before they read the order.
func (h handing) end(ctx workflow.Context) (decision order.Decision, err error) {
	h.stop()
	err = h.answer.Get(ctx, &decision)
	return decision, err
}

// tell begins to say what there is to say. Nobody waits for it: a merchant's endpoint may be down for days, and nothing
// depends on a letter.
func (c courier) tell(ctx workflow.Context) {
	for _, message := range c.life.Outbox() {
		if message.Notice != nil {
			c.notify(ctx, *message.Notice)
		}
		if message.Letter != nil {
			c.write(ctx, *message.Letter)
		}
	}
}

func (c courier) notify(ctx workflow.Context, notice order.Notice) {
	c.aside.do(ctx, func(ctx workflow.Context) {
		ctx = merchant(ctx, "Tell the merchant "+notice.Text())
		if err := workflow.ExecuteActivity(ctx, orderSteps.NotifyMerchant, notice).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("the merchant was not told: "+notice.ID, "error", err)
			c.life.Undelivered(notice)
		}
	})
}

func (c courier) write(ctx workflow.Context, letter order.Letter) {
	in := activities.SendMailInput{ID: c.life.ID(), Kind: letter.Kind, Decision: letter.Decision}
	c.aside.do(ctx, func(ctx workflow.Context) {
		ctx = mail(ctx, "Tell the buyer")
		if err := workflow.ExecuteActivity(ctx, orderSteps.SendMail, in).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("the mail to the buyer was not sent", "error", err)
			c.life.Unsent(letter)
		}
	})
}
