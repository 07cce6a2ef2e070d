// Package desktest is the world that the tests of a desk, of the API and of the console share: a store in memory, and
// as much of a Temporal as a desk talks to.
package desktest
