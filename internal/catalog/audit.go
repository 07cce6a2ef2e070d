package catalog

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"vitrine/internal/account"
	"vitrine/internal/drift"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// AuditFormat is the version of the audit document that this code writes.
const AuditFormat = 1

// Audit is what comparing an account's product catalog at Stripe with the manifest found, and what became of it. The
// newest one is kept as audit.json; it names products, so it is not for a workflow's history (see Told).
type Audit struct {
	Format  int       `json:"format"` // AuditFormat
	Account string    `json:"account"`
	Reaches time.Time `json:"reaches"` // what was sent before then, Stripe's report shows
	At      time.Time `json:"at"`      // when it was compared
	Report  string    `json:"report"`  // Stripe's run, frr_…

	Found  drift.Result `json:"found"`
	Heal   account.Heal `json:"heal"`             // what the account's settings let be done
	Again  int64        `json:"again,omitempty"`  // rows that the next sync sends again, or looks at
	Gone   int64        `json:"gone,omitempty"`   // ids that it deletes, unless the source has them
	Reason string       `json:"reason,omitempty"` // why nothing, or not all, was done
}

// Told is the audit without what it says of single products.
func (a Audit) Told() Audit {
	a.Found.Examples = nil
	return a
}

// Healed reports whether a sync is to follow.
func (a Audit) Healed() bool { return a.Again+a.Gone > 0 }

// Compared reports whether the catalog was compared at all; otherwise Reason says why not.
func (a Audit) Compared() bool {
	return a.Reason == "" || a.Found.Reported+a.Found.Known > 0 || a.Found.Rebuilt != nil
}

// Text is the audit in one line.
func (a Audit) Text() string {
	if !a.Compared() {
		return "Not compared: " + a.Reason + "."
	}
	f := a.Found
	if r := f.Rebuilt; r != nil {
		return fmt.Sprintf("The manifest was lost. Of the source, Stripe has %s as it would be sent; %s are sent "+
			"again, %s for the first time.",
			countedRows(r.Same), humanize.Comma(r.Unknown), humanize.Comma(r.New))
	}
	text := fmt.Sprintf("No drift: Stripe has all %s.", countedRows(f.Compared))
	if f.Drift() > 0 {
		text = fmt.Sprintf("Drift: of %s, Stripe lacks %s and has %s otherwise; %s it has alone.",
			countedRows(f.Compared), humanize.Comma(f.Missing), humanize.Comma(f.Different), humanize.Comma(f.Foreign))
	}
	if a.Healed() {
		text += fmt.Sprintf(" The next sync sends %s again and deletes %s.", humanize.Comma(a.Again),
			humanize.Comma(a.Gone))
	}
	if a.Reason != "" {
		text += " " + strings.ToUpper(a.Reason[:1]) + a.Reason[1:] + "."
	}
	return text
}

func countedRows(n int64) string {
	if n == 1 {
		return "1 product"
	}
	return humanize.Comma(n) + " products"
}

// auditedID is the catalog that can be audited: Stripe reports what it has of products alone.
func auditedID(account string) ID { return ID{Account: account, Feed: feed.Product} }

// Audit reads what the newest audit of an account found; found is false if there was none.
func (d Documents) Audit(ctx context.Context, account string) (audit Audit, found bool, err error) {
	stored, err := statestore.Read[Audit](ctx, d.Store, d.Keys(auditedID(account)).AuditKey())
	if err != nil {
		return Audit{}, false, fmt.Errorf("read the audit of %s: %w", account, err)
	}
	return stored.Value, stored.Found(), nil
}

// SaveAudit writes what an audit found.
func (d Documents) SaveAudit(ctx context.Context, a Audit) error {
	_, err := statestore.Write(ctx, d.Store, d.Keys(auditedID(a.Account)).AuditKey(), a, "")
	return err
}

// KeepManifest copies the manifest of an account's product catalog for an audit, as it is now; changed is when it was
// written. A copy is nil if there is no manifest.
func (d Documents) KeepManifest(
	ctx context.Context, account string,
) (kept *statestore.Object, changed time.Time, err error) {
	keys := d.Keys(auditedID(account))
	object, err := d.Head(ctx, keys.ManifestKey())
	if fault.Is(err, fault.SourceMissing) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("manifest of %s: %w", account, err)
	}
	body, err := d.Objects.Open(ctx, object)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("manifest of %s: %w", account, err)
	}
	defer body.Close()
	copied, err := d.Write(ctx, keys.AuditedManifestKey(), "application/octet-stream",
		io.LimitReader(body, object.Size))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("keep the manifest of %s: %w", account, err)
	}
	return &copied, object.LastModified, nil
}

// ManifestAt reads a manifest wherever it was kept. One that is damaged is a *feed.ManifestError.
func (d Documents) ManifestAt(ctx context.Context, o statestore.Object, kind feed.Kind) (*feed.Manifest, error) {
	return d.readManifest(ctx, o, kind)
}

// KeepRebuilt keeps a manifest that an audit made, until it is put in the place of the one that was lost.
func (d Documents) KeepRebuilt(ctx context.Context, account string, m *feed.Manifest) (statestore.Object, error) {
	return d.putManifest(ctx, d.Keys(auditedID(account)).AuditRowsKey("rebuilt"), m, "")
}
