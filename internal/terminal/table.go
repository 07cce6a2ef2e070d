package terminal

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Table is text in columns. A column whose title begins with # holds numbers, which are aligned to the right. The last
// one may hold sentences, if its title begins with ~. Cells of a column whose title begins with / may break between
// words.
//
// Where a terminal is too narrow, it is narrowed in the order of what is lost: titles of several words and cells that
// may, break; sentences break into lines, then go below their row; then the columns that are missed least go there,
// with their titles; and what is still too wide is printed as a list. Nothing is left out.
type Table struct {
	header []string
	Rows   [][]string

	// titles of columns that may go below, the one that is missed least first
	Spare  []string
	Width  int                                   // of the terminal; 0: there is none, and lines are as long as they are
	Indent int                                   // before each line
	paint  func(title, cell, part string) string // colours a part of a cell; nil: none is coloured
}

// Table makes one for stdout.
func (t *Terminal) Table(header ...string) *Table {
	return &Table{header: header, Width: t.Width(t.Stdout), paint: t.paintCell}
}

// Add adds a row, with a cell for each title.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Write prints the table with its header.
func (t *Table) Write(w io.Writer) { t.print(w, true) }

// WriteRows prints the table without its header.
func (t *Table) WriteRows(w io.Writer) { t.print(w, false) }

const (
	columnGap     = 2
	leastSentence = 24 // columns
	belowIndent   = 4
)

// column is one column as it is printed.
type column struct {
	title    string
	cells    []string
	width    int
	number   bool
	sentence bool
	breaks   bool // its cells break between words
	titled   bool
	below    bool // its cells are printed below their rows
}

func (t *Table) print(w io.Writer, titled bool) {
	all := t.columns(titled)
	width := t.Width - t.Indent
	if t.Width > 0 {
		t.fit(all, width)
	}
	if t.Width > 0 && spread(all) > width {
		t.printList(w)
		return
	}
	if titled {
		t.write(w, t.headlines(all))
	}
	for i := range t.Rows {
		t.write(w, t.lines(all, i))
	}
}

func (t *Table) write(w io.Writer, lines []string) {
	for _, line := range lines {
		fmt.Fprintln(w, strings.TrimRight(strings.Repeat(" ", t.Indent)+line, " "))
	}
}

func (t *Table) columns(titled bool) []column {
	all := make([]column, len(t.header))
	for i, title := range t.header {
		c := column{
			title: strings.TrimLeft(title, "#~/"), titled: titled, number: strings.HasPrefix(title, "#"),
			sentence: strings.HasPrefix(title, "~"), breaks: strings.HasPrefix(title, "/"),
		}
		if titled {
			c.width = Breadth(c.title)
		}
		for _, row := range t.Rows {
			cell := Printable(row[i])
			c.cells, c.width = append(c.cells, cell), max(c.width, Breadth(cell))
		}
		all[i] = c
	}
	return all
}

// spread is how wide the columns are side by side.
func spread(all []column) (width int) {
	for _, c := range all {
		if !c.below {
			width += c.width + columnGap
		}
	}
	return width - columnGap
}

// fit narrows the columns as far as they have to be.
func (t *Table) fit(all []column, width int) {
	last := &all[len(all)-1]
	if last.sentence {
		last.giveWay(spread(all)-width, width)
	}
	for _, cells := range []bool{false, true} { // titles break first
		for i := range all {
			if all[i].breaks == cells {
				all[i].narrow(spread(all) - width)
			}
		}
	}
	for _, title := range t.Spare {
		if spread(all) <= width {
			break
		}
		at := slices.IndexFunc(all, func(c column) bool { return c.title == title })
		all[at].below = true
	}
	for i := range all { // what has gone below left room
		all[i].widen(width - spread(all))
	}
	for i := range all {
		all[i].tighten()
	}
}

// giveWay takes over columns from sentences, or puts them below their rows.
func (c *column) giveWay(over, width int) {
	if over <= 0 {
		return
	}
	longest := longestWord(strings.Join(c.cells, " "), width-belowIndent)
	c.below = c.width-over < max(min(c.width, leastSentence), longest)
	c.width -= over
}

