package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Table is text in columns. A column whose title begins with # holds numbers, which are aligned to the right. The last
// one may hold sentences, if its title begins with ~.
//
// Where a terminal is too narrow the sentences break into lines, then they go below their row, then the columns that
// can be spared go, and what is still too wide is printed as a list.
type Table struct {
	header []string
	Rows   [][]string

	Spare []string                        // titles of columns that can go, the one that is missed least first
	Width int                             // of the terminal; 0: there is none, and lines are as long as they are
	paint func(title, cell string) string // colours a cell; nil: none is coloured
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
)

// column is one column as it is printed.
type column struct {
	title    string
	cells    []string
	width    int
	number   bool
	sentence bool
	below    bool // its cells are printed below their rows
}

func (t *Table) print(w io.Writer, titled bool) {
	all, gone := t.fit(t.columns(titled))
	if t.Width > 0 && spread(all) > t.Width {
		t.printList(w)
		return
	}
	if titled {
		fmt.Fprintln(w, t.headline(all))
	}
	for i := range t.Rows {
		for _, line := range t.lines(all, i) {
			fmt.Fprintln(w, line)
		}
	}
	if len(gone) > 0 {
		missing := "There is no room here for " + strings.Join(gone, ", ") + ". --output json has everything."
		fmt.Fprintf(w, "\n%s\n", Hung("", missing, t.Width))
	}
}

func (t *Table) columns(titled bool) []column {
	all := make([]column, len(t.header))
	for i, title := range t.header {
		c := column{
			title:  strings.TrimLeft(title, "#~"),
			number: strings.HasPrefix(title, "#"), sentence: strings.HasPrefix(title, "~"),
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

func (t *Table) fit(all []column) (fitting []column, gone []string) {
	over := spread(all) - t.Width
	if t.Width <= 0 || over <= 0 {
		return all, nil
	}
	if last := &all[len(all)-1]; last.sentence {
		longest := longestWord(strings.Join(last.cells, " "), t.Width-2*columnGap)
		last.below = last.width-over < max(min(last.width, leastSentence), longest)
		last.width -= over
	}
	for _, title := range t.Spare {
		if spread(all) <= t.Width {
			break
		}
		all, gone = slices.DeleteFunc(all, func(c column) bool { return c.title == title }), append(gone, title)
	}
	return all, gone
}

func (t *Table) headline(all []column) string {
	var line strings.Builder
	for _, c := range all {
		if !c.below {
			line.WriteString(c.aligned(c.title, t.painted("", c.title)))
		}
	}
	return strings.TrimRight(line.String(), " ")
}

// lines are those of one row.
func (t *Table) lines(all []column, row int) []string {
	var line strings.Builder
	var further []string
	for _, c := range all {
		cell := c.cells[row]
		switch {
		case c.below && cell != "":
			further = strings.Split(indented(wrapped(cell, t.Width-2*columnGap), 2*columnGap), "\n")
		case c.below:
		case c.sentence && Breadth(cell) > c.width:
			at := spread(all) - c.width
			parts := wrapped(cell, c.width)
			line.WriteString(parts[0])
			further = strings.Split(indented(parts[1:], at), "\n")
		default:
			line.WriteString(c.aligned(cell, t.painted(c.title, cell)))
		}
	}
	return append([]string{strings.TrimRight(line.String(), " ")}, further...)
}

// aligned fills a cell up to the width of its column; shown is the cell with its colour.
func (c column) aligned(cell, shown string) string {
	space := strings.Repeat(" ", c.width-Breadth(cell))
	if c.number {
		return space + shown + strings.Repeat(" ", columnGap)
	}
	return shown + space + strings.Repeat(" ", columnGap)
}

func (t *Table) painted(title, cell string) string {
	if t.paint == nil {
		return cell
	}
	return t.paint(title, cell)
}

// printList prints a row as a paragraph with a line for each cell, for what has no room for columns.
func (t *Table) printList(w io.Writer) {
	for i, row := range t.Rows {
		if i > 0 {
			fmt.Fprintln(w)
		}
		for j, cell := range row {
			lead := strings.TrimLeft(t.header[j], "#~")
			if lead != "" {
				lead = strings.ToLower(lead) + " "
			}
			if cell = Printable(cell); cell != "" && cell != "-" {
				fmt.Fprintln(w, Hung(lead, cell, t.Width))
			}
		}
	}
}
