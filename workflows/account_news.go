package workflows

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/fault"
	"vitrine/internal/news"
)

// AccountNewsType is the workflow type of AccountNews, as the CLIs spell it.
const AccountNewsType = "AccountNews"

// SignalNews brings a piece of news (news.News); the same id again changes nothing.
const SignalNews = "news"

// AccountNewsInput starts an AccountNews, which whoever has news does by a signal.
type AccountNewsInput struct {
	Account string `json:"account"` // the connected account, acct_…

	// Queue and Told are what a run hands on to the next.
	Queue []news.News `json:"queue,omitempty"`
	Told  []string    `json:"told,omitempty"`
}

// AccountNewsResult is what became of the news.
type AccountNewsResult struct {
	Delivered int `json:"delivered"`
	GivenUp   int `json:"given_up,omitempty"` // nobody took it within days
	Unheard   int `json:"unheard,omitempty"`  // nobody listens any more
}

// WorkflowID is the id of the run that has an account's news: one, so that they stay in order.
func (in AccountNewsInput) WorkflowID() string { return "account-news/" + in.Account }

// Summary is the one line that the Web UI shows for a run.
func (in AccountNewsInput) Summary() string { return "Deliver the news of " + in.Account }

// SearchAttributes are what a run bears from its start.
func (in AccountNewsInput) SearchAttributes() temporal.SearchAttributes {
	return temporal.NewSearchAttributes(SearchAccount.ValueSet(in.Account))
}

// Priority puts news behind orders, so that an endpoint which hangs takes no place of theirs.
func (in AccountNewsInput) Priority() temporal.Priority {
	return temporal.Priority{PriorityKey: 5, FairnessKey: in.Account}
}

const (
	// newsDeadline is how long after its time a piece of news is tried to be delivered.
	newsDeadline = 5 * 24 * time.Hour
	// lastTry is for news that has waited behind other news for so long.
	lastTry = 10 * time.Minute
	// newsTry is how long a piece of news is tried at a time. Where the endpoint's last word is a refusal mostRefused
	// times in a row, it is this piece that it does not take, and the others get their turn.
	newsTry     = 12 * time.Hour
	mostRefused = 2
	// newsLinger is how long a run remembers what it delivered: a step whose answer was lost tells it again.
	newsLinger = 10 * time.Minute
	// newsQueued and newsTold bound what a run hands on to the next: the first is what four feeds make within the
	// deadline.
	newsQueued = 2000
	newsTold   = 200
)

// newsSteps names the activities of AccountNews; it is never called.
var newsSteps *activities.AccountNews

// AccountNews delivers the news of an account, one after the other, in the order in which they came. What an endpoint
// does not take is tried again for days, and the rest waits behind it. With nothing to deliver the run ends; the next
// news begins another.
func AccountNews(ctx workflow.Context, in AccountNewsInput) (AccountNewsResult, error) {
	ctx = workflow.WithPriority(ctx, in.Priority())
	n := accountNews{in: in, incoming: workflow.GetSignalChannel(ctx, SignalNews)}
	err := n.run(ctx)
	return n.result, err
}

// accountNews is one run.
type accountNews struct {
	in       AccountNewsInput
	incoming workflow.ReceiveChannel
	refused  int // how often in a row trying the oldest piece ended in a refusal
	result   AccountNewsResult
}

func (n *accountNews) run(ctx workflow.Context) error {
	for {
		n.receive(ctx)
		switch {
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return workflow.NewContinueAsNewError(ctx, AccountNewsType, n.in)
		case len(n.in.Queue) > 0:
			if err := n.deliver(ctx); err != nil {
				return err
			}
		default:
			if more, err := n.linger(ctx); err != nil || !more {
				return err
			}
		}
	}
}

// receive takes in what has come.
func (n *accountNews) receive(ctx workflow.Context) {
	for {
		var next news.News
		if !n.incoming.ReceiveAsync(&next) {
			return
		}
		if n.known(next.ID) {
			continue
		}
		n.in.Queue = append(n.in.Queue, next)
		if len(n.in.Queue) > newsQueued {
			n.giveUp(ctx, fmt.Errorf("%d pieces of news wait behind it", newsQueued))
		}
	}
}

func (n *accountNews) known(id string) bool {
	queued := func(q news.News) bool { return q.ID == id }
	return slices.Contains(n.in.Told, id) || slices.ContainsFunc(n.in.Queue, queued)
}

// deliver tries to bring the oldest piece of news to whoever listens, and gives it up when its time is over.
func (n *accountNews) deliver(ctx workflow.Context) error {
	next := n.in.Queue[0]
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Delivering %s; %d wait behind it.", next.Text(), len(n.in.Queue)-1))
	left := max(next.Timestamp.Add(newsDeadline).Sub(workflow.Now(ctx)), lastTry)
	began := workflow.Now(ctx)
	var delivered activities.DeliverNewsResult
	trying := patient(ctx, "Tell the platform: "+next.Text(), min(left, newsTry))
	err := workflow.ExecuteActivity(trying, newsSteps.DeliverNews, next).Get(ctx, &delivered)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil && left > newsTry && !n.refuses(err):
		// Its time is not over. A step ends early if the endpoint asks for a longer pause than is left of it.
		return workflow.Sleep(ctx, max(newsTry-workflow.Now(ctx).Sub(began), 0))
	case err != nil:
		n.giveUp(ctx, err)
		return nil
	case delivered.Delivered:
		n.result.Delivered++
		countNews(ctx, next, "delivered")
	default:
		n.result.Unheard++
		countNews(ctx, next, "unheard")
	}
	n.next()
	return nil
}

// refuses reports whether the endpoint has answered for long enough that it does not take the oldest piece. One that
// is away refuses nothing.
func (n *accountNews) refuses(err error) bool {
	var last *temporal.ApplicationError
	if !errors.As(err, &last) || last.Type() != string(fault.MerchantRejected) {
		n.refused = 0
		return false
	}
	n.refused++
	return n.refused >= mostRefused
}

func (n *accountNews) giveUp(ctx workflow.Context, why error) {
	lost := n.in.Queue[0]
	workflow.GetLogger(ctx).Error("news is given up", "news", lost.ID, "type", lost.Type, "error", why)
	n.result.GivenUp++
	countNews(ctx, lost, "given_up")
	n.next()
}

// next goes on to the next piece, and remembers the one that was dealt with.
func (n *accountNews) next() {
	n.in.Told = append(n.in.Told, n.in.Queue[0].ID)
	n.in.Told = n.in.Told[max(len(n.in.Told)-newsTold, 0):]
	n.in.Queue = n.in.Queue[1:]
	n.refused = 0
}

// linger waits a little for more.
func (n *accountNews) linger(ctx workflow.Context) (more bool, err error) {
	workflow.SetCurrentDetails(ctx, "All news is delivered.")
	ctx, stop := workflow.WithCancel(ctx)
	defer stop() // the timer
	o := workflow.AwaitOptions{Timeout: newsLinger, TimerOptions: workflow.TimerOptions{Summary: "Wait for more news"}}
	return workflow.AwaitWithOptions(ctx, o, func() bool { return n.incoming.Len() > 0 })
}
