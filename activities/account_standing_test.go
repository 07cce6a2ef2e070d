package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

// porter parks accounts, of which Stripe refuses some.
type porter struct {
	*AccountStanding
	t       *testing.T
	store   *objectstoretest.Memory
	env     *testsuite.TestActivityEnvironment
	refuses map[string]error
	asked   []string
	paused  []string
	resumed []string
	away    error // of Temporal
}

func newPorter(t *testing.T, accounts ...string) *porter {
	t.Helper()
	p := &porter{t: t, store: objectstoretest.NewMemory("s"), refuses: map[string]error{}}
	docs := account.Documents{
		Store: statestore.Store{Objects: p.store, Layout: statestore.Layout{StateBucket: "s", StatePrefix: "state/"}},
	}
	p.AccountStanding = &AccountStanding{Accounts: docs, Schedules: p, Stripe: p}
	for _, id := range accounts {
		require.NoError(t, docs.SaveSettings(t.Context(), account.Settings{Account: id}))
	}
	p.env = quietly(p.AccountStanding)
	p.env.RegisterActivity(p.refusal)
	return p
}

func (p *porter) Answers(_ context.Context, id string) error {
	p.asked = append(p.asked, id)
	return p.refuses[id]
}

func (p *porter) Pause(_ context.Context, id, note string) error {
	p.paused = append(p.paused, id+": "+note)
	return p.away
}

func (p *porter) Resume(_ context.Context, id, note string) error {
	p.resumed = append(p.resumed, id+": "+note)
	return p.away
}

// refusal is a step that Stripe refuses.
func (p *porter) refusal(ctx context.Context, code fault.Code) error {
	p.noteRefusal(ctx, "acct_1", code, "no access")
	return nil
}

func (p *porter) standing() account.Standing {
	p.t.Helper()
	standing, _, err := p.Accounts.Standing(p.t.Context(), "acct_1")
	require.NoError(p.t, err)
	return standing
}

// refusedFor lets Stripe have refused the account for so long, and refuse it once more.
func (p *porter) refusedFor(long time.Duration, code fault.Code) {
	p.t.Helper()
	_, err := p.Accounts.ChangeStanding(p.t.Context(), "acct_1", func(s *account.Standing) bool {
		s.Refusal = &account.Refusal{Since: time.Now().Add(-long), Last: time.Now().Add(-time.Hour), Code: code}
		return true
	})
	require.NoError(p.t, err)
	_, err = p.env.ExecuteActivity(p.refusal, code)
	require.NoError(p.t, err)
}

func (p *porter) parks(in ParkAccountInput) ParkAccountResult {
	p.t.Helper()
	value, err := p.env.ExecuteActivity(p.ParkAccount, in)
	require.NoError(p.t, err)
	var result ParkAccountResult
	require.NoError(p.t, value.Get(&result))
	return result
}

func (p *porter) returns() ResumeAccountResult {
	p.t.Helper()
	value, err := p.env.ExecuteActivity(p.ResumeAccount, ResumeAccountInput{Account: "acct_1", By: "bob", Why: "back"})
	require.NoError(p.t, err)
	var result ResumeAccountResult
	require.NoError(p.t, value.Get(&result))
	return result
}

func TestAnAccountIsParkedOnceAndReturns(t *testing.T) {
	t.Parallel()
	p := newPorter(t, "acct_1")
	p.refuses["acct_1"] = fault.NewPermanent(fault.StripeForbidden, errors.New("no access"))
	left := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	in := ParkAccountInput{Account: "acct_1", Trigger: account.Deauthorized, By: "Stripe", Why: "gone", At: left,
		Event: "evt_1"}
	first := p.parks(in)
	require.Equal(t,
		&account.Parking{Trigger: account.Deauthorized, By: "Stripe", Why: "gone", Since: left, Event: "evt_1"},
		first.Parked)
	require.False(t, first.Already)
	again := p.parks(ParkAccountInput{Account: "acct_1", Trigger: account.ByPerson, By: "ada", Why: "too"})
	require.True(t, again.Already)
	require.Equal(t, first.Parked, again.Parked, "it stays parked for the first reason")
	require.Equal(t, []string{"acct_1: " + ParkedNote, "acct_1: " + ParkedNote}, p.paused,
		"what an interruption left is paused then")

	require.Equal(t, first.Parked, p.returns().Was)
	require.Equal(t, []string{"acct_1: " + ParkedNote}, p.resumed)
	require.Equal(t, "back", p.standing().Resumed.Why)
	require.Nil(t, p.returns().Was)
	late := p.parks(in)
	require.Contains(t, late.Ignored, "returned since", "an event from before the return parks nobody")
	require.Nil(t, p.standing().Parked)
	in.At = time.Now().Add(time.Hour)
	require.NotNil(t, p.parks(in).Parked)
}

