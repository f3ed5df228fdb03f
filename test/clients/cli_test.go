package clients

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

const debianCLI = "/usr/bin/aws"

// cli is an AWS CLI that speaks to one server.
type cli struct {
	t       *testing.T
	program string
	server  *harness.Server
	env     []string
	flags   []string // how it learns the endpoint
}

// TestDebianCLI uses the AWS CLI as Debian has it, which knows --endpoint-url alone.
func TestDebianCLI(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(debianCLI); err != nil {
		t.Fatalf("run test/install.sh: %v", err)
	}
	server := harness.Start(t, harness.Options{})
	scene(&cli{t: t, program: debianCLI, server: server, env: environment(t), flags: []string{"--endpoint-url", server.URL()}})
}

// TestCLIVersion1 uses an AWS CLI on the path that knows AWS_ENDPOINT_URL, which Debian's does not.
func TestCLIVersion1(t *testing.T) {
	t.Parallel()
	program, version := findVersion1(t)
	if program == "" {
		t.Log("no AWS CLI 1.32 or later on the path: Debian's alone is tested")
		return
	}
	t.Logf("%s is %s", program, version)
	server := harness.Start(t, harness.Options{})
	scene(&cli{t: t, program: program, server: server, env: environment(t, "AWS_ENDPOINT_URL="+server.URL())})
}

var versionPattern = regexp.MustCompile(`^aws-cli/1\.(\d+)\.`)

func findVersion1(t *testing.T) (program, version string) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		candidate := filepath.Join(dir, "aws")
		if path, err := exec.LookPath(candidate); err != nil || path == debianCLI {
			continue
		}
		stdout, stderr, ok := run(t, environment(t), "", candidate, "--version")
		parts := versionPattern.FindStringSubmatch(stdout + stderr)
		if !ok || parts == nil {
			continue
		}
		if minor, err := strconv.Atoi(parts[1]); err == nil && minor >= 32 {
			return candidate, strings.TrimSpace(stdout + stderr)
		}
	}
	return "", ""
}

// call runs one command as someone and gives its JSON output, or the error that the client printed.
func (c *cli) call(as harness.Credentials, command ...string) (map[string]any, string) {
	c.t.Helper()
	arguments := append(slices.Clone(c.flags), "--output", "json")
	stdout, stderr, ok := run(c.t, append(slices.Clone(c.env), signedInAs(as)...), "", c.program, append(arguments, command...)...)
	if !ok {
		return nil, strings.TrimSpace(stderr)
	}
	if strings.TrimSpace(stdout) == "" {
		return nil, ""
	}
	var output map[string]any
	if err := json.Unmarshal([]byte(stdout), &output); err != nil {
		c.t.Fatalf("%v printed %q: %v", command, stdout, err)
	}
	return output, ""
}

// must runs a command that has to succeed and gives the text at a dotted path of its output.
func (c *cli) must(as harness.Credentials, path string, command ...string) string {
	c.t.Helper()
	output, failure := c.call(as, command...)
	if failure != "" {
		c.t.Fatalf("%v: %s", command, failure)
	}
	return at(output, path)
}

// refused runs a command that has to fail with this code and text.
func (c *cli) refused(as harness.Credentials, code, text string, command ...string) {
	c.t.Helper()
	_, failure := c.call(as, command...)
	if !strings.Contains(failure, "("+code+")") || !strings.Contains(failure, text) {
		c.t.Errorf("%v: %q, want code %s and %q", command, failure, code, text)
	}
}

func (c *cli) credentials(as harness.Credentials, command ...string) harness.Credentials {
	c.t.Helper()
	output, failure := c.call(as, command...)
	if failure != "" {
		c.t.Fatalf("%v: %s", command, failure)
	}
	made := harness.Credentials{
		AccessKeyID:     at(output, "Credentials.AccessKeyId"),
		SecretAccessKey: at(output, "Credentials.SecretAccessKey"),
		SessionToken:    at(output, "Credentials.SessionToken"),
	}
	if made.AccessKeyID == "" || made.SecretAccessKey == "" || made.SessionToken == "" {
		c.t.Fatalf("%v gave no whole credentials: members %v", command, output)
	}
	return made
}

