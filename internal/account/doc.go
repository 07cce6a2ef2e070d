// Package account holds what is about a connected account as a whole, and not about one of its catalogs or orders: what
// its id looks like, its settings (which feeds are synced, from where, how often, and by which rules), and that no two
// accounts read the same source.
package account
