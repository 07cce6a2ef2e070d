package order

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
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
		"rejection", "refusal", "denial", "backorder", "backorders", "unfulfillable", "unshippable", "undeliverable",
		"unaccepted", "unapproved", "unconfirmed", "voided",
	}
	// lackWords are a no for names and states; in a sentence they may be about anything.
	lackWords = []string{
		"missing", "shortage", "shortages", "insufficient", "excluded", "omitted", "expired", "invalid",
	}
	failWords = []string{"error", "errors", "failure", "failures", "exception", "exceptions"}
	notWords  = []string{"not", "never", "nothing"}
	waitWords = []string{
		"pending", "hold", "held", "waiting", "review", "deferred", "postponed", "undecided", "unknown",
	}
	leftWords  = []string{"shipped", "dispatched", "delivered", "fulfilled"}
	heardWords = []string{"success", "successful", "succeeded", "ok"} // of a rejection they say that it was heard
	// ableWords are conditions of a yes: false takes it back.
	ableWords = []string{
		"available", "in_stock", "instock", "valid", "possible", "fulfillable", "shippable", "deliverable",
		"accept", "ship", "fulfil", "fulfill", "deliver",
	}
	partWords     = []string{"partial", "partially"}
	quantityWords = []string{"quantity", "quantities", "qty", "count"}
	pieceWords    = []string{"items", "lines", "products", "positions", "articles", "skus", "units", "pieces"}
	amountWords   = slices.Concat(quantityWords, pieceWords, []string{"amount", "total", "number"})
	fillWords     = []string{"is", "are", "was", "has", "been", "be", "can", "could", "order", "all", "fully"}
	// answerWords are what systems call an answer, and envelopes what they put one into.
	answerWords = []string{
		"status", "state", "decision", "result", "outcome", "verdict", "answer", "response", "acceptance",
	}
	envelopes = slices.Concat(answerWords, []string{"data", "body", "payload"})
	httpNames = []string{"code", "status_code", "http_code", "http_status", "http_status_code", "response_code"}
	addresses = []string{"url", "uri", "href"}
)

