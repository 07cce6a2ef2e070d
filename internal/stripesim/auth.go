package stripesim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

var (
	accountID = regexp.MustCompile(`^acct_[A-Za-z0-9_]{1,64}$`)
	// Live keys are refused on purpose: whoever sends one here has mistaken the emulator for Stripe.
	testKey = regexp.MustCompile(`^(sk|rk)_test_[A-Za-z0-9_]+$`)
)

// platformAccount owns what is created without a Stripe-Account header.
const platformAccount = "acct_platform"

// caller is who a call acts for.
type caller struct {
	account   string
	connected bool // named by Stripe-Account, as opposed to the platform itself
}

// access knows whose keys are accepted.
type access struct {
	*core
	standings *standings
	revoked   map[string]bool // guarded by core's lock, like all that handlers remember
}

func (h *access) forgetLocked() { h.revoked = map[string]bool{} }

func (h *access) authenticate(r *http.Request) (caller, *apiError) {
	key := keyOf(r)
	if refused := h.checkKey(key); refused != nil {
		return caller{}, refused
	}
	if _, present := r.Header["Stripe-Account"]; !present {
		return caller{account: platformAccount}, nil
	}
	account := r.Header.Get("Stripe-Account")
	if !h.knowsAccount(account) || h.standings.disconnected(account) {
		return caller{}, &apiError{
			Status: http.StatusForbidden, Type: invalidRequest, Code: "account_invalid",
			Message: fmt.Sprintf("The provided key '%s' does not have access to account '%s' (or that account does "+
				"not exist). Application access may have been revoked.", masked(key), account),
		}
	}
	return caller{account: account, connected: true}, nil
}

// keyOf reads the key from Bearer, or from Basic, where it is the user name.
func keyOf(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

func (h *access) checkKey(key string) *apiError {
	if key == "" {
		return &apiError{
			Status: http.StatusUnauthorized, Type: invalidRequest,
			Message: "You did not provide an API key. Provide it in the Authorization header, as in 'Authorization: " +
				"Bearer YOUR_SECRET_KEY'.",
		}
	}
	h.mu.Lock()
	revoked := h.revoked[key]
	h.mu.Unlock()
	if revoked {
		return &apiError{
			Status: http.StatusUnauthorized, Type: invalidRequest, Code: "api_key_expired",
			Message: "Expired API Key provided: " + masked(key),
		}
	}
	known := testKey.MatchString(key)
	if len(h.options.Keys) > 0 {
		known = slices.Contains(h.options.Keys, key)
	}
	if !known {
		return &apiError{
			Status: http.StatusUnauthorized, Type: invalidRequest,
			Message: "Invalid API Key provided: " + masked(key),
		}
	}
	return nil
}

// masked shows of a key what Stripe shows: its kind and its last four characters.
func masked(key string) string {
	if len(key) < 16 {
		return "****"
	}
	return key[:8] + strings.Repeat("*", 8) + key[len(key)-4:]
}

func (h *access) postRevoke(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Key string `json:"key"`
	}
	if !readControl(w, r, &body) {
		return
	}
	if body.Key == "" {
		complain(w, http.StatusBadRequest, "key is missing")
		return
	}
	h.mu.Lock()
	h.revoked[body.Key] = true
	h.mu.Unlock()
	show(w, struct{}{})
}
