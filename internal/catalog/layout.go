package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"vitrine/internal/feed"
)

// Layout says where things are in S3.
//
//	<source bucket>/<source key>                          what the merchant exports
//	<state bucket>/accounts/<account>.json                the account's settings (starter accounts apply)
//	<state bucket>/<prefix><account>/<feed>/state.json    what was done last, and what is under way
//	<state bucket>/<prefix><account>/<feed>/manifest      what Stripe has: a fingerprint of every row
//	<state bucket>/<prefix><account>/product/assortment   what the account sells, for the hooks
//	<state bucket>/<prefix><account>/<feed>/parts/…       staged parts, removed when a run settles
//	<state bucket>/<prefix><account>/<feed>/reports/…     one report per run: .json, .csv and .html
//	<state bucket>/<prefix>sources/<digest>.json          which feed reads a source
type Layout struct {
	SourceBucket string
	SourceKey    string // template with {account} and {feed}
	StateBucket  string
	StatePrefix  string // ends in a slash, or empty
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// CheckSourceKey returns an error if template cannot become an S3 key: it may hold {account} and {feed}, and nothing
// that a file system behind an S3 server could take for a way out of its root.
func CheckSourceKey(template string) error {
	switch {
	case template == "":
		return fmt.Errorf("source key is empty")
	case len(template) > 900: // S3 allows 1,024 bytes; the placeholders need room
		return fmt.Errorf("source key is %d bytes long: at most 900", len(template))
	case strings.HasPrefix(template, "/"):
		return fmt.Errorf("source key %q begins with a slash: S3 keys do not", template)
	}
	for _, segment := range strings.Split(template, "/") {
		if segment == ".." || segment == "." {
			return fmt.Errorf("source key %q has the segment %q", template, segment)
		}
	}
	for _, r := range template {
		if r < ' ' || r == 0x7f {
			return fmt.Errorf("source key %q has a control character", template)
		}
	}
	for _, p := range placeholder.FindAllString(template, -1) {
		if p != "{account}" && p != "{feed}" {
			return fmt.Errorf("source key %q has the placeholder %s: only {account} and {feed} are known", template, p)
		}
	}
	if _, _, err := feed.FormatOf(template); err != nil {
		return err
	}
	return nil
}

// CheckBucket returns an error if name cannot be a bucket. It leaves the fine print of bucket names to the server: other
// servers than Amazon's have their own.
func CheckBucket(name string) error {
	if strings.HasPrefix(name, "arn:") { // an access point
		return nil
	}
	if strings.ContainsAny(name, "/\\ ?#:") {
		return errors.New("expected the name of a bucket alone, such as acme-catalogs, not an address or path")
	}
	return nil
}

// Source is where the feed of an account is exported to.
func (l Layout) Source(s Settings, kind feed.Kind) (bucket, key string) {
	bucket, template := l.SourceBucket, l.SourceKey
	if s.SourceBucket != "" {
		bucket = s.SourceBucket
	}
	if s.SourceKey != "" {
		template = s.SourceKey
	}
	return bucket, strings.NewReplacer("{account}", s.Account, "{feed}", string(kind)).Replace(template)
}

// SettingsKey is where the settings of an account are kept.
func (l Layout) SettingsKey(account string) string { return settingsPrefix + account + ".json" }

const settingsPrefix = "accounts/"

// StateKey is where the state of an account's feed is kept.
func (l Layout) StateKey(account string, kind feed.Kind) string {
	return l.feedPrefix(account, kind) + "state.json"
}

// PartsPrefix is where everything is staged that a run needs for its import, and nobody afterwards.
func (l Layout) PartsPrefix(account string, kind feed.Kind) string {
	return l.feedPrefix(account, kind) + "parts/"
}

// StagedPrefix is what the keys of one delivery's staged objects begin with.
func (l Layout) StagedPrefix(account string, kind feed.Kind, sequence int64) string {
	return fmt.Sprintf("%s%06d-", l.PartsPrefix(account, kind), sequence)
}

// PartKey is where a part waits for its upload. The same import stages the same part under the same key.
func (l Layout) PartKey(account string, kind feed.Kind, sequence int64, part int, format feed.Format) string {
	return fmt.Sprintf("%s%06d-%03d.%s", l.PartsPrefix(account, kind), sequence, part, format)
}

// TableKey is where the table of a part's rows waits for Stripe's verdict on them.
func (l Layout) TableKey(account string, kind feed.Kind, sequence int64, part int) string {
	return fmt.Sprintf("%s%06d-%03d.rows", l.PartsPrefix(account, kind), sequence, part)
}

// ForgottenKey is where the rows are named that the manifest is to forget.
func (l Layout) ForgottenKey(account string, kind feed.Kind, sequence int64) string {
	return fmt.Sprintf("%s%06d-forgotten.rows", l.PartsPrefix(account, kind), sequence)
}

// FindingsKey is where findings wait to be reported: Vitrine's own under part 0, Stripe's under the number of the part.
func (l Layout) FindingsKey(account string, kind feed.Kind, sequence int64, part int) string {
	return fmt.Sprintf("%s%06d-%03d-findings.csv", l.PartsPrefix(account, kind), sequence, part)
}

// ManifestKey is where the fingerprints of the rows are kept that Stripe has.
func (l Layout) ManifestKey(account string, kind feed.Kind) string {
	return l.feedPrefix(account, kind) + "manifest"
}

// AssortmentKey is where it is kept what an account sells as Stripe has it, all its feeds together.
func (l Layout) AssortmentKey(account string) string {
	return l.feedPrefix(account, feed.Product) + "assortment"
}

// ErrorFileKey is where Stripe's own list of refused rows is kept until the report is written.
func (l Layout) ErrorFileKey(account string, kind feed.Kind, sequence int64, part int) string {
	return fmt.Sprintf("%s%06d-%03d-errors.csv", l.PartsPrefix(account, kind), sequence, part)
}

// PreflightKey is where conditional writes are tried before a worker takes work; name is one that nothing else has.
func (l Layout) PreflightKey(name string) string { return l.StatePrefix + "preflight-" + name }

// ReaderKey is where it is kept which feed reads a source. Keys of S3 may be as long as this one would be, hence the digest.
func (l Layout) ReaderKey(bucket, key string) string {
	sum := sha256.Sum256([]byte(bucket + "\n" + key))
	return l.StatePrefix + "sources/" + hex.EncodeToString(sum[:16]) + ".json"
}

// ReportKey is where a report is kept: its summary (json), every finding (csv) and the page for people (html).
func (l Layout) ReportKey(account string, kind feed.Kind, sequence int64, extension string) string {
	return fmt.Sprintf("%sreports/%06d.%s", l.feedPrefix(account, kind), sequence, extension)
}

func (l Layout) feedPrefix(account string, kind feed.Kind) string {
	return l.StatePrefix + account + "/" + string(kind) + "/"
}
