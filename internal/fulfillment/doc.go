// Package fulfillment hands orders to merchants, and tells buyers: an HTTPS endpoint of the merchant's, signed by the
// Standard Webhooks scheme ([Endpoint]), a bucket that the merchant reads ([Drop]), and mail ([Mailer]). While a buyer
// checks out, it asks the merchant's endpoint what the merchant has to say.
//
// What goes out here is about a buyer. Errors say which order, where and why; never what the order says, nor what the
// other side answered in words of its own.
//
// Nobody retries here. Temporal does, for days if it has to, and the faults say when and whether. So everything can
// happen twice, and everything is made to be recognised: by idempotency keys, by conditional writes, by message ids.
package fulfillment
