// Package server answers HTTP: Stripe's events (POST /webhooks/stripe), Stripe's questions during a checkout
// (POST /hooks/stripe), what merchants' systems report about their orders (POST /orders/…), and what a platform's pages
// need to embed an account's settings at Stripe (POST /accounts/…).
//
// Whatever comes from the internet enters through one entrance, which bounds what strangers cost, and is counted and
// logged by its route. What an event or a report means is for internal/intake and the orders' workflows to say; what a
// question is answered, for internal/checkout.
package server
