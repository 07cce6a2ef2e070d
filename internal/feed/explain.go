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

// RefusalText is what Stripe said of a row that it refused, or refused to delete, for people.
func RefusalText(c Cause, words string) string {
	words = cmp.Or(strings.TrimSpace(words), "no reason given")
	if c == DeletionRefused {
		return "refused to delete the row: " + words
	}
	return words
}

// Explain says for people what is wrong with a value and how to put it right, with what is known of its column: limits,
// allowed values, a sample. Both texts begin in lower case and have no full stop. The column may be empty, or one that
// the feed does not have.
func Explain(k Kind, c Cause, column string) (reason, fix string) {
	t, listed := textOf[c]
	if !listed {
		return "the row has a problem that is called " + string(c), "compare the row with the feed's specification"
	}
	about := columnCalled(k, column)
	if c == RefusedByStripe && about != nil {
		return t.reason, t.fix + "; " + about.expected()
	}
	if about == nil {
		about = &Column{Name: cmp.Or(column, "the row"), Type: TextType}
	}
	return about.fill(t.reason), about.fill(t.fix)
}

// columnCalled is the column that a merchant calls so, in whatever dialect, by their own name; nil if there is none.
func columnCalled(k Kind, column string) *Column {
	if c := columnNamed(k, column); c != nil {
		return c
	}
	c := columnNamed(k, GoogleDialect.renamed(k, column))
	if c == nil {
		return nil
	}
	own := *c
	own.Name = column
	return &own
}

// fill puts what is known of the column in place of the words in braces.
func (c *Column) fill(text string) string {
	var b strings.Builder
	for {
		before, rest, more := strings.Cut(text, "{")
		b.WriteString(before)
		if !more {
			return b.String()
		}
		var word string
		word, text, _ = strings.Cut(rest, "}")
		b.WriteString(c.word(word))
	}
}

// expected says how a value of the column is to be, as far as Vitrine knows: for what Stripe says of it in its own
// words.
func (c *Column) expected() string {
	text := c.Name + " is to be like " + c.Sample
	if allowed := c.allowed(); len(c.Enum) > 0 {
		text = c.Name + " is to be one of " + allowed
	}
	if c.Rule != "" {
		text += ": " + c.Rule
	}
	return text
}

// word is what a word in braces means for a column. Of a column that lacks what the text speaks of, it says so.
func (c *Column) word(word string) string {
	switch word {
	case "column":
		return c.Name
	case "type":
		return string(c.Type)
	case "limit":
		return counted(c.Limit)
	case "entries":
		return counted(c.Entries)
	case "allowed":
		return c.allowed()
	case "units":
		return cmp.Or(strings.Join(c.Units, ", "), "the units that the specification lists")
	case "range":
		return c.bounds()
	case "condition":
		return cmp.Or(c.Condition, "under conditions that the specification states")
	case "rule":
		return cmp.Or(conditionOfBlank[canonical(c.Name)], "see the specification")
	case "counterpart":
		return cmp.Or(counterparts[canonical(c.Name)], "price")
	case "sample":
		return cmp.Or(c.Sample, "the specification shows it")
	case "zoned":
		if c.Type == PeriodType {
			return ", each with a time and a zone"
		}
		return ""
	}
	return "{" + word + "}"
}

// conditionOfBlank says of columns that may have to be blank when that is so.
var conditionOfBlank = map[string]string{
	"inventory_quantity":    "inventory_not_tracked is true",
	"product_review_rating": "product_review_count is 0",

	"target_ids":              "target_selection is all_products",
	"target_item_group_ids":   "target_selection is all_products",
	"excluded_ids":            "target_selection is all_products",
	"excluded_item_group_ids": "target_selection is all_products",
}

// counterparts are the columns whose currency another one has to have, where that is not price.
var counterparts = map[string]string{"minimum_order_amount": "amount_off"}

func counted(n int) string {
	if n == 0 {
		return "number of"
	}
	return strconv.Itoa(n)
}

// allowed lists the values of a column that has but a few.
func (c *Column) allowed() string {
	switch {
	case c.Type == BoolType:
		return "true, false"
	case len(c.Enum) > 0:
		return strings.Join(c.Enum, ", ")
	}
	return "those that the specification lists"
}

// bounds says between which numbers a value must lie.
func (c *Column) bounds() string {
	if c.Max == 0 {
		return fmt.Sprintf("at least %d", c.Min)
	}
	return fmt.Sprintf("from %d to %d", c.Min, c.Max)
}
