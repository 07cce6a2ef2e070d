// Package desk is what people ask Vitrine and tell it, whichever way they come: the command line and the API of starter
// serve say the same in the same documents. It reads accounts, catalogs, reports and orders from the state bucket and
// from Temporal, and passes verdicts and commands on to the workflows that they are for.
package desk
