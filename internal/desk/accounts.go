package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

// AccountRow is an account in a list.
type AccountRow struct {
	Account string `json:"account"`
	Stored  bool   `json:"stored"` // it has settings of its own; without, it is synced by hand
	// Syncs are the newest of each feed that is under way, or that did something and that Temporal remembers. A feed
	// that is not here is not known to be well: nothing has changed of it for long, or there is no such feed.
	Syncs []SyncRow `json:"syncs,omitempty"`
	// Parked is why nothing is brought to Stripe for it; absent: it is not parked.
	Parked string `json:"parked,omitempty"`
	// Paused is why the fleet starts no sync of it, as a person said; absent: it does, or schedules have it.
	Paused string `json:"paused,omitempty"`
	// Stale are the fleet's feeds of which Stripe has lacked for long what the merchant wrote, or whose source is gone.
	Stale []feed.Kind `json:"stale,omitempty"`
}

// SyncRow is a sync in a list.
type SyncRow struct {
	Feed    feed.Kind       `json:"feed"`
	Outcome catalog.Outcome `json:"outcome,omitempty"` // held, or how it ended; absent: it is under way
	Since   time.Time       `json:"since"`             // that it ended, or, of one that did not, that it began
}

// mostAccounts is how many accounts AllAccounts asks for at once.
const mostAccounts = 1000

// AllAccounts lists every account, as Accounts does.
func (d Desk) AllAccounts(ctx context.Context) (all []AccountRow, err error) {
	for after := ""; ; {
		rows, next, err := d.Accounts(ctx, "", after, mostAccounts)
		if all = append(all, rows...); err != nil || next == "" {
			return all, err
		}
		after = next
	}
}

// Accounts lists the accounts that have settings, be it for orders alone, or of which anything is kept, in order: those
// that begin with prefix and come after another. next is the account to go on after, if there are more. It costs a read
// or two for each thousand of them.
func (d Desk) Accounts(
	ctx context.Context, prefix, after string, limit int,
) (rows []AccountRow, next string, err error) {
	stored, err := d.accountsSet(ctx, prefix, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	kept, err := d.accountsKept(ctx, prefix, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	rows = slices.Concat(stored, kept)
	slices.SortStableFunc(rows, func(a, b AccountRow) int { return strings.Compare(a.Account, b.Account) })
	rows = slices.CompactFunc(rows, func(a, b AccountRow) bool { return a.Account == b.Account })
	if len(rows) <= limit {
		return rows, "", nil
	}
	return rows[:limit], rows[limit-1].Account, nil
}

// Knows reports whether Accounts lists an account.
func (d Desk) Knows(ctx context.Context, account string) (AccountRow, bool, error) {
	rows, _, err := d.Accounts(ctx, account, "", 1)
	if err != nil || len(rows) == 0 || rows[0].Account != account {
		return AccountRow{}, false, err
	}
	return rows[0], true, nil
}

// accountsSet are those that have settings. Those of an account come before its settings for orders.
func (d Desk) accountsSet(ctx context.Context, prefix, after string, most int) (rows []AccountRow, err error) {
	l, from := d.Documents.Layout, ""
	if after != "" {
		from = l.OrderSettingsKey(after)
	}
	for len(rows) < most {
		keys, err := d.Documents.ListAfter(ctx, statestore.SettingsPrefix+prefix, from)
		if err != nil || len(keys) == 0 {
			return rows, err
		}
		for _, key := range keys {
			name, stored := l.SettingsOf(key)
			if !stored {
				name, _ = l.OrderSettingsOf(key)
			}
			again := len(rows) > 0 && rows[len(rows)-1].Account == name
			if account.Check(name) == nil && strings.HasPrefix(name, prefix) && !again {
				rows = append(rows, AccountRow{Account: name, Stored: stored})
			}
		}
		from = keys[len(keys)-1]
	}
	return rows, nil
}

// accountsKept are those of which anything is kept: of their catalogs or of their orders.
func (d Desk) accountsKept(ctx context.Context, prefix, after string, most int) (rows []AccountRow, err error) {
	l := d.Documents.Layout
	for len(rows) < most {
		names, err := d.Documents.FoldersAfter(ctx, l.KeptPrefix(prefix), after)
		if err != nil || len(names) == 0 {
			return rows, err
		}
		for _, name := range names {
			if account.Check(name) == nil {
				rows = append(rows, AccountRow{Account: name})
			}
		}
		after = names[len(names)-1]
	}
	return rows, nil
}

// mostSyncs is what Temporal lists at once.
const mostSyncs = 1000

// AddSyncs adds to accounts what Temporal's list knows of their syncs. It is one read, however many accounts there are:
// of very busy ones on a page with many, the syncs that ended longest ago may be missing.
func (d Desk) AddSyncs(ctx context.Context, rows []AccountRow) error {
	if len(rows) == 0 {
		return nil
	}
	at := map[string]int{}
	for i, row := range rows {
		at[row.Account] = i
	}
	page, err := d.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: syncsQuery(rows), PageSize: mostSyncs,
	})
	if err != nil {
		return fmt.Errorf("list the syncs of %d accounts: %w", len(rows), err)
	}
	for _, run := range page.GetExecutions() { // the newest first
		i, listed := at[Attribute(run, workflows.SearchAccount.GetName())]
		row := SyncRow{
			Feed:    feed.Kind(Attribute(run, workflows.SearchFeed.GetName())),
			Outcome: catalog.Outcome(Attribute(run, workflows.SearchOutcome.GetName())),
			Since:   run.GetStartTime().AsTime(),
		}
		if run.GetCloseTime() != nil {
			row.Since = run.GetCloseTime().AsTime()
		}
		if run.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING && row.Outcome != catalog.Held {
			row.Outcome = ""
		}
		if listed && feedIsKnown(row.Feed) {
			rows[i].note(row)
		}
	}
	for _, row := range rows {
		slices.SortFunc(row.Syncs, func(a, b SyncRow) int { return feedOrder(a.Feed) - feedOrder(b.Feed) })
	}
	return nil
}

