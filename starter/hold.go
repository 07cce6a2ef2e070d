package main

import (
	"context"
	"fmt"
	"io"

	"vitrine/internal/catalog"
	"vitrine/internal/terminal"
)

func (a *app) describeHold(w io.Writer, id catalog.ID, h catalog.Hold) {
	a.Write(w, fmt.Sprintf("%s  %s: held for %s, before anything was sent", id.Account, id.Feed,
		terminal.Rough(a.Now().Sub(h.Since))))
	for _, reason := range h.Reasons {
		a.Tell(w, fmt.Sprintf("  %-14s  ", reason.Guard), reason.Text)
	}
	a.Tell(w, fmt.Sprintf("  %-14s  ", "rows"), h.Rows.RowsText(catalog.Held))
	a.Tell(w, fmt.Sprintf("  %-14s  ", "version"), h.Version)
}

// decideBy is how to end a hold.
func decideBy(id catalog.ID) string {
	return fmt.Sprintf(`starter approve %s --why "…" lets it go on; starter reject ends it`, target(id))
}

// heldState is the state of a feed, which says what is held.
func (a *app) heldState(ctx context.Context, id catalog.ID) (catalog.State, error) {
	docs, err := a.documents(ctx)
	if err != nil {
		return catalog.State{}, err
	}
	state, _, err := docs.State(ctx, id)
	return state, err
}
