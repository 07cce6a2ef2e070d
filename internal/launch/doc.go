// Package launch starts syncs. Whoever does it, a person at a terminal or the dispatcher of a shard, starts the same
// run under the same id, so that a run which is under way is joined and none runs beside it.
package launch
