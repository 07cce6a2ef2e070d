package statestore

import (
	"fmt"

	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

// CatalogKeys are the keys of what is kept of one feed of an account.
type CatalogKeys struct{ prefix string }

// Catalog is where everything is kept of one feed of an account.
func (l Layout) Catalog(account string, kind feed.Kind) CatalogKeys {
	return CatalogKeys{l.StatePrefix + account + "/" + string(kind) + "/"}
}

// StateKey is where the state of the feed is kept.
func (k CatalogKeys) StateKey() string { return k.prefix + "state.json" }

// ManifestKey is where the fingerprints of the rows are kept that Stripe has.
func (k CatalogKeys) ManifestKey() string { return k.prefix + "manifest" }

// ReportsPrefix is what the keys of the feed's reports begin with.
func (k CatalogKeys) ReportsPrefix() string { return k.prefix + "reports/" }

// ReportKey is where a report is kept: its summary (json), every finding (csv) and the page for people (html).
func (k CatalogKeys) ReportKey(sequence int64, extension string) string {
	return fmt.Sprintf("%s%06d.%s", k.ReportsPrefix(), sequence, extension)
}

// PartsPrefix is where everything is staged that a run needs for its import, and nobody afterwards.
func (k CatalogKeys) PartsPrefix() string { return k.prefix + "parts/" }

// StagedPrefix is what the keys of one delivery's staged objects begin with.
func (k CatalogKeys) StagedPrefix(sequence int64) string {
	return fmt.Sprintf("%s%06d-", k.PartsPrefix(), sequence)
}

// PartKey is where a part waits for its upload. The same import stages the same part under the same key.
func (k CatalogKeys) PartKey(sequence int64, part int, format lines.Format) string {
	return fmt.Sprintf("%s%03d.%s", k.StagedPrefix(sequence), part, format)
}

// TableKey is where the table of a part's rows waits for what Stripe makes of them.
func (k CatalogKeys) TableKey(sequence int64, part int) string {
	return fmt.Sprintf("%s%03d.rows", k.StagedPrefix(sequence), part)
}

// ForgottenKey is where the rows are named that the manifest is to forget.
func (k CatalogKeys) ForgottenKey(sequence int64) string {
	return k.StagedPrefix(sequence) + "forgotten.rows"
}

// AuditKey is where it is kept what the newest audit found.
func (k CatalogKeys) AuditKey() string { return k.prefix + "audit.json" }

// AuditedManifestKey is where the manifest is kept as it was when an audit began.
func (k CatalogKeys) AuditedManifestKey() string { return k.prefix + "audit/manifest" }

// AuditRowsKey is where an audit keeps rows until they are healed; what says which.
func (k CatalogKeys) AuditRowsKey(what string) string { return k.prefix + "audit/" + what + ".rows" }

// LeftKey is where rows are written that tell Stripe how much is left of what was sold.
func (k CatalogKeys) LeftKey(sequence int64) string { return k.StagedPrefix(sequence) + "left.csv" }

// FindingsKey is where findings wait to be reported: Vitrine's own under part 0, Stripe's under the number of the part.
func (k CatalogKeys) FindingsKey(sequence int64, part int) string {
	return fmt.Sprintf("%s%03d-findings.csv", k.StagedPrefix(sequence), part)
}

// ErrorFileKey is where Stripe's own list of refused rows is kept until the report is written.
func (k CatalogKeys) ErrorFileKey(sequence int64, part int) string {
	return fmt.Sprintf("%s%03d-errors.csv", k.StagedPrefix(sequence), part)
}
