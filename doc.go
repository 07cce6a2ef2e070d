// Package vitrine is the root of the module. It holds no code, only the tests of what must be true of every package:
// who may import whom, and which documents keep up with the code.
package vitrine
