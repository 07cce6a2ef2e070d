package activities

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/budget"
	"vitrine/internal/fault"
	"vitrine/internal/fleet"
)

// Breakers keep the steps of catalogs from trying, all of them again and again, what fails for everybody: each try is
// billed, and none helps. Orders try on.
type Breakers struct{ Stripe, Storage *budget.Breaker }

// NewBreakers are closed.
func NewBreakers() *Breakers {
	return &Breakers{&budget.Breaker{What: "Stripe"}, &budget.Breaker{What: "S3"}}
}

// Stops are what fails for everybody now.
func (b *Breakers) Stops() (stops []fleet.Stop) {
	for _, breaker := range []*budget.Breaker{b.Stripe, b.Storage} {
		if since, why, open := breaker.Open(); open {
			stops = append(stops, fleet.Stop{What: breaker.What, Since: since, Why: why})
		}
	}
	return stops
}

// storageSteps are the steps that need nothing but S3.
var storageSteps = []string{"FetchCatalog", "SettlePart", "SettleLast", "Settle", "RecordFailure"}

// of is what a step needs above all; nil: it is none of those that wait.
func (b *Breakers) of(info activity.Info) *budget.Breaker {
	switch {
	case info.TaskQueue == StripeTaskQueue:
		return b.Stripe
	case slices.Contains(storageSteps, info.ActivityType.Name):
		return b.Storage
	}
	return nil
}

// ask returns an error if a step is not to be tried now.
func (b *Breakers) ask(info activity.Info, now time.Time) error {
	breaker := b.of(info)
	if breaker == nil {
		return nil
	}
	after, ok := breaker.Ask(now)
	if ok {
		return nil
	}
	code := fault.StripeUnavailable
	if breaker == b.Storage {
		code = fault.StorageFailed
	}
	since, why, _ := breaker.Open()
	return fault.NewThrottled(code, after, fmt.Errorf("not tried: %s has failed for everybody since %s (%s)",
		breaker.What, since.UTC().Format(time.RFC3339), why))
}

// note takes how a step ended that was tried, and whether it asked Stripe: an account may be parked, and the first
// attempt at a slow import reads nothing.
func (b *Breakers) note(info activity.Info, now time.Time, asked bool, err error) {
	step := info.WorkflowExecution.ID + "/" + info.ActivityID
	f, classified := fault.Of(err)
	switch breaker := b.of(info); {
	case breaker == nil || err != nil && !classified:
	case err == nil || breaker == b.Stripe && answersOfStripe[f.Code]:
		if asked || breaker == b.Storage {
			breaker.Succeeded()
		}
	case f.Code == fault.StorageFailed:
		b.Storage.Failed(now, step, err.Error())
	case breaker == b.Stripe && failuresOfStripe[f.Code]:
		breaker.Failed(now, step, err.Error())
	}
}

// What says that Stripe is there, and what says that it is not, or takes nobody's word: an answer about one request
// says nothing about others.
var (
	answersOfStripe = map[fault.Code]bool{
		fault.StripeRejected: true, fault.StripeForbidden: true, fault.StripeThrottled: true, fault.ImportPending: true,
		fault.ReportPending: true,
	}
	failuresOfStripe = map[fault.Code]bool{
		fault.StripeUnavailable: true, fault.StripeUnclear: true, fault.StripeUnauthorized: true,
	}
)