// contradicted reports whether something says the opposite of the status, or of how much is accepted.
func (a answer) contradicted(v DecisionStatus) bool {
	b := beside{of: v, part: a.Lines != nil}
	if v == Pending {
		return false // nothing moves by it
	}
	others := decodedAll(a.Others)
	lines, _ := decoded(a.Lines).([]any)
	return b.opposesWithin(others) || b.opposesAnswer(others) || slices.ContainsFunc(lines, b.opposesLine)
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

func decodedAll(members map[string]json.RawMessage) map[string]any {
	all := make(map[string]any, len(members))
	for name, value := range members {
		all[name] = decoded(value)
	}
	return all
}

func (b beside) opposes(name string, value any) bool {
	switch value := value.(type) {
	case map[string]any:
		if b.part && refuses(wordsOf(name)) {
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

// opposesAnswer looks once more at what may be an answer itself, and not something about it: what stands beside our
// names, or in an envelope.
func (b beside) opposesAnswer(members map[string]any) bool {
	for name, value := range members {
		inner, object := value.(map[string]any)
		switch {
		case object && isOneOf(name, envelopes) && b.opposesAnswer(inner),
			b.opposesStatus(name, value), b.of == Accepted && !b.late && isHTTPFailure(name, value),
			!b.part && b.countsOtherwise(name, value):
			return true
		}
	}
	return false
}

// opposesStatus takes a name such as state for another status, and available for a condition: what waits is not
// accepted, and neither is what is not there.
func (b beside) opposesStatus(name string, value any) bool {
	text, _ := value.(string)
	words := wordsOf(text)
	switch {
	case b.of != Accepted:
		return false
	case isOneOf(name, answerWords):
		return saysFalse(value) && !b.late ||
			shortText.MatchString(text) && (hasAny(words, waitWords) || hasAny(words, lackWords))
	}
	return saysFalse(value) && isOneOf(name, ableWords)
}

// opposesLine looks through a line of an answer. How much of it is refused, and why, may stand in it.
func (b beside) opposesLine(line any) bool {
	members, _ := line.(map[string]any)
	for name, value := range members {
		_, number := value.(float64)
		counts := number && hasAny(wordsOf(name), quantityWords)
		switch {
		case name == "sku", name == "reason", counts && !hasAny(wordsOf(name), yesWords):
		case counts && value != members["quantity"], b.opposes(name, value), b.opposesStatus(name, value):
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
	answered := says == sayingYes || says == sayingMore
	fails := hasAny(words, failWords)
	switch {
	case len(words) > 0 && slices.Contains(addresses, words[len(words)-1]):
		return false
	case b.of == Rejected:
		return answered && (agrees(words) || hasAny(words, partWords)) ||
			says == sayingNo && slices.Contains(noWords, named)
	case b.late && (named == "failed" || fails):
		return false
	case fails, refuses(words), !b.part && hasAny(words, partWords):
		return answered
	case list:
		return hasAny(words, yesWords) // it is not called lines
	}
	return says == sayingNo && (isOneOf(name, yesWords) || !b.late && isOneOf(name, heardWords))
}

// opposesByWord takes a text for what is said if it is a word or two, such as declined or partially_accepted.
func (b beside) opposesByWord(text string) bool {
	if !shortText.MatchString(text) {
		return false
	}
	words := wordsOf(text)
	fails := len(words) == 1 && (slices.Contains(failWords, words[0]) || words[0] == "failed")
	switch {
	case b.of == Rejected:
		return agrees(words) || hasAny(words, partWords)
	case fails:
		return !b.late
	case b.part: // what lines leave out may be meant
		return hasAny(words, noWords) || negates(words)
	}
	return denies(words) || hasAny(words, partWords)
}

var shortText = regexp.MustCompile(`^[A-Za-z _-]{1,40}$`)

// refuses reports whether a name is one of what is refused.
func refuses(words []string) bool { return denies(words) || hasAny(words, lackWords) }

// denies reports whether words are a no.
func denies(words []string) bool {
	soldOut := hasAny(words, []string{"sold"}) && hasAny(words, []string{"out"})
	return hasAny(words, noWords) || negates(words) || soldOut || speaksAgainst(strings.Join(words, "_"))
}

// agrees reports whether words are a yes, or say that goods are on their way.
func agrees(words []string) bool {
	return hasAny(words, slices.Concat(yesWords, leftWords)) && !hasAny(words, noWords) && !hasAny(words, notWords)
}

// negates reports whether words are a yes with a not before it. "Accepted, and not shipped yet" are not.
func negates(words []string) bool {
	words = plain(words)
	for i, word := range words[:max(len(words)-1, 0)] {
		if slices.Contains(notWords, word) && hasAny(words[i+1:i+2], slices.Concat(yesWords, ableWords)) {
			return true
		}
	}
	return false
}

// speaksAgainst reports whether a text is a reason to reject. A duplicate is with the merchant already.
func speaksAgainst(text string) bool {
	reason := Reason(text)
	return slices.Contains(merchantReasons, reason) && reason != Duplicate && reason != OtherReason
}

// countsOtherwise reports whether a value says how much of the order is meant. Without lines it is all of it; a list of
// what is refused repeats a no.
func (b beside) countsOtherwise(name string, value any) bool {
	words := wordsOf(name)
	accepted := hasAny(words, yesWords)
	switch value := value.(type) {
	case []any:
		return !(b.of == Rejected && refuses(words)) && slices.ContainsFunc(value, hasQuantity)
	case map[string]any:
		inside := slices.Collect(maps.Values(value))
		return (accepted || hasAny(words, quantityWords) || hasAny(words, pieceWords)) && b.of == Accepted &&
			(slices.ContainsFunc(inside, isNumber) || slices.ContainsFunc(inside, hasQuantity))
	}
	return b.of == Accepted && isNumber(value) &&
		(accepted && hasAny(words, amountWords) || isOneOf(name, []string{"quantity", "qty"}))
}

// hasQuantity reports whether an element of a list is so much of something: whoever calls lines items may mean a part
// of the order.
func hasQuantity(element any) bool {
	members, _ := element.(map[string]any)
	for name, value := range members {
		if value != nil && hasAny(wordsOf(name), quantityWords) {
			return true
		}
	}
	return false
}

func isNumber(value any) bool {
	_, number := value.(float64)
	text, _ := value.(string)
	_, err := strconv.ParseFloat(text, 64)
	return number || err == nil
}

// isHTTPFailure reports whether a value is the status of a request that was refused.
func isHTTPFailure(name string, value any) bool {
	code, number := value.(float64)
	if text, _ := value.(string); !number {
		code, _ = strconv.ParseFloat(text, 64)
	}
	return code >= 400 && code < 600 && isOneOf(name, httpNames)
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

// saysFalse tells a no from a number: of what is available 0 may be left, and a result of 0 is a good one.
func saysFalse(value any) bool { return saidBy(value) == sayingNo && !isNumber(value) }

var wordPattern = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+|[0-9]+`)

// wordsOf takes a name apart, however it is spelled: rejected_lines, rejectedLines and REJECTED-LINES are the same.
func wordsOf(name string) []string {
	words := wordPattern.FindAllString(name, -1)
	for i := range words {
		words[i] = strings.ToLower(words[i])
	}
	return words
}

// plain is words without those that change nothing: is_accepted asks what accepted does.
func plain(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(word string) bool { return slices.Contains(fillWords, word) })
}

// isOneOf expects names in our spelling.
func isOneOf(name string, names []string) bool {
	return slices.Contains(names, strings.Join(plain(wordsOf(name)), "_"))
}

func hasAny(words, wanted []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return slices.Contains(wanted, word) })
}
