package main

import (
	"context"
	"fmt"
	"slices"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/terminal"
)

// parkedAccounts are those that are parked, and why.
func parkedAccounts(ctx context.Context, docs catalog.Documents) (map[string]*account.Parking, error) {
	standings, err := settingsOf(docs).Standings(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which accounts are parked: %w", err)
	}
	parked := map[string]*account.Parking{}
	for _, s := range standings {
		if s.Parked != nil {
			parked[s.Account] = s.Parked
		}
	}
	return parked, nil
}

// printParked says below a list which of its accounts are parked, and how they return.
func (a *app) printParked(parked map[string]*account.Parking, accounts []string) {
	any := false
	for _, id := range slices.Sorted(slices.Values(accounts)) {
		if p := parked[id]; p != nil {
			if !any {
				a.Say("")
			}
			any = true
			a.Tell(a.Stdout, id+"  ", terminal.Printable(p.Text()))
		}
	}
	if any {
		a.Tell(a.Stdout, "", `'starter accounts resume ACCOUNT --why "…"' lets a parked account return.`)
	}
}
