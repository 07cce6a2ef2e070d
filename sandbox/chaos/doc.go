// Package chaos breaks a deployment of containers on purpose while merchants change their catalogs and agents buy, and
// says what became of both. It needs a Docker engine, and root for what it does to a container's network.
//
// A run is: bring docker-compose.yml up, put everybody on board, break one thing after the other for a while, mend
// everything, and wait until Stripe has what the merchants have and every order is decided. Nobody does anything by
// hand in between.
package chaos
