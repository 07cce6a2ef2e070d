package activities

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"slices"
	"strconv"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/order"
)

// InventoryQueue hears that something of an account was sold, and has Stripe told how much is left. Saying it again is
// harmless.
type InventoryQueue interface {
	Sold(ctx context.Context, account string) error
}

// InventoryUpdate holds the steps of the workflow InventoryUpdate, beside those that bring a part to Stripe.
type InventoryUpdate struct {
	Sync   *CatalogSync
	Orders order.Documents
}

// StageInventoryInput is the input of StageInventory.
type StageInventoryInput struct {
	Account string `json:"account"`
	// Waited is how often the run waited in a row: whoever waits for an export that nobody brings does not wait on.
	Waited int `json:"waited,omitempty"`
}

// StageInventoryResult is what there is to do: Skip, Wait, Send or Resume.
type StageInventoryResult struct {
	Action    Action            `json:"action"`
	NotBefore time.Time         `json:"not_before,omitzero"` // Wait
	Note      string            `json:"note,omitempty"`      // Skip, Wait: why
	Delivery  *catalog.Delivery `json:"delivery,omitempty"`  // Send, Resume
}

const (
	// exportComes is how long a newer export, which somebody is about to bring to Stripe, is waited for at a time.
	exportComes = 2 * time.Minute
	mostWaits   = 15
)

// StageInventory looks what is left of what orders took, and stages the rows that say so. Nothing is sent on a doubt:
// not while Stripe lacks the merchant's newest export, not if that may know of the sale, and nothing of a product that
// Stripe may have otherwise than the export says.
//
// It claims the feed that the merchant counts their stock in, so that no export is under way at the same time: Stripe
// does not order imports.
func (s *InventoryUpdate) StageInventory(ctx context.Context, in StageInventoryInput) (StageInventoryResult, error) {
	settings, why, err := s.wanted(ctx, in.Account)
	if err != nil || why != "" {
		return skipInventory(why), err
	}
	export, result, err := s.export(ctx, settings, in.Waited)
	if err != nil || result.Action != "" {
		return result, err
	}
	state, _, err := s.Sync.Documents.State(ctx, inventoryOf(in.Account))
	if err == nil && state.Open == nil {
		result, err = s.turn(ctx, settings, state, export)
	}
	if err != nil || result.Action != "" {
		return result, err
	}
	state, err = s.claim(ctx, settings)
	if err == nil {
		result, err = s.stage(ctx, settings, state, in.Waited)
	}
	if err != nil || result.Delivery == nil {
		err = errors.Join(err, s.free(ctx, settings, nil))
	}
	return result, err
}

// turn looks whether there is anything to tell, and when Stripe takes it, before anybody is kept waiting.
func (s *InventoryUpdate) turn(
	ctx context.Context, settings account.Settings, state catalog.State, export assortment.Export,
) (StageInventoryResult, error) {
	left, _, err := s.left(ctx, settings, export)
	now := ServerTime(ctx)
	turn := state.Turn(s.Sync.Policy.Interval, now)
	switch {
	case err != nil:
		return StageInventoryResult{}, err
	case len(left) == 0:
		return skipInventory(nothingLeft), nil
	case now.Before(turn):
		return StageInventoryResult{Action: Wait, NotBefore: turn, Note: "Stripe takes the next update then"}, nil
	}
	return StageInventoryResult{}, nil
}

const nothingLeft = "Stripe shows no more than is left, or nobody knows how many are"

func skipInventory(why string) StageInventoryResult {
	return StageInventoryResult{Action: Skip, Note: why}
}

func inventoryOf(id string) catalog.ID { return catalog.ID{Account: id, Feed: feed.Inventory} }

// countedIn is the feed in which the merchant says how many pieces there are.
func countedIn(settings account.Settings) feed.Kind {
	if slices.Contains(settings.FeedKinds(), feed.Inventory) {
		return feed.Inventory
	}
	return feed.Product
}

// wanted reads the account's settings; why says that nothing is to be sent for it.
func (s *InventoryUpdate) wanted(ctx context.Context, id string) (settings account.Settings, why string, err error) {
	orders, err := s.Orders.Settings(ctx, id)
	if err != nil {
		return settings, "", err
	}
	if !orders.Enabled || !orders.InventoryAfterOrder {
		return settings, "the account's settings for orders do not want it (inventory_after_order)", nil
	}
	if err := checkParked(ctx, s.Sync.Accounts, id); err != nil {
		if fault.Is(err, fault.AccountParked) {
			return settings, err.Error(), nil
		}
		return settings, "", err
	}
	sold, _, err := s.sold().Sold(ctx, id)
	if err == nil && len(sold.Sales) == 0 {
		return settings, "the merchant's export has told of all that was sold", nil
	}
	if err != nil {
		return settings, "", err
	}
	settings, err = s.Sync.Accounts.Settings(ctx, id)
	return settings, "", err
}

