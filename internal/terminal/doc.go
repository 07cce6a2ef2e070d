// Package terminal is what people see, and are asked, where they type commands: tables and texts that fit the width,
// colours, progress, lines that are drawn again in place, questions, and numbers, sizes and times in words.
//
// It shows what it is given. Where no person sits, nothing breaks, moves or is coloured: a script or a file has no
// width.
package terminal
