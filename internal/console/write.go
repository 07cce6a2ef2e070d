package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"log/slog"
	"net/http"
	"path"
	"time"

	"vitrine/internal/report"
)

//go:embed pages
var files embed.FS

//go:embed console.css
var styleText string

//go:embed console.js
var scriptText string

//go:embed icon.svg
var iconText string

// asset is a file whose name changes with its content, so that browsers may keep it for good.
type asset struct{ name, kind, content string }

func newAsset(name, ending, kind, content string) asset {
	sum := sha256.Sum256([]byte(content))
	return asset{name + "-" + hex.EncodeToString(sum[:8]) + ending, kind, content}
}

func (a asset) path() string { return Root + "static/" + a.name }

// The style begins with the report's: both are set alike.
var (
	style  = newAsset("console", ".css", "text/css; charset=utf-8", report.Style+"\n"+styleText)
	script = newAsset("console", ".js", "text/javascript; charset=utf-8", scriptText)
	icon   = newAsset("vitrine", ".svg", "image/svg+xml", iconText)
)

// static needs no login: the login has a style too.
func (c *Console) static(w http.ResponseWriter, r *http.Request) {
	for _, a := range []asset{style, script, icon} {
		if r.PathValue("name") == a.name {
			w.Header().Set("Content-Type", a.kind)
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			_, _ = w.Write([]byte(a.content))
			return
		}
	}
	http.NotFound(w, r)
}

// pageNames are the files under pages, each with a main part.
var pageNames = []string{"login", "error", "accounts", "account", "catalog", "report", "orders", "waiting",
	"order", "command", "confirm"}

// templates are the pages, each within the same layout.
var templates = func() map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(report.Functions).Funcs(functions).
		ParseFS(files, "pages/layout.html", "pages/parts.html"))
	all := map[string]*template.Template{}
	for _, name := range pageNames {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "pages/"+name+".html"))
	}
	return all
}()

// sheet is what the layout shows.
type sheet struct {
	Style, Script, Icon string
	Root                string
	Title               string
	Who                 string // empty: nobody is logged in
	Only                string // the account that the token is bound to
	Operates            bool
	ByProxy             bool   // who logs in by a proxy logs out there
	Form                string // goes with every form
	Now                 time.Time
	Data                any
}

func (c *Console) sheet(v visit, p page) sheet {
	s := sheet{
		Style: style.path(), Script: script.path(), Icon: icon.path(), Root: Root,
		Title: p.title, Now: c.now(), Data: p.data,
	}
	if v.token.Name != "" {
		s.Who, s.Only, s.Operates = v.token.Name, v.token.Account, v.operates()
		s.ByProxy, s.Form = v.seal == nil, v.formToken()
	}
	return s
}

// write answers with a page, whole or not at all.
func (c *Console) write(w http.ResponseWriter, v visit, p page) {
	if p.see != "" {
		if p.template == logoutTemplate {
			http.SetCookie(w, cookie(cookieName, "", true, -time.Second))
			http.SetCookie(w, cookie(cookieNamePlain, "", false, -time.Second))
		}
		http.Redirect(w, v.Request, p.see, http.StatusSeeOther)
		return
	}
	var body bytes.Buffer
	if err := templates[p.template].Execute(&body, c.sheet(v, p)); err != nil {
		c.logger.ErrorContext(v.Context(), "console: a page could not be made", "page", p.template, "error", err)
		http.Error(w, "This page could not be made: the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if p.status != 0 {
		w.WriteHeader(p.status)
	}
	_, _ = w.Write(body.Bytes())
}

// fail says what is wrong, and what to do.
func (c *Console) fail(w http.ResponseWriter, v visit, err error) {
	m := explained(err)
	level := slog.LevelDebug
	if m.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	c.logger.Log(v.Context(), level, "console: not answered", "route", v.Pattern, "status", m.status, "error", err)
	c.write(w, v, page{
		status: m.status, template: "error", title: m.what,
		data: struct{ What, Advice, Back string }{m.what, m.advice, backFrom(v, m)},
	})
}

// backFrom is where to go on from what did not work. What a form was sent to is no page: the one above it is.
func backFrom(v visit, m mistake) string {
	switch name := v.PathValue("account"); {
	case name == "", v.token.Name == "", !v.token.Opens(name), m.status == http.StatusNotFound:
		return Root
	case v.Method == http.MethodPost:
		return path.Dir(v.URL.Path)
	}
	return v.URL.Path
}
