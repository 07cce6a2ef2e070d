package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vitrine/internal/strictjson"
)

// maxAnswerLines is far above what an order has lines.
const maxAnswerLines = 2000

// answer is what a merchant says to an order. A pointer tells what is absent from what is empty.
type answer struct {
	Status    *string         `json:"status"`
	Reason    *string         `json:"reason"`
	Reference *string         `json:"reference"`
	Lines     json.RawMessage `json:"lines"`
	Error     json.RawMessage `json:"error"`
	Errors    json.RawMessage `json:"errors"`

	Others map[string]json.RawMessage `json:",embed"`
}

type answerLine struct {
	SKU      *string `json:"sku"`
	Quantity *int64  `json:"quantity"`
}

// ParseDecision reads a merchant's answer, be it to a request or sent later:
//
//	{"status": "accepted", "reference": "SO-1001", "lines": [{"sku": "LAMP-1", "quantity": 2}]}
//	{"status": "pending", "reference": "SO-1001"}
//	{"status": "rejected", "reason": "out_of_stock"}
//
// Money moves by it, so what is absent, empty, said twice or contradictory is no answer: a 200 of a page that is not
// the merchant's endpoint must not pass for a yes, nor a list that somebody forgot to fill for everything. Whatever
// else the merchant says is passed over. Decision.Check says whether the decision fits the order.
func ParseDecision(body []byte) (Decision, error) {
	var a answer
	if err := strictjson.DecodeOpen(body, &a); err != nil {
		return Decision{}, unusable(inOurWords(err))
	}
	d := Decision{Reason: Reason(text(a.Reason)), Reference: text(a.Reference)}
	switch d.Status = DecisionStatus(text(a.Status)); d.Status {
	case Accepted, Rejected, Pending:
	default:
		return Decision{}, unfit("its status is %.20q: expected accepted, pending or rejected",
			statusText(text(a.Status)))
	}
	lines, err := readLines(a.Lines)
	switch {
	case err != nil:
		return Decision{}, unusable(inOurWords(err))
	case d.Status != Accepted && a.Lines != nil:
		return Decision{}, unfit("it is %s, and has lines: they say what is accepted", d.Status)
	case d.Status == Accepted && a.Lines == nil && d.Reason != "":
		return Decision{}, unfit("it accepts everything, and has a reason: that of a rejection")
	case d.Status == Accepted && (saysSomething(a.Error) || saysSomething(a.Errors)):
		return Decision{}, unfit("it accepts, and has an error: that of a refusal")
	case a.contradicted(d.Status):
		return Decision{}, unfit("it is %s, and something else in it says the opposite, or names other quantities",
			d.Status)
	}
	d.Lines = lines
	d = d.Tidy()
	d.Refused, err = a.takenBack(lines)
	return d, err
}

// DecodeDecision reads what json.Marshal writes of a decision, as strictly as an answer: somebody may have written it
// by hand.
func DecodeDecision(body []byte) (Decision, error) {
	var d struct {
		Decision
		Lines json.RawMessage `json:"lines"`
	}
	err := strictjson.Decode(body, &d)
	if err == nil {
		d.Decision.Lines, err = readLines(d.Lines)
	}
	return d.Decision, err
}

// saysSomething reports whether a value is there, and is not one of those that say nothing.
func saysSomething(value json.RawMessage) bool {
	var said any
	if value == nil || json.Unmarshal(value, &said) != nil {
		return value != nil
	}
	switch said := said.(type) {
	case []any:
		return len(said) > 0
	case map[string]any:
		return len(said) > 0
	}
	return said != nil && said != "" && said != false
}

// readLines reads a list of SKUs and quantities that may be absent, but not empty.
func readLines(body json.RawMessage) ([]AcceptedLine, error) {
	if body == nil {
		return nil, nil
	}
	var given []answerLine
	if err := strictjson.DecodeOpen(body, &given); err != nil {
		return nil, inside("lines", err)
	}
	if len(given) == 0 || len(given) > maxAnswerLines {
		return nil, lineError(fmt.Sprintf("there are %d: expected 1 to %d, or no list at all for everything",
			len(given), maxAnswerLines))
	}
	lines, seen := make([]AcceptedLine, len(given)), map[string]bool{}
	for i, l := range given {
		if l.SKU == nil || l.Quantity == nil {
			return nil, lineError("expected a sku and a quantity", strconv.Itoa(i))
		}
		lines[i] = AcceptedLine{SKU: *l.SKU, Quantity: *l.Quantity}
		switch {
		case !lines[i].sound():
			return nil, lineError("expected a sku, and a quantity of at least 1", strconv.Itoa(i))
		case *l.Quantity == 0:
			return nil, lineError("expected at least 1: what is not named is not in it", strconv.Itoa(i), "quantity")
		case seen[*l.SKU]:
			return nil, lineError("this SKU is there twice", strconv.Itoa(i), "sku")
		}
		seen[*l.SKU] = true
	}
	return lines, nil
}

func lineError(what string, where ...string) error {
	return &strictjson.Error{Where: strings.Join(append([]string{"lines"}, where...), "."), What: what}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Decides reports whether a body may say something of a decision, usable or not: only an empty one, and an object that
// has none of its names, says nothing. Anything else is a page of somebody in between, or a decision in a form that
// cannot be read.
func Decides(body []byte) bool {
	if len(bytes.TrimSpace(body)) == 0 {
		return false
	}
	var said struct {
		Status json.RawMessage `json:"status"`
		Lines  json.RawMessage `json:"lines"`
		Reason any             `json:"reason"`
		Error  any             `json:"error"`

		Others map[string]json.RawMessage `json:",embed"`
	}
	if strictjson.DecodeOpen(body, &said) != nil || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return true
	}
	besides := beside{of: Accepted, late: true}
	others := decodedAll(said.Others)
	if besides.opposesWithin(others) || besides.opposesAnswer(others) ||
		slices.ContainsFunc(slices.Collect(maps.Keys(others)), isVerdictName) {
		return true
	}
	reason, _ := said.Reason.(string)
	code, _ := said.Error.(string)
	return said.Status != nil || said.Lines != nil || slices.Contains(merchantReasons, Reason(reason)) ||
		code != string(Duplicate) && slices.Contains(merchantReasons, Reason(code))
}

func inside(where string, err error) error {
	var strict *strictjson.Error
	if !errors.As(err, &strict) {
		return err
	}
	return &strictjson.Error{Where: strings.TrimSuffix(where+"."+strict.Where, "."), What: strict.What}
}

// answerNames are those that may be repeated: other names could be about the buyer.
var answerNames = regexp.MustCompile(`^(status|reason|reference|lines(\.\d+(\.(sku|quantity))?)?)?$`)

func inOurWords(err error) error {
	var strict *strictjson.Error
	if errors.As(err, &strict) && answerNames.MatchString(strict.Where) {
		return strict
	}
	return errors.New("it is not the JSON that docs/orders.md describes, or says something twice")
}
