package activities

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// EventsAtStripe is what the sweep asks of Stripe. Errors carry a fault.
type EventsAtStripe interface {
	// Events lists an account's events since then, the newest first, page by page.
	Events(ctx context.Context, account string, since time.Time, types []string, after string) (order.EventsPage, error)
}

// Intake gives an event to the workflow of its order, as the webhook does; delivered is false if it belongs to none.
type Intake interface {
	Deliver(ctx context.Context, e order.Event) (delivered bool, err error)
}

// OrderSweep holds the steps of the workflow OrderSweep.
type OrderSweep struct {
	Stripe    EventsAtStripe
	Documents order.Documents
	Intake    Intake
	// Standing hears of accounts that Stripe refuses; nil: nobody does.
	Standing *AccountStanding
}

const (
	// sweepOverlap is read once more with every sweep: Stripe lists some events later than they say they happened.
	sweepOverlap = 10 * time.Minute
	// firstSweep is how far an account's first sweep looks back. What happened before Vitrine was asked to fulfil
	// orders, somebody else has fulfilled.
	firstSweep = time.Hour
	// eventsKept is how long Stripe keeps events. What a longer outage of everything leaves behind is lost to the
	// sweep.
	eventsKept = 30 * 24 * time.Hour
)

// ListSweptInput is the input of ListSwept.
type ListSweptInput struct {
	After string `json:"after,omitempty"` // the account that the batch before ended with
	Limit int    `json:"limit"`
	All   bool   `json:"all,omitempty"` // no account rests
}

// ListSweptResult is a batch of accounts, in order.
type ListSweptResult struct {
	Accounts []string `json:"accounts,omitempty"`
	More     bool     `json:"more,omitempty"`
	// Resting are those of the accounts that need no sweep now: a step for each would take its turn from catalogs.
	Resting []string `json:"resting,omitempty"`
}

// ListSwept names the accounts that have settings for orders, batch by batch.
func (s *OrderSweep) ListSwept(ctx context.Context, in ListSweptInput) (ListSweptResult, error) {
	accounts, more, err := s.Documents.AccountsAfter(ctx, in.After, in.Limit)
	result := ListSweptResult{Accounts: accounts, More: more}
	if err != nil || in.All {
		return result, err
	}
	presence, _, err := s.Documents.Presence(ctx)
	if err != nil {
		return ListSweptResult{}, err
	}
	result.Resting = s.resting(ctx, accounts, presence, ServerTime(ctx))
	return result, nil
}

// cursorsAtOnce is how many cursors are read at once: two hundred take a second where S3 is slow.
const cursorsAtOnce = 16

// resting are those of the accounts that are known to rest. Why a cursor cannot be read, the sweep of its account says.
func (s *OrderSweep) resting(ctx context.Context, accounts []string, p order.Presence, now time.Time) []string {
	rests := make([]bool, len(accounts))
	inParallel(len(accounts), cursorsAtOnce, func(i int) {
		cursor, _, err := s.Documents.Cursor(ctx, accounts[i])
		rests[i] = err == nil && cursor.Rests(p, now)
	})
	var resting []string
	for i, id := range accounts {
		if rests[i] {
			resting = append(resting, id)
		}
	}
	return resting
}

// SweepAccountInput is the input of SweepAccount.
type SweepAccountInput struct {
	Account string `json:"account"`
	// Since has everything since then delivered once more, whatever was delivered before; zero: what is new alone.
	Since time.Time `json:"since,omitzero"`
}

// SweepAccountResult is what a sweep of an account found.
type SweepAccountResult struct {
	Events    int `json:"events"`
	Delivered int `json:"delivered"` // most of them an order had already
	Unread    int `json:"unread,omitempty"`
	// Parked says that the account is parked: nothing was read, and the next sweep after its return reads as far back
	// as it has to.
	Parked bool `json:"parked,omitempty"`
	// Gap says that the last sweep is longer ago than Stripe keeps events: some may be lost.
	Gap bool `json:"gap,omitempty"`
}

// SweepAccount delivers every event of the account since the last sweep, the oldest first. The cursor moves with what
// is delivered: whatever interrupts it goes on from there, and an order drops what it knows. An event that Stripe
// refuses to say the order of keeps no other back, but the cursor stays before it, and the sweep fails until somebody
// has looked. An account whose orders are not fulfilled any more is swept as well: those under way go on.
func (s *OrderSweep) SweepAccount(ctx context.Context, in SweepAccountInput) (SweepAccountResult, error) {
	known, err := s.Documents.Known(ctx, in.Account)
	if err != nil || !known {
		return SweepAccountResult{}, err
	}
	switch err := checkParked(ctx, account.Documents{Store: s.Documents.Store}, in.Account); {
	case fault.Is(err, fault.AccountParked):
		return SweepAccountResult{Parked: true}, nil
	case err != nil:
		return SweepAccountResult{}, err
	}
	result, err := s.sweepAccount(ctx, in)
	if err == nil {
		s.Standing.noteAnswer(ctx, in.Account)
	} else if f, known := fault.Of(err); known {
		s.Standing.noteRefusal(ctx, in.Account, f.Code, f.Error())
	}
	return result, err
}

