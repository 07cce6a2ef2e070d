package feed

import "vitrine/internal/feed/lines"

// problem is one thing that is wrong with a row.
type problem struct {
	column string // by the name that the specification gives it
	value  []byte // the cell as it stands in the row, whole
	cause  Cause
}

// rules are what the specification asks of the rows of one file. They are made once for a header and never change, so
// that any number of goroutines may share them.
type rules struct {
	deleteAt   int
	keys       []cellRule // the id and delete: all that is read of a row that deletes
	cells      []cellRule // the other columns
	absent     []string   // required columns that the file does not have, as it may if all its rows delete
	conditions []rowCondition
	variantAt  []int
	lacking    []problem // of the file as a whole
	expiresAt  int
	periodAt   int // of a promotion
	shippingAt int
	now        int64 // that dates are held against; 0: none are
}

// cellRule is what is asked of one cell.
type cellRule struct {
	at       int      // in the row
	place    placeSet // the same
	column   *Column
	check    valueCheck
	required bool
	free     bool // any text will do, spaces too
}

// compileRules makes the checks of a feed for the columns of one file, by the names that the specification gives them.
// Columns that it does not know are not checked, and of two with one name the first counts.
func compileRules(kind Kind, columns []string) *rules {
	at := placesOf(columns)
	r := &rules{deleteAt: -1, expiresAt: at("expiration_date"), periodAt: -1, shippingAt: at("shipping")}
	if kind == Promotion {
		r.periodAt = at("active_period")
	}
	if kind.Deletes() {
		r.deleteAt = at("delete")
	}
	known := Columns(kind)
	for i := range known {
		c := &known[i]
		place := at(c.Name)
		switch rule := (cellRule{at: place, place: setOf(place), column: c, check: valueChecks[c.Type],
			required: c.Need == Required, free: c.Type.free()}); {
		case place < 0 && rule.required:
			r.absent = append(r.absent, c.Name)
		case place < 0:
		case c.Name == kind.IDColumn():
			rule.required = false // a row without an id is found before the rules are asked
			r.keys = append(r.keys, rule)
		case c.Name == "delete":
			r.keys = append(r.keys, rule)
		default:
			r.cells = append(r.cells, rule)
		}
		if c.Variant {
			r.variantAt = append(r.variantAt, place)
		}
	}
	r.conditions = conditionsOf(kind, at)
	r.lacking = absentColumns(kind, at)
	return r
}

// places finds a column in a row, or says -1.
type places func(column string) int

func placesOf(columns []string) places {
	index := make(map[string]int, len(columns))
	for i, name := range columns {
		if _, twice := index[name]; !twice {
			index[name] = i
		}
	}
	return func(column string) int {
		if at, there := index[column]; there {
			return at
		}
		return -1
	}
}

// placeSet is a set of places in a row. Those from the 64th on are in it together, or not at all.
type placeSet uint64

const everyPlace = ^placeSet(0)

func setOf(place int) placeSet { return 1 << min(uint(place), 63) }

// check appends what is wrong with a row to found. fields has one element for each column of the header. How many
// there are, whether the id is there, and whether the text is UTF-8 is not its business. Of a row that deletes, only
// the id and delete are read, as Stripe does.
//
// differ are the places to judge: what is in the others is in a row in which nothing was wrong, too.
func (r *rules) check(fields [][]byte, differ placeSet, found []problem) []problem {
	found = checkCells(r.keys, fields, everyPlace, found)
	if r.deletes(fields) {
		return found
	}
	found = checkCells(r.cells, fields, differ, found)
	if !r.meansToDelete(fields) {
		for _, column := range r.absent {
			found = append(found, problem{column: column, cause: Missing})
		}
	}
	for i := range r.conditions {
		if c := &r.conditions[i]; c.reads&differ != 0 {
			found = c.judge(fields, found)
		}
	}
	if p, over := r.over(fields); over {
		found = append(found, p)
	}
	return found
}

// over reports whether the time is over that a row is about, as it says itself: a product is no longer offered, or a
// promotion no longer active.
func (r *rules) over(fields [][]byte) (p problem, over bool) {
	if value := valueAt(fields, r.expiresAt); value != nil && Expired(value, r.now) {
		return problem{"expiration_date", value, ExpirationPassed}, true
	}
	if value := valueAt(fields, r.periodAt); value != nil && periodOver(value, r.now) {
		return problem{"active_period", value, PeriodOver}, true
	}
	return problem{}, false
}

func checkCells(cells []cellRule, fields [][]byte, differ placeSet, found []problem) []problem {
	for i := range cells {
		rule := &cells[i]
		if rule.place&differ == 0 {
			continue
		}
		value := fields[rule.at]
		if len(value) == 0 && !rule.required {
			continue // half of a usual row
		}
		if cause := rule.judge(value); cause != "" {
			found = append(found, problem{rule.column.Name, value, cause})
		}
	}
	return found
}

func (r *cellRule) judge(value []byte) Cause {
	switch {
	case !lines.Blank(value):
		return r.check(r.column, value)
	case r.required:
		return Missing
	case len(value) > 0 && !r.free:
		// the form that the specification states has room for no space, and only an empty cell is unset
		return OnlySpaces
	}
	return ""
}

// variants tells which variant attributes a row fills: one bit for each, in the order of the specification.
func (r *rules) variants(fields [][]byte) (filled uint16) {
	for bit, at := range r.variantAt {
		if at >= 0 && !lines.Blank(fields[at]) {
			filled |= 1 << bit
		}
	}
	return filled
}

// meansToDelete reports whether a row may be meant as a tombstone, though delete is not what it should be.
func (r *rules) meansToDelete(fields [][]byte) bool {
	return r.deleteAt >= 0 && !lines.Blank(fields[r.deleteAt]) && string(fields[r.deleteAt]) != "false"
}

// deletes reports whether a row is a tombstone.
func (r *rules) deletes(fields [][]byte) bool {
	return r.deleteAt >= 0 && isTrue(fields[r.deleteAt])
}
