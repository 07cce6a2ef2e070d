package order

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// beside is what a merchant's answer says under names that are not ours, whatever they are and however deep. A merchant
// whose system says no somewhere has not said yes: somebody has to look before money moves.
type beside struct {
	of   DecisionStatus
	part bool // the answer has lines: what they leave out may stand elsewhere, as refused
	late bool // the merchant has the order already: that the request failed is no news
}

var (
	yesWords = []string{"accepted", "approved", "confirmed"}
	noWords  = []string{
		"rejected", "declined", "refused", "denied", "canceled", "cancelled", "failed", "unavailable", "backordered",
	}
	heardWords    = []string{"success", "ok"} // of a rejection they say that it was heard
	partWords     = []string{"partial", "partially"}
	quantityWords = []string{"quantity", "qty", "count"}
)

// contradicted reports whether something says the opposite of the status, or of how much is accepted.
func (a answer) contradicted(v DecisionStatus) bool {
	b := beside{of: v, part: a.Lines != nil}
	if v == Pending {
		return false // nothing moves by it
	}
	for name, value := range a.Others {
		value := decoded(value)
		if b.opposes(name, value) || b.of == Accepted && !b.part && listsQuantities(value) {
			return true
		}
	}
	lines, _ := decoded(a.Lines).([]any)
	return slices.ContainsFunc(lines, b.opposesLine)
}

// isVerdictName reports whether other systems say with the name what ours say with status, be it yes or no.
func isVerdictName(name string) bool {
	named := strings.Join(wordsOf(name), "_")
	return slices.Contains(yesWords, named) || named != "failed" && slices.Contains(noWords, named)
}

// decoded expects what strictjson has read before: it is JSON.
func decoded(value json.RawMessage) (any any) {
	_ = json.Unmarshal(value, &any)
	return any
}

func (b beside) opposes(name string, value any) bool {
	switch value := value.(type) {
	case map[string]any:
		if b.part && hasAny(wordsOf(name), noWords) {
			return false
		}
		return b.opposesByName(name, value) || b.opposesWithin(value)
	case []any:
		if b.part {
			return false
		}
		nameless := func(element any) bool { return b.opposes("", element) }
		return b.opposesByName(name, value) || slices.ContainsFunc(value, nameless)
	case string:
		return b.opposesByName(name, value) || b.opposesByWord(value)
	}
	return b.opposesByName(name, value)
}

func (b beside) opposesWithin(members map[string]any) bool {
	for name, value := range members {
		if b.opposes(name, value) {
			return true
		}
	}
	return false
}

// opposesLine looks through a line of an answer. How much of it is refused, and why, may stand in it.
func (b beside) opposesLine(line any) bool {
	members, _ := line.(map[string]any)
	for name, value := range members {
		_, number := value.(float64)
		counts := number && hasAny(wordsOf(name), quantityWords)
		switch {
		case name == "sku", name == "reason", counts && !hasAny(wordsOf(name), yesWords):
		case counts && value != members["quantity"], b.opposes(name, value):
			return true
		}
	}
	return false
}

// opposesByName takes a name for a question, and its value for the answer.
func (b beside) opposesByName(name string, value any) bool {
	words := wordsOf(name)
	named := strings.Join(words, "_")
	_, list := value.([]any)
	says := saidBy(value)
	if b.of == Rejected {
		return slices.Contains(yesWords, named) && says == sayingYes ||
			slices.Contains(noWords, named) && says == sayingNo
	}
	switch {
	case b.late && named == "failed":
		return false
	case hasAny(words, noWords), speaksAgainst(named), !b.part && hasAny(words, partWords):
		return says == sayingYes || says == sayingMore
	case list:
		return hasAny(words, yesWords) // it is not called lines
	}
	return says == sayingNo && (slices.Contains(yesWords, named) || !b.late && slices.Contains(heardWords, named))
}

// opposesByWord takes a text for what is said if it is a word or two, such as declined or partially_accepted.
func (b beside) opposesByWord(text string) bool {
	if !shortText.MatchString(text) {
		return false
	}
	words := wordsOf(text)
	if b.of == Rejected {
		return len(words) == 1 && slices.Contains(yesWords, words[0])
	}
	if b.late && slices.Equal(words, []string{"failed"}) {
		return false
	}
	return hasAny(words, noWords) || !b.part && (hasAny(words, partWords) || speaksAgainst(strings.Join(words, "_")))
}

var shortText = regexp.MustCompile(`^[A-Za-z _-]{1,40}$`)

// speaksAgainst reports whether a text is a reason to reject. A duplicate is with the merchant already.
func speaksAgainst(text string) bool {
	reason := Reason(text)
	return slices.Contains(merchantReasons, reason) && reason != Duplicate && reason != OtherReason
}

// listsQuantities reports whether a value is a list of how much of something: whoever calls lines items may mean a part
// of the order.
func listsQuantities(value any) bool {
	list, _ := value.([]any)
	return slices.ContainsFunc(list, func(element any) bool {
		members, _ := element.(map[string]any)
		for name, value := range members {
			if value != nil && slices.Contains(quantityWords, strings.ToLower(name)) {
				return true
			}
		}
		return false
	})
}

type saying int

const (
	sayingNothing saying = iota
	sayingYes
	sayingNo
	sayingMore // than yes or no
)

func saidBy(value any) saying {
	switch value := value.(type) {
	case bool:
		return map[bool]saying{true: sayingYes, false: sayingNo}[value]
	case float64:
		return map[bool]saying{true: sayingNo, false: sayingMore}[value == 0]
	case string:
		return saidByText(strings.ToLower(strings.TrimSpace(value)))
	case []any:
		return map[bool]saying{true: sayingNothing, false: sayingMore}[len(value) == 0]
	case map[string]any:
		return map[bool]saying{true: sayingNothing, false: sayingMore}[len(value) == 0]
	}
	return sayingNothing
}

func saidByText(text string) saying {
	switch text {
	case "":
		return sayingNothing
	case "true", "t", "yes", "y", "1":
		return sayingYes
	case "false", "f", "no", "n", "0", "none":
		return sayingNo
	}
	return sayingMore
}

var wordPattern = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+|[0-9]+`)

// wordsOf takes a name apart, however it is spelled: rejected_lines, rejectedLines and REJECTED-LINES are the same.
func wordsOf(name string) []string {
	words := wordPattern.FindAllString(name, -1)
	for i := range words {
		words[i] = strings.ToLower(words[i])
	}
	return words
}

func hasAny(words, wanted []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return slices.Contains(wanted, word) })
}
