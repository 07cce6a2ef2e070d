// Package contract holds the emulator's objects against Stripe's own OpenAPI document.
package contract