// export is the merchant's newest export if Stripe has it; otherwise the result says that it is waited for, or that
// nobody knows how many pieces there are.
func (s *InventoryUpdate) export(
	ctx context.Context, settings account.Settings, waited int,
) (assortment.Export, StageInventoryResult, error) {
	none := assortment.Export{}
	counted := countedIn(settings)
	found, err := s.Sync.Stager.Look(ctx, settings, counted)
	if fault.Is(err, fault.SourceMissing) {
		return none, skipInventory("there is no export, so nobody knows how many pieces there are"), nil
	}
	if err != nil {
		return none, StageInventoryResult{}, err
	}
	state, _, err := s.Sync.Documents.State(ctx, catalog.ID{Account: settings.Account, Feed: counted})
	if err != nil {
		return none, StageInventoryResult{}, err
	}
	now := ServerTime(ctx)
	is := state.Standing(found.Sight(false, s.Sync.Policy.Interval), now)
	comes := StageInventoryResult{Action: Wait, NotBefore: now.Add(exportComes), Note: "a newer export comes first"}
	switch {
	case state.Held != nil:
		return none, skipInventory("the newest export waits for a person"), nil
	case is.Position == catalog.Settled:
		return assortment.Export{Version: found.Source.Version(), Written: found.Source.LastModified},
			StageInventoryResult{}, nil
	case is.Position == catalog.Failing, is.Position == catalog.Refused, waited >= mostWaits:
		return none, skipInventory("Stripe does not have the newest export"), nil
	case is.Position == catalog.Spaced:
		comes.NotBefore = is.Until.Add(exportComes)
	}
	return none, comes, nil
}

// claims are the catalogs that nobody else may write meanwhile; the inventory's is the last.
func claims(settings account.Settings) []catalog.ID {
	ids := []catalog.ID{inventoryOf(settings.Account)}
	if countedIn(settings) == feed.Product {
		ids = slices.Insert(ids, 0, catalog.ID{Account: settings.Account, Feed: feed.Product})
	}
	return ids
}

// claim claims them, and returns the state of the inventory.
func (s *InventoryUpdate) claim(ctx context.Context, settings account.Settings) (state catalog.State, err error) {
	for _, id := range claims(settings) {
		var etag string
		if state, etag, err = s.Sync.Documents.State(ctx, id); err != nil {
			return state, err
		}
		if id.Feed == feed.Product && state.Open != nil { // a sync has to settle it first
			return state, fault.NewPending(fault.RunWaiting, time.Minute, errors.New("an import is not settled"))
		}
		if state, err = s.Sync.Documents.Claim(ctx, state, etag, thisRun(ctx), s.Sync.isOpen); err != nil {
			return state, err
		}
	}
	return state, nil
}

