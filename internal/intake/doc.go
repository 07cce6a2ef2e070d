// Package intake brings events of Stripe's to the workflows of their orders, whoever hears of them first: the webhook
// server or the sweep.
package intake
