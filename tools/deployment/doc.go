// Package deployment holds what is in deploy to what the code has: every metric of a rule or a dashboard, every field
// of a manifest, every variable. It is a module of its own, so that what reads such files stays out of the product's
// go.mod.
package deployment
