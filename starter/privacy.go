package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"

	"vitrine/internal/order"
	"vitrine/internal/privacy"
	"vitrine/internal/temporalclient"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

const privacyHelp = `Show and erase what Vitrine holds of the buyer of one order.

Two kinds of objects are about a buyer: the order, where the account's settings have it laid into a bucket for the merchant
(kind s3), and the evidence against a dispute. docs/privacy.md lists everything else, and how long it stays.`

func (a *app) privacyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "privacy",
		Short:   "Show and erase what is held of a buyer",
		Long:    privacyHelp,
		Example: "  starter privacy show acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2\n  starter privacy erase acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --dry-run",
	}
	group(c)
	c.AddCommand(a.privacyShowCommand(), a.privacyEraseCommand())
	return c
}

// erasure are the flags of both commands.
type erasure struct {
	places             []string
	dryRun, yes, force bool
}

func (a *app) privacyShowCommand() *cobra.Command {
	var flags erasure
	c := a.privacyOrderCommand("show", func(ctx context.Context, id order.ID) error { return a.showHoldings(ctx, id, flags) })
	c.Short = "List the objects that are held of an order's buyer, and what else there is"
	c.Long = `List the objects that are held of an order's buyer, with every version where the bucket keeps versions, and what else there
is of them. Nothing of what the objects say is shown: 'aws s3 cp' fetches one.`
	c.Example = "  starter privacy show acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2\n  starter privacy show order/acct_1Nv0FGQ9RKHgCVdK/cs_live_a1b2 -o json"
	placesFlag(c, &flags)
	return c
}

func (a *app) privacyEraseCommand() *cobra.Command {
	var flags erasure
	c := a.privacyOrderCommand("erase", func(ctx context.Context, id order.ID) error { return a.erase(ctx, id, flags) })
	c.Short = "Erase what is held of an order's buyer, and say what stays"
	c.Long = `Erase what is held of an order's buyer: the order as it lies for the merchant, and the evidence against disputes, with every
version where the bucket keeps versions. What stays, and why, is printed. Repeating it is harmless.

An order that is under way is refused, because somebody still needs to know where the goods go, and so is one with an open
dispute. --force erases all the same; a step that comes later may write anew.

On a terminal this shows what would go, and asks; a script is not asked.

Exit codes: 0 if nothing of the buyer is left, 1 if something is, or cannot be seen, or the order was refused.`
	c.Example = `  starter privacy erase acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --dry-run
  starter privacy erase acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --yes -o json
  starter privacy erase acct_1Nv0FGQ9RKHgCVdK cs_live_a1b2 --place s3://acme-inbox/2025/   # the account's place before`
	c.Flags().BoolVar(&flags.dryRun, "dry-run", false, "show what would be erased, and erase nothing")
	c.Flags().BoolVarP(&flags.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&flags.force, "force", false, "erase although the order is under way or disputed")
	placesFlag(c, &flags)
	return c
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
	c.Flags().StringArrayVar(&flags.places, "place", nil, "look here too, as s3://BUCKET/PREFIX/: where the account's orders were laid by earlier settings; may be repeated")
}

// holdings is what is known of an order's buyer.
type holdings struct {
	archive privacy.Archive
	found   privacy.Holdings
	state   workflows.OrderState // empty: nobody knows the order
	open    bool                 // its workflow is
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
	h.archive = privacy.Archive{Objects: docs.Objects, Layout: docs.Layout}
	// The usual place is looked at too: the account may have had no other before.
	usual, now := order.Fulfillment{}.Place(docs.Layout.StateBucket), settings.Fulfillment.Place(docs.Layout.StateBucket)
	if h.found, err = h.archive.Find(ctx, id, append(places, usual, now)); err != nil {
		return h, err
	}
	h.state, h.open, err = a.standing(ctx, id)
	return h, err
}

func parsePlaces(texts []string) (places []order.Place, err error) {
	for _, text := range texts {
		rest, isS3 := strings.CutPrefix(text, "s3://")
		bucket, prefix, _ := strings.Cut(rest, "/")
		if !isS3 || bucket == "" {
			return nil, fmt.Errorf("--place %.80q: expected s3://BUCKET/PREFIX/", text)
		}
		if prefix != "" && !strings.HasSuffix(prefix, "/") {
			return nil, fmt.Errorf("--place %.80q: a prefix ends in a slash here, as in s3://BUCKET/PREFIX/", text)
		}
		places = append(places, order.Fulfillment{Bucket: bucket, Prefix: prefix}.Place(bucket))
	}
	return places, nil
}

// standing is where the order stands. No worker is needed to know it: the order's run bears it.
func (a *app) standing(ctx context.Context, id order.ID) (state workflows.OrderState, open bool, err error) {
	c, err := a.temporal(ctx)
	if err != nil {
		return "", false, err
	}
	described, err := c.DescribeWorkflow(ctx, id.String(), "")
	if err == nil {
		run := described.RawResponse.GetWorkflowExecutionInfo()
		state = workflows.OrderState(attribute(run, workflows.SearchOrderState.GetName()))
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
		state = workflows.OrderState(record.State)
	}
	return state, false, err
}