// An event that Stripe sends hours later parks nobody who has connected again meanwhile.
func TestALateEventParksWhomStripeRefuses(t *testing.T) {
	t.Parallel()
	refused := fault.NewPermanent(fault.StripeForbidden, errors.New("no access"))
	for name, c := range map[string]struct {
		ago     time.Duration
		refusal error
		parked  bool
		asked   int
	}{
		"connected again": {11 * time.Minute, nil, false, 1},
		"still away":      {72 * time.Hour, refused, true, 1},
		"nobody can say":  {72 * time.Hour, fault.NewPlain(fault.StripeUnavailable, errors.New("HTTP 500")), true, 1},
		"at once":         {time.Minute, nil, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPorter(t, "acct_1")
			p.refuses["acct_1"] = c.refusal
			did := p.parks(ParkAccountInput{Account: "acct_1", Trigger: account.Deauthorized, By: "Stripe", Why: "gone",
				At: time.Now().Add(-c.ago)})
			require.Equal(t, c.parked, p.standing().Parked != nil)
			require.Equal(t, c.parked, did.Ignored == "", did.Ignored)
			require.Len(t, p.asked, c.asked)
		})
	}
	p := newPorter(t, "acct_1")
	require.NotNil(t, p.parks(ParkAccountInput{Account: "acct_1", Trigger: account.ByPerson, By: "ada", Why: "closed",
		At: time.Now().Add(-time.Hour)}).Parked, "a person is believed")
	require.Empty(t, p.asked)
}

func TestWhoIsNotOursIsNotParked(t *testing.T) {
	t.Parallel()
	p := newPorter(t)
	in := ParkAccountInput{Account: "acct_1", Trigger: account.Deauthorized, By: "Stripe", Why: "gone"}
	require.NotEmpty(t, p.parks(in).Ignored)
	kept, err := p.store.List(t.Context(), "s", "")
	require.NoError(t, err)
	require.Empty(t, kept, "nothing is kept of strangers")
	orders := order.Documents{Store: p.Accounts.Store}
	settings := order.Settings{Account: "acct_1", Enabled: true, Fulfillment: order.Fulfillment{Kind: order.S3}}
	require.NoError(t, orders.SaveSettings(t.Context(), settings))
	require.NotNil(t, p.parks(in).Parked, "whose orders are fulfilled is ours")
	_, err = p.env.ExecuteActivity(p.ParkAccount, ParkAccountInput{Account: "acme"})
	require.Error(t, err)
}

// A schedule that could not be paused is paused by the next try, though the account is parked already.
func TestParkingGoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	p := newPorter(t, "acct_1")
	p.away = errors.New("away")
	in := ParkAccountInput{Account: "acct_1", Trigger: account.ByPerson, By: "ada", Why: "closed"}
	_, err := p.env.ExecuteActivity(p.ParkAccount, in)
	require.ErrorContains(t, err, "away")
	require.NotNil(t, p.standing().Parked)
	p.away = nil
	require.True(t, p.parks(in).Already)
	require.Len(t, p.paused, 2)
	p.away = errors.New("away")
	_, err = p.env.ExecuteActivity(p.ResumeAccount, ResumeAccountInput{Account: "acct_1", By: "bob", Why: "back"})
	require.ErrorContains(t, err, "away")
	p.away = nil
	p.returns()
	require.Len(t, p.resumed, 2)
}

