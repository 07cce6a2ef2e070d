package server_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"vitrine/internal/access"
	"vitrine/internal/keyring"
	"vitrine/internal/payload"
	"vitrine/internal/server"
)

const (
	readsPayloads = "a-token-that-decodes-payloads"
	operatesCodec = "a-token-that-encodes-them-too"
	webUI         = "https://temporal.example.com"
)

// codecStage is a codec server, and what it logs.
type codecStage struct {
	t    *testing.T
	url  string
	logs bytes.Buffer
	keys keyring.Keys
}

func newCodecStage(t *testing.T) *codecStage {
	t.Helper()
	s := &codecStage{t: t}
	key, err := keyring.New("k1", bytes.Repeat([]byte("k"), 32))
	require.NoError(t, err)
	s.keys = keyring.Keys{key}
	codec := server.NewCodec(server.CodecOptions{
		Codec: payload.Codec{Keys: s.keys}, Origins: []string{webUI},
		Tokens: access.Tokens{access.New("ana", readsPayloads, access.Read, ""),
			access.New("ops", operatesCodec, access.Operate, "")},
		Logger: slog.New(slog.NewTextHandler(&s.logs, nil)),
	})
	listening := httptest.NewServer(codec.Routes())
	t.Cleanup(listening.Close)
	s.url = listening.URL
	return s
}

// sends returns the status, the headers and the body of the answer, and the audit line.
func (s *codecStage) sends(method, path, body string, headers ...string) (int, http.Header, string, string) {
	s.t.Helper()
	s.logs.Reset()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return response.StatusCode, response.Header, string(answer), s.logs.String()
}

func (s *codecStage) encrypted(texts ...any) string {
	s.t.Helper()
	written, err := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), payload.Codec{Keys: s.keys}).
		ToPayloads(texts...)
	require.NoError(s.t, err)
	body, err := protojson.Marshal(written)
	require.NoError(s.t, err)
	return string(body)
}

func texts(t *testing.T, body string) (all []string) {
	t.Helper()
	var payloads commonpb.Payloads
	require.NoError(t, protojson.Unmarshal([]byte(body), &payloads))
	for _, p := range payloads.GetPayloads() {
		all = append(all, string(p.GetData()))
	}
	return all
}

func TestTheWebUIDecodes(t *testing.T) {
	t.Parallel()
	s := newCodecStage(t)
	status, headers, body, log := s.sends("POST", "/decode", s.encrypted("secret-one", "secret-two"),
		"Origin", webUI, "Authorization", "Bearer "+readsPayloads, "X-Namespace", "catalogs")
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, []string{`"secret-one"`, `"secret-two"`}, texts(t, body))
	require.Equal(t, webUI, headers.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", headers.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, "no-store", headers.Get("Cache-Control"))
	for _, said := range []string{"action=decode", "by=ana", "namespace=catalogs", "payloads=2", "status=200",
		"origin=" + webUI} {
		require.Contains(t, log, said)
	}
	require.Equal(t, 1, strings.Count(log, "\n"), "one line")
	require.NotContains(t, log, "secret")
	require.NotContains(t, log, readsPayloads)
}

func TestABrowserKeepsTheTokenAsAPassword(t *testing.T) {
	t.Parallel()
	s := newCodecStage(t)
	status, headers, _, _ := s.sends("GET", "/", "")
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, headers.Get("WWW-Authenticate"), "Basic")
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/", nil)
	require.NoError(t, err)
	r.SetBasicAuth("anybody", readsPayloads)
	status, _, body, _ := s.sends("GET", "/", "", "Authorization", r.Header.Get("Authorization"))
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "for ana")
	status, _, body, _ = s.sends("POST", "/decode", s.encrypted("x"), "Origin", webUI, "Authorization",
		r.Header.Get("Authorization"))
	require.Equal(t, http.StatusOK, status, body)
}

func TestThePreflightNamesWhoMayAsk(t *testing.T) {
	t.Parallel()
	s := newCodecStage(t)
	status, headers, _, _ := s.sends("OPTIONS", "/decode", "", "Origin", webUI, "Access-Control-Request-Method", "POST")
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, webUI, headers.Get("Access-Control-Allow-Origin"))
	require.Contains(t, headers.Get("Access-Control-Allow-Headers"), "X-Namespace")
	status, headers, _, _ = s.sends("OPTIONS", "/decode", "", "Origin", "https://elsewhere.example")
	require.Equal(t, http.StatusForbidden, status)
	require.Empty(t, headers.Get("Access-Control-Allow-Origin"))
}

