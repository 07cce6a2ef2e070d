package console

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"vitrine/internal/server"
)

const loginPath = Root + "login"

// turnAway asks who it is. A form whose session has ended is not sent again by itself: somebody else may log in.
func (c *Console) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errUnknown):
		c.fail(w, visit{Request: r}, mistake{http.StatusUnauthorized,
			"The token that came with this request is not known.",
			"The proxy before Vitrine adds it: it was replaced, or belongs to another deployment."})
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		c.fail(w, visit{Request: r}, mistake{http.StatusUnauthorized, "Your session has ended.",
			"Nothing was done. Log in, and do it again."})
	default:
		http.Redirect(w, r, loginPath+"?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
	}
}

// loginPage is what the login says.
type loginPage struct {
	Next    string
	Problem string
}

func (c *Console) loginForm(w http.ResponseWriter, r *http.Request) {
	next := nextOf(r.URL.Query().Get("next"))
	if _, err := c.sessionOf(r); err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	c.write(w, visit{Request: r}, page{template: "login", title: "Log in", data: loginPage{Next: next}})
}

// login takes a token from a form, and from nowhere else: an address would be in histories and logs.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	if err != nil {
		c.fail(w, visit{Request: r}, err)
		return
	}
	secure, problem := travelsSafely(r)
	next := nextOf(form.Get("next"))
	token, known := c.tokens.Find(strings.TrimSpace(form.Get("token")))
	switch {
	case problem != "":
	case !known:
		c.logger.DebugContext(r.Context(), "console: a login was refused")
		problem = "No such token is in use. Look whether it was copied whole, and whether it was replaced."
	}
	if problem != "" {
		c.write(w, visit{Request: r}, page{
			status: http.StatusUnauthorized, template: "login", title: "Log in", data: loginPage{next, problem},
		})
		return
	}
	server.Vouch(w, r)
	c.logger.InfoContext(r.Context(), "console: login", "by", token.Name, "scope", token.Scope)
	name := cookieName
	if !secure {
		name = cookieNamePlain
	}
	http.SetCookie(w, cookie(name, newSession(token, c.now()).value(), secure, sessionLasts))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// travelsSafely reports whether the browser came by TLS. A browser on the same machine need not; for any other the
// token, and then the cookie, would be there for everybody on the way to read.
func travelsSafely(r *http.Request) (secure bool, problem string) {
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || origin.Scheme != "http" {
		return true, ""
	}
	if host := origin.Hostname(); host == "localhost" || net.ParseIP(host).IsLoopback() {
		return false, ""
	}
	return false, "This page was opened without TLS, where everybody on the way can read the token. " +
		"Open it by https://, through the proxy that speaks TLS; this token has been seen: have it replaced."
}

// nextOf is where to go on after the login: a page of the console, and nothing that a link could lead out with.
func nextOf(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.IsAbs(), u.Host != "", u.Opaque != "":
	case !strings.HasPrefix(u.Path, Root), strings.HasPrefix(u.Path, loginPath):
	case strings.ContainsAny(u.Path, "\\\r\n\t"), strings.Contains(u.Path, ".."):
	default:
		return u.RequestURI()
	}
	return Root
}

// logout ends a session in this browser.
func (c *Console) logout(context.Context, visit) (page, error) {
	return page{see: loginPath, template: logoutTemplate}, nil
}

// logoutTemplate marks the answer that takes the cookie away.
const logoutTemplate = "logout"
