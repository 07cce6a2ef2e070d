package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"

	"vitrine/internal/desk"
	"vitrine/internal/order"
	"vitrine/internal/privacy"
	"vitrine/internal/statestore"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

// erasure are the flags of both commands.
type erasure struct {
	places             []string
	dryRun, yes, force bool
}

func (a *app) privacyOrderCommand(verb string, run func(context.Context, order.ID) error) *cobra.Command {
	return &cobra.Command{
		Use:               verb + " ACCOUNT SESSION",
		Args:              orderArgs,
		ValidArgsFunction: a.completeOrders,
		RunE: func(c *cobra.Command, args []string) error {
			id, _ := orderID(args)
			return explain(c.Context(), run(c.Context(), id))
		},
	}
}

func placesFlag(c *cobra.Command, flags *erasure) {
	c.Flags().StringArrayVar(&flags.places, "place", nil,
		"look here too, as s3://BUCKET/PREFIX/: where earlier settings had the account's orders put; may be repeated")
}

// holdings is what is known of an order's buyer.
type holdings struct {
	archive privacy.Archive
	found   privacy.Holdings
	state   order.State // empty: nobody knows the order
	open    bool        // its workflow is
}

func (a *app) holdings(ctx context.Context, id order.ID, flags erasure) (h holdings, err error) {
	places, err := parsePlaces(flags.places)
	if err != nil {
		return h, badInput(err)
	}
	docs, err := a.orderDocuments(ctx)
	if err != nil {
		return h, err
	}
	settings, err := docs.Settings(ctx, id.Account)
	if err != nil { // they say where to look
		return h, err
	}
	h.archive = privacy.Archive{Store: docs.Store}
	// The usual place is looked at too: the account may have had no other before.
	usual, now := docs.Layout.Place("", ""), settings.Fulfillment.Place(docs.Layout)
	if h.found, err = h.archive.Find(ctx, id, append(places, usual, now)); err != nil {
		return h, err
	}
	h.state, h.open, err = a.standing(ctx, id)
	return h, err
}

// needed is why the order's data should not be erased yet; empty if nothing speaks against it.
func (h holdings) needed() string {
	switch {
	case !h.open || slices.Contains(done, h.state):
		return ""
	case h.state == order.StateDisputed:
		return "it is disputed: what is kept is what a person reads before the evidence goes to the bank"
	}
	return fmt.Sprintf("it is under way (%s): the merchant may still need to know where the goods go",
		terminal.Dash(terminal.Spaced(string(h.state))))
}

// remainders are what is known of a buyer, or of their order, beyond the objects.
func (h holdings) remainders() []remainder {
	var stays []remainder
	for _, held := range h.found.Others {
		what := "ids, amounts and parcels, no name and no address: a late event would fulfil the order once more " +
			"without it"
		if held.Kind == privacy.Notice {
			what = "ids and amounts: the merchant may have yet to read it"
		}
		stays = append(stays, remainder{held.URI(), what})
	}
	return append(stays,
		remainder{
			"Temporal", "ids, amounts, SKUs, tracking numbers, and what staff wrote as --why; it ends with the " +
				"namespace's retention",
		},
		remainder{"logs", "ids; they end as you have set it"},
		remainder{"Stripe", "the checkout session, its payment and its customer: redact them there"},
		remainder{"merchant", "the order, as it was handed over: they have to be told"},
		remainder{"mail", "what was sent: it is the buyer's, and in the mail server's log"},
		remainder{"copies", "replicas and backups of the buckets, if you make any"},
	)
}

func (h holdings) view(id order.ID, gone *[]privacy.Held) holdingsView {
	view := holdingsView{
		Order: id, State: string(h.state), Needed: h.needed(), Objects: []heldView{}, Unseen: h.found.Blind,
		Stays: h.remainders(),
	}
	for _, held := range h.found.Personal {
		view.Objects = append(view.Objects, heldView{
			Kind: held.Kind, Bucket: held.Bucket, Key: held.Key, VersionID: versionOf(held), Size: held.Size,
			Written: held.LastModified,
			Erased:  gone != nil && slices.Contains(*gone, held),
		})
	}
	return view
}

