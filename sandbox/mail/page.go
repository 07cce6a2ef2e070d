package mail

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strings"

	"vitrine/internal/terminal"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"style": func() template.CSS { return template.CSS(pageStyle) },
	"size":  terminal.Bytes,
}).Parse(pageText))

// pagePolicy lets the pages show their own style and the frame with a mail's HTML, load nothing else and run nothing.
var pagePolicy = "default-src 'none'; style-src 'sha256-" + styleHash() +
	"'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// mailPolicy is for the HTML of a mail, which anybody may have written: it runs nothing, loads nothing from anywhere,
// and is of no origin, also where it is not in the frame.
const mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

func styleHash() string {
	digest := sha256.Sum256([]byte(pageStyle))
	return base64.StdEncoding.EncodeToString(digest[:])
}

func (b *box) showList(w http.ResponseWriter, _ *http.Request) {
	mails := b.matching(Match{})
	slices.Reverse(mails)
	show(w, "list", struct {
		Mails []Mail
		Kept  int
	}{mails, kept})
}

// previewed is how much of a mail's text the list shows.
const previewed = 180

// Preview is how a mail begins, on one line.
func (m Mail) Preview() string {
	text := []rune(strings.Join(strings.Fields(m.Text), " "))
	if len(text) <= previewed {
		return string(text)
	}
	return string(text[:previewed]) + "…"
}

func showMail(w http.ResponseWriter, m Mail) { show(w, "mail", m) }

func show(w http.ResponseWriter, page string, content any) {
	protect(w, pagePolicy, "text/html; charset=utf-8")
	_ = pages.ExecuteTemplate(w, page, content) // the browser is gone then
}

func showHTML(w http.ResponseWriter, m Mail) {
	protect(w, mailPolicy, "text/html; charset=utf-8")
	_, _ = io.WriteString(w, m.HTML)
}

func showSource(w http.ResponseWriter, m Mail) {
	protect(w, mailPolicy, "text/plain; charset=utf-8")
	_, _ = w.Write(m.source)
}

func protect(w http.ResponseWriter, policy, kind string) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}
