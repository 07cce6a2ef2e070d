package feed

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// textOf finds a cause's texts.
var textOf = func() map[Cause]causeText {
	index := map[Cause]causeText{}
	for _, t := range causeTexts {
		index[t.cause] = t
	}
	return index
}()

// Causes is the closed list of causes, those of whole rows first.
func Causes() []Cause {
	causes := make([]Cause, len(causeTexts))
	for i, t := range causeTexts {
		causes[i] = t.cause
	}
	return causes
}

// Severity says what a finding of this cause means. A cause that is not in the list is an Error.
func (c Cause) Severity() Severity { return cmp.Or(textOf[c].severity, Error) }

// Explain says for people what is wrong with a value and how to put it right, with what is known of its column: limits,
// allowed values, a sample. Both texts begin in lower case and have no full stop. The column may be empty, or one that
// the feed does not have.
func Explain(k Kind, c Cause, column string) (reason, fix string) {
	t, listed := textOf[c]
	if !listed {
		return "the row has a problem that is called " + string(c), "compare the row with the feed's specification"
	}
	words := strings.NewReplacer(wordsOf(k, column)...)
	return words.Replace(t.reason), words.Replace(t.fix)
}

// wordsOf are the words that stand in braces in causeTexts, and what they mean for a column.
func wordsOf(k Kind, name string) []string {
	c := Column{Name: cmp.Or(name, "the row"), Type: TextType}
	if known := columnNamed(k, name); known != nil {
		c = *known
	}
	zoned := ""
	if c.Type == PeriodType {
		zoned = ", each with a time and a zone"
	}
	return []string{
		"{column}", c.Name,
		"{type}", string(c.Type),
		"{limit}", counted(c.Limit),
		"{entries}", counted(c.Entries),
		"{allowed}", allowed(c),
		"{units}", cmp.Or(strings.Join(c.Units, ", "), "the units that the specification lists"),
		"{range}", c.bounds(),
		"{condition}", cmp.Or(c.Condition, "under conditions that the specification states"),
		"{rule}", cmp.Or(conditionOfBlank[c.Name], "see the specification"),
		"{sample}", cmp.Or(c.Sample, "the specification shows it"),
		"{zoned}", zoned,
	}
}

// conditionOfBlank says of columns that may have to be blank when that is so.
var conditionOfBlank = map[string]string{
	"inventory_quantity":    "inventory_not_tracked is true",
	"product_review_rating": "product_review_count is 0",
}

func counted(n int) string {
	if n == 0 {
		return "number of"
	}
	return strconv.Itoa(n)
}

// allowed lists the values of a column that has but a few.
func allowed(c Column) string {
	switch {
	case c.Type == BoolType:
		return "true, false"
	case len(c.Enum) > 0:
		return strings.Join(c.Enum, ", ")
	}
	return "those that the specification lists"
}

// bounds says between which numbers a value must lie.
func (c Column) bounds() string {
	if c.Max == 0 {
		return fmt.Sprintf("at least %d", c.Min)
	}
	return fmt.Sprintf("from %d to %d", c.Min, c.Max)
}
