package order

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// maxAnswerLines is far above what an order has lines.
const maxAnswerLines = 2000

// ParseDecision reads a merchant's answer, be it to a request or sent later:
//
//	{"status": "accepted", "reference": "SO-1001", "lines": [{"sku": "LAMP-1", "quantity": 2}]}
//	{"status": "pending", "reference": "SO-1001"}
//	{"status": "rejected", "reason": "out_of_stock"}
//
// The status must be there: a 200 of a page that is not the merchant's endpoint must not pass for a yes. Whatever else the
// merchant says is passed over. Decision.Check says whether the decision fits the order.
func ParseDecision(body []byte) (Decision, error) {
	var answer struct {
		Status    string         `json:"status"`
		Reason    string         `json:"reason"`
		Reference string         `json:"reference"`
		Lines     []AcceptedLine `json:"lines"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return Decision{}, unusable(errors.New("it is not the JSON that docs/orders.md describes"))
	}
	d := Decision{Verdict: Verdict(answer.Status), Reason: Reason(answer.Reason), Reference: answer.Reference, Lines: answer.Lines}.Tidy()
	switch d.Verdict {
	case Accepted, Rejected, Pending:
	default:
		return Decision{}, unusable(fmt.Errorf("its status is %.20q: expected accepted, pending or rejected", statusText(answer.Status)))
	}
	if len(d.Lines) > maxAnswerLines {
		return Decision{}, unusable(fmt.Errorf("it has %d lines", len(d.Lines)))
	}
	if slices.ContainsFunc(d.Lines, func(l AcceptedLine) bool { return !l.sound() }) {
		return Decision{}, unusable(errors.New("its lines lack a sku, or a quantity"))
	}
	return d, nil
}

// statusText quotes a status only if it is a word: anything else could be about the buyer.
func statusText(status string) string {
	for _, r := range status {
		if (r < 'a' || r > 'z') && r != '_' {
			return "(something else)"
		}
	}
	return status
}
