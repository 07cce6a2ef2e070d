// Package privacy finds what Vitrine keeps of the buyer of one order, and erases it.
package privacy
