// Package child runs the built binaries as processes of their own, and makes sure that none of them outlives whoever
// started it.
package child
