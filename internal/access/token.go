package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// Scope is how much a token opens.
type Scope string

// The scopes, the smaller one first.
const (
	Read    Scope = "read"    // sees
	Operate Scope = "operate" // sees, and decides
)

// ParseScope reads a scope by its name.
func ParseScope(text string) (Scope, error) {
	switch s := Scope(text); s {
	case Read, Operate:
		return s, nil
	}
	return "", errors.New("expected the scope read or operate")
}

// MaxName is the longest name, in bytes: orders and syncs keep it as who decided.
const MaxName = 64

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]*$`)

// CheckName returns an error for a name that histories and logs could not show as it is.
func CheckName(name string) error {
	if len(name) > MaxName || !namePattern.MatchString(name) {
		return errors.New("expected a name of 1 to 64 letters, digits and . _ @ -")
	}
	return nil
}

// Token is one that was given out. Several may have one name, while one replaces another.
type Token struct {
	Name    string
	Scope   Scope
	Account string // the only one that it opens; empty: all

	digest [sha256.Size]byte
}

// New is the token with that text.
func New(name, text string, scope Scope, account string) Token {
	return Token{Name: name, Scope: scope, Account: account, digest: sha256.Sum256([]byte(text))}
}

// May reports whether the token's scope is enough for what asks for another.
func (t Token) May(needed Scope) bool { return t.Scope == Operate || needed == Read }

// Opens reports whether the account is the token's business.
func (t Token) Opens(account string) bool { return t.Account == "" || t.Account == account }

// Same reports whether two tokens are the same text, whatever they open.
func (t Token) Same(other Token) bool {
	return subtle.ConstantTimeCompare(t.digest[:], other.digest[:]) == 1
}

// Key is a key for one purpose that only who knows the token's digest can make; it ends with the token.
func (t Token) Key(purpose string) []byte {
	mac := hmac.New(sha256.New, t.digest[:])
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// Tokens are all that were given out.
type Tokens []Token

// Find compares the digest of a text with those of all tokens: how long it takes tells neither which one nearly fits,
// nor which one does.
func (ts Tokens) Find(text string) (found Token, ok bool) {
	given := Token{digest: sha256.Sum256([]byte(text))}
	for _, t := range ts {
		if t.Same(given) {
			found, ok = t, true
		}
	}
	return found, ok
}

// Bearer finds the token of a request's header Authorization. Two of them are none: a proxy has added one to what it
// was sent, and nobody can say which of the two speaks.
func (ts Tokens) Bearer(h http.Header) (Token, bool) {
	all := h.Values("Authorization")
	if len(all) != 1 {
		return Token{}, false
	}
	scheme, text, _ := strings.Cut(all[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Token{}, false
	}
	return ts.Find(text)
}
