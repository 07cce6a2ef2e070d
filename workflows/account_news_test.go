package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	accounts "vitrine/internal/account"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/news"
	"vitrine/workflows"
)

// platform hears news. It answers as it is told to, and remembers what it was sent.
type platform struct {
	mu      sync.Mutex
	answers []error // to the next posts, in order; then it takes everything
	away    error   // it takes nothing
	tries   []string
	taken   []news.News
	to      []accounts.Endpoint
}

func (p *platform) Post(_ context.Context, to accounts.Endpoint, n news.News) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries, p.to = append(p.tries, n.ID), append(p.to, to)
	if p.away != nil {
		return p.away
	}
	if len(p.answers) > 0 {
		answer := p.answers[0]
		p.answers = p.answers[1:]
		if answer != nil {
			return answer
		}
	}
	p.taken = append(p.taken, n)
	return nil
}

// ids are those of what was taken, in order.
func (p *platform) ids() (ids []string) {
	for _, n := range p.taken {
		ids = append(ids, n.ID)
	}
	return ids
}

// Tell is the queue of tests that are not about order: everything told is there at once, the same news once.
func (p *platform) Tell(ctx context.Context, n news.News) error {
	if slices.Contains(p.ids(), n.ID) {
		return nil
	}
	return p.Post(ctx, accounts.Endpoint{}, n)
}

// tellers are steps that tell a platform.
func (s *stage) tellers(p *platform) *activities.AccountNews {
	return &activities.AccountNews{
		Accounts: s.steps.Accounts, Queue: p, Mail: p,
		Endpoint: accounts.Endpoint{URL: "https://platform.example", SecretEnv: "X"},
	}
}

var newsAt = time.Date(2026, 11, 29, 11, 0, 0, 0, time.UTC)

// parking is a piece of news, told from others by its number.
func parking(number int) news.News {
	p := accounts.Parking{Trigger: accounts.ByPerson, Since: newsAt.Add(time.Duration(number) * time.Second)}
	return news.Parked(account, p, news.Began, p.Since)
}

// delivers runs AccountNews; brings signals news at times after its start.
func (s *stage) delivers(
	p *platform, in workflows.AccountNewsInput, prepare func(*testsuite.TestWorkflowEnvironment),
) (workflows.AccountNewsResult, error) {
	s.t.Helper()
	env := newEnvironment(s.metrics)
	env.SetStartTime(newsAt)
	env.SetWorkflowRunTimeout(30 * 24 * time.Hour) // the environment's own is shorter than days
	env.RegisterActivity(s.tellers(p))
	prepare(env)
	env.ExecuteWorkflow(workflows.AccountNews, in)
	require.True(s.t, env.IsWorkflowCompleted())
	var result workflows.AccountNewsResult
	err := env.GetWorkflowError()
	if err == nil {
		require.NoError(s.t, env.GetWorkflowResult(&result))
	}
	return result, err
}

func brings(env *testsuite.TestWorkflowEnvironment, after time.Duration, all ...news.News) {
	env.RegisterDelayedCallback(func() {
		for _, n := range all {
			env.SignalWorkflow(workflows.SignalNews, n)
		}
	}, after)
}

func unavailable() error { return fault.NewPlain(fault.MerchantUnavailable, errors.New("it is away")) }

func TestNewsIsDeliveredInOrderWhateverTheEndpointDoes(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), &platform{answers: []error{
		unavailable(), fault.NewPermanent(fault.MerchantRejected, errors.New("HTTP 401")), nil,
		fault.NewThrottled(fault.MerchantThrottled, time.Hour, errors.New("HTTP 429")),
		fault.NewPermanent(fault.SecretMissing, errors.New("not there yet")),
	}}
	result, err := s.delivers(p, workflows.AccountNewsInput{Account: account},
		func(env *testsuite.TestWorkflowEnvironment) {
			brings(env, 0, parking(1), parking(2))
			brings(env, time.Minute, parking(3), parking(1)) // the first one again
			brings(env, 30*time.Minute, parking(4))
		})
	require.NoError(t, err)
	require.Equal(t, workflows.AccountNewsResult{Delivered: 4}, result)
	require.Equal(t, []string{parking(1).ID, parking(2).ID, parking(3).ID, parking(4).ID}, p.ids())
	require.Len(t, p.tries, 8)
	require.Equal(t, "https://platform.example", p.to[0].URL)
}

// A run remembers what it delivered for a while, and then ends: the next news begins another.
func TestNewsThatIsToldAgainIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), &platform{}
	result, err := s.delivers(p, workflows.AccountNewsInput{Account: account},
		func(env *testsuite.TestWorkflowEnvironment) {
			for minute := range 9 {
				brings(env, time.Duration(minute)*time.Minute, parking(1))
			}
			env.RegisterDelayedCallback(func() { require.FailNow(t, "the run is over") }, 2*time.Hour)
		})
	require.NoError(t, err)
	require.Equal(t, 1, result.Delivered)
	require.Len(t, p.tries, 1)
}

