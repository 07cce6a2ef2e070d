package order

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"vitrine/internal/account"
	"vitrine/internal/fault"
)

// ID names an order: one completed checkout session of one account.
type ID struct {
	Account string `json:"account"`
	Session string `json:"session"`
}

const idPrefix = "order/"

// String is the id of the order's workflow, and what people call the order: order/<account>/<session>.
func (id ID) String() string { return idPrefix + id.Account + "/" + id.Session }

// Beside is a text about the order as it reads beside its id, which errors begin with.
func (id ID) Beside(text string) string {
	return strings.NewReplacer("order "+id.String()+": ", "", id.String()+": ", "", id.String()+"/", "").Replace(text)
}

// Check returns a permanent error if the id could not stand in a path or an address.
func (id ID) Check() error {
	return errors.Join(account.Check(id.Account), CheckSession(id.Session))
}

// ParseID reads what String writes.
func ParseID(text string) (ID, error) {
	rest, ok := strings.CutPrefix(text, idPrefix)
	account, session, both := strings.Cut(rest, "/")
	if !ok || !both {
		return ID{}, fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("%.80q is not the id of an order: expected order/<account>/<session>", text))
	}
	id := ID{Account: account, Session: session}
	return id, id.Check()
}

// maxKey is the longest Idempotency-Key that Stripe takes.
const maxKey = 255

// Key is the idempotency key of one step of the order. It is made of business facts, such as the step "refund" and an
// amount, never of a run or an attempt: whoever retries repeats it. A person who wants the step once more, after the
// first has failed for good, adds a fact of their own.
func (id ID) Key(step string, facts ...string) string {
	key := "vitrine/" + id.String() + "/" + strings.Join(append([]string{step}, facts...), "/")
	if len(key) <= maxKey && !strings.ContainsFunc(key, notVisible) {
		return key
	}
	digest := sha256.Sum256([]byte(key))
	return "vitrine/order/" + hex.EncodeToString(digest[:])
}

func notVisible(r rune) bool { return r <= ' ' || r > '~' }

// KeyOf is the idempotency key of a step of which some keys are spent.
func (id ID) KeyOf(step string, spent int) string {
	if spent > 0 {
		return id.Key(step, strconv.Itoa(spent))
	}
	return id.Key(step)
}
