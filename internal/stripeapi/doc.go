// Package stripeapi makes every call to Stripe, for the catalog sync and for orders ([Orders]), and is the only place
// that knows stripe-go. It also checks the signatures of what Stripe sends ([VerifySignature]).
//
// Stripe has two ways to import a feed, and they have the same methods here: [ImportSets] (V1) and
// [ProductCatalogImports] (V2).
//
// stripe-go does the plain calls. It cannot do the upload of a catalog: it sends every file as
// application/octet-stream, where Stripe wants the file's own type, and holds the whole file in memory three times
// over. So an upload is our own streaming request. Both paths share one HTTP transport, which turns an answer that
// refuses into an [*Error] with a fault before either of them sees it: stripe-go would lose the status and the headers
// of an answer that is not JSON.
//
// Nobody retries here. Temporal does, and the faults say when and whether. (net/http alone repeats a plain call whose
// reused connection turns out to be closed, under the same idempotency key.)
package stripeapi
