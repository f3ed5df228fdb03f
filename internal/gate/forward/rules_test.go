package forward

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/config"
)

func now() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// parse reads rules as a file has them.
func parse(t testing.TB, text string) []config.GateRule {
	t.Helper()
	c, err := config.ParseGate([]byte("stint: {endpoint: https://stint.example, service: app}\nrules:\n" + text))
	if err != nil {
		t.Fatal(err)
	}
	return c.Rules
}

const reports = `
- methods: [GET, HEAD]
  hosts: [reports.example.com, reports.example.net]
  path: /v1/{tenant}/reports/{report}
  action: reports:GetReport
  resource: arn:aws:reports:::{tenant}/report/{report}
  context:
    reports:Format: {query: format}
    reports:agent: {header: X-Agent}
    reports:tenant: {path: tenant}
- methods: [GET]
  hosts: [reports.example.com]
  path: /v1/{tenant}/files/{file...}
  action: reports:GetFile
  resource: arn:aws:reports:::{tenant}/file/{file}
- methods: [GET]
  hosts: ["{team}.teams.example.com"]
  path: /
  action: teams:Get
  resource: arn:aws:teams:::{team}
- mapper: s3
  s3: {domains: [s3.example.com]}
- methods: [POST]
  path: /anything
  action: any:Post
  resource: "*"
`

// TestDecisions holds what requests need, by the first rule that fits.
func TestDecisions(t *testing.T) {
	t.Parallel()
	rs, err := compile(parse(t, reports), "us-east-1", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		request string // method, host, target
		header  string
		want    string // "action resource key=value", or "! reason"
	}{
		{"GET reports.example.com /v1/blue/reports/7", "", "reports:GetReport arn:aws:reports:::blue/report/7 reports:tenant=blue"},
		{"HEAD REPORTS.example.net:8443 /v1/blue/reports/7?format=pdf", "cli", "reports:GetReport arn:aws:reports:::blue/report/7 reports:agent=cli reports:format=pdf reports:tenant=blue"},
		{"GET reports.example.com /v1/blue/files/a/b%20c/", "", "reports:GetFile arn:aws:reports:::blue/file/a/b c/"},
		{"GET red.teams.example.com /", "", "teams:Get arn:aws:teams:::red"},
		{"GET s3.example.com /bucket/key", "", "s3:GetObject arn:aws:s3:::bucket/key"},
		{"GET bucket.s3.example.com /a/b", "", "s3:GetObject arn:aws:s3:::bucket/a/b"},
		{"POST other.example.com /anything", "", "any:Post *"},

		{"POST reports.example.com /v1/blue/reports/7", "", "! no rule fits"},
		{"GET reports.example.com /v1/blue/reports", "", "! no rule fits"},
		{"GET reports.example.com /v1/blue/reports/", "", "! no rule fits"},
		{"GET reports.example.com /v1/blue/reports/7/8", "", "! no rule fits"},
		{"GET reports.example.com /V1/blue/reports/7", "", "! no rule fits"},
		{"GET reports.example.com /v1/blue/files/", "", "! no rule fits"},
		{"GET reports.example.com /v1/blue/files", "", "! no rule fits"},
		{"GET evil.example.com /v1/blue/reports/7", "", "! no rule fits"},
		{"GET a.b.teams.example.com /", "", "! no rule fits"},
		{"GET teams.example.com /", "", "! no rule fits"},
		{"GET reports.example.com /v1/blue/reports/..%2f7", "", "! the byte 0x2f"},
		{"GET reports.example.com /v1/../v1/blue/reports/7", "", `! the segment ".."`},
		{"GET reports.example.com /v1/blue:red/reports/7", "", "! {tenant} has a colon"},
		{"GET reports.example.com /v1/blue/reports/7?format=a&format=b", "", "! reports:format: given 2 times"},
		{"GET reports.example.com /v1/blue/reports/7?Format=a", "", "! in another case"},
		{"GET reports.example.com /v1/blue/reports/7?%zz", "", "! the query cannot be read"},
		{"GET reports.example.com:x /v1/blue/reports/7", "", "! port is not a number"},
		{"GET s3.example.com /bucket/a/../b", "", `! the segment ".."`},
		{"GET s3.example.com /bucket?unknown", "", `! no parameter "unknown"`},
		{"POST s3.example.com /bucket?delete", "", "! did not come along"},
	} {
		t.Run(tt.request, func(t *testing.T) {
			t.Parallel()
			f := strings.Fields(tt.request)
			got := "! "
			a, err := newAsked(f[0], f[2], f[1], http.Header{"Authorization": {"AWS4-HMAC-SHA256 x"}}, "")
			if err == nil {
				if tt.header != "" {
					a.request.Header.Set("X-Agent", tt.header)
				}
				got, err = render(rs, a)
			}
			if err != nil {
				got = "! " + err.Error()
			}
			reason, refused := strings.CutPrefix(tt.want, "! ")
			if refused && (err == nil || !strings.Contains(got, reason)) || !refused && got != tt.want {
				t.Errorf("%s\nnot %s", got, tt.want)
			}
		})
	}
}

