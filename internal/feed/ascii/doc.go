// Package ascii says what the bytes of a text are: letters and digits one by one, anything else eight bytes at once.
// Nearly all cells of a feed are plain ASCII, and whether one is has to cost next to nothing.
package ascii
