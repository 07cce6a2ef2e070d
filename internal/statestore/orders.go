package statestore

import "cmp"

// OrdersPrefix is what the keys of orders begin with that merchants fetch, unless their settings say otherwise.
const OrdersPrefix = "orders/"

// personalPrefix is what the keys of documents about a buyer begin with, below the layout's prefix. S3's lifecycle
// rules choose objects by what their keys begin with: such documents have an end of their own, and the records beside
// which they once lay do not.
const personalPrefix = "personal/"

// SweepKey is where it is kept how far the sweep has read an account's events.
func (l Layout) SweepKey(account string) string {
	return l.StatePrefix + account + "/orders/sweep.json"
}

// OrderKeys are the keys of what is kept of one order.
type OrderKeys struct{ statePrefix, order string }

// Order is where everything is kept of one order, which its account and its checkout session name.
func (l Layout) Order(account, session string) OrderKeys {
	return OrderKeys{l.StatePrefix, account + "/orders/" + session + "/"}
}

// RecordKey is where the record of a settled order is kept.
func (k OrderKeys) RecordKey() string { return k.statePrefix + k.order + "record.json" }

// EvidenceKey is where the bundle against a dispute is kept.
func (k OrderKeys) EvidenceKey(dispute string) string { return k.EvidencePrefix() + dispute + ".json" }

// EvidencePrefix is what the keys of the order's bundles begin with.
func (k OrderKeys) EvidencePrefix() string {
	return k.statePrefix + personalPrefix + k.order + "evidence-"
}

// FormerEvidencePrefix is what the keys of bundles began with that an older worker wrote.
func (k OrderKeys) FormerEvidencePrefix() string { return k.statePrefix + k.order + "evidence-" }

// Place is where orders lie that a merchant fetches from a bucket:
//
//	<prefix><account>/<session>.json                the order
//	<prefix><account>/<session>/<notice id>.json    what became of it later
type Place struct{ Bucket, Prefix string }

// Place is the place that an account's settings name; what they leave empty is the usual.
func (l Layout) Place(bucket, prefix string) Place {
	return Place{Bucket: cmp.Or(bucket, l.StateBucket), Prefix: cmp.Or(prefix, OrdersPrefix)}
}

// OrderKey is where an order lies.
func (p Place) OrderKey(account, session string) string {
	return p.Prefix + account + "/" + session + ".json"
}

// NoticeKey is where a notice of an order lies.
func (p Place) NoticeKey(account, session, notice string) string {
	return p.NoticePrefix(account, session) + notice + ".json"
}

// NoticePrefix is what the keys of an order's notices begin with.
func (p Place) NoticePrefix(account, session string) string {
	return p.Prefix + account + "/" + session + "/"
}
