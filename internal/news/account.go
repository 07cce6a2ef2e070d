package news

import (
	"time"

	"vitrine/internal/account"
)

// Parked is the news of an account that is parked, or is not any more.
func Parked(id string, p account.Parking, phase Phase, now time.Time) News {
	d := Data{Cause: string(p.Trigger), Reason: p.Why}
	return trouble(id, AccountParked, "parked", phase, p.Since, now, d)
}

// HeldOrder is the news of an order that is held since a time, or goes on in another state.
func HeldOrder(account, session, reason, state string, phase Phase, since, now time.Time) News {
	d := Data{Session: session, Reason: reason}
	if phase == Over {
		d.Reason, d.State = "", state
	}
	return trouble(account, OrderHeld, session+"/held", phase, since, now, d)
}