// free lets go of what this run claimed; change is what is recorded with the inventory.
func (s *InventoryUpdate) free(ctx context.Context, settings account.Settings, change func(*catalog.State)) error {
	var errs []error
	for _, id := range claims(settings) {
		_, err := s.Sync.updateClaimed(ctx, id, func(state *catalog.State) {
			state.Run = nil
			if change != nil && id.Feed == feed.Inventory {
				change(state)
			}
		})
		if !fault.Is(err, fault.RunSuperseded) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// stage stages what is left, or goes on with what an earlier run began. All is looked at again: until now, others may
// have written.
func (s *InventoryUpdate) stage(
	ctx context.Context, settings account.Settings, state catalog.State, waited int,
) (StageInventoryResult, error) {
	if state.Open != nil {
		d := s.Sync.leftOpen(*state.Open)
		return StageInventoryResult{Action: Resume, Delivery: &d}, nil
	}
	export, result, err := s.export(ctx, settings, waited)
	if err != nil || result.Action != "" {
		return result, err
	}
	left, lowered, err := s.left(ctx, settings, export)
	if err != nil || len(left) == 0 {
		return skipInventory(nothingLeft), err
	}
	if err := s.sold().NoteLowered(ctx, settings.Account, lowered); err != nil {
		return StageInventoryResult{}, err
	}
	id := inventoryOf(settings.Account)
	if err := s.Sync.clearStaged(ctx, id); err != nil {
		return StageInventoryResult{}, err
	}
	keys := s.Sync.Documents.Keys(id)
	rows, err := s.Sync.Documents.Put(ctx, keys.LeftKey(state.Sequence), "text/csv", inventoryRows(left), "")
	if err != nil {
		return StageInventoryResult{}, err
	}
	d, err := s.Sync.Stager.StageRows(ctx, settings, feed.Inventory, rows, state.Sequence)
	if err != nil || len(d.Parts) == 0 {
		return skipInventory("no row can be sent: Stripe would refuse them"), err
	}
	d.Deadline = s.Sync.Policy.Deadline
	return StageInventoryResult{Action: Send, Delivery: &d}, nil
}

// left is what Stripe is to be told, and what that begins from.
func (s *InventoryUpdate) left(
	ctx context.Context, settings account.Settings, export assortment.Export,
) ([]assortment.Left, map[string]assortment.Lowered, error) {
	sold, _, err := s.sold().Sold(ctx, settings.Account)
	if err != nil {
		return nil, nil, err
	}
	stock, _, err := s.sold().Load(ctx, settings.Account, "")
	var unreadable *assortment.FileError
	if fault.Is(err, fault.SourceMissing) || errors.As(err, &unreadable) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	manifest, _, _, err := s.Sync.Documents.Manifest(ctx,
		catalog.ID{Account: settings.Account, Feed: countedIn(settings)})
	if err != nil || manifest == nil {
		return nil, nil, err
	}
	left := sold.Lower(stock, export, func(sku string) bool {
		_, had := manifest.Rows.Find([]byte(sku), 0)
		_, open := manifest.Unknown.Find([]byte(sku), 0)
		return had && !open
	})
	return left, sold.Lowered, nil
}

func (s *InventoryUpdate) sold() assortment.Documents { return s.Sync.assortments() }

// inventoryRows are rows of the inventory feed.
func inventoryRows(left []assortment.Left) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{{"id", "availability", "inventory_quantity"}}
	for _, l := range left {
		rows = append(rows, []string{l.SKU, l.Availability.String(), strconv.FormatInt(l.Quantity, 10)})
	}
	_ = w.WriteAll(rows) // a buffer takes everything
	return out.Bytes()
}

// SettleInventory records what Stripe made of the rows: checkouts are answered from what it took, and the merchant's
// next export sends the same products again, whatever it says of them. It may run any number of times.
func (s *InventoryUpdate) SettleInventory(ctx context.Context, in SettlePartInput) (catalog.PartResult, error) {
	result := resultOf(in)
	settings, err := s.Sync.Accounts.Settings(ctx, in.Account)
	if err == nil {
		err = s.enter(ctx, in, settings, &result)
	}
	if err != nil {
		return result, err
	}
	return result, s.Sync.closePart(ctx, in)
}

func (s *InventoryUpdate) enter(
	ctx context.Context, in SettlePartInput, settings account.Settings, result *catalog.PartResult,
) error {
	table, err := s.Sync.Documents.Table(ctx, in.part().Table, in.Feed)
	var damaged *feed.ManifestError
	if fault.Is(err, fault.SourceMissing) || errors.As(err, &damaged) {
		result.Reason = "what was staged is gone"
		return s.Sync.forgetAssortment(ctx, in)
	}
	if err != nil {
		return err
	}
	list, err := s.Sync.listRefused(ctx, in, table, result)
	if err != nil {
		return err
	}
	verdicts := judge(in, table, list, result)
	if result.Outcome == catalog.Failed && !verdicts.doubt {
		return nil
	}
	if err := s.Sync.settleAssortment(ctx, in, verdicts); err != nil {
		return err
	}
	var refused []string
	for sku := range verdicts.refused {
		refused = append(refused, sku)
	}
	if err := s.sold().NoteRefused(ctx, in.Account, refused); err != nil {
		return err
	}
	return s.unsettle(ctx, catalog.ID{Account: in.Account, Feed: countedIn(settings)}, in, table, verdicts)
}

// unsettle notes in the manifest of the merchant's feed that Stripe no longer has the rows as the export says.
func (s *InventoryUpdate) unsettle(
	ctx context.Context, id catalog.ID, in SettlePartInput, table *feed.Table, v rowVerdicts,
) error {
	touched, err := feed.NewManifest(id.Feed).Settle(table, time.Time{}, func(row []byte) (feed.RowVerdict, bool) {
		refused, is := v.refused[string(row)]
		return refused, is
	})
	if err != nil {
		return err
	}
	manifest, etag, _, err := s.Sync.Documents.Manifest(ctx, id)
	if err != nil || manifest == nil {
		return err
	}
	after, err := manifest.Settle(&touched.Rows, importedAt(ctx, in.Import),
		func([]byte) (feed.RowVerdict, bool) { return feed.RowVerdict{Unknown: true}, true })
	if err != nil {
		return fault.NewPermanent(fault.CatalogTooLarge, err)
	}
	return s.Sync.Documents.SaveManifest(ctx, id.Account, after, etag)
}

// CloseInventory lets go of what the run claimed, however the part ended. What Stripe refused may be stored under the
// part's idempotency keys, so the next one gets others.
func (s *InventoryUpdate) CloseInventory(ctx context.Context, in StageInventoryInput) error {
	settings, err := s.Sync.Accounts.Settings(ctx, in.Account)
	if err != nil {
		return err
	}
	return s.free(ctx, settings, func(state *catalog.State) {
		if state.Open == nil {
			state.Sequence++
		}
	})
}
