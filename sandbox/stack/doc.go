// Package stack brings up everything that Vitrine talks to, in this process and on this machine: Temporal with its Web
// UI, an S3 endpoint, an emulator of Stripe, and a mail catcher. It leaves nothing behind.
package stack