// note keeps one sync of each feed: a hold before what waits behind it, what is under way before what has ended, and
// the newest of those that have.
func (r *AccountRow) note(s SyncRow) {
	i := slices.IndexFunc(r.Syncs, func(had SyncRow) bool { return had.Feed == s.Feed })
	switch {
	case i < 0:
		r.Syncs = append(r.Syncs, s)
	case s.weight() > r.Syncs[i].weight(), s.weight() == r.Syncs[i].weight() && s.Since.After(r.Syncs[i].Since):
		r.Syncs[i] = s
	}
}

func (s SyncRow) weight() int {
	switch s.Outcome {
	case catalog.Held:
		return 2
	case "":
		return 1
	}
	return 0
}

func feedOrder(kind feed.Kind) int    { return slices.Index(feed.Kinds(), kind) }
func feedIsKnown(kind feed.Kind) bool { return feedOrder(kind) >= 0 }

// syncsQuery asks for the syncs under way and for those that did something. Names of accounts hold no quote.
func syncsQuery(rows []AccountRow) string {
	names, told := []string{}, []string{}
	for _, row := range rows {
		names = append(names, "'"+row.Account+"'")
	}
	for _, outcome := range catalog.Outcomes() {
		if outcome != catalog.Unchanged {
			told = append(told, "'"+string(outcome)+"'")
		}
	}
	return fmt.Sprintf("WorkflowType = '%s' AND %s IN (%s) AND (ExecutionStatus = 'Running' OR %s IN (%s))",
		workflows.CatalogSyncType, workflows.SearchAccount.GetName(), strings.Join(names, ", "),
		workflows.SearchOutcome.GetName(), strings.Join(told, ", "))
}
