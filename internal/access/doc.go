// Package access is who may ask and tell starter serve what: tokens, each with a name and a scope, and some for one
// account alone. It keeps digests of tokens and never the tokens.
package access
