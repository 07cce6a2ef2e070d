// Package staging reads a source once, compares it with what Stripe has, and stages in S3 what Stripe is to get. It is
// the part of a sync that touches nothing but S3, so a dry run is the same code with another output.
package staging