func at(output map[string]any, path string) string {
	var value any = output
	for name := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	text, _ := value.(string)
	return text
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %q, want %q", what, got, want)
	}
}

func scene(c *cli) {
	admin := c.server.Admin
	equal(c.t, "the administrator", c.must(admin, "Arn", "sts", "get-caller-identity"), "arn:aws:iam::"+account+":user/admin")

	builder := c.build(admin)
	c.assume(builder)
	c.codes(builder)
	c.guests(builder)
	c.decode(builder)
	c.tearDown(admin)
}

// build makes a user with a key, a role and the policies of both.
func (c *cli) build(admin harness.Credentials) harness.Credentials {
	equal(c.t, "the user", c.must(admin, "User.Arn", "iam", "create-user", "--user-name", "builder", "--path", "/team/",
		"--tags", "Key=team,Value=blue"), "arn:aws:iam::"+account+":user/team/builder")
	c.refused(admin, "EntityAlreadyExists", "User with name builder already exists.", "iam", "create-user", "--user-name", "builder")

	policy := c.must(admin, "Policy.Arn", "iam", "create-policy", "--policy-name", "everything", "--policy-document", allowAll)
	c.must(admin, "", "iam", "attach-user-policy", "--user-name", "builder", "--policy-arn", policy)
	c.refused(admin, "MalformedPolicyDocument", "Syntax errors in policy.",
		"iam", "put-user-policy", "--user-name", "builder", "--policy-name", "p", "--policy-document", `{"Statement":1}`)

	output, failure := c.call(admin, "iam", "create-access-key", "--user-name", "builder")
	if failure != "" {
		c.t.Fatal(failure)
	}
	builder := harness.Credentials{
		AccessKeyID:     at(output, "AccessKey.AccessKeyId"),
		SecretAccessKey: at(output, "AccessKey.SecretAccessKey"),
	}
	c.must(admin, "", "iam", "create-role", "--role-name", "worker", "--assume-role-policy-document", trustAccount,
		"--max-session-duration", "7200")
	c.must(admin, "", "iam", "put-role-policy", "--role-name", "worker", "--policy-name", "all", "--policy-document", allowAll)
	c.must(admin, "", "iam", "update-assume-role-policy", "--role-name", "worker", "--policy-document", trustAccount)
	c.refused(admin, "NoSuchEntity", "The role with name ghost cannot be found.", "iam", "get-role", "--role-name", "ghost")
	equal(c.t, "the builder", c.must(builder, "Arn", "sts", "get-caller-identity"), "arn:aws:iam::"+account+":user/team/builder")
	return builder
}

func (c *cli) assume(builder harness.Credentials) {
	role := "arn:aws:iam::" + account + ":role/worker"
	session := c.credentials(builder, "sts", "assume-role", "--role-arn", role, "--role-session-name", "shift",
		"--duration-seconds", "7200", "--tags", "Key=team,Value=blue", "--transitive-tag-keys", "team",
		"--source-identity", "someone", "--policy", allowKeys)
	equal(c.t, "the session", c.must(session, "Arn", "sts", "get-caller-identity"),
		"arn:aws:sts::"+account+":assumed-role/worker/shift")
	equal(c.t, "the account of a key", c.must(session, "Account", "sts", "get-access-key-info", "--access-key-id", builder.AccessKeyID), account)
	c.refused(session, "AccessDenied", "because no session policy allows the iam:ListUsers action", "iam", "list-users")

	c.refused(builder, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::"+account+":role/ghost",
		"sts", "assume-role", "--role-arn", "arn:aws:iam::"+account+":role/ghost", "--role-session-name", "shift")
	c.refused(builder, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
		"sts", "assume-role", "--role-arn", role, "--role-session-name", "shift", "--duration-seconds", "7201")
	spoiled := session
	spoiled.SessionToken = spoiled.SessionToken[:len(spoiled.SessionToken)-4]
	c.refused(spoiled, "InvalidClientTokenId", "The security token included in the request is invalid.", "sts", "get-caller-identity")
	spoiled = builder
	spoiled.SecretAccessKey += "x"
	c.refused(spoiled, "SignatureDoesNotMatch", "The request signature we calculated", "sts", "get-caller-identity")
}