// The endpoint asks for longer pauses than a try takes: that ends it early, and the next one begins when it would have.
func TestNewsIsTriedForDaysAndThenGivenUp(t *testing.T) {
	t.Parallel()
	pause := fault.NewThrottled(fault.MerchantThrottled, 13*time.Hour, errors.New("HTTP 429"))
	s, p := newStage(t), &platform{answers: slices.Repeat([]error{pause}, 11)}
	result, err := s.delivers(p, workflows.AccountNewsInput{Account: account},
		func(env *testsuite.TestWorkflowEnvironment) {
			brings(env, 0, parking(1), parking(2))
			env.RegisterDelayedCallback(func() {
				require.Equal(t, slices.Repeat([]string{parking(1).ID}, 8), p.tries, "one after the other")
			}, 8*12*time.Hour-time.Minute)
		})
	require.NoError(t, err)
	require.Equal(t, workflows.AccountNewsResult{Delivered: 1, GivenUp: 1}, result)
	require.Equal(t, []string{parking(2).ID}, p.ids())
}

// What the endpoint refuses for a day is given up, and the others are not kept for days behind it. An endpoint that is
// away for as long refuses nothing.
func TestNewsThatIsRefusedForADayLetsOthersPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer error
		not    time.Duration // the other piece is not there then
		want   workflows.AccountNewsResult
	}{
		"refused": {fault.NewPermanent(fault.MerchantRejected, errors.New("HTTP 410")), 23 * time.Hour,
			workflows.AccountNewsResult{Delivered: 1, GivenUp: 1}},
		"away": {unavailable(), 4 * 24 * time.Hour,
			workflows.AccountNewsResult{Delivered: 1, GivenUp: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := newStage(t), &platform{}
			result, err := s.delivers(p, workflows.AccountNewsInput{Account: account},
				func(env *testsuite.TestWorkflowEnvironment) {
					env.OnActivity("DeliverNews", mock.Anything, mock.Anything).Return(
						func(ctx context.Context, n news.News) (activities.DeliverNewsResult, error) {
							if n.ID == parking(1).ID {
								return activities.DeliverNewsResult{}, tooLate(c.answer)
							}
							return activities.DeliverNewsResult{Delivered: true}, p.Post(ctx, accounts.Endpoint{}, n)
						}).After(12 * time.Hour)
					brings(env, 0, parking(1), parking(2))
					env.RegisterDelayedCallback(func() { require.Empty(t, p.taken) }, c.not)
				})
			require.NoError(t, err)
			require.Equal(t, c.want, result)
			require.Equal(t, []string{parking(2).ID}, p.ids())
		})
	}
}

// tooLate is how a step ends that was tried in vain until its time was over.
func tooLate(last error) error {
	f, _ := fault.Of(last)
	return temporal.NewNonRetryableApplicationError(last.Error(), string(f.Code), nil)
}

// Nobody listens: what was on its way is dropped, and nothing is posted.
func TestNewsWithoutAListenerIsDropped(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), &platform{}
	env := newEnvironment(nil)
	steps := s.tellers(p)
	steps.Endpoint = accounts.Endpoint{}
	env.RegisterActivity(steps)
	brings(env, 0, parking(1))
	env.ExecuteWorkflow(workflows.AccountNews, workflows.AccountNewsInput{Account: account})
	require.NoError(t, env.GetWorkflowError())
	require.Empty(t, p.tries)
}

// An account's own endpoint takes the place of the deployment's.
func TestAnAccountHasItsOwnEndpoint(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), &platform{}
	s.put("accounts/acct_123.json",
		`{"account":"acct_123","news":{"url":"https://shop.example/n","secret_env":"MERCHANT_SECRET_N"}}`)
	_, err := s.delivers(p, workflows.AccountNewsInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		brings(env, 0, parking(1))
	})
	require.NoError(t, err)
	require.Equal(t, []accounts.Endpoint{{URL: "https://shop.example/n", SecretEnv: "MERCHANT_SECRET_N"}}, p.to)
}

