package server

import (
	_ "embed"
	"net/http"
)

// document describes every route to machines (OpenAPI 3.1). It is made from the routes and the types that they answer
// with, by the tests, which hold every answer to it.
//
//go:embed openapi.json
var document []byte

// serveDocument needs no token: what there is to ask is no secret, and generators of clients ask without one.
func serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Access-Control-Allow-Origin", "*") // for readers of such documents, which run in browsers
	_, _ = w.Write(document)
}
