package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/news"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

// AccountsAtStripe tells whether Stripe answers for an account. Errors carry a fault.
type AccountsAtStripe interface {
	Answers(ctx context.Context, account string) error
}

// Schedules are those that keep an account's catalogs synced.
type Schedules interface {
	// Pause pauses those of the account that run, with a note.
	Pause(ctx context.Context, account, note string) error
	// Resume resumes those of the account that are paused with this very note.
	Resume(ctx context.Context, account, note string) error
}

// ParkedNote is the note of schedules that are paused because their account is parked.
const ParkedNote = "the account is parked: 'starter accounts resume' says it returns"

const (
	// refusedFor is how long Stripe has to refuse an account before it is parked: a mistake in the dashboard is mended
	// within a day.
	refusedFor = 24 * time.Hour
	// notedFor is how long a refusal need not be noted again: a revoked key has them for all accounts.
	notedFor = 15 * time.Minute
	// lookApart is how long a comparison with other accounts holds.
	lookApart = time.Hour
	// heardLate is how old an event is that may be about what is over: Stripe sends one again for three days. A younger
	// one is believed: Stripe may answer for a moment longer.
	heardLate   = 10 * time.Minute
	askedWithin = 20 * time.Second
	// othersAsked is how many other accounts are compared with.
	othersAsked = 3
)

// AccountStanding holds the steps of the workflow AccountStanding, and watches for accounts that Stripe refuses.
type AccountStanding struct {
	Accounts  account.Documents
	Schedules Schedules
	Stripe    AccountsAtStripe
	// News tells the platform; nil: nobody listens.
	News *AccountNews
}

// ParkAccountInput is the input of ParkAccount.
type ParkAccountInput struct {
	Account string          `json:"account"`
	Trigger account.Trigger `json:"cause"`
	By      string          `json:"by"`
	Why     string          `json:"why"`
	At      time.Time       `json:"at,omitzero"`     // when what parks it happened; zero: now
	Event   string          `json:"event,omitempty"` // of Stripe's
}

// ParkAccountResult is what ParkAccount found, and did.
type ParkAccountResult struct {
	Parked  *account.Parking `json:"parked,omitempty"`  // as it stands now; nil: it is not parked
	Already bool             `json:"already,omitempty"` // before
	Ignored string           `json:"ignored,omitempty"` // why it was not parked
}

// ParkAccount parks an account: its schedules are paused, and whatever would bring its catalogs to Stripe ends before
// it does. What is there stays. An account that is parked stays so, for the reason that it was parked for first.
func (a *AccountStanding) ParkAccount(ctx context.Context, in ParkAccountInput) (ParkAccountResult, error) {
	if err := account.Check(in.Account); err != nil {
		return ParkAccountResult{}, err
	}
	if in.Trigger == account.Deauthorized {
		if ours, err := a.ours(ctx, in.Account); err != nil || !ours {
			return ParkAccountResult{Ignored: "nothing is done for this account"}, err
		}
	}
	if in.At.IsZero() {
		in.At = ServerTime(ctx).UTC().Truncate(time.Second)
	}
	if in.Trigger == account.Deauthorized && ServerTime(ctx).Sub(in.At) > heardLate &&
		a.connectedAgain(ctx, in.Account) {
		return ParkAccountResult{Ignored: "the account has connected again since"}, nil
	}
	return a.park(ctx, in)
}

// connectedAgain reports whether Stripe answers for an account now. Everything but an answer leaves it at what the
// event says.
func (a *AccountStanding) connectedAgain(ctx context.Context, id string) bool {
	ctx, cancel := context.WithTimeout(ctx, askedWithin)
	defer cancel()
	return a.Stripe.Answers(ctx, id) == nil
}

func (a *AccountStanding) park(ctx context.Context, in ParkAccountInput) (ParkAccountResult, error) {
	var result ParkAccountResult
	standing, err := a.Accounts.ChangeStanding(ctx, in.Account, func(s *account.Standing) bool {
		result = ParkAccountResult{}
		switch {
		case s.Parked != nil:
			result.Already = true
		case in.Trigger == account.Deauthorized && s.Resumed != nil && !in.At.After(s.Resumed.At):
			result.Ignored = "the account has returned since" // Stripe sends an event again for days
		default:
			s.Parked = &account.Parking{Trigger: in.Trigger, By: in.By, Why: in.Why, Since: in.At, Event: in.Event}
			return true
		}
		return false
	})
	if result.Parked = standing.Parked; err != nil || result.Parked == nil {
		return result, err
	}
	if !result.Already {
		activity.GetMetricsHandler(ctx).WithTags(map[string]string{"cause": string(in.Trigger)}).
			Counter("vitrine_accounts_parked_total").Inc(1)
		tell := activity.GetLogger(ctx).Error
		if in.Trigger == account.ByPerson { // who meant it need not be alarmed
			tell = activity.GetLogger(ctx).Info
		}
		tell("an account is parked: nothing is brought to Stripe for it until a person resumes it",
			"account", in.Account, "cause", in.Trigger, "why", in.Why)
	}
	if err := a.Schedules.Pause(ctx, in.Account, ParkedNote); err != nil {
		return result, err
	}
	return result, a.tellParked(ctx, in.Account, *result.Parked)
}

