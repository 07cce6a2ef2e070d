// Package stripesim is a stand-in for Stripe: a stateful HTTP emulator of the two ways to import a catalog, and of what
// follows when agents buy from it, for tests, demos and development without a key. One way is the Files API with import
// sets of the Data Management API (v1), the other the Product Catalog Import API (v2). It keeps files on disk and one
// catalog per account, whichever way it came; it tells of orders by signed webhooks; and it misbehaves on request.
//
// Point a client's API base and files base at one address that serves a *Server. It answers
//
//	POST /v1/files                                multipart upload
//	GET  /v1/files                                list, by purpose
//	GET  /v1/files/{id}                           the file object
//	GET  /v1/files/{id}/contents                  its bytes
//	POST /v1/data_management/import_sets          start an import
//	GET  /v1/data_management/import_sets/{id}     read it
//	POST /v2/commerce/product_catalog/imports     begin an import; the answer has the URL for its upload
//	GET  /v2/commerce/product_catalog/imports     list them, by ?feed_type= and ?status=, in pages of ?limit=
//	GET  /v2/commerce/product_catalog/imports/{id}  read it
//	POST /v1/reporting/report_runs                begin the report catalog_feed.product.1, with parameters[columns]
//	GET  /v1/reporting/report_runs/{id}           read it; its result is a file
//	GET  /v1/reporting/report_types/{id}          how far its data reaches, and its columns
//
// and for the account that Stripe-Account names, and its orders
//
//	GET  /v1/account                              how it stands with Stripe; without Stripe-Account the platform itself
//	POST /v1/account_sessions                     account, components[agentic_commerce_settings][enabled]
//	GET  /v1/webhook_endpoints                    list
//	GET  /v2/core/event_destinations              list, with include[0]=webhook_endpoint.url, in pages of ?limit=
//	GET  /v2/orchestrated_commerce/agreements     list, by ?network_business_profile=, in pages of ?limit=
//	GET  /v2/orchestrated_commerce/agreements/{id}
//	POST /v2/orchestrated_commerce/agreements     orchestrator
//	POST /v2/orchestrated_commerce/agreements/{id}/terminate
//	GET  /v1/checkout/sessions                    list, by payment_intent, status and created
//	GET  /v1/checkout/sessions/{id}               expand line_items (data.price.product, data.taxes), payment_intent
//	                                              (latest_charge, agent_details), shipping_cost.shipping_rate
//	GET  /v1/checkout/sessions/{id}/line_items    in pages; expand data.price.product, data.taxes
//	GET  /v1/payment_intents/{id}                 expand latest_charge, agent_details
//	POST /v1/payment_intents/{id}/capture         amount_to_capture, application_fee_amount, metadata; once
//	POST /v1/payment_intents/{id}/cancel          cancellation_reason
//	GET  /v1/charges/{id}
//	POST /v1/refunds                              payment_intent or charge, amount, reason, metadata
//	GET  /v1/refunds, /v1/refunds/{id}            list, by payment_intent, charge and created
//	POST /v1/disputes/{id}                        evidence, metadata, submit
//	GET  /v1/disputes, /v1/disputes/{id}          list, by payment_intent, charge and created
//	GET  /v1/events, /v1/events/{id}              of 30 days; list, by types or type, created and delivery_success
//
// with Stripe's authentication (Bearer or Basic), Stripe-Account, Stripe-Version, Idempotency-Key, Request-Id and error
// envelope. Lists come newest first, in pages by limit, starting_after and ending_before. Anything else is Stripe's
// 404, and a parameter that is not emulated is one that is not known. Signed URLs need no key, and refuse a client that
// sends it:
//
//	PUT  /_uploads/{token}                        the file of an import, which starts with it
//	GET  /_downloads/{token}                      the rows that an import refused
//
// v1 takes the feeds product_catalog_feed and inventory_feed, v2 takes product, inventory, pricing and promotion.
//
// # What is known and what is not
//
// Stripe documents less than an emulator needs. Where its behaviour is not documented, the stricter reading is taken
// and a comment at that place says so, so that a client which passes here has no reason to fail there. The message
// texts are invented, all of them: match status, type, code and param, never text.
//
// Known of v2: the parameters, the object, its statuses and what goes with each, the URLs that expire, keys that live
// 30 days and replay successes alone. Not known, so decided here: that reading an import renews the URL of its upload,
// that an import takes one file and fails an hour after it began without one, that a refused row keeps its product from
// being removed by mode replace, that an empty cell of an inventory or pricing row clears, how pages are counted, what
// the columns of the file of refused rows are (v1's, with stripe_error_message before them) and how the host of signed
// URLs words its refusals. Not emulated: Stripe-Context, the filters by creation time, and events of imports.
//
// Known of reports: the objects, that the columns are the feed's in alphabetical order, that the data is at most 15
// minutes old, and that a run is pending until it has succeeded or failed. Not known, so decided here: that it is run
// for a connected account by Stripe-Account, and in a sandbox; in which order its rows come (in none); that a cell is
// as it was imported; and that of a product whose row was not kept all but a few columns are empty, which is so here
// alone.
//
// Known of orders: the shapes of the objects, which a test in the sandbox compares with Stripe's OpenAPI document;
// where an order's facts stand; which events come of what; that agent_details and external_reference appear under
// preview versions alone; how webhooks are signed and retried; the bodies of the hooks, with both spellings of the line
// items, and their four seconds. Not known, so decided here:
//
//   - agent_details is shown to whoever expands it, and external_reference from version 2025-12-15.preview on.
//   - A session whose payment awaits its capture is unpaid. It is paid once it was captured; no event says so but
//     payment_intent.succeeded.
//   - What a partial capture, a cancellation or the end of an authorization gives back is a refund: public clients see it
//     in the charge's amount_refunded, with an object. It emits refund.created; a cancellation charge.refunded as well,
//     an authorization that ends charge.expired. That a partial capture emits no charge.refunded is a guess.
//   - Events that are listed have no account, and those that are delivered to Connect endpoints have.
//   - An order ships for the dearest of what its products ask for the buyer's country.
//   - A hook carries the session's id as checkout_session. An agent takes the first shipping option.
//   - Purchases leave the stock in the catalog as the merchant sent it.
//   - Of products whose row was not kept (see [simcontrol.Product]) nobody knows shipping, tax behaviour or disable_checkout: they ship
//     free, and can be bought.
//
// Not emulated: live mode, destination charges, promotions and discounts, Stripe Tax, rates that exist already, several
// captures of a payment, inquiries (disputes that begin with a warning), files as evidence (an id is taken unseen), the
// money on the platform's account, thin events but those of agreements, and the registration of endpoints at Stripe:
// the control API does it. Events that a merchant does not need come as well (payment_intent.created, charge.pending,
// …), as they do from Stripe.
//
// # The control API
//
// Everything under /_sim/ belongs to the emulator and needs no key. Bodies are JSON. [simcontrol.Client] is the client
// for Go.
//
//	GET    /_sim/accounts/{account}/catalog         {"account":…,"count":…,"products":[…]} ordered by id;
//	                                                ?limit=100&after=ID pages through a long one
//	GET    /_sim/accounts/{account}/catalog/{id}    one product; 404 if the account does not have it
//	POST   /_sim/accounts/{account}/catalog/{id}    {"title":…} changes or adds it behind everybody's back
//	DELETE /_sim/accounts/{account}/catalog/{id}    takes it away behind everybody's back
//	GET    /_sim/accounts/{account}/promotions      the account's promotions, ordered by id
//	POST   /_sim/accounts/{account}                 {"charges_enabled":false,…}: how it stands: [simcontrol.Standing]
//	POST   /_sim/accounts/{account}/agreements      {"agent":…,"profile":…,"status":…}: an agreement: [simcontrol.Agreement]
//	POST   /_sim/agreements/{id}                    {"by":"seller","do":"confirm"}: what a party does to it
//	GET    /_sim/files                              uploaded files and error files of both APIs, oldest first
//	GET    /_sim/imports                            imports of both APIs, oldest first
//	GET    /_sim/requests                           calls but those of this table, oldest first, at most the newest 10,000;
//	                                                never a key or a signed URL
//	GET    /_sim/stats                              counts, and how many imports were in flight at once
//	GET    /_sim/faults                             armed faults and how often each one struck
//	POST   /_sim/faults                             arm a fault; answers with its id
//	DELETE /_sim/faults                             disarm all of them
//	GET    /_sim/settings                           {"import_delay":…,"orders":{…}}: see [simcontrol.Settings], [simcontrol.OrderSettings]
//	POST   /_sim/settings                           changes what the body names: {"import_delay":"2s"} for imports created
//	                                                from now on, {"orders":{"duplicates":0.1,"drop_next":2}}
//	POST   /_sim/keys/revoke                        {"key":"sk_test_…"}: it is answered with 401 from now on
//	POST   /_sim/reset                              forget everything, faults and revoked keys included
//
// and of orders
//
//	POST   /_sim/agent/purchase                     an agent buys: see [simcontrol.Purchase]; answers with [simcontrol.Purchased], or refuses with
//	                                                {"error":…,"code":…,"hook_calls":[…]}: 402 declined, card_declined,
//	                                                hook_timeout; 424 hook_failed, hook_answer; 409 for what the catalog
//	                                                has not
//	POST   /_sim/agent/availability                 {"account":…,"sku":…} asks the merchant's hook: [simcontrol.Availability]
//	POST   /_sim/hooks                              {"account":…,"url":…,"secret":…}; without account for all, without URL
//	                                                to take it away: [simcontrol.Hook]
//	GET    /_sim/hooks/calls                        calls of hooks, oldest first: [simcontrol.HookCall]
//	GET    /_sim/orders                             orders with what was captured, refunded and disputed: [simcontrol.Order]
//	GET    /_sim/orders/{id}                        one of them, by its session or its payment intent
//	POST   /_sim/orders/{id}/refund                 {"amount":100} by the merchant's staff; no amount for all that is left
//	POST   /_sim/orders/{id}/dispute                {"amount":100,"reason":"fraudulent"} by the buyer
//	POST   /_sim/orders/{id}/settle                 {"status":"succeeded"} or failed: ends a delayed payment
//	POST   /_sim/orders/{id}/authorization          moves the end of an authorization
//	POST   /_sim/orders/{id}/expire                 ends an authorization, or a session that was not paid
//	POST   /_sim/disputes/{id}                      {"status":"won"} or lost close it; needs_response, under_review
//	POST   /_sim/refunds/{id}                       {"status":"failed"} or succeeded
//	GET    /_sim/events                             events, oldest first: [simcontrol.Event]
//	POST   /_sim/events/{id}/resend                 to every endpoint that wants it
//	GET    /_sim/webhooks                           endpoints: [simcontrol.Endpoint]
//	POST   /_sim/webhooks                           {"url":…,"secrets":[…],"connect":true,"enabled_events":[…]}
//	POST   /_sim/webhooks/{id}                      the same, for an endpoint that is there: to roll its secret
//	DELETE /_sim/webhooks/{id}                      take it away
//	POST   /_sim/webhooks/{id}/send                 {"payload":{…},"secret":…} sends a body as it is, once: [simcontrol.Attempt]
//	GET    /_sim/deliveries                         deliveries and their attempts, at most the newest 10,000: [simcontrol.Delivery]
//
// A list answers with {"data":[…]}; ?account=acct_… narrows files, imports, requests, orders, events, deliveries and
// calls of hooks.
//
// # Webhooks
//
// Every event goes to every endpoint that wants it, in no order, and is tried again after retry_delay, twice that, and
// so on, until it is taken with a 2xx or the retries are used up; then GET /v1/events?delivery_success=false still has
// it. What goes wrong on the way is drawn from the seed and the numbers of the event and the endpoint, so that two runs
// which do the same meet the same misfortunes: jitter, drops and duplicates. See [simcontrol.OrderSettings] for those,
// for signatures that are too old and for events of test mode at endpoints of live mode.
//
// # Faults
//
// A fault strikes calls that its match fits: method, path_prefix and account, each of them optional; a signed URL
// belongs to the account of its import. It lets the first `skip` of them pass, then strikes `times` times (0 means
// once, -1 until it is disarmed). The first armed fault that fits wins. Keys are checked before faults, so an unknown
// key stays a 401.
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
//	report_fail        the report that this call begins ends failed, with message as the reason
//	report_stuck       the report that this call begins never ends
//	page               answer with status and a web page, as something in front of the API does: no envelope, no Request-Id
//
// These make the answers about an import odd. They strike the call that creates it:
//
//	import_refuse      rows with these ids are refused, with message as the reason; deletions, too
//	import_result      once it has ended, it says that it ended as status_text, and shows result in place of its own: the
//	                   member result of v1, or what stands under the status in status_details of v2; null without one
//	error_file         its file of refused rows is odd: capitals, cut_off, empty, fewer, gzip, headless, html, no_ids, others
//	                   (that were not in the import), renamed, semicolon, strange, tabs, unbalanced, utf16be, utf16le
//	import_fail        with listed, it fails and has a file of the rows that it would have refused
package stripesim
