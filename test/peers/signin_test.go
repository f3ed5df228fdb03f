package peers

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

var shellBlock = regexp.MustCompile(`(?s)<pre id="shell"[^>]*>(.*?)</pre>`)

// TestSimpleSAMLphpSignIn: from the identity provider's page to this server's own, as a browser goes, and from there to a shell.
func TestSimpleSAMLphpSignIn(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	certificate, key := ca.issue(t, "stint", "localhost")
	address := freeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	site := "https://localhost:" + port
	provider := startSimpleSAML(t, site+"/saml", "")
	metadata, err := json.Marshal(provider.metadata)
	if err != nil {
		t.Fatal(err)
	}
	harness.Serve(t, harness.ServeOptions{Account: account, Listen: address,
		Config: "tls: {cert: " + certificate + ", key: " + key + "}\nfederation: {saml: {endpoints: [\"" + site + "/saml\"]}}\n",
		Directory: `accounts:
  "` + account + `":
    saml_providers: {corp: {metadata: ` + string(metadata) + `}}
    roles: {developer: {trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "` + samlIDP + `"}, Action: ["sts:AssumeRoleWithSAML", "sts:TagSession"]}]}}}
`})
	browser := ca.client()
	if browser.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	post := func(response string) (int, string) {
		t.Helper()
		answer, err := browser.PostForm(site+"/saml", url.Values{"SAMLResponse": {response}, "RelayState": {""}})
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		page, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(page)
	}
	response := provider.signIn(t, "anna")
	if status, page := post(response); status != http.StatusOK {
		t.Fatalf("%d\n%s", status, harness.Cut(page, 1500))
	}
	page, err := fetch(browser, site+"/console")
	if err != nil {
		t.Fatal(err)
	}
	block := shellBlock.FindStringSubmatch(page)
	if block == nil {
		t.Fatalf("no credentials for a shell:\n%s", harness.Cut(page, 1500))
	}
	shell := html.UnescapeString(block[1]) + "\nexec " + debianCLI + ` --endpoint-url "$AWS_ENDPOINT_URL" --output text --query Arn sts get-caller-identity`
	const who = "arn:aws:sts::" + account + ":assumed-role/developer/anna@example.com"
	if got := must(t, environment(t, "AWS_CA_BUNDLE="+ca.file), "/bin/sh", "-c", shell); strings.TrimSpace(got) != who {
		t.Errorf("get-caller-identity: %s, want %s", got, who)
	}
	if status, page := post(response); status == http.StatusOK || strings.Contains(page, "AWS_SECRET_ACCESS_KEY") {
		t.Errorf("the same response again: %d", status)
	}
	if status, _ := post(provider.signIn(t, "bert")); status == http.StatusOK {
		t.Error("who has no role is signed in")
	}
}
