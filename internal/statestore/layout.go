package statestore

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Layout says where things are in S3.
//
//	<source bucket>/<source key>                          what the merchant exports
//	<state bucket>/accounts/<account>.json                the account's settings (starter accounts apply)
//	<state bucket>/accounts/<account>/orders.json         its settings for orders (starter order settings)
//	<state bucket>/<prefix><account>/<feed>/state.json    what was done last, and what is under way
//	<state bucket>/<prefix><account>/<feed>/manifest      what Stripe has: a fingerprint of every row
//	<state bucket>/<prefix><account>/product/assortment   what the account sells, for the hooks
//	<state bucket>/<prefix><account>/product/sold.json    what orders took since the merchant's last export
//	<state bucket>/<prefix><account>/<feed>/parts/…       staged parts, removed when a run settles
//	<state bucket>/<prefix><account>/product/audit.json   what the newest audit found, and beside it what it works on
//	<state bucket>/<prefix><account>/<feed>/reports/…     one report per run: .json, .csv and .html
//	<state bucket>/<prefix><account>/orders/sweep.json    how far the sweep has read the account's events
//	<state bucket>/<prefix>serve.json                     whether Stripe's webhooks are received, and since when
//	<state bucket>/<prefix><account>/orders/<session>/…   the record of an order
//	<state bucket>/<prefix>personal/…                     evidence, which names a buyer
//	<state bucket>/<prefix>sources/<digest>.json          which feed reads a source
//	<state bucket>/<prefix>fleet/plan.json                how the fleet is divided into shards (starter fleet apply)
//	<state bucket>/<prefix>fleet/<shard>/…                what a shard saw at its last look: snapshot, summary.json
//	<state bucket>/<prefix>standings/<account>.json       whether the account is parked, and why
//
// Orders that merchants fetch lie where their settings say: see Place.
type Layout struct {
	SourceBucket string
	SourceKey    string // template with {account} and {feed}
	StateBucket  string
	StatePrefix  string // ends in a slash, or empty
}

// SettingsPrefix is what the keys of accounts' settings begin with, whatever the layout's prefix is.
const SettingsPrefix = "accounts/"

const (
	settingsSuffix      = ".json"
	orderSettingsSuffix = "/orders.json"
)

// SettingsKey is where the settings of an account are kept.
func (l Layout) SettingsKey(account string) string { return SettingsPrefix + account + settingsSuffix }

// SettingsOf is whose settings SettingsKey has under a key; ok is false if it has none there.
func (l Layout) SettingsOf(key string) (account string, ok bool) {
	return between(SettingsPrefix, key, settingsSuffix)
}

// OrderSettingsKey is where the settings of an account for orders are kept.
func (l Layout) OrderSettingsKey(account string) string {
	return SettingsPrefix + account + orderSettingsSuffix
}

// OrderSettingsOf is SettingsOf for OrderSettingsKey.
func (l Layout) OrderSettingsOf(key string) (account string, ok bool) {
	return between(SettingsPrefix, key, orderSettingsSuffix)
}

// between is what stands between a prefix and a suffix: one name, and not the way to another.
func between(prefix, key, suffix string) (name string, ok bool) {
	rest, begins := strings.CutPrefix(key, prefix)
	name, ends := strings.CutSuffix(rest, suffix)
	return name, begins && ends && name != "" && !strings.Contains(name, "/")
}

// KeptPrefix begins the folders of the accounts that begin so: what is kept of each lies in one of its name.
func (l Layout) KeptPrefix(account string) string { return l.StatePrefix + account }

// StandingsPrefix is what the keys of accounts' standings begin with.
func (l Layout) StandingsPrefix() string { return l.StatePrefix + "standings/" }

// StandingKey is where it is kept whether an account is parked.
func (l Layout) StandingKey(account string) string {
	return l.StandingsPrefix() + account + settingsSuffix
}

// StandingOf is SettingsOf for StandingKey.
func (l Layout) StandingOf(key string) (account string, ok bool) {
	return between(l.StandingsPrefix(), key, settingsSuffix)
}

// AssortmentKey is where it is kept what an account sells as Stripe has it, all its feeds together.
func (l Layout) AssortmentKey(account string) string {
	return l.StatePrefix + account + "/product/assortment"
}

// SoldKey is where it is kept what orders took of an account's stock since the merchant last said what there is.
func (l Layout) SoldKey(account string) string { return l.StatePrefix + account + "/product/sold.json" }

// ReaderKey is where it is kept which feed reads a source. Keys of S3 may be as long as this one would be, hence the
// digest.
func (l Layout) ReaderKey(bucket, key string) string {
	sum := sha256.Sum256([]byte(bucket + "\n" + key))
	return l.StatePrefix + "sources/" + hex.EncodeToString(sum[:16]) + ".json"
}

// PresenceKey is where it is kept whether Stripe's webhooks are received.
func (l Layout) PresenceKey() string { return l.StatePrefix + "serve.json" }

// PreflightKey is where conditional writes are tried before a worker takes work; name is one that nothing else has.
func (l Layout) PreflightKey(name string) string { return l.StatePrefix + "preflight-" + name }