// A long life goes on in another run, which has what waits and what was told.
func TestALongLifeGoesOnInAnotherRun(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), &platform{}
	_, err := s.delivers(p, workflows.AccountNewsInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		brings(env, 0, parking(1), parking(2), parking(3))
		env.OnActivity("DeliverNews", mock.Anything, mock.Anything).Return(
			func(_ context.Context, n news.News) (activities.DeliverNewsResult, error) {
				env.SetContinueAsNewSuggested(true)
				return activities.DeliverNewsResult{Delivered: true}, p.Post(t.Context(), accounts.Endpoint{}, n)
			})
	})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &again)
	var next workflows.AccountNewsInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	require.Equal(t, workflows.AccountNewsInput{
		Account: account, Queue: []news.News{parking(2), parking(3)}, Told: []string{parking(1).ID},
	}, next)
	require.Equal(t, []string{parking(1).ID}, p.ids())

	result, err := s.delivers(p, next, func(env *testsuite.TestWorkflowEnvironment) {
		brings(env, 0, parking(1),
			parking(4))
	})
	require.NoError(t, err)
	require.Equal(t, 3, result.Delivered)
	require.Equal(t, []string{parking(1).ID, parking(2).ID, parking(3).ID, parking(4).ID}, p.ids())
}

func TestTooMuchNewsLosesTheOldest(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), &platform{}
	in := workflows.AccountNewsInput{Account: account}
	for number := range 2000 {
		in.Queue = append(in.Queue, parking(number))
	}
	env := newEnvironment(nil)
	env.RegisterActivity(s.tellers(p))
	env.OnActivity("DeliverNews", mock.Anything,
		mock.Anything).Return(activities.DeliverNewsResult{Delivered: true}, nil)
	brings(env, 0, parking(2000), parking(2001))
	env.ExecuteWorkflow(workflows.AccountNews, in)
	require.NoError(t, env.GetWorkflowError())
	var result workflows.AccountNewsResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, workflows.AccountNewsResult{Delivered: 2000, GivenUp: 2}, result)
}

// What a catalog's runs tell. The queue is one in memory; the state is read and written as ever.

// hears gives a stage a platform that listens.
func hears(t *testing.T) (*stage, *platform) {
	t.Helper()
	s, p := newStage(t), &platform{}
	s.steps.News = s.tellers(p)
	return s, p
}

// told is what a platform heard, in words, and forgets it.
func (p *platform) told() []string {
	texts := p.wordsOf()
	p.taken = nil
	return texts
}

// wordsOf is what a platform heard, in words.
func (p *platform) wordsOf() (texts []string) {
	for _, n := range p.taken {
		text := string(n.Type)
		if n.Data.Phase != "" {
			text += " " + string(n.Data.Phase)
		}
		if e := n.Data.Errors; e != nil {
			text += fmt.Sprintf(" new %d fixed %d", e.New, e.Fixed)
		}
		texts = append(texts, text)
	}
	return texts
}

func TestAFailingCatalogIsToldOnceAndWhenItIsOver(t *testing.T) {
	t.Parallel()
	s, p := hears(t)
	fails := func() {
		t.Helper()
		_, err := s.sync(workflows.CatalogSyncInput{Account: account})
		require.Error(t, err)
	}
	for range 3 { // there is no source
		fails()
	}
	require.Equal(t, []string{"catalog.failed began"}, p.told())
	s.changes(rows, catalog.Succeeded)
	require.Equal(t, []string{"catalog.failed over", "catalog.synced"}, p.told())
	s.syncs(catalog.Unchanged)
	require.Empty(t, p.told())

	require.NoError(t, s.store.Delete(t.Context(), "catalogs", source))
	fails()
	s.put(source, rows)
	s.syncs(catalog.Unchanged) // the same file is back
	s.syncs(catalog.Unchanged)
	require.Equal(t, []string{"catalog.failed began", "catalog.failed over"}, p.told())
}

func TestASyncTellsWhichErrorsAreNewAndFixed(t *testing.T) {
	t.Parallel()
	s, p := hears(t)
	s.stripe.refuse["sku1"] = "no such brand"
	s.changes(catalogOf("sku1", "sku2"), catalog.SucceededWithErrors)
	require.Equal(t, []string{"catalog.synced"}, p.told(), "there is no report to compare with")
	delete(s.stripe.refuse, "sku1")
	s.stripe.refuse["sku3"] = "no such brand"
	s.changes(header+product("sku1", "2.00 USD")+product("sku2", "1.00 USD")+product("sku3", "1.00 USD"),
		catalog.SucceededWithErrors)
	require.Equal(t, []string{"catalog.synced new 1 fixed 1"}, p.told())
}

func TestAHeldCatalogIsToldOnceAndWhenItIsOver(t *testing.T) {
	t.Parallel()
	for verdict, update := range map[string]string{"approved": workflows.UpdateApprove,
		"rejected": workflows.UpdateReject} {
		t.Run(verdict, func(t *testing.T) {
			t.Parallel()
			s := truncated(t)
			p := &platform{}
			s.steps.News = s.tellers(p)
			var a answer
			_, err := s.sync(workflows.CatalogSyncInput{Account: account},
				says(20*time.Minute, update, "ada", "because", &a),
				func(env *testsuite.TestWorkflowEnvironment) {
					env.RegisterDelayedCallback(func() { s.put(source, catalogOf(many(11)...)) },
						time.Minute) // another version
				})
			require.NoError(t, err)
			told := p.told()
			require.Equal(t, []string{"catalog.held began", "catalog.held over"}, told[:2])
			require.Equal(t, verdict == "approved", slices.Contains(told, "catalog.synced new 0 fixed 0"), told)
		})
	}
}

