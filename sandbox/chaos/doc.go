// Package chaos breaks a deployment of containers on purpose while merchants change their catalogs and agents buy, and
// says what became of both. It needs Linux, a Docker engine on this machine, and root: for the containers' networks,
// disks and clocks.
//
// A run is: bring docker-compose.yml up on disks of its own, put everybody on board, break one thing after the other
// for a while, mend each, and wait until Stripe has what the merchants have and every order is decided. Nobody does
// anything by hand in between, but for what is lost for good: then the handbook's own commands are run.
package chaos