func parsePlaces(texts []string) (places []statestore.Place, err error) {
	for _, text := range texts {
		rest, isS3 := strings.CutPrefix(text, "s3://")
		bucket, prefix, _ := strings.Cut(rest, "/")
		if !isS3 || bucket == "" {
			return nil, fmt.Errorf("--place %.80q: expected s3://BUCKET/PREFIX/", text)
		}
		if prefix != "" && !strings.HasSuffix(prefix, "/") {
			return nil, fmt.Errorf("--place %.80q: a prefix ends in a slash here, as in s3://BUCKET/PREFIX/", text)
		}
		places = append(places, statestore.Layout{}.Place(bucket, prefix))
	}
	return places, nil
}

// standing is where the order stands. No worker is needed to know it: the order's run bears it.
func (a *app) standing(ctx context.Context, id order.ID) (state order.State, open bool, err error) {
	c, err := a.temporal(ctx)
	if err != nil {
		return "", false, err
	}
	described, err := c.DescribeWorkflow(ctx, id.String(), "")
	if err == nil {
		run := described.RawResponse.GetWorkflowExecutionInfo()
		state = order.State(desk.Attribute(run, workflows.SearchOrderState.GetName()))
		return state, run.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
	}
	if !temporalclient.IsNotFound(err) {
		return "", false, fmt.Errorf("is %s under way? %w", id, err)
	}
	docs, err := a.orderDocuments(ctx)
	if err != nil {
		return "", false, err
	}
	record, err := docs.Record(ctx, id)
	if record != nil {
		state = order.State(record.State)
	}
	return state, false, err
}

// done are the states in which nobody needs the buyer's address any more.
var done = []order.State{
	order.StateIgnored, order.StateShipped, order.StateDelivered, order.StateRejected, order.StateCanceled,
	order.StateRefunded, order.StateExpired,
}

// remainder is something that stays, or that lies where Vitrine does not reach.
type remainder struct {
	Where string `json:"where"`
	What  string `json:"what"`
}

type heldView struct {
	Kind      privacy.Kind `json:"kind"`
	Bucket    string       `json:"bucket"`
	Key       string       `json:"key"`
	VersionID string       `json:"version_id,omitempty"`
	Size      int64        `json:"size"`
	Written   time.Time    `json:"written,omitzero"`
	Erased    bool         `json:"erased"`
}

type holdingsView struct {
	Order   order.ID    `json:"order"`
	State   string      `json:"state,omitempty"`
	Needed  string      `json:"needed,omitempty"` // why it should not be erased yet
	Objects []heldView  `json:"objects"`          // that are about the buyer
	Unseen  []string    `json:"versions_unseen,omitempty"`
	Stays   []remainder `json:"stays"`
}

// printHoldings prints what is kept, or what of it is gone.
func (a *app) printHoldings(id order.ID, h holdings, gone *[]privacy.Held) error {
	if a.json() {
		return a.printJSON(h.view(id, gone))
	}
	a.Say("%s  %s", id, terminal.Spaced(cmp.Or(string(h.state), "not known")))
	found := int64(len(h.found.Personal))
	switch {
	case found == 0:
		a.Say("Nothing is kept of its buyer.")
	case gone == nil:
		a.Say("%s kept of its buyer:", terminal.Plural(found, "object"))
		a.printObjects(a.Stdout, h.found.Personal)
	default:
		a.Say("%s of its buyer erased:", terminal.Plural(int64(len(*gone)), "object"))
		a.printObjects(a.Stdout, *gone)
	}
	if why := h.needed(); why != "" {
		a.Say("Do not erase it yet: %s.", why)
	}
	a.Say("\nWhat stays:")
	for _, r := range h.remainders() {
		a.Say("  %s", r.Where)
		a.Tell(a.Stdout, "      ", r.What)
	}
	return nil
}

// printObjects lists one version a line.
func (a *app) printObjects(w io.Writer, held []privacy.Held) {
	t := a.Table("KIND", "OBJECT", "VERSION", "#SIZE", "WRITTEN")
	t.Width, t.Spare = a.Width(w), []string{"VERSION", "SIZE", "KIND"}
	for _, h := range held {
		written := "-"
		if !h.LastModified.IsZero() {
			written = terminal.DateTime(h.LastModified)
		}
		t.Add(string(h.Kind), h.URI(), terminal.Dash(versionOf(h)), terminal.Bytes(h.Size), written)
	}
	t.Write(w)
}

// versionOf is empty where the bucket keeps no versions: S3 calls that one null.
func versionOf(h privacy.Held) string {
	if h.VersionID == "null" {
		return ""
	}
	return h.VersionID
}
