package commandline

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
)

//go:embed pages.html
var pageFiles embed.FS

// templates are the pages: HTML without scripts, as every browser shows it.
var templates = template.Must(template.ParseFS(pageFiles, "pages.html"))

// page is what a page shows. What does not apply is empty.
type page struct {
	Title, Text string
	StyleSheet  string
	Who         string // ARN of what the person signed in as
	FormToken   string

	Code    string // user code
	Wrong   bool   // there is no such code
	Address string // of the machine that gets the credentials
	Agent   string
	Began   string
	Asked   asked
	Hidden  url.Values
}

// Minutes is how long the credentials are asked to last.
func (p *page) Minutes() int32 { return p.Asked.Seconds / 60 }

// complain shows a person what is wrong.
func (s *Service) complain(x *call, status int, text string) {
	s.tell(x, status, "This does not work", text)
}

// tell shows a person a sentence.
func (s *Service) tell(x *call, status int, title, text string) {
	s.show(x, status, "message", &page{Title: title, Text: text})
}

// show answers by a page, which no other site can frame. Its forms lead to this server, and over it to the origins.
func (s *Service) show(x *call, status int, name string, p *page, origins ...string) {
	p.StyleSheet = s.StyleSheet
	if x.person != nil {
		p.Who, p.FormToken = x.person.Caller.ARN, x.person.FormToken
	}
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, p); err != nil {
		s.Log.Error("a page was not made", "page", name, "error", err)
		status = http.StatusInternalServerError
		body.Reset()
	}
	security := "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
	for _, o := range origins {
		security += " " + o
	}
	header := x.w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", security)
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Referrer-Policy", "same-origin") // without any, browsers send no Origin with a form
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body.Bytes())
}

// leave sends the browser elsewhere, and no trace of where it was before.
func (s *Service) leave(x *call, target string) {
	header := x.w.Header()
	header.Set("Location", target)
	header.Set("Content-Length", "0")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	x.w.WriteHeader(http.StatusSeeOther)
}