func (s *OrderSweep) sweepAccount(ctx context.Context, in SweepAccountInput) (SweepAccountResult, error) {
	if _, err := s.Documents.Settings(ctx, in.Account); err != nil {
		// every order would be held until somebody retries it
		return SweepAccountResult{}, err
	}
	now := activity.GetInfo(ctx).StartedTime
	p, err := s.begin(ctx, in.Account, now)
	if err != nil {
		return SweepAccountResult{}, err
	}
	until := p.cursor.Until
	if !in.Since.IsZero() {
		until = p.again(in.Since)
	}
	since, gap := sweepSince(until, now)
	events, unread, err := s.list(ctx, in.Account, since)
	result := SweepAccountResult{Events: len(events), Unread: unread, Gap: gap}
	if err != nil {
		return result, err
	}
	p.forget(events)
	var refused error
	for _, event := range slices.Backward(events) {
		if p.delivered[event.ID] {
			continue
		}
		delivered, err := s.deliver(ctx, event)
		switch {
		case fault.Is(err, fault.StripeRejected), fault.Is(err, fault.InputInvalid):
			refused = cmp.Or(refused, err)
			continue
		case err != nil:
			return result, errors.Join(err, p.save(ctx))
		case delivered:
			result.Delivered++
			p.cursor.Lively = now
		}
		if p.note(event, refused == nil) {
			if err := p.save(ctx); err != nil {
				return result, err
			}
		}
	}
	if refused == nil {
		p.cursor.Until = now
	}
	if p.cursor.Lively.IsZero() {
		p.cursor.Lively = now
	}
	return result, cmp.Or(p.save(ctx), refused)
}

func (s *OrderSweep) deliver(ctx context.Context, event order.Event) (delivered bool, err error) {
	err = persist(ctx, func() (err error) {
		delivered, err = s.Intake.Deliver(ctx, event)
		return err
	})
	return delivered, err
}

// begin reads the cursor. That of the first sweep is written before anything else is done: an account that cannot be
// read yet would otherwise begin anew with every try, and lose what happened between them.
func (s *OrderSweep) begin(ctx context.Context, account string, now time.Time) (*sweepProgress, error) {
	cursor, etag, err := s.Documents.Cursor(ctx, account)
	if err != nil {
		return nil, err
	}
	p := &sweepProgress{documents: s.Documents, account: account, cursor: cursor, etag: etag,
		delivered: map[string]bool{}}
	for _, id := range cursor.Delivered {
		p.delivered[id] = true
	}
	if cursor.Until.IsZero() {
		p.cursor.Until = now.Add(sweepOverlap - firstSweep)
		err = p.save(ctx)
	}
	return p, err
}

// sweepProgress is how far the sweep of an account is, as the cursor keeps it.
type sweepProgress struct {
	documents order.Documents
	account   string
	cursor    order.Cursor
	etag      string
	delivered map[string]bool
	unsaved   int
}

const (
	// saveEvery bounds what is delivered once more after an interruption.
	saveEvery = 200
	// rememberedEvents are more than most accounts have within sweepOverlap; one with more has some delivered twice.
	rememberedEvents = 5000
)

// again goes back behind the cursor, which stays where it is: an order drops what it knows, and one that Temporal has
// lost begins anew, or goes on from its record.
func (p *sweepProgress) again(since time.Time) time.Time {
	clear(p.delivered)
	if since.Before(p.cursor.Until) {
		return since
	}
	return p.cursor.Until
}

// forget drops the ids of events that are not listed any more.
func (p *sweepProgress) forget(listed []order.Event) {
	still := map[string]bool{}
	for _, event := range listed {
		still[event.ID] = true
	}
	p.cursor.Delivered = slices.DeleteFunc(p.cursor.Delivered, func(id string) bool { return !still[id] })
}

// note takes down that an event is delivered, and moves the cursor up to it, unless one before it is not. It reports
// whether it is time to save.
func (p *sweepProgress) note(event order.Event, move bool) bool {
	if move && event.Created.After(p.cursor.Until) {
		p.cursor.Until = event.Created
	}
	p.cursor.Delivered = append(p.cursor.Delivered, event.ID)
	if more := len(p.cursor.Delivered) - rememberedEvents; more > 0 {
		p.cursor.Delivered = slices.Delete(p.cursor.Delivered, 0, more)
	}
	p.unsaved++
	return p.unsaved%saveEvery == 0
}

func (p *sweepProgress) save(ctx context.Context) (err error) {
	p.etag, err = p.documents.SaveCursor(ctx, p.account, p.cursor, p.etag)
	return err
}

func sweepSince(until, now time.Time) (since time.Time, gap bool) {
	since, oldest := until.Add(-sweepOverlap), now.Add(-eventsKept)
	if since.Before(oldest) {
		return oldest, true
	}
	return since, false
}

// list holds all events since then, the newest first: ids alone, some 300 bytes each.
func (s *OrderSweep) list(
	ctx context.Context, account string, since time.Time,
) (events []order.Event, unread int, err error) {
	for after := ""; ; {
		var page order.EventsPage
		err := persist(ctx, func() (err error) {
			page, err = s.Stripe.Events(ctx, account, since, order.EventTypes(), after)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		events, unread = append(events, page.Events...), unread+page.Unread
		if after = page.Next; after == "" {
			return events, unread, nil
		}
	}
}

// A sweep makes thousands of calls after an outage, and one that fails must not undo the others: each is repeated here
// before the whole sweep is. Who asks for a longer pause than patientFor gets it between two attempts of the step.
const (
	callTries  = 5
	firstPause = 200 * time.Millisecond
	patientFor = 5 * time.Second
)

func persist(ctx context.Context, call func() error) error {
	for try, pause := 1, firstPause; ; try, pause = try+1, 2*pause {
		err := call()
		if err == nil || try == callTries || ctx.Err() != nil {
			return err
		}
		wait := pause
		if f, ok := fault.Of(err); ok {
			if f.Kind == fault.Permanent || f.After > patientFor {
				return err
			}
			wait = max(wait, f.After)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
