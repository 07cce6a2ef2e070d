// Package compose holds docker-compose.yml to the code. It is a module of its own, so that compose's own reader decides
// about no version of the product's or the sandbox's.
package compose
