package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
	"vitrine/internal/utc"
)

// Standing is whether anything is done for an account: nobody brings catalogs to Stripe for one that is parked. An
// account without a document is not parked.
type Standing struct {
	Format  int    `json:"format"` // version of this document; StandingFormat
	Account string `json:"account"`
	// Parked is why nothing is done for it; nil: it is not parked.
	Parked *Parking `json:"parked,omitempty"`
	// Resumed is how it last returned.
	Resumed *Return `json:"resumed,omitempty"`
	// Refusal is since when Stripe refuses every call for it; nil: Stripe answers.
	Refusal *Refusal `json:"refusal,omitempty"`
}

// StandingFormat is the version of the document that this code writes.
const StandingFormat = 1

// Trigger is what parked an account.
type Trigger string

// The triggers.
const (
	Deauthorized Trigger = "deauthorized" // it disconnected from the platform
	ByPerson     Trigger = "person"       // somebody said so
	ByRefusals   Trigger = "refused"      // Stripe has refused it for a day, and not others
)

// Parking is who parked an account, and why.
type Parking struct {
	Trigger Trigger   `json:"cause"`
	By      string    `json:"by"`
	Why     string    `json:"why"`
	Since   time.Time `json:"since"`
	Event   string    `json:"event,omitempty"` // of Stripe's, that said so
	Told    bool      `json:"told,omitempty"`  // the platform was
}

// Text is the parking in a line.
func (p Parking) Text() string {
	return fmt.Sprintf("parked since %s by %s (%s): %s", utc.Text(p.Since), p.By, p.Trigger,
		p.Why)
}

// Return is who ended a parking, and why.
type Return struct {
	By  string    `json:"by"`
	Why string    `json:"why"`
	At  time.Time `json:"at"`
}

// Refusal is what Stripe has been answering for an account.
type Refusal struct {
	Since  time.Time  `json:"since"`
	Last   time.Time  `json:"last"`
	Code   fault.Code `json:"code"`
	Reason string     `json:"reason"`
	// Looked is when somebody last compared with other accounts, and Spared what kept the account from being parked.
	Looked time.Time `json:"looked,omitzero"`
	Spared string    `json:"finding,omitempty"`
}

// Standing reads the standing of an account, and the version to save the next one under.
func (d Documents) Standing(ctx context.Context, id string) (Standing, string, error) {
	if err := Check(id); err != nil {
		return Standing{}, "", err
	}
	key := d.Layout.StandingKey(id)
	read, err := statestore.Read[Standing](ctx, d.Store, key)
	if err != nil {
		return Standing{}, "", err
	}
	standing := read.Value
	if !read.Found() {
		standing = Standing{Format: StandingFormat, Account: id}
	}
	switch {
	case standing.Format > StandingFormat:
		err = fmt.Errorf("its format is %d: expected %d; a newer version of Vitrine wrote it", standing.Format,
			StandingFormat)
	case standing.Format != StandingFormat:
		err = fmt.Errorf("its format is %d: expected %d", standing.Format, StandingFormat)
	case standing.Account != id:
		err = fmt.Errorf("it names the account %q", standing.Account)
	default:
		return standing, read.ETag, nil
	}
	return Standing{}, "", fault.NewPermanent(fault.SettingsInvalid,
		&statestore.UnreadableError{Object: read.Object, Err: err})
}

// changes bounds how often a change is tried while others write the same document.
const changes = 8

// ChangeStanding changes the standing of an account: change says whether it did. It may be called several times, each
// time with what somebody else has written meanwhile.
func (d Documents) ChangeStanding(ctx context.Context, id string, change func(*Standing) bool) (Standing, error) {
	var conflict error
	for range changes {
		standing, etag, err := d.Standing(ctx, id)
		if err != nil || !change(&standing) {
			return standing, err
		}
		_, conflict = statestore.Write(ctx, d.Store, d.Layout.StandingKey(id), standing, etag)
		if !fault.Is(conflict, fault.StateConflict) {
			return standing, conflict
		}
	}
	return Standing{}, conflict
}

// Standings are the standings of all accounts that have one, in order. Those that cannot be read are joined in the
// error, and the others are there all the same.
func (d Documents) Standings(ctx context.Context) ([]Standing, error) {
	keys, err := d.List(ctx, d.Layout.StandingsPrefix())
	if err != nil {
		return nil, err
	}
	var all []Standing
	var errs []error
	for _, key := range keys {
		id, ok := d.Layout.StandingOf(key)
		if !ok || Check(id) != nil {
			continue
		}
		standing, _, err := d.Standing(ctx, id)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, standing)
	}
	return all, errors.Join(errs...)
}
