package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	codeField   = regexp.MustCompile(`name="user_code" value="([^"]+)"`)
	formAction  = regexp.MustCompile(`<form method="post" action="([^"]+)">`)
)

// browse is a person with a browser that knows nothing yet: they open a page, sign in, and decide. The last page is the standard output.
func browse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: browse URL USER PASSWORD allow|deny")
	}
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	client := &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: trust(ts), DisableKeepAlives: true}}
	response, err := client.Get(args[0])
	ts.Check(err)
	for step := 0; ; step++ {
		body, err := io.ReadAll(response.Body)
		ts.Check(err)
		ts.Check(response.Body.Close())
		page := string(body)
		action := formAction.FindStringSubmatch(page)
		if action == nil || step > 4 || step > 0 && strings.Contains(page, `role="alert">Your auth`) {
			fmt.Fprintf(ts.Stdout(), "%s\n%s", response.Request.URL, page)
			return
		}
		form := url.Values{}
		for _, field := range hiddenField.FindAllStringSubmatch(page, -1) {
			form.Add(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
		}
		switch {
		case strings.Contains(page, `name="password"`):
			form.Set("account", "111122223333")
			form.Set("user", args[1])
			form.Set("password", args[2])
		case strings.Contains(page, `name="decision"`):
			form.Set("decision", args[3])
		default:
			if code := codeField.FindStringSubmatch(page); code != nil {
				form.Set("user_code", code[1])
			}
		}
		target, err := response.Request.URL.Parse(action[1])
		ts.Check(err)
		response, err = client.PostForm(target.String(), form)
		ts.Check(err)
	}
}

// whoAmI calls GetCallerIdentity with the environment of a file; the answer is the standard output.
func whoAmI(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: identity FILE")
	}
	names := []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL"}
	kept := make(map[string]string)
	for _, name := range names {
		kept[name] = ts.Getenv(name)
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "="); strings.HasPrefix(name, "AWS_") {
			ts.Setenv(name, value)
		}
	}
	call(ts, false, []string{"sts", "GetCallerIdentity"})
	for name, value := range kept {
		ts.Setenv(name, value)
	}
}