func TestRefusalsParkWhoAloneIsRefused(t *testing.T) {
	t.Parallel()
	forbidden := fault.NewPermanent(fault.StripeForbidden, errors.New("no access"))
	unauthorized := fault.NewPermanent(fault.StripeUnauthorized, errors.New("no key"))
	unavailable := fault.NewPlain(fault.StripeUnavailable, errors.New("HTTP 500"))
	for name, c := range map[string]struct {
		long    time.Duration
		code    fault.Code
		refuses map[string]error
		others  []string
		parked  bool
		spared  string
		asked   []string
	}{
		"for an hour": {long: time.Hour, code: fault.StripeForbidden, others: []string{"acct_2"}},
		"it alone": {25 * time.Hour, fault.StripeForbidden, map[string]error{"acct_1": forbidden},
			[]string{"acct_2"}, true, "", []string{"acct_1", "acct_2"}},
		"by 401": {25 * time.Hour, fault.StripeUnauthorized, map[string]error{"acct_1": unauthorized},
			[]string{"acct_2"}, true, "", []string{"acct_1", "acct_2"}},
		"one of two answers": {25 * time.Hour, fault.StripeForbidden,
			map[string]error{"acct_1": forbidden, "acct_2": forbidden}, []string{"acct_2", "acct_3"}, true, "",
			[]string{"acct_1", "acct_2", "acct_3"}},
		"a permission": {25 * time.Hour, fault.StripeForbidden, nil, []string{"acct_2"}, false, "permission",
			[]string{"acct_1"}},
		"everybody": {25 * time.Hour, fault.StripeForbidden,
			map[string]error{"acct_1": forbidden, "acct_2": forbidden}, []string{"acct_2"}, false, "other accounts too",
			[]string{"acct_1", "acct_2"}},
		"the key": {25 * time.Hour, fault.StripeUnauthorized,
			map[string]error{"acct_1": unauthorized, "acct_2": unauthorized}, []string{"acct_2"}, false,
			"other accounts too", []string{"acct_1", "acct_2"}},
		"nobody beside it": {25 * time.Hour, fault.StripeForbidden, map[string]error{"acct_1": forbidden}, nil, false,
			"no other account", []string{"acct_1"}},
		"Stripe is away": {25 * time.Hour, fault.StripeForbidden, map[string]error{"acct_1": unavailable},
			[]string{"acct_2"}, false, "", []string{"acct_1"}},
		"of another kind": {25 * time.Hour, fault.StripeRejected, map[string]error{"acct_1": forbidden},
			[]string{"acct_2"}, false, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPorter(t, append([]string{"acct_1"}, c.others...)...)
			p.refuses = c.refuses
			p.refusedFor(c.long, c.code)
			standing := p.standing()
			require.Equal(t, c.asked, p.asked)
			require.Equal(t, c.parked, standing.Parked != nil)
			if c.parked {
				require.Equal(t, account.ByRefusals, standing.Parked.Trigger)
				require.Len(t, p.paused, 1)
				return
			}
			require.Contains(t, standing.Refusal.Spared, c.spared)
			p.asked = nil
			if c.spared != "" {
				_, err := p.env.ExecuteActivity(p.refusal, c.code)
				require.NoError(t, err)
				require.Empty(t, p.asked, "a comparison holds for an hour")
			}
		})
	}
}

func TestAnAnswerEndsARefusal(t *testing.T) {
	t.Parallel()
	p := newPorter(t, "acct_1")
	_, err := p.env.ExecuteActivity(p.refusal, fault.StripeForbidden)
	require.NoError(t, err)
	require.Equal(t, fault.StripeForbidden, p.standing().Refusal.Code)
	p.noteAnswer(t.Context(), "acct_1")
	require.Nil(t, p.standing().Refusal)
	var nobody *AccountStanding
	nobody.noteAnswer(t.Context(), "acct_1")
	nobody.noteRefusal(t.Context(), "acct_1", fault.StripeForbidden, "")
}

func TestParkedAccountsAreNotSwept(t *testing.T) {
	t.Parallel()
	b := newBroom(t, "evt_1")
	docs := account.Documents{Store: b.Documents.Store}
	park := func(parked *account.Parking) {
		_, err := docs.ChangeStanding(t.Context(), "acct_1",
			func(s *account.Standing) bool { s.Parked = parked; return true })
		require.NoError(t, err)
	}
	park(&account.Parking{Why: "closed"})
	value, err := b.env.ExecuteActivity(b.SweepAccount, SweepAccountInput{Account: "acct_1"})
	require.NoError(t, err)
	var result SweepAccountResult
	require.NoError(t, value.Get(&result))
	require.Equal(t, SweepAccountResult{Parked: true}, result)
	require.Empty(t, b.since, "Stripe is not asked")
	park(nil)
	_, err = b.env.ExecuteActivity(b.SweepAccount, SweepAccountInput{Account: "acct_1"})
	require.NoError(t, err)
	require.Equal(t, []string{"evt_1"}, b.got)
}

// What was parked between the look at the source and its upload is not uploaded, and what is open stays so.
func TestNoPartIsUploadedForAParkedAccount(t *testing.T) {
	t.Parallel()
	p := newPorter(t, "acct_1")
	p.parks(ParkAccountInput{Account: "acct_1", Trigger: account.ByPerson, By: "ada", Why: "closed"})
	steps := &CatalogSync{Accounts: p.Accounts, Documents: catalog.Documents{Store: p.Accounts.Store},
		Imports: map[feed.API]Imports{feed.V1: nil}}
	env := quietly(steps)
	_, err := env.ExecuteActivity(steps.UploadFile, PartInput{
		ID:       catalog.ID{Account: "acct_1", Feed: feed.Product},
		Delivery: catalog.Delivery{API: feed.V1, Parts: []catalog.Part{{}}},
	})
	require.ErrorContains(t, err, "parked since")
}
