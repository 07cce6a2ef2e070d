package activities

import (
	"context"
	"slices"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/news"
)

// NewsQueue takes news that is to be delivered: in order for each account, and for days if it has to be. Telling the
// same news again is harmless.
type NewsQueue interface {
	Tell(ctx context.Context, n news.News) error
}

// NewsPost posts news to an endpoint. Errors carry a fault.
type NewsPost interface {
	Post(ctx context.Context, to account.Endpoint, n news.News) error
}

// AccountNews holds the step of the workflow AccountNews, and tells what is to be told. With neither an endpoint of the
// deployment nor one of the account nobody listens, and nothing is told.
type AccountNews struct {
	Accounts account.Documents
	Queue    NewsQueue
	Mail     NewsPost
	Endpoint account.Endpoint // of the deployment; without a URL there is none
	Wanted   []news.Type      // what is told; empty: all
}

// listener is who hears of an account's news.
type listener struct {
	endpoint account.Endpoint
	wanted   []news.Type
}

func (l listener) listens() bool { return l.endpoint.URL != "" }

func (l listener) wants(t news.Type) bool {
	return l.listens() && (len(l.wanted) == 0 || slices.Contains(l.wanted, t))
}

// listener finds who hears of an account: its own endpoint, otherwise the deployment's. Settings that cannot be used
// are told elsewhere: they silence nobody.
func (a *AccountNews) listener(ctx context.Context, id string) (listener, error) {
	if a == nil {
		return listener{}, nil
	}
	settings, err := a.Accounts.Settings(ctx, id)
	if err != nil && !fault.Is(err, fault.SettingsInvalid) {
		return listener{}, err
	}
	return a.listenerOf(settings), nil
}

func (a *AccountNews) listenerOf(settings account.Settings) listener {
	switch {
	case a == nil:
		return listener{}
	case settings.News.URL != "":
		return listener{endpoint: settings.News, wanted: a.Wanted}
	}
	return listener{endpoint: a.Endpoint, wanted: a.Wanted}
}

// tell hands news on that somebody wants to hear.
func (a *AccountNews) tell(ctx context.Context, all ...news.News) error {
	if a == nil || len(all) == 0 {
		return nil
	}
	l, err := a.listener(ctx, all[0].Account)
	if err != nil {
		return err
	}
	return a.handOn(ctx, l, all)
}

func (a *AccountNews) handOn(ctx context.Context, l listener, all []news.News) error {
	for _, n := range all {
		if !l.wants(n.Type) {
			continue
		}
		if err := a.Queue.Tell(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// TellNews hands news on that a workflow has.
func (a *AccountNews) TellNews(ctx context.Context, n news.News) error {
	if err := n.Check(); err != nil {
		return err
	}
	return a.tell(ctx, n)
}

// DeliverNewsResult says whether there was anybody to deliver to.
type DeliverNewsResult struct {
	Delivered bool `json:"delivered"`
}

// DeliverNews posts one piece of news to whoever listens now. A refusal is tried again like an outage: it is mended at
// the other end, by whoever finds it there, and nobody repeats what was given up.
func (a *AccountNews) DeliverNews(ctx context.Context, n news.News) (DeliverNewsResult, error) {
	if err := n.Check(); err != nil {
		return DeliverNewsResult{}, err
	}
	l, err := a.listener(ctx, n.Account)
	if err != nil || !l.wants(n.Type) {
		return DeliverNewsResult{}, err
	}
	err = a.Mail.Post(ctx, l.endpoint, n)
	if f, known := fault.Of(err); known && f.Kind == fault.Permanent {
		activity.GetLogger(ctx).Warn("news is refused, and tried again", "news", n.ID, "error", err)
		err = fault.NewPlain(f.Code, f.Err)
	}
	return DeliverNewsResult{Delivered: err == nil}, err
}
