package staging

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/statestore"
)

// Limits are what an operator allows.
type Limits struct {
	MaxSourceBytes int64 // of a source after decompression
	MaxPartBytes   int64 // of a part; 0: what the import API takes
}

// Stager stages the feeds of all accounts.
type Stager struct {
	Documents catalog.Documents
	Rules     account.Rules // the deployment's, complete
	Canary    account.Canary
	Limits    Limits
}

// RulesOf are the rules in force for an account, complete.
func (s Stager) RulesOf(settings account.Settings) account.Rules {
	return account.Deployment{Rules: s.Rules, Canary: s.Canary}.Of(settings)
}

// Feed is one feed of one account as it is before a sync: its source, and what that is compared with.
type Feed struct {
	Account string
	Kind    feed.Kind
	Source  statestore.Object
	Rules   account.Rules // in force, complete
	Basis   string        // see catalog.Accepted
	// WaitUnknown says that it is too early to send again what was tried lately; see feed.Options.
	WaitUnknown bool
	// Misplaced, Delayed and Waiting are those of the version that was accepted last; see feed.Options.
	Misplaced        []feed.Misplaced
	Delayed, Waiting []string

	listed   bool // the account syncs its product feed too
	settings account.Settings
}

// Look finds the source of a feed and what it is to be compared under. It costs one or two HEADs.
func (s Stager) Look(ctx context.Context, settings account.Settings, kind feed.Kind) (Feed, error) {
	bucket, key := settings.Source(s.Documents.Layout, kind)
	source, err := s.Documents.Objects.Head(ctx, bucket, key)
	if err != nil {
		return Feed{}, fmt.Errorf("source of the %s feed: %w", kind, err)
	}
	f := Feed{
		Account: settings.Account, Kind: kind, Source: source, Rules: s.RulesOf(settings), settings: settings,
		listed: slices.Contains(settings.FeedKinds(), feed.Product),
	}
	f.Basis, err = s.basis(ctx, f)
	return f, err
}

// delayedFor bounds how long a source that does not change is taken for one to be mended: whoever leaves it so means
// it.
const delayedFor = 24 * time.Hour

// After is the feed as it is looked at after what the state says was dealt with.
func (f Feed) After(state catalog.State, now time.Time) Feed {
	switch a := state.Accepted; {
	case a == nil:
	case a.Source.Version() == f.Source.Version() && now.Sub(a.Begins()) <= delayedFor:
		f.Waiting = a.Delayed
	default:
		f.Misplaced, f.Delayed = a.Misplaced, a.Delayed
	}
	if p := state.Partly; p != nil && p.Version == f.Source.Version() {
		f.Waiting = slices.Concat(f.Waiting, p.Delayed)
	}
	return f
}

