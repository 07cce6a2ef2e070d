package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"vitrine/internal/access"
)

// maxPayloads is the largest request that is read: a history's page is far smaller.
const maxPayloads = 32 << 20

// Codec decrypts payloads for Temporal's Web UI and CLI, by the protocol of their codec endpoints. Who asked, and how
// much, is logged; what it was, never.
type Codec struct {
	codec   converter.PayloadCodec
	tokens  access.Tokens
	origins []string
	logger  *slog.Logger
}

// CodecOptions is what a Codec needs.
type CodecOptions struct {
	Codec   converter.PayloadCodec
	Tokens  access.Tokens // to read with: decode; to operate with: encode, too
	Origins []string      // of the Web UIs that may ask, such as https://temporal.example.com
	Logger  *slog.Logger
}

// NewCodec makes it.
func NewCodec(o CodecOptions) *Codec {
	return &Codec{codec: o.Codec, tokens: o.Tokens, origins: o.Origins, logger: o.Logger}
}

// Routes are what it answers.
func (c *Codec) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /decode", c.guarded("decode", access.Read, c.codec.Decode))
	mux.Handle("POST /encode", c.guarded("encode", access.Operate, c.codec.Encode))
	mux.Handle("OPTIONS /", http.HandlerFunc(c.preflight))
	mux.Handle("GET /{$}", http.HandlerFunc(c.signIn))
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return mux
}

// request is one of somebody who wants payloads converted, as the audit line tells of it.
type request struct {
	*http.Request
	action   string
	by       string // the token's name
	payloads int
}

func (c *Codec) guarded(action string, scope access.Scope, change change) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := request{Request: r, action: action}
		no := c.admit(w, &asked, scope)
		var answer []byte
		if no == nil {
			answer, no = asked.convert(w, change)
		}
		if no != nil {
			c.audit(asked, no.status, no.why)
			http.Error(w, no.why, no.status)
			return
		}
		c.audit(asked, http.StatusOK, "")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})
}

type change func([]*commonpb.Payload) ([]*commonpb.Payload, error)

// denial is why a request is not answered.
type denial struct {
	status int
	why    string
}

func (c *Codec) admit(w http.ResponseWriter, asked *request, scope access.Scope) *denial {
	if !c.allowOrigin(w, asked.Request) {
		return &denial{http.StatusForbidden, "this origin is not among VITRINE_CODEC_ORIGINS"}
	}
	token, known := c.tokenOf(asked.Request)
	if !known {
		challenge(w)
		return &denial{http.StatusUnauthorized,
			"expected a token of VITRINE_CODEC_TOKENS_FILE, as Authorization: Bearer, " +
				"or in a browser as the password"}
	}
	asked.by = token.Name
	if !token.May(scope) {
		return &denial{http.StatusForbidden,
			"this token may decode, and not encode: its scope is " + string(token.Scope)}
	}
	return nil
}

// tokenOf takes a token as the CLI sends it, and as a browser does that asked for a password: the Web UI has no token
// to send where nobody signs in to it.
func (c *Codec) tokenOf(r *http.Request) (access.Token, bool) {
	if _, password, basic := r.BasicAuth(); basic {
		return c.tokens.Find(password)
	}
	return c.tokens.Bearer(r.Header)
}

func challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="vitrine codec: any user, the token as password"`)
}

// allowOrigin lets the pages of the Web UIs read the answer. Who sends no origin is no page; every browser sends one
// with a POST.
func (c *Codec) allowOrigin(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	w.Header().Add("Vary", "Origin")
	if !slices.Contains(c.origins, origin) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Allow-Credentials", "true")
	return true
}

// preflight tells a browser what a page of the Web UI may send.
func (c *Codec) preflight(w http.ResponseWriter, r *http.Request) {
	if !c.allowOrigin(w, r) {
		http.Error(w, "this origin is not among VITRINE_CODEC_ORIGINS", http.StatusForbidden)
		return
	}
	w.Header().Set("Access-Control-Allow-Methods", "POST")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Namespace")
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// signIn has a browser ask for the token, and keep it for what the Web UI sends here until it is closed.
func (c *Codec) signIn(w http.ResponseWriter, r *http.Request) {
	token, known := c.tokenOf(r)
	if !known {
		challenge(w)
		http.Error(w, "expected a token as the password", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "The Web UI may decode payloads in this browser now, for %s.\n", token.Name)
}

// convert says of what it was given only how much it was.
func (r *request) convert(w http.ResponseWriter, change change) ([]byte, *denial) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayloads))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, &denial{http.StatusRequestEntityTooLarge, fmt.Sprintf("expected at most %d bytes", maxPayloads)}
	}
	var payloads commonpb.Payloads
	if err != nil || protojson.Unmarshal(body, &payloads) != nil {
		return nil, &denial{http.StatusBadRequest, `expected JSON such as {"payloads":[{"metadata":{},"data":""}]}`}
	}
	r.payloads = len(payloads.GetPayloads())
	changed, err := change(payloads.GetPayloads())
	if err != nil {
		return nil, &denial{http.StatusUnprocessableEntity, err.Error()}
	}
	answer, err := protojson.Marshal(&commonpb.Payloads{Payloads: changed})
	if err != nil {
		return nil, &denial{http.StatusInternalServerError, "what came out cannot be written as JSON"}
	}
	return answer, nil
}

// audit writes the one line that stays of a request.
func (c *Codec) audit(r request, status int, why string) {
	attributes := []any{
		"action", r.action, "by", r.by, "namespace", r.Header.Get("X-Namespace"), "payloads", r.payloads,
		"status", status, "origin", r.Header.Get("Origin"), "from", r.RemoteAddr,
	}
	if why != "" {
		attributes = append(attributes, "error", why)
	}
	c.logger.Info("codec", attributes...)
}