// narrow takes up to over columns from one whose title or cells may break.
func (c *column) narrow(over int) {
	if over > 0 && !c.sentence && !c.below {
		c.width = max(c.width-over, c.least())
	}
}

// widen gives up to room columns back.
func (c *column) widen(room int) {
	if room > 0 && !c.sentence && !c.below {
		c.width = min(c.width+room, c.most())
	}
}

// tighten takes away what no line of a broken title or cell takes.
func (c *column) tighten() {
	if c.sentence || c.below {
		return
	}
	texts := c.cells
	if c.titled {
		texts = append([]string{c.title}, texts...)
	}
	taken := 0
	for _, text := range texts {
		for _, line := range wrapped(text, c.width) {
			taken = max(taken, Breadth(line))
		}
	}
	c.width = taken
}

// least is how narrow a column may be, with its title and its cells broken as far as they may.
func (c *column) least() (width int) {
	if c.titled {
		width = longestWord(c.title, Breadth(c.title))
	}
	for _, cell := range c.cells {
		if c.breaks {
			width = max(width, longestWord(cell, Breadth(cell)))
		} else {
			width = max(width, Breadth(cell))
		}
	}
	return width
}

// most is how wide a column is where there is room.
func (c *column) most() (width int) {
	if c.titled {
		width = Breadth(c.title)
	}
	for _, cell := range c.cells {
		width = max(width, Breadth(cell))
	}
	return width
}

func (t *Table) headlines(all []column) []string {
	return t.side(all, func(c column) string { return c.title }, heading)
}

// heading stands for the title of what is painted as one.
const heading = "heading"

// lines are those of one row.
func (t *Table) lines(all []column, row int) []string {
	lines := t.side(all, func(c column) string { return c.cells[row] }, "")
	var facts []string
	for _, c := range all {
		cell := c.cells[row]
		switch {
		case !c.below || cell == "" || cell == "-":
		case c.sentence:
			lines = append(lines, t.further(strings.Join(facts, ", "))...)
			facts = []string{cell}
		default:
			facts = append(facts, strings.ToLower(c.title)+" "+cell)
		}
	}
	return append(lines, t.further(strings.Join(facts, ", "))...)
}

// further are lines below a row.
func (t *Table) further(text string) []string {
	if text == "" {
		return nil
	}
	return indented(wrapped(text, t.Width-t.Indent-belowIndent), belowIndent)
}

// side puts the cells of the columns side by side: as many lines as the longest of them breaks into. They are painted
// as their columns are, unless as something else.
func (t *Table) side(all []column, cellOf func(column) string, as string) (lines []string) {
	beside := slices.DeleteFunc(slices.Clone(all), func(c column) bool { return c.below })
	for n, height := 0, 1; n < height; n++ {
		var line strings.Builder
		for _, c := range beside {
			cell, part := cellOf(c), ""
			parts := wrapped(cell, max(c.width, 1))
			height = max(height, len(parts))
			if n < len(parts) {
				part = parts[n]
			}
			line.WriteString(c.aligned(part, t.painted(cmp.Or(as, c.title), cell, part)))
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return lines
}

// aligned fills a part of a cell up to the width of its column; shown is the part with its colour.
func (c column) aligned(part, shown string) string {
	space := strings.Repeat(" ", max(0, c.width-Breadth(part)))
	if c.number {
		return space + shown + strings.Repeat(" ", columnGap)
	}
	return shown + space + strings.Repeat(" ", columnGap)
}

func (t *Table) painted(title, cell, part string) string {
	if t.paint == nil || part == "" {
		return part
	}
	return t.paint(title, cell, part)
}

// printList prints a row as a paragraph with a line for each cell, for what has no room for columns.
func (t *Table) printList(w io.Writer) {
	for i, row := range t.Rows {
		if i > 0 {
			fmt.Fprintln(w)
		}
		for j, cell := range row {
			lead := strings.TrimLeft(t.header[j], "#~/")
			if lead != "" {
				lead = strings.ToLower(lead) + " "
			}
			if cell = Printable(cell); cell != "" && cell != "-" {
				t.write(w, hung(lead, cell, t.Width-t.Indent))
			}
		}
	}
}
