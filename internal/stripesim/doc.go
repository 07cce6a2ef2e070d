// Package stripesim is a stand-in for Stripe: a stateful HTTP emulator of the Files API and of the Data Management API
// (import sets), for tests, demos and development without a key. It keeps files on disk and a catalog per account, and
// it misbehaves on request.
//
// Point a client's API base and files base at one address that serves a *Server. It answers
//
//	POST /v1/files                                multipart upload
//	GET  /v1/files/{id}                           the file object
//	GET  /v1/files/{id}/contents                  its bytes
//	POST /v1/data_management/import_sets          start an import
//	GET  /v1/data_management/import_sets/{id}     read it
//
// with Stripe's authentication (Bearer or Basic), Stripe-Account, Stripe-Version, Idempotency-Key, Request-Id and error
// envelope. Anything else under /v1 is Stripe's 404.
//
// # What is known and what is not
//
// Stripe documents less than an emulator needs. Where its behaviour is not documented, the stricter reading is taken and
// a comment at that place says so, so that a client which passes here has no reason to fail there. The message texts are
// invented, all of them: match status, type, code and param, never text.
//
// # The control API
//
// Everything under /_sim/ belongs to the emulator and needs no key. Bodies are JSON. [Control] is the client for Go.
//
//	GET    /_sim/accounts/{account}/catalog         {"account":…,"count":…,"products":[…]} ordered by id;
//	                                                ?limit=100&after=ID pages through a long one
//	GET    /_sim/accounts/{account}/catalog/{id}    one product; 404 if the account does not have it
//	GET    /_sim/files                              uploaded files and error files, oldest first
//	GET    /_sim/imports                            import sets, oldest first
//	GET    /_sim/requests                           calls under /v1, oldest first, at most the newest 10,000; never a key
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
// A fault strikes calls that its match fits: method, path_prefix and account, each of them optional. It lets the first
// `skip` of them pass, then strikes `times` times (0 means once, -1 until it is disarmed). The first armed fault that
// fits wins. Keys are checked before faults, so an unknown key stays a 401.
//
//	status             answer with status, code, message, retry_after (the header, as is) and type. A 500 is stored under
//	                   the call's idempotency key and replayed, as Stripe does; 429 and 502 to 504 are not, because they
//	                   come from in front of the API. "stored" decides it explicitly
//	latency            wait for delay, then go on
//	cut_request_after  read `bytes` of the request's body, then cut the connection
//	cut_response       do the work, send `bytes` of the answer's body, then cut the connection
//	lose_response      do the work, then cut the connection without an answer
//	import_fail        the import that this call creates ends failed, with message as the reason
//	import_stuck       the import that this call creates never ends
//	import_status      this read of an import reports status_text instead; empty leaves the status out
package stripesim