func TestWhoMayNotDecodeIsToldNothing(t *testing.T) {
	t.Parallel()
	s := newCodecStage(t)
	bearer := "Bearer " + readsPayloads
	for _, c := range []struct {
		path, body string
		headers    []string
		status     int
		says, by   string
	}{
		{"/decode", s.encrypted("secret"), nil, http.StatusUnauthorized, "VITRINE_CODEC_TOKENS_FILE", `by=""`},
		{"/decode", s.encrypted("secret"), []string{"Authorization", "Bearer guessed"}, http.StatusUnauthorized, "",
			`by=""`},
		{"/decode", s.encrypted("secret"), []string{"Authorization", bearer, "Origin", "https://evil.example"},
			http.StatusForbidden, "VITRINE_CODEC_ORIGINS", `by=""`},
		{"/encode", s.encrypted("secret"), []string{"Authorization", bearer}, http.StatusForbidden,
			"may decode, and not encode", "by=ana"},
		{"/decode", "no JSON", []string{"Authorization", bearer}, http.StatusBadRequest, "expected JSON", "by=ana"},
		{"/decode",
			`{"payloads":[{"metadata":{"encoding":"YmluYXJ5L2VuY3J5cHRlZA==","encryption-key-id":"azI="},"data":"AA=="}]}`,
			[]string{"Authorization", bearer}, http.StatusUnprocessableEntity, `"k2"`, "by=ana"},
	} {
		status, _, body, log := s.sends("POST", c.path, c.body, c.headers...)
		require.Equal(t, c.status, status, body)
		require.Contains(t, body, c.says)
		require.NotContains(t, body, "secret")
		require.Contains(t, log, c.by)
		require.NotContains(t, log, "guessed")
		require.Equal(t, 1, strings.Count(log, "\n"), "every request leaves its line")
	}
	status, _, _, _ := s.sends("GET", "/decode", "")
	require.Equal(t, http.StatusMethodNotAllowed, status)
	status, _, _, _ = s.sends("GET", "/readyz", "")
	require.Equal(t, http.StatusOK, status)
}

func TestAnOperatorEncodes(t *testing.T) {
	t.Parallel()
	s := newCodecStage(t)
	status, _, body, log := s.sends("POST", "/encode",
		`{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"InNlY3JldCI="}]}`,
		"Authorization", "Bearer "+operatesCodec)
	require.Equal(t, http.StatusOK, status, body)
	require.NotContains(t, texts(t, body)[0], "secret")
	require.Contains(t, log, "action=encode by=ops")
	status, _, body, _ = s.sends("POST", "/decode", body, "Authorization", "Bearer "+operatesCodec)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, []string{`"secret"`}, texts(t, body))
}

// Whatever arrives, the codec answers, and as one that knows what is wrong.
func FuzzTheCodec(f *testing.F) {
	f.Add(true, `{"payloads":[{"metadata":{"encoding":"YmluYXJ5L2VuY3J5cHRlZA=="},"data":"AAAA"}]}`)
	f.Add(false, `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"InRleHQi"}]}`)
	f.Add(true, `{"payloads":[null,{}]}`)
	f.Add(false, `{"payloads":[{"metadata":{"\u0000":""}}]}`)
	f.Add(true, `[]`)
	key, err := keyring.New("k1", bytes.Repeat([]byte("k"), 32))
	require.NoError(f, err)
	codec := server.NewCodec(server.CodecOptions{
		Codec: payload.Codec{Keys: keyring.Keys{key}}, Logger: slog.New(slog.DiscardHandler),
		Tokens: access.Tokens{access.New("ops", operatesCodec, access.Operate, "")},
	}).Routes()
	f.Fuzz(func(t *testing.T, decode bool, body string) {
		path := "/encode"
		if decode {
			path = "/decode"
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+operatesCodec)
		answer := httptest.NewRecorder()
		codec.ServeHTTP(answer, r)
		require.Less(t, answer.Code, 500, answer.Body)
	})
}
