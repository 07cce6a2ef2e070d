// Package keyring has the keys that encrypt: they are read from a file, have ids, and follow one another.
package keyring