// done are the states in which nobody needs the buyer's address any more.
var done = []workflows.OrderState{
	workflows.OrderIgnored, workflows.OrderShipped, workflows.OrderDelivered, workflows.OrderRejected, workflows.OrderCanceled,
	workflows.OrderRefunded, workflows.OrderExpired,
}

// needed is why the order's data should not be erased yet; empty if nothing speaks against it.
func (h holdings) needed() string {
	switch {
	case !h.open || slices.Contains(done, h.state):
		return ""
	case h.state == workflows.OrderDisputed:
		return "it is disputed: what is held is what a person reads before the evidence goes to the bank"
	}
	return fmt.Sprintf("it is under way (%s): the merchant may still need to know where the goods go", terminal.Dash(terminal.Spaced(string(h.state))))
}

func (a *app) showHoldings(ctx context.Context, id order.ID, flags erasure) error {
	h, err := a.holdings(ctx, id, flags)
	if err != nil {
		return err
	}
	return a.printHoldings(id, h, nil)
}

func (a *app) erase(ctx context.Context, id order.ID, flags erasure) error {
	h, err := a.holdings(ctx, id, flags)
	if err != nil {
		return err
	}
	if why := h.needed(); why != "" && !flags.force && !flags.dryRun {
		return fmt.Errorf("%s: %s. Nothing was erased; --force erases all the same", id, why)
	}
	if flags.dryRun {
		return a.printHoldings(id, h, nil)
	}
	if len(h.found.Personal) > 0 && !flags.yes && a.IsTerminal(a.Stdin) {
		a.printObjects(a.Stderr, h.found.Personal)
		if !a.Ask("Erase this for good?") {
			return badInput(errors.New("nothing was done"))
		}
	}
	gone, failed := h.archive.Erase(ctx, h.found)
	err = a.printHoldings(id, h, &gone)
	switch {
	case failed != nil:
		return errors.Join(fmt.Errorf("%d of %d objects are erased; the same command tries the others again", len(gone), len(h.found.Personal)), failed, err)
	case len(h.found.Blind) > 0:
		return errors.Join(fmt.Errorf("old versions may be left in %s: nothing may see them without s3:ListBucketVersions, nor remove them without s3:DeleteObjectVersion", strings.Join(h.found.Blind, ", ")), err)
	}
	return err
}

// remainder is something that stays, or that lies where Vitrine does not reach.
type remainder struct {
	Where string `json:"where"`
	What  string `json:"what"`
}

// remainders are what is known of a buyer, or of their order, beyond the objects.
func (h holdings) remainders() []remainder {
	var stays []remainder
	for _, held := range h.found.Others {
		what := "ids, amounts and parcels, no name and no address: a late event would fulfil the order once more without it"
		if held.Kind == privacy.Notice {
			what = "ids and amounts: the merchant may have yet to read it"
		}
		stays = append(stays, remainder{held.URI(), what})
	}
	return append(stays,
		remainder{"Temporal", "ids, amounts, SKUs, tracking numbers, and what staff wrote as --why; it ends with the namespace's retention"},
		remainder{"logs", "ids; they end as you have set it"},
		remainder{"Stripe", "the checkout session, its payment and its customer: redact them there"},
		remainder{"merchant", "the order, as it was handed over: they have to be told"},
		remainder{"mail", "what was sent: it is the buyer's, and in the mail server's log"},
		remainder{"copies", "replicas and backups of the buckets, if you make any"},
	)
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

// printHoldings prints what is held, or what of it is gone.
func (a *app) printHoldings(id order.ID, h holdings, gone *[]privacy.Held) error {
	if a.json() {
		return a.printJSON(h.view(id, gone))
	}
	fmt.Fprintf(a.Stdout, "%s  %s\n", id, terminal.Spaced(cmp.Or(string(h.state), "not known")))
	found := int64(len(h.found.Personal))
	switch {
	case found == 0:
		fmt.Fprintln(a.Stdout, "Nothing is held of its buyer.")
	case gone == nil:
		fmt.Fprintf(a.Stdout, "%s held of its buyer:\n", terminal.Plural(found, "object"))
		a.printObjects(a.Stdout, h.found.Personal)
	default:
		fmt.Fprintf(a.Stdout, "%s of its buyer erased:\n", terminal.Plural(int64(len(*gone)), "object"))
		a.printObjects(a.Stdout, *gone)
	}
	if why := h.needed(); why != "" {
		fmt.Fprintf(a.Stdout, "Do not erase it yet: %s.\n", why)
	}
	fmt.Fprintln(a.Stdout, "\nWhat stays:")
	for _, r := range h.remainders() {
		fmt.Fprintln(a.Stdout, "  "+r.Where)
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

func (h holdings) view(id order.ID, gone *[]privacy.Held) holdingsView {
	view := holdingsView{
		Order: id, State: string(h.state), Needed: h.needed(), Objects: []heldView{}, Unseen: h.found.Blind, Stays: h.remainders(),
	}
	for _, held := range h.found.Personal {
		view.Objects = append(view.Objects, heldView{
			Kind: held.Kind, Bucket: held.Bucket, Key: held.Key, VersionID: versionOf(held), Size: held.Size, Written: held.LastModified,
			Erased: gone != nil && slices.Contains(*gone, held),
		})
	}
	return view
}
