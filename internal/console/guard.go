package console

import (
	"context"
	"crypto/hmac"
	"errors"
	"mime"
	"net/http"
	"net/url"

	"vitrine/internal/access"
	"vitrine/internal/desk"
	"vitrine/internal/server"
)

// fromElsewhere reports whether another site sent a form, as the browser says (Sec-Fetch-Site, Origin).
var fromElsewhere = http.NewCrossOriginProtection().Check

// guard looks at who it is first, then at the request as a whole, and only then takes a slot.
func (c *Console) guard(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := visit{Request: r}
		known, err := c.sessionOf(r)
		if err != nil {
			c.turnAway(w, r, err)
			return
		}
		v.session = known
		if err := c.admit(rt, v); err != nil {
			c.fail(w, v, err)
			return
		}
		if r.Method == http.MethodPost {
			if v.form, err = readForm(w, r); err == nil {
				err = v.checkForm()
			}
			if err != nil {
				c.fail(w, v, err)
				return
			}
		}
		server.Vouch(w, r)
		places := c.looks
		if r.Method == http.MethodPost {
			places = c.commands
		}
		if !places.Take() {
			w.Header().Set("Retry-After", "1")
			c.fail(w, v, mistake{http.StatusServiceUnavailable, "The console is busy.", "Try again in a moment."})
			return
		}
		defer places.Leave()
		c.answer(w, v, rt)
	}
}

func (c *Console) answer(w http.ResponseWriter, v visit, rt route) {
	ctx, cancel := context.WithTimeout(v.Context(), c.within)
	defer cancel()
	p, err := rt.answer(ctx, v)
	if err != nil {
		c.fail(w, v, err)
		return
	}
	c.write(w, v, p)
}

// admit tells a token of one account nothing of the others: not even whether they are there.
func (c *Console) admit(rt route, v visit) error {
	if name := v.PathValue("account"); name != "" && !v.token.Opens(name) {
		return errAbsent
	}
	if !v.token.May(rt.scope) {
		return mistake{http.StatusForbidden, "This token may look, and not decide.",
			"Log in with one whose scope is operate."}
	}
	return nil
}

var errAbsent = &desk.Refusal{Kind: desk.Absent, Why: desk.ErrNoAccount.Error()}

// readForm reads what a browser sends of a form, from this site and no other.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if fromElsewhere(r) != nil {
		return nil, mistake{http.StatusForbidden, "Another site sent this form.",
			"Nothing was done. Open the console itself, and do it there."}
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, unreadable(http.StatusUnsupportedMediaType)
	}
	body, status := server.ReadBody(w, r, mostForm)
	if status != http.StatusOK {
		return nil, unreadable(status)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, unreadable(http.StatusBadRequest)
	}
	return form, nil
}

func unreadable(status int) error {
	return mistake{status, "The form did not arrive as a browser sends it.",
		"Nothing was done. Go back, and send it again."}
}

// checkForm refuses a form that was not on a page of this session.
func (v visit) checkForm() error {
	if hmac.Equal([]byte(v.formToken()), []byte(v.form.Get("form"))) {
		return nil
	}
	return mistake{http.StatusForbidden, "This form is of another session.",
		"Nothing was done. Go back, load the page again, and send it again."}
}

// mistake is what is wrong with a request, and what to do.
type mistake struct {
	status int
	what   string
	advice string
}

func (m mistake) Error() string { return m.what + " " + m.advice }

// wrong is a mistake in what a person wrote.
func wrong(err error) mistake {
	return mistake{http.StatusUnprocessableEntity, sentence(err.Error()),
		"Nothing was done. Go back, put it right, and send it again."}
}

// absent is a mistake in an address.
func absent(what string) mistake {
	return mistake{http.StatusNotFound, what, "Go on from the first page."}
}

var statuses = map[desk.RefusalKind]int{
	desk.Absent: http.StatusNotFound, desk.Conflict: http.StatusConflict, desk.Unfit: http.StatusUnprocessableEntity,
	desk.Damaged: http.StatusInternalServerError, desk.Away: http.StatusServiceUnavailable,
}

var advice = map[desk.RefusalKind]string{
	desk.Absent:   "Go on from the first page.",
	desk.Conflict: "Nothing was done. Look at how it stands now.",
	desk.Unfit:    "Nothing was done. Go back, put it right, and send it again.",
	desk.Damaged:  "Tell whoever operates Vitrine.",
	desk.Away:     "Load the page again in a moment; if it stays, tell whoever operates Vitrine.",
}

// explained is an error as a page says it.
func explained(err error) mistake {
	var m mistake
	if errors.As(err, &m) {
		return m
	}
	no := desk.Unanswered(err)
	return mistake{statuses[no.Kind], sentence(no.Why), advice[no.Kind]}
}

// operates reports whether the session may decide: a page shows what to decide with to no others.
func (v visit) operates() bool { return v.token.May(access.Operate) }
