// Package simcontrol steers the Stripe emulator over HTTP, wherever it runs, and looks into it: what tests, the demo
// and the sandbox use beside Stripe's own API. Its types are the bodies of the emulator's calls under /_sim/, which
// docs/emulator.md lists; the emulator answers with the same ones. It knows nothing of how the emulator works.
package simcontrol