// codes makes an MFA device, enables it and gets a session with a code of it, which then may call IAM.
func (c *cli) codes(builder harness.Credentials) {
	file := filepath.Join(c.t.TempDir(), "seed")
	serial := c.must(builder, "VirtualMFADevice.SerialNumber", "iam", "create-virtual-mfa-device",
		"--virtual-mfa-device-name", "phone", "--outfile", file, "--bootstrap-method", "Base32StringSeed")
	seed, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	first, second, later := codes(strings.TrimSpace(string(seed)))
	c.must(builder, "", "iam", "enable-mfa-device", "--user-name", "builder", "--serial-number", serial,
		"--authentication-code1", first, "--authentication-code2", second)
	session := c.credentials(builder, "sts", "get-session-token", "--serial-number", serial, "--token-code", later)
	equal(c.t, "the user of the session", c.must(session, "User.UserName", "iam", "get-user"), "builder")
	c.refused(builder, "AccessDenied", "MultiFactorAuthentication failed",
		"sts", "get-session-token", "--serial-number", serial, "--token-code", later)

	plain := c.credentials(builder, "sts", "get-session-token")
	c.refused(plain, "InvalidClientTokenId", "", "iam", "get-user")
}

func (c *cli) guests(builder harness.Credentials) {
	guest := c.credentials(builder, "sts", "get-federation-token", "--name", "guest", "--policy", allowAll)
	equal(c.t, "the federated user", c.must(guest, "Arn", "sts", "get-caller-identity"), "arn:aws:sts::"+account+":federated-user/guest")
	c.refused(guest, "AccessDenied", "", "sts", "get-access-key-info", "--access-key-id", builder.AccessKeyID)
}

// decode has the denial of a session decoded. The encoded message is in a header, which the CLI does not show.
func (c *cli) decode(builder harness.Credentials) {
	session := c.credentials(builder, "sts", "assume-role", "--role-arn", "arn:aws:iam::"+account+":role/worker",
		"--role-session-name", "denied", "--policy", allowKeys)
	answer, err := c.server.Call(session, "iam", "ListUsers")
	if err != nil {
		c.t.Fatal(err)
	}
	message := answer.Header.Get("X-Stint-Authorization-Message")
	if message == "" {
		c.t.Fatalf("a denial without a message: %s", answer)
	}
	decoded := c.must(builder, "DecodedMessage", "sts", "decode-authorization-message", "--encoded-message", message)
	if !strings.Contains(decoded, `"action":"iam:ListUsers"`) || !strings.Contains(decoded, "assumed-role/worker/denied") {
		c.t.Errorf("decoded message: %s", decoded)
	}
	c.refused(builder, "InvalidAuthorizationMessageException", "", "sts", "decode-authorization-message", "--encoded-message", "nothing")
}

// tearDown deletes the user in AWS's order, and a deleted user's key is void at once.
func (c *cli) tearDown(admin harness.Credentials) {
	c.refused(admin, "DeleteConflict", "Cannot delete entity, must", "iam", "delete-user", "--user-name", "builder")
	c.must(admin, "", "iam", "delete-role-policy", "--role-name", "worker", "--policy-name", "all")
	c.must(admin, "", "iam", "delete-role", "--role-name", "worker")
	c.refused(admin, "NoSuchEntity", "The role with name worker cannot be found.", "iam", "get-role", "--role-name", "worker")
}
