// Package ports finds TCP ports on the loopback interface, and tells whether a service answers on one.
package ports
