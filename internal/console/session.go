package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"vitrine/internal/access"
)

// session is who is there: a token, by a cookie that it has signed, or by itself where a proxy adds it to every
// request. Nothing is kept of a session. It ends with its time, or with its token: one that is replaced signs nothing.
type session struct {
	token access.Token
	seal  []byte // what the cookie's signature is of; nil without one
}

// sessionLasts is a working day.
const sessionLasts = 12 * time.Hour

// The cookie's first name binds it to this very host, and to TLS. Where a browser is on the same machine there is none.
const (
	cookieName      = "__Host-vitrine"
	cookieNamePlain = "vitrine"
)

const (
	sessionPurpose = "console session"
	formPurpose    = "console form"
)

var (
	errNobody  = errors.New("nobody is logged in")
	errUnknown = errors.New("the token in the request's header is not known")
)

// newSession is one that begins now.
func newSession(token access.Token, now time.Time) session {
	seal := binary.BigEndian.AppendUint64(nil, uint64(now.Add(sessionLasts).Unix()))
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // it never fails
	return session{token, append(seal, nonce...)}
}

const sealBytes = 8 + 16

// sessionOf finds out who sends a request: the header that a proxy adds comes first.
func (c *Console) sessionOf(r *http.Request) (session, error) {
	if slices.ContainsFunc(r.Header.Values("Authorization"), isBearer) {
		token, known := c.tokens.Bearer(r.Header)
		if !known {
			return session{}, errUnknown
		}
		return session{token: token}, nil
	}
	for _, name := range []string{cookieName, cookieNamePlain} {
		for _, cookie := range r.CookiesNamed(name) {
			if s, ok := c.opened(cookie.Value); ok {
				return s, nil
			}
		}
	}
	return session{}, errNobody
}

func isBearer(header string) bool {
	scheme, _, _ := strings.Cut(header, " ")
	return strings.EqualFold(scheme, "Bearer")
}

// opened is the session of a cookie, if one of the tokens signed it and its time has not passed.
func (c *Console) opened(value string) (session, bool) {
	signed, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(signed) != sealBytes+sha256.Size {
		return session{}, false
	}
	seal, signature := signed[:sealBytes], signed[sealBytes:]
	ends := binary.BigEndian.Uint64(seal)
	if now := c.now().Unix(); now < 0 || ends <= uint64(now) {
		return session{}, false
	}
	for _, token := range c.tokens {
		if hmac.Equal(sign(token, sessionPurpose, seal), signature) {
			return session{token, seal}, true
		}
	}
	return session{}, false
}

// value is what the cookie holds.
func (s session) value() string {
	signature := sign(s.token, sessionPurpose, s.seal)
	return base64.RawURLEncoding.EncodeToString(append(s.seal[:sealBytes:sealBytes], signature...))
}

// formToken is on every form of the session's pages, and on nobody else's.
func (s session) formToken() string {
	return base64.RawURLEncoding.EncodeToString(sign(s.token, formPurpose, s.seal))
}

func sign(token access.Token, purpose string, seal []byte) []byte {
	mac := hmac.New(sha256.New, token.Key(purpose))
	mac.Write(seal)
	return mac.Sum(nil)
}

// cookie keeps a session in the browser. No script reads it, and no other site's request carries it.
func cookie(name, value string, secure bool, lasts time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(lasts / time.Second), Secure: secure, HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	}
}