// basis is a digest of everything but the source that decides what is sent.
func (s Stager) basis(ctx context.Context, f Feed) (string, error) {
	sending := f.Rules
	sending.Heal = "" // what an audit may do decides nothing about a source
	rules, err := json.Marshal(sending)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	sum.Write(rules)
	if f.updatesCatalog() {
		products, err := s.Documents.Head(ctx, s.Documents.Layout.Catalog(f.Account, feed.Product).ManifestKey())
		if err != nil && !fault.Is(err, fault.SourceMissing) {
			return "", fmt.Errorf("manifest of the product feed: %w", err)
		}
		sum.Write([]byte(products.ETag))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// Digest stands for all that the deployment's configuration says of how sources are found and compared.
func (s Stager) Digest() (string, error) {
	layout := s.Documents.Layout
	says := []any{s.Rules, layout.SourceBucket, layout.SourceKey}
	if s.Canary.On() {
		says = append(says, s.Canary)
	}
	rules, err := json.Marshal(says)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(rules)
	return hex.EncodeToString(sum[:8]), nil
}

// updatesCatalog: the rows are about products that the account's own product feed has to bring first.
func (f Feed) updatesCatalog() bool {
	return f.listed && (f.Kind == feed.Inventory || f.Kind == feed.Pricing)
}

// Comparison is a source held against what Stripe has.
type Comparison struct {
	Delta   feed.Delta
	Format  lines.Format
	API     feed.API
	Changes bool                 // the source has no more than what changes
	Full    string               // why every row is sent; empty if only what changed is
	Holds   []catalog.HoldReason // what speaks against sending it unseen
}

// Compare finds out what a sync would send and delete. full is why every row is to be sent, empty if only what changed
// is; a manifest that is lost is a reason, too. progress may be nil.
func (s Stager) Compare(
	ctx context.Context, f Feed, full string, out feed.Output, progress func(io.Reader) io.Reader,
) (Comparison, error) {
	format, gzipped, err := lines.FormatOf(f.Source.Key)
	if err != nil {
		return Comparison{}, fault.NewPermanent(fault.CatalogInvalid, fmt.Errorf("source %s: %w", f.Source.URI(), err))
	}
	c := Comparison{Format: format, API: f.Rules.ImportAPI.For(f.Kind),
		Changes: f.Rules.Source == account.ChangesSource, Full: full}
	o := feed.Options{
		Kind: f.Kind, Format: format, Gzipped: gzipped, Dialect: f.Rules.Dialect, Quotes: f.Rules.Quotes,
		MaxBytes: s.Limits.MaxSourceBytes, MaxPartBytes: s.maxPartBytes(c.API),
		Changes: c.Changes, WaitUnknown: f.WaitUnknown, Misplaced: f.Misplaced, Delayed: f.Delayed, Waiting: f.Waiting,
		SendInvalid: f.Rules.InvalidRows == account.SendAll, DropUnknown: f.Rules.UnknownColumns == account.DropUnknown,
		PriceMove: float64(*f.Rules.PriceMove) / 100, Now: time.Now(),
	}
	if err := s.load(ctx, f, &c, &o); err != nil {
		return Comparison{}, err
	}
	open := func() (io.ReadCloser, error) { return s.open(ctx, f, progress) }
	if c.Delta, err = feed.Compare(open, o, out); err != nil {
		return c, s.explain(f.Source, err)
	}
	c.Holds = catalog.Guard(f.Rules, c.Delta)
	return c, nil
}

// promotes: the rows take something off the prices of products that the account's own product feed brings.
func (f Feed) promotes() bool { return f.listed && f.Kind == feed.Promotion }

// load reads what Stripe has.
func (s Stager) load(ctx context.Context, f Feed, c *Comparison, o *feed.Options) error {
	manifest, _, lost, err := s.Documents.Manifest(ctx, catalog.ID{Account: f.Account, Feed: f.Kind})
	if err != nil {
		return err
	}
	if manifest == nil && c.Full == "" {
		c.Full = lost
	}
	o.Manifest, o.Full = manifest, c.Full != ""
	if !f.updatesCatalog() && !f.promotes() {
		return nil
	}
	products, known, err := s.products(ctx, f.Account)
	if err != nil || !known {
		return err
	}
	if f.updatesCatalog() {
		o.InCatalog = inCatalog(products)
	}
	if f.Kind != feed.Inventory {
		o.Products = &products.Rows
	}
	return nil
}

// products is what Stripe has of an account's product feed. known is false if there was something, and nobody knows
// what any more: then no row is said to be about a product that is not there.
func (s Stager) products(ctx context.Context, account string) (products *feed.Manifest, known bool, err error) {
	id := catalog.ID{Account: account, Feed: feed.Product}
	products, etag, _, err := s.Documents.Manifest(ctx, id)
	if err != nil || products != nil {
		return products, true, err
	}
	state, _, err := s.Documents.State(ctx, id)
	return feed.NewManifest(feed.Product), etag == statestore.IfAbsent && state.Sequence == 0, err
}

func inCatalog(products *feed.Manifest) func(id []byte) bool {
	hint := 0
	return func(id []byte) bool {
		i, found := products.Rows.Find(id, hint)
		if found {
			hint = i + 1
		}
		return found
	}
}

func (s Stager) maxPartBytes(api feed.API) int64 {
	if most := s.Limits.MaxPartBytes; most > 0 {
		return min(most, api.MaxPartBytes())
	}
	return api.MaxPartBytes()
}

func (s Stager) open(ctx context.Context, f Feed, progress func(io.Reader) io.Reader) (io.ReadCloser, error) {
	body, err := s.Documents.Objects.Open(ctx, f.Source)
	if err != nil {
		return nil, fmt.Errorf("source of the %s feed: %w", f.Kind, err)
	}
	if progress == nil {
		return body, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{progress(body), body}, nil
}

// explain makes what is wrong with a file permanent: the same version would be wrong again.
func (s Stager) explain(source statestore.Object, err error) error {
	var header *feed.HeaderError
	var syntax *lines.SyntaxError
	switch {
	case errors.Is(err, lines.ErrTooLarge):
		return fault.NewPermanent(fault.CatalogTooLarge, fmt.Errorf(
			"source %s has more than %d bytes after decompression (VITRINE_MAX_SOURCE_BYTES): remove rows or columns "+
				"that agents do not need, or raise the limit", source.URI(), s.Limits.MaxSourceBytes))
	case errors.As(err, &header), errors.As(err, &syntax):
		return fault.NewPermanent(fault.CatalogInvalid,
			fmt.Errorf("source %s, version %s: %w", source.URI(), source.Version(), err))
	}
	return err
}

// Sight is what the look found, to ask a state what is to be done about it.
func (f Feed) Sight(full bool, spacing time.Duration) catalog.Sight {
	return catalog.Sight{
		Source: f.Source, Basis: f.Basis, Full: full, FullSendEvery: time.Duration(f.Rules.FullSendEvery),
		Spacing: spacing,
	}
}

// FullSend says why every row is to be sent though the source may not have changed; empty if that is not due.
func (f Feed) FullSend(state catalog.State, asked bool, now time.Time) string {
	switch {
	case asked:
		return "it was asked for"
	case state.FullSendDue(time.Duration(f.Rules.FullSendEvery), now):
		return fmt.Sprintf("the last full send was %s ago", now.Sub(state.FullAt).Round(time.Hour))
	}
	return ""
}
