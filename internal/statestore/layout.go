package statestore

import (
	"crypto/sha256"
	"encoding/hex"
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

// SettingsPrefix is what the keys of accounts' settings begin with, whatever the layout's prefix is.
const SettingsPrefix = "accounts/"

// SettingsKey is where the settings of an account are kept.
func (l Layout) SettingsKey(account string) string { return SettingsPrefix + account + ".json" }

// AssortmentKey is where it is kept what an account sells as Stripe has it, all its feeds together.
func (l Layout) AssortmentKey(account string) string {
	return l.StatePrefix + account + "/product/assortment"
}

// ReaderKey is where it is kept which feed reads a source. Keys of S3 may be as long as this one would be, hence the
// digest.
func (l Layout) ReaderKey(bucket, key string) string {
	sum := sha256.Sum256([]byte(bucket + "\n" + key))
	return l.StatePrefix + "sources/" + hex.EncodeToString(sum[:16]) + ".json"
}

// PreflightKey is where conditional writes are tried before a worker takes work; name is one that nothing else has.
func (l Layout) PreflightKey(name string) string { return l.StatePrefix + "preflight-" + name }