// tellParked tells the platform of a parking, and notes that it did.
func (a *AccountStanding) tellParked(ctx context.Context, id string, p account.Parking) error {
	l, err := a.News.listener(ctx, id)
	if err != nil || p.Told || !l.wants(news.AccountParked) {
		return err
	}
	if err := a.News.tell(ctx, news.Parked(id, p, news.Began, p.Since)); err != nil {
		return err
	}
	_, err = a.Accounts.ChangeStanding(ctx, id, func(s *account.Standing) bool {
		told := s.Parked != nil && s.Parked.Since.Equal(p.Since) && !s.Parked.Told
		if told {
			s.Parked.Told = true
		}
		return told
	})
	return err
}

// tellResumed tells that a parking is over that was told. It is told before it is: afterwards nobody knows of it.
func (a *AccountStanding) tellResumed(ctx context.Context, id string) error {
	standing, _, err := a.Accounts.Standing(ctx, id)
	if err != nil || standing.Parked == nil || !standing.Parked.Told {
		return err
	}
	return a.News.tell(ctx, news.Parked(id, *standing.Parked, news.Over, ServerTime(ctx)))
}

// ours reports whether the account has settings of either kind.
func (a *AccountStanding) ours(ctx context.Context, id string) (bool, error) {
	known, err := order.Documents{Store: a.Accounts.Store}.Known(ctx, id)
	if err != nil || known {
		return known, err
	}
	return a.Accounts.Known(ctx, id)
}

// ResumeAccountInput is the input of ResumeAccount.
type ResumeAccountInput struct {
	Account string `json:"account"`
	By      string `json:"by"`
	Why     string `json:"why"`
}

// ResumeAccountResult is what ResumeAccount found.
type ResumeAccountResult struct {
	Was *account.Parking `json:"was,omitempty"` // that it ended; nil: the account was not parked
}

// ResumeAccount ends a parking, whatever its cause, and resumes the schedules that were paused for it. It is a person's
// act: no event does it.
func (a *AccountStanding) ResumeAccount(ctx context.Context, in ResumeAccountInput) (ResumeAccountResult, error) {
	if err := account.Check(in.Account); err != nil {
		return ResumeAccountResult{}, err
	}
	if err := a.tellResumed(ctx, in.Account); err != nil {
		return ResumeAccountResult{}, err
	}
	var was *account.Parking
	_, err := a.Accounts.ChangeStanding(ctx, in.Account, func(s *account.Standing) bool {
		was = s.Parked
		if s.Parked == nil {
			return false
		}
		s.Parked, s.Refusal = nil, nil
		s.Resumed = &account.Return{By: in.By, Why: in.Why, At: ServerTime(ctx).UTC()}
		return true
	})
	if err != nil {
		return ResumeAccountResult{}, err
	}
	// Also where it is not parked any more: an earlier try may have ended here.
	return ResumeAccountResult{Was: was}, a.Schedules.Resume(ctx, in.Account, ParkedNote)
}

// checkParked is an error with fault.AccountParked if the account is parked.
func checkParked(ctx context.Context, accounts account.Documents, id string) error {
	standing, _, err := accounts.Standing(ctx, id)
	if err != nil || standing.Parked == nil {
		return err
	}
	return fault.NewPermanent(fault.AccountParked, errors.New("the account is "+standing.Parked.Text()))
}

// isRefusal reports whether a code says that Stripe refuses the account, or the key.
func isRefusal(code fault.Code) bool {
	return code == fault.StripeUnauthorized || code == fault.StripeForbidden
}