// render says what a request needs.
func render(rs rules, a *asked) (string, error) {
	r, values, err := rs.find(a.request, a.host, a.path)
	if err != nil {
		return "", err
	}
	requests, err := r.requests(a.request, values)
	if err != nil {
		return "", err
	}
	var all []string
	for _, q := range requests {
		all = append(all, q.Action+" "+q.Resource)
		for _, k := range []string{"reports:agent", "reports:format", "reports:tenant"} {
			if v, ok := q.Context.Lookup(k); ok {
				all = append(all, k+"="+strings.Join(v.Strings(), "|"))
			}
		}
	}
	return strings.Join(all, " "), nil
}

// TestFirstRuleWins holds that order decides.
func TestFirstRuleWins(t *testing.T) {
	t.Parallel()
	special := "- {methods: [GET], path: /a/b, action: x:Special, resource: 'arn:aws:x:::s'}\n"
	general := "- {methods: [GET], path: '/a/{n}', action: x:General, resource: 'arn:aws:x:::{n}'}\n"
	for text, want := range map[string]string{special + general: "x:Special arn:aws:x:::s", general + special: "x:General arn:aws:x:::b"} {
		rs, err := compile(parse(t, text), "us-east-1", now)
		if err != nil {
			t.Fatal(err)
		}
		a, err := newAsked("GET", "/a/b", "h", http.Header{}, "")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := render(rs, a); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}

// TestRulesThatCannotBeMeant are refused, with the rule's number.
func TestRulesThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]string{
		"- {path: /a, action: x:A, resource: '*'}":                                                                  "methods: at least one",
		"- {methods: [get], path: /a, action: x:A, resource: '*'}":                                                  "methods:",
		"- {methods: [GET, GET], path: /a, action: x:A, resource: '*'}":                                             "methods:",
		"- {methods: [GET], path: a, action: x:A, resource: '*'}":                                                   "does not begin with a slash",
		"- {methods: [GET], path: /a//b, action: x:A, resource: '*'}":                                               "no path has the segment",
		"- {methods: [GET], path: /a/../b, action: x:A, resource: '*'}":                                             "no path has the segment",
		"- {methods: [GET], path: '/a%20b', action: x:A, resource: '*'}":                                            "no path has the segment",
		"- {methods: [GET], path: '/{a}{b}', action: x:A, resource: '*'}":                                           "{name} of its own",
		"- {methods: [GET], path: '/x{a}', action: x:A, resource: '*'}":                                             "{name} of its own",
		"- {methods: [GET], path: '/{a}/{a}', action: x:A, resource: '*'}":                                          "{name} of its own",
		"- {methods: [GET], path: '/{a...}/b', action: x:A, resource: '*'}":                                         "not at the end",
		"- {methods: [GET], path: '/*', action: 'x:*', resource: '*'}":                                              "is not service:Action",
		"- {methods: [GET], path: /a, action: x, resource: '*'}":                                                    "is not service:Action",
		"- {methods: [GET], path: /a, action: x:A, resource: a}":                                                    "is not an ARN",
		"- {methods: [GET], path: /a, action: x:A}":                                                                 "is not an ARN",
		"- {methods: [GET], path: /a, action: x:A, resource: 'arn:aws:x:::*'}":                                      "wildcards",
		"- {methods: [GET], path: /a, action: x:A, resource: 'arn:aws:x:::{b}'}":                                    "neither path nor host has",
		"- {methods: [GET], path: '/{a}/{b}', action: x:A, resource: 'arn:aws:x:::{a}-{b}'}":                        "must come a slash",
		"- {methods: [GET], path: '/{a...}', action: x:A, resource: 'arn:aws:x:::{a}/b'}":                           "must come a slash",
		"- {methods: [GET], hosts: [A.example], path: /a, action: x:A, resource: '*'}":                              "lower case",
		"- {methods: [GET], hosts: ['{a}.example', b.example], path: /a, action: x:A, resource: '*'}":               "different names",
		"- {methods: [GET], hosts: ['{a}.example'], path: '/{a}', action: x:A, resource: '*'}":                      "host and path",
		"- {methods: [GET], hosts: ['{a...}'], path: '/', action: x:A, resource: '*'}":                              "{name} of its own",
		"- {methods: [GET], path: /a, action: x:A, resource: '*', context: {'aws:SourceIp': {header: X}}}":          "not a key of a service's own",
		"- {methods: [GET], path: /a, action: x:A, resource: '*', context: {'x:k': {}}}":                            "one of header, query and path",
		"- {methods: [GET], path: /a, action: x:A, resource: '*', context: {'x:k': {header: A, query: b}}}":         "one of header, query and path",
		"- {methods: [GET], path: /a, action: x:A, resource: '*', context: {'x:k': {path: b}}}":                     "neither path nor host has",
		"- {methods: [GET], path: /a, action: x:A, resource: '*', context: {'x:k': {query: b}, 'x:K': {query: c}}}": "twice",
		"- {methods: [GET], path: /a, action: x:A, resource: '*', s3: {no_tags: true}}":                             "s3 without mapper",
		"- {mapper: gcs}":                    "there is no",
		"- {mapper: s3, methods: [GET]}":     "follow from it",
		"- {mapper: s3, s3: {domains: [A]}}": "not a host name",
	} {
		_, err := compile(parse(t, text), "us-east-1", now)
		if err == nil || !strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), "rule 1: ") {
			t.Errorf("%s: %v; want %q", text, err, reason)
		}
	}
}
