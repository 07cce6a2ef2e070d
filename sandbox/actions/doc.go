// Package actions counts what Temporal Cloud bills.
package actions
