package feed

import "slices"

// normaliser puts the rows of one file into the form of the specification. It never changes after it has been made, so
// any number of goroutines may share it.
type normaliser struct {
	steps []normalisingStep
	names []Normalisation
}

type normalisingStep struct {
	at     int
	bit    int // of its rule in struck
	column *Column
	how    *rewriting
}

// maxNormalisations is how many rules one word of bits tells apart. A file with every column of the product feed has
// about half as many.
const maxNormalisations = 64

// compileDialect makes the normalisations of a dialect for the columns of one file, by the names that the specification
// gives them. It returns nil if the dialect changes nothing.
func compileDialect(d Dialect, kind Kind, columns []string, renamed ...Renaming) *normaliser {
	if d != GoogleDialect {
		return nil
	}
	n, at := &normaliser{}, placesOf(columns)
	known := Columns(kind)
	for i := range googleRewritings {
		how := &googleRewritings[i]
		for j := range known {
			if place := at(known[j].Name); place >= 0 && how.columns(&known[j]) {
				n.steps = append(n.steps, normalisingStep{place, n.bit(how, &known[j]), &known[j], how})
			}
		}
	}
	for _, r := range renamed {
		c := columnNamed(kind, r.To)
		if canonical(r.From) == nativeCommerce {
			n.steps = append(n.steps, normalisingStep{at(r.To), n.bit(&inverted, c), c, &inverted})
		}
		if layout, is := shippingLayout(canonical(r.From)); is {
			n.layShipping(layout)
		}
	}
	if len(n.steps) == 0 {
		return nil
	}
	return n
}

// layShipping lets the rule about shipping read entries as the column's name lays them out.
func (n *normaliser) layShipping(layout []string) {
	for i := range n.steps {
		if n.steps[i].column.Type == ShippingType && n.steps[i].how != &googleRewritings[0] {
			how := *n.steps[i].how
			how.rewrite = laidOut(layout)
			n.steps[i].how = &how
		}
	}
}

// bit is the number of a rule in a column. Spaces are told of once for all columns.
func (n *normaliser) bit(how *rewriting, c *Column) int {
	name := Normalisation{how.rule, c.Name}
	if how == &googleRewritings[0] {
		name.Column = ""
	}
	if at := slices.Index(n.names, name); at >= 0 {
		return at
	}
	if len(n.names) == maxNormalisations {
		return maxNormalisations - 1
	}
	n.names = append(n.names, name)
	return len(n.names) - 1
}

// rules lists what the bits of row stand for.
func (n *normaliser) rules() []Normalisation { return n.names }

// row rewrites fields in place. New values lie behind what scratch has; it may grow, and is returned. Bit i of struck
// is set if rule i of rules changed anything.
func (n *normaliser) row(fields [][]byte, scratch []byte) (struck uint64, scratch2 []byte) {
	for i := range n.steps {
		step := &n.steps[i]
		value := fields[step.at]
		if len(value) == 0 {
			continue
		}
		from := len(scratch)
		var changed bool
		if scratch, changed = step.how.rewrite(step.column, value, scratch); !changed {
			scratch = scratch[:from] // less what the rule began to write
			continue
		}
		fields[step.at] = scratch[from:len(scratch):len(scratch)]
		struck |= 1 << step.bit
	}
	return struck, scratch
}
