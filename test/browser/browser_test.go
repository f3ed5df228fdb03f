// Package browser signs people in with a real browser: Debian's Chromium, without a screen.
package browser

import (
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/stint-sts/stint/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

const (
	password = "Correct-horse1"
	entity   = "https://idp.example.com/saml"
)

// browser is one without cookies. It ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium: test/install.sh installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

func run(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, s *harness.Server, action string, fields ...string) *harness.Response {
	t.Helper()
	var pairs []harness.Field
	for i := 0; i < len(fields); i += 2 {
		pairs = append(pairs, harness.Field{Name: fields[i], Value: fields[i+1]})
	}
	answer, err := s.Call(s.Admin, "iam", action, pairs...)
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("%s: %v %v", action, answer, err)
	}
	return answer
}

// shown reads the page: whom it shows, by the page and by the credentials that it shows.
func shown(t *testing.T, ctx context.Context, s *harness.Server) string {
	t.Helper()
	var arn, shell string
	run(t, ctx, chromedp.WaitVisible("#arn"), chromedp.Text("#arn", &arn), chromedp.Text("#shell", &shell))
	c := harness.Credentials{
		AccessKeyID: after(shell, "AWS_ACCESS_KEY_ID="), SecretAccessKey: after(shell, "AWS_SECRET_ACCESS_KEY="), SessionToken: after(shell, "AWS_SESSION_TOKEN="),
	}
	answer, err := s.Call(c, "sts", "GetCallerIdentity")
	if err != nil || answer.Value("Arn") != arn {
		t.Errorf("the page says %s, its credentials %v %v", arn, answer, err)
	}
	return arn
}

func after(text, before string) string {
	_, rest, _ := strings.Cut(text, before)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// signOut ends in the form, and leaves nothing of the session.
func signOut(t *testing.T, ctx context.Context, s *harness.Server) {
	t.Helper()
	run(t, ctx, chromedp.Click("#signout"), chromedp.WaitVisible("#password"),
		chromedp.Navigate(s.URL()+"/console"), chromedp.WaitVisible("#password"))
}

func TestPasswordWithMFA(t *testing.T) {
	t.Parallel()
	ctx, s := browser(t), harness.Start(t, harness.Options{})
	must(t, s, "CreateUser", "UserName", "alice")
	must(t, s, "CreateLoginProfile", "UserName", "alice", "Password", password)
	made := must(t, s, "CreateVirtualMFADevice", "VirtualMFADeviceName", "phone")
	raw, err := base64.StdEncoding.DecodeString(made.Value("VirtualMFADevice.Base32StringSeed"))
	if err != nil {
		t.Fatal(err)
	}
	seed := string(raw)
	now := s.Now()
	must(t, s, "EnableMFADevice", "UserName", "alice", "SerialNumber", made.Value("VirtualMFADevice.SerialNumber"),
		"AuthenticationCode1", harness.Code(seed, now, -1), "AuthenticationCode2", harness.Code(seed, now, 0))
	fill := func(code string) []chromedp.Action {
		return []chromedp.Action{
			chromedp.Navigate(s.URL() + "/signin?account=" + s.Account), chromedp.WaitVisible("#user"),
			chromedp.SendKeys("#user", "alice"), chromedp.SendKeys("#password", password), chromedp.SendKeys("#code", code), chromedp.Click("#submit"),
		}
	}
	var wrong string
	run(t, ctx, append(fill(harness.WrongCode(seed, now)), chromedp.WaitVisible("[role=alert]"), chromedp.Text("[role=alert]", &wrong))...)
	if !strings.Contains(wrong, "incorrect") {
		t.Errorf("a wrong code: %q", wrong)
	}
	run(t, ctx, fill(harness.Code(seed, now, 1))...)
	if arn := shown(t, ctx, s); arn != "arn:aws:iam::"+s.Account+":user/alice" {
		t.Errorf("signed in as %s", arn)
	}
	signOut(t, ctx, s)
}

func TestSAMLWithTwoRoles(t *testing.T) {
	t.Parallel()
	ctx, s := browser(t), harness.Start(t, harness.Options{})
	provider := "arn:aws:iam::" + s.Account + ":saml-provider/corp"
	must(t, s, "CreateSAMLProvider", "Name", "corp", "SAMLMetadataDocument", harness.SAMLMetadata(entity))
	var offers []string
	for _, name := range []string{"reader", "writer"} {
		must(t, s, "CreateRole", "RoleName", name, "AssumeRolePolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"`+
			provider+`"},"Action":"sts:AssumeRoleWithSAML"}]}`)
		offers = append(offers, "arn:aws:iam::"+s.Account+":role/"+name+","+provider)
	}
	idp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := s.Now()
		r := harness.SAMLResponse{
			Issuer: entity, Audience: "urn:amazon:webservices", Recipient: s.URL() + "/saml", NameID: "carol@example.com",
			Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", Issued: now, NotOnOrAfter: now.Add(5 * time.Minute), Key: "idp",
			Attributes: map[string][]string{
				"https://aws.amazon.com/SAML/Attributes/Role": offers, "https://aws.amazon.com/SAML/Attributes/RoleSessionName": {"carol"},
			},
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<form method="post" action="%s/saml"><input type="hidden" name="SAMLResponse" value="%s"><button id="go">Go on</button></form>`,
			s.URL(), html.EscapeString(r.Encoded()))
	}))
	t.Cleanup(idp.Close)
	// Another host than the server's, as a provider is.
	run(t, ctx, chromedp.Navigate(strings.Replace(idp.URL, "127.0.0.1", "localhost", 1)), chromedp.Click("#go"),
		chromedp.WaitVisible("fieldset"), chromedp.Click(`input[value$="role/writer"]`), chromedp.Click("#submit"))
	if arn := shown(t, ctx, s); arn != "arn:aws:sts::"+s.Account+":assumed-role/writer/carol" {
		t.Errorf("signed in as %s", arn)
	}
	signOut(t, ctx, s)
}
