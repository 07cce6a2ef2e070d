// Package stripesim is a stand-in for Stripe: a stateful HTTP emulator of the two ways to import a catalog, for tests,
// demos and development without a key. One way is the Files API with import sets of the Data Management API (v1), the
// other the Product Catalog Import API (v2). It keeps files on disk and one catalog per account, whichever way it came,
// and it misbehaves on request.
//
// Point a client's API base and files base at one address that serves a *Server. It answers
//
//	POST /v1/files                                multipart upload
//	GET  /v1/files/{id}                           the file object
//	GET  /v1/files/{id}/contents                  its bytes
//	POST /v1/data_management/import_sets          start an import
//	GET  /v1/data_management/import_sets/{id}     read it
//	POST /v2/commerce/product_catalog/imports     begin an import; the answer has the URL for its upload
//	GET  /v2/commerce/product_catalog/imports     list them, by ?feed_type= and ?status=, in pages of ?limit=
//	GET  /v2/commerce/product_catalog/imports/{id}  read it
//
// with Stripe's authentication (Bearer or Basic), Stripe-Account, Stripe-Version, Idempotency-Key, Request-Id and error
// envelope. Anything else is Stripe's 404. Signed URLs need no key, and refuse a client that sends it:
//
//	PUT  /_uploads/{token}                        the file of an import, which starts with it
//	GET  /_downloads/{token}                      the rows that an import refused
//
// v1 takes the feeds product_catalog_feed and inventory_feed, v2 takes product, inventory, pricing and promotion.
//
// # What is known and what is not
//
// Stripe documents less than an emulator needs. Where its behaviour is not documented, the stricter reading is taken and
// a comment at that place says so, so that a client which passes here has no reason to fail there. The message texts are
// invented, all of them: match status, type, code and param, never text.
//
// Known of v2: the parameters, the object, its statuses and what goes with each, the URLs that expire, keys that live 30
// days and replay successes alone. Not known, so decided here: that reading an import renews the URL of its upload, that
// an import takes one file and fails an hour after it began without one, that a refused row keeps its product from being
// removed by mode replace, that an empty cell of an inventory or pricing row clears, how pages are counted, what the
// columns of the file of refused rows are (v1's, with stripe_error_message before them) and how the host of signed URLs
// words its refusals. Not emulated: Stripe-Context, the filters by creation time, and events.
//
// # The control API
//
// Everything under /_sim/ belongs to the emulator and needs no key. Bodies are JSON. [Control] is the client for Go.
//
//	GET    /_sim/accounts/{account}/catalog         {"account":…,"count":…,"products":[…]} ordered by id;
//	                                                ?limit=100&after=ID pages through a long one
//	GET    /_sim/accounts/{account}/catalog/{id}    one product; 404 if the account does not have it
//	GET    /_sim/accounts/{account}/promotions      the account's promotions, ordered by id
//	GET    /_sim/files                              uploaded files and error files of both APIs, oldest first
//	GET    /_sim/imports                            imports of both APIs, oldest first
//	GET    /_sim/requests                           calls but those of this table, oldest first, at most the newest 10,000;
//	                                                never a key or a signed URL
//	GET    /_sim/stats                              counts, and how many imports were in flight at once
//	GET    /_sim/faults                             armed faults and how often each one struck
//	POST   /_sim/faults                             arm a fault; answers with its id
//	DELETE /_sim/faults                             disarm all of them
//	POST   /_sim/settings                           {"import_delay":"2s"} for imports created from now on
//	POST   /_sim/keys/revoke                        {"key":"sk_test_…"}: it is answered with 401 from now on
//	POST   /_sim/reset                              forget everything, faults and revoked keys included
//
// A list answers with {"data":[…]}; ?account=acct_… narrows files, imports and requests.
//
// # Faults
//
// A fault strikes calls that its match fits: method, path_prefix and account, each of them optional; a signed URL belongs
// to the account of its import. It lets the first
// `skip` of them pass, then strikes `times` times (0 means once, -1 until it is disarmed). The first armed fault that
// fits wins. Keys are checked before faults, so an unknown key stays a 401.
//
//	status             answer with status, code, message, retry_after (the header, as is) and type. A 500 is stored under
//	                   the call's idempotency key and replayed, as Stripe does; 429 and 502 to 504 are not, because they
//	                   come from in front of the API. "stored" decides it explicitly. Under /v2 no failure is replayed
//	latency            wait for delay, then go on
//	cut_request_after  read `bytes` of the request's body, then cut the connection
//	cut_response       do the work, send `bytes` of the answer's body, then cut the connection
//	lose_response      do the work, then cut the connection without an answer
//	import_fail        the import that this call creates ends failed, with message as the reason
//	import_stuck       the import that this call creates never ends
//	import_status      this read of an import reports status_text instead; empty leaves the status out
package stripesim
