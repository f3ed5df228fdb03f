package clients

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/stint-sts/stint/test/harness"
)

const alicePassword = "Correct-Horse-7"

// TestLogin has a person sign in by a browser, and then AWS's own clients take the credentials from stint credential-process and
// from stint exec.
func TestLogin(t *testing.T) {
	t.Parallel()
	server := harness.Start(t, harness.Options{})
	admin := &cli{t: t, program: debianCLI, server: server, env: environment(t), flags: []string{"--endpoint-url", server.URL()}}
	for _, command := range []string{
		"iam create-user --user-name alice",
		"iam create-login-profile --user-name alice --password " + alicePassword,
		"iam attach-user-policy --user-name alice --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
	} {
		if _, failure := admin.call(server.Admin, strings.Fields(command)...); failure != "" {
			t.Fatal(failure)
		}
	}
	role := "arn:aws:iam::" + account + ":role/reader"
	if _, failure := admin.call(server.Admin, "iam", "create-role", "--role-name", "reader", "--assume-role-policy-document", trustAccount); failure != "" {
		t.Fatal(failure)
	}

	home := t.TempDir()
	env := append(environment(t), "XDG_CACHE_HOME="+filepath.Join(home, "cache"))
	signIn(t, env, "login", "--no-browser", "--endpoint-url", server.URL())
	signIn(t, env, "login", "--no-browser", "--endpoint-url", server.URL(), "--profile", "reader", "--role", role, "--duration", "15m")

	settings := filepath.Join(home, "config")
	process := fmt.Sprintf("credential_process = env XDG_CACHE_HOME=%s %s credential-process --profile", filepath.Join(home, "cache"), harness.Binary())
	text := fmt.Sprintf("[profile person]\nregion = %s\n%s default\n\n[profile reader]\nregion = %[1]s\n%[2]s reader\n", harness.Region, process)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	alice, session := "arn:aws:iam::"+account+":user/alice", "arn:aws:sts::"+account+":assumed-role/reader/alice"
	configured := append(env, "AWS_CONFIG_FILE="+settings)
	for profile, want := range map[string]string{"person": alice, "reader": session} {
		stdout, stderr, ok := run(t, configured, "", debianCLI, "--profile", profile, "--endpoint-url", server.URL(), "--output", "text",
			"--query", "Arn", "sts", "get-caller-identity")
		if !ok || strings.TrimSpace(stdout) != want {
			t.Errorf("credential_process of %s: %s%s", profile, stdout, stderr)
		}
		loaded, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigFiles([]string{settings}), config.WithSharedConfigProfile(profile))
		if err != nil {
			t.Fatal(err)
		}
		out, err := sts.NewFromConfig(loaded, func(o *sts.Options) { o.BaseEndpoint = aws.String(server.URL()) }).GetCallerIdentity(t.Context(), nil)
		if err != nil || aws.ToString(out.Arn) != want {
			t.Errorf("the SDK for Go with credential_process of %s: %v, %v", profile, out, err)
		}
	}

	// What would bring in other credentials is not there any more.
	misled := append(env, "AWS_PROFILE=nobody", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=wrong")
	stdout, stderr, ok := run(t, misled, "", harness.Binary(), "exec", "--profile", "reader", "--", debianCLI, "--endpoint-url", server.URL(),
		"--output", "text", "--query", "Arn", "sts", "get-caller-identity")
	if !ok || strings.TrimSpace(stdout) != session {
		t.Errorf("stint exec: %s%s", stdout, stderr)
	}
	stdout, stderr, ok = run(t, env, "", harness.Binary(), "exec", "--profile", "reader", "--", debianCLI, "--endpoint-url", server.URL(), "iam", "list-users")
	if ok || !strings.Contains(stderr, "is not authorized to perform: iam:ListUsers") {
		t.Errorf("what the role may not: %s%s", stdout, stderr)
	}
}

// signIn runs a stint login to its end, and is the person with the browser meanwhile.
func signIn(t *testing.T, env []string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), harness.Binary(), arguments...)
	command.Env = env
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if page := strings.TrimSpace(lines.Text()); strings.HasPrefix(page, "http") {
			visit(t, page)
		}
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("stint %v: %v", arguments, err)
	}
}

var (
	formPattern  = regexp.MustCompile(`(?s)<form method="post" action="([^"]+)">(.*?)</form>`)
	inputPattern = regexp.MustCompile(`<input [^>]*name="([^"]+)"[^>]*>`)
	valuePattern = regexp.MustCompile(` value="([^"]*)"`)
)

// visit signs in as alice and allows whatever is asked.
func visit(t *testing.T, page string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	defer browser.CloseIdleConnections()
	response, err := browser.Get(page)
	for range 6 {
		if err != nil {
			t.Fatal(err)
		}
		body, err2 := io.ReadAll(response.Body)
		response.Body.Close()
		form := formPattern.FindSubmatch(body)
		if err2 != nil || form == nil {
			t.Logf("the last page is %s: %s", response.Request.URL.Path, body)
			return
		}
		values := url.Values{}
		for _, input := range inputPattern.FindAllSubmatch(form[2], -1) {
			if value := valuePattern.FindSubmatch(input[0]); value != nil {
				values.Add(string(input[1]), html.UnescapeString(string(value[1])))
			}
		}
		if strings.Contains(string(form[2]), `name="password"`) {
			values.Set("account", account)
			values.Set("user", "alice")
			values.Set("password", alicePassword)
		} else {
			values.Set("decision", "allow")
		}
		target, err2 := response.Request.URL.Parse(html.UnescapeString(string(form[1])))
		if err2 != nil {
			t.Fatal(err2)
		}
		response, err = browser.PostForm(target.String(), values)
	}
	t.Error("the pages have no end")
}