// A step whose answer is lost does everything again. What it told it tells again under the same id.
func TestAStepThatIsRepeatedTellsTheSame(t *testing.T) {
	t.Parallel()
	s, p := hears(t)
	p.answers = []error{errors.New("the answer of Temporal is lost"), errors.New("again")}
	s.changes(rows, catalog.Succeeded)
	require.Len(t, p.tries, 3)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(p.tries))), 1)
	require.Equal(t, []string{"catalog.synced"}, p.told())

	require.NoError(t, s.store.Delete(t.Context(), "catalogs", source))
	p.tries, p.answers = nil, []error{errors.New("the answer of Temporal is lost")}
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	require.Error(t, err)
	require.Len(t, p.tries, 2)
	require.Equal(t, p.tries[0], p.tries[1])
}

// A run whose step is tried for long is told, whoever started it, and its end is the end of it. The first send of an
// account is none that Stripe lacks, nor is one that takes no long.
func TestASyncThatTakesLongIsTold(t *testing.T) {
	t.Parallel()
	away := func() []error {
		return slices.Repeat([]error{fault.NewPlain(fault.StripeUnavailable, errors.New("x"))}, 3)
	}
	for name, c := range map[string]struct {
		after time.Duration
		fails error // of the upload, in the end
		want  []string
	}{
		"it ends well": {time.Nanosecond, nil,
			[]string{"catalog.stale began", "catalog.stale over", "catalog.synced new 0 fixed 0"}},
		"it takes no long": {time.Hour, nil, []string{"catalog.synced new 0 fixed 0"}},
		"it fails": {time.Nanosecond, fault.NewPermanent(fault.StripeRejected, errors.New("no")),
			[]string{"catalog.stale began", "catalog.failed began", "catalog.stale over"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := hears(t)
			s.steps.StaleAfter = c.after
			s.stripe.errors["upload"] = away()
			s.changes(rows, catalog.Succeeded)
			require.Equal(t, []string{"catalog.synced"}, p.told())
			s.stripe.errors["upload"] = away()
			if c.fails != nil {
				s.stripe.errors["upload"] = append(away(), c.fails)
			}
			s.put(source, catalogOf("sku1", "sku2", "sku3"))
			s.nextTurn()
			_, err := s.sync(workflows.CatalogSyncInput{Account: account})
			require.Equal(t, c.fails != nil, err != nil)
			require.Equal(t, c.want, p.told())
			require.Zero(t, s.state().Told.Stale)
		})
	}
}

// Without a listener nothing is told, and nothing is noted.
func TestWhereNobodyListensNothingIsTold(t *testing.T) {
	t.Parallel()
	s, p := hears(t)
	s.steps.News.Endpoint = accounts.Endpoint{}
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	require.Error(t, err)
	require.Zero(t, s.state().Told)
	s.steps.News.Endpoint, s.steps.News.Wanted = accounts.Endpoint{URL: "https://platform.example"},
		[]news.Type{news.CatalogFailed}
	_, err = s.sync(workflows.CatalogSyncInput{Account: account})
	require.Error(t, err)
	s.changes(rows, catalog.Succeeded)
	require.Equal(t, []string{"catalog.failed began", "catalog.failed over"}, p.told(),
		"and no other type than is wanted")
}

func TestAParkedAccountIsToldOnceAndWhenItReturns(t *testing.T) {
	t.Parallel()
	s, p := newStage(t), &platform{}
	stands := func(in workflows.AccountStandingInput) {
		t.Helper()
		env := newEnvironment(nil)
		env.RegisterActivity(&activities.AccountStanding{Accounts: s.steps.Accounts, Schedules: &paused{},
			News: s.tellers(p)})
		env.ExecuteWorkflow(workflows.AccountStanding, in)
		require.NoError(t, env.GetWorkflowError())
	}
	park := activities.ParkAccountInput{Account: account, Trigger: accounts.ByPerson, By: "ada", Why: "closed"}
	back := activities.ResumeAccountInput{Account: account, By: "bob", Why: "back"}
	for range 2 {
		p.tries = nil
		stands(workflows.AccountStandingInput{Park: &park})
		stands(workflows.AccountStandingInput{Park: &park})
		require.Len(t, p.tries, 1)
		stands(workflows.AccountStandingInput{Resume: &back})
		stands(workflows.AccountStandingInput{Resume: &back})
		require.Equal(t, []string{"account.parked began", "account.parked over"}, p.told())
		park.At = time.Now().Add(time.Minute)
	}
}
