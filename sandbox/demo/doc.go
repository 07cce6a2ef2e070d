// Package demo shows Vitrine at work, and checks everything that it shows: three shops' catalogs travel from S3 through
// Temporal into Stripe's emulator, and agents' orders come back, carried by the same worker and starter binaries that
// run in production.
package demo
