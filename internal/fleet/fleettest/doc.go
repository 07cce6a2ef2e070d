// Package fleettest is a fleet without its servers: merchants who export, an S3 that is listed, a Temporal that runs
// syncs and a Stripe that takes them, in a time of its own. Whoever tries the dispatcher's decisions, or simulates a
// fleet for a week, leads the very code of internal/fleet through it.
package fleettest