// noteAnswer notes that Stripe answers for an account. It writes only where it did not before. What was done for the
// account matters more: an error is logged, and the next answer is noted.
func (a *AccountStanding) noteAnswer(ctx context.Context, id string) {
	if a == nil {
		return
	}
	_, err := a.Accounts.ChangeStanding(ctx, id, func(s *account.Standing) bool {
		if s.Refusal == nil || s.Parked != nil {
			return false
		}
		s.Refusal = nil
		return true
	})
	if err != nil {
		activity.GetLogger(ctx).Warn("that Stripe answers for the account could not be noted", "account", id,
			"error", err)
	}
}

// noteRefusal notes that Stripe refuses an account, if that is what the code says; otherwise as noteAnswer.
func (a *AccountStanding) noteRefusal(ctx context.Context, id string, code fault.Code, reason string) {
	if a == nil || !isRefusal(code) {
		return
	}
	if err := a.refused(ctx, id, code, reason); err != nil {
		activity.GetLogger(ctx).Warn("that Stripe refuses the account could not be noted", "account", id, "error", err)
	}
}

// refused parks an account if Stripe has refused it for a day, and it alone: a key that is wrong, or lacks a
// permission, is refused for everybody, and parks nobody.
func (a *AccountStanding) refused(ctx context.Context, id string, code fault.Code, reason string) error {
	now := ServerTime(ctx).UTC()
	standing, err := a.Accounts.ChangeStanding(ctx, id, func(s *account.Standing) bool {
		if s.Parked != nil {
			return false
		}
		if s.Refusal == nil {
			s.Refusal = &account.Refusal{Since: now}
		} else if s.Refusal.Code == code && now.Sub(s.Refusal.Last) < notedFor {
			return false
		}
		s.Refusal.Last, s.Refusal.Code, s.Refusal.Reason = now, code, reason
		return true
	})
	if err != nil || standing.Parked != nil {
		return err
	}
	since := standing.Refusal.Since
	if now.Sub(since) < refusedFor || now.Sub(standing.Refusal.Looked) < lookApart {
		return nil
	}
	spared, err := a.compare(ctx, id)
	switch {
	case err != nil:
		return err
	case spared == "":
		why := fmt.Sprintf("Stripe has refused it since %s, and answers for others: %s", since.Format(time.RFC3339),
			code)
		_, err := a.park(ctx, ParkAccountInput{
			Account: id, Trigger: account.ByRefusals, By: "Vitrine", Why: why, At: now.Truncate(time.Second),
		})
		return err
	}
	activity.GetLogger(ctx).Warn("Stripe has refused an account for more than a day, which is not parked",
		"account", id, "since", since, "code", code, "because", spared)
	_, err = a.Accounts.ChangeStanding(ctx, id, func(s *account.Standing) bool {
		if s.Refusal != nil {
			s.Refusal.Looked, s.Refusal.Spared = now, spared
		}
		return s.Refusal != nil
	})
	return err
}

// compare says what speaks against parking an account that Stripe refuses; empty: nothing.
func (a *AccountStanding) compare(ctx context.Context, id string) (spared string, err error) {
	switch refused, err := a.refuses(ctx, id); {
	case err != nil:
		return "", err
	case !refused:
		return "Stripe shows the account itself: what it refuses may be a permission that the key lacks", nil
	}
	others, err := a.others(ctx, id)
	if err != nil {
		return "", err
	}
	if len(others) == 0 {
		return "there is no other account to compare with: it may be the key", nil
	}
	for _, other := range others {
		switch refused, err := a.refuses(ctx, other); {
		case err != nil:
			return "", err
		case !refused:
			return "", nil
		}
	}
	return "Stripe refuses other accounts too: it may be the key, or the platform", nil
}

// refuses asks Stripe for an account; an answer that says nothing about it is an error.
func (a *AccountStanding) refuses(ctx context.Context, id string) (bool, error) {
	err := a.Stripe.Answers(ctx, id)
	if fault.Is(err, fault.StripeUnauthorized) || fault.Is(err, fault.StripeForbidden) {
		return true, nil
	}
	return false, err
}

// others are some accounts that are not parked, of the first that have settings.
func (a *AccountStanding) others(ctx context.Context, id string) (others []string, err error) {
	keys, err := a.Accounts.ListAfter(ctx, statestore.SettingsPrefix, "")
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		other, ok := a.Accounts.Layout.SettingsOf(key)
		if !ok || other == id || account.Check(other) != nil {
			continue
		}
		standing, _, err := a.Accounts.Standing(ctx, other)
		if err != nil || standing.Parked != nil || standing.Refusal != nil {
			continue
		}
		if others = append(others, other); len(others) == othersAsked {
			break
		}
	}
	return others, nil
}
