package peers

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

const (
	versitygwProgram = "versitygw@v1.8.0"
	gatewayRoot      = "gateway-root"
	gatewaySecret    = "of-this-test-alone-and-of-no-one-else"
	analystRole      = "arn:aws:iam::" + account + ":role/analyst"
	guestRole        = "arn:aws:iam::" + account + ":role/guest"
)

// s3Scene is a versitygw that has Stint for its IAM service, and who uses it.
type s3Scene struct {
	t       *testing.T
	server  *harness.Server
	gateway harness.Credentials // the gateway's own principal
	alice   harness.Credentials // may do everything in S3, and assume roles
	url     string              // of versitygw
}

// s3Directory has the gateway's principal, alice, and two roles: analysts have a folder of the bucket data, guests nothing.
func s3Directory(gateway, alice harness.Credentials) string {
	return `accounts:
  "` + account + `":
    users:
      gateway:
        access_keys: [{id: ` + gateway.AccessKeyID + `, secret: ` + gateway.SecretAccessKey + `}]
        inline_policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["stint:GetSigningKey", "stint:GetCallerPolicies"],
          Resource: "arn:aws:stint:*:` + account + `:service/s3"}]}}
      alice:
        access_keys: [{id: ` + alice.AccessKeyID + `, secret: ` + alice.SecretAccessKey + `}]
        inline_policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:*", "sts:AssumeRole", "iam:PutRolePolicy", "iam:GetAccessKeyLastUsed"], Resource: "*"}]}}
    roles:
      analyst:
        trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "` + account + `"}, Action: "sts:AssumeRole"}]}
        inline_policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::data"},
          {Effect: Allow, Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], Resource: "arn:aws:s3:::data/*"},
          {Sid: Sealed, Effect: Deny, Action: "s3:*", Resource: "arn:aws:s3:::data/*/sealed/*"}]}}
      guest:
        trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "` + account + `"}, Action: "sts:AssumeRole"}]}
`
}

// folderPolicy is a session policy that leaves nothing but one folder of the bucket.
const folderPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::data",` +
	`"Condition":{"StringLike":{"s3:prefix":"blue/*"}}},{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::data/blue/*"}]}`

// startVersitygw starts it on a folder of its own. endpoint and arguments are how it reaches Stint.
func (s *s3Scene) startVersitygw(endpoint string, arguments ...string) {
	s.t.Helper()
	address := freeAddress(s.t)
	s.url = "http://" + address
	arguments = append([]string{"--port", address, "--access", gatewayRoot, "--secret", gatewaySecret, "--region", harness.Region,
		"--iam-standalone-endpoint", endpoint, "--iam-standalone-access", s.gateway.AccessKeyID, "--iam-standalone-secret", s.gateway.SecretAccessKey}, arguments...)
	start(s.t, environment(s.t), func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			err = c.Close()
		}
		return err
	}, program(s.t, versitygwProgram), append(arguments, "posix", s.t.TempDir())...)
}

func newS3Scene(t *testing.T) *s3Scene {
	t.Helper()
	s := &s3Scene{t: t, gateway: harness.NewKey(account), alice: harness.NewKey(account)}
	socket := filepath.Join(t.TempDir(), "iam.sock")
	s.server = harness.Start(t, harness.Options{Directory: []byte(s3Directory(s.gateway, s.alice)), Arguments: []string{"--versitygw-socket", socket}})
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the socket: %v, %v", info, err)
	}
	s.startVersitygw(socket)
	s.ok(s.alice, "s3", "mb", "s3://data")
	return s
}

// aws runs Debian's AWS CLI: sts and iam speak to Stint, s3 and s3api to versitygw.
func (s *s3Scene) aws(as harness.Credentials, arguments ...string) (stdout, stderr string, ok bool) {
	s.t.Helper()
	endpoint := s.server.URL()
	if strings.HasPrefix(arguments[0], "s3") {
		endpoint = s.url
	}
	return run(s.t, environment(s.t, signedInAs(as)...), debianCLI, append([]string{"--endpoint-url", endpoint, "--output", "json"}, arguments...)...)
}

func (s *s3Scene) ok(as harness.Credentials, arguments ...string) string {
	s.t.Helper()
	stdout, stderr, ok := s.aws(as, arguments...)
	if !ok {
		s.t.Fatalf("aws %v: %s%s", arguments, stdout, stderr)
	}
	return stdout
}

// refused demands that a command fails with S3's code and, after it, a text.
func (s *s3Scene) refused(as harness.Credentials, code, text string, arguments ...string) {
	s.t.Helper()
	stdout, stderr, ok := s.aws(as, arguments...)
	if all := stdout + stderr; ok || !strings.Contains(all, "("+code+")") || !strings.Contains(all, text) {
		s.t.Errorf("aws %v: %t %s, want %s and %q", arguments, ok, all, code, text)
	}
}

// assume begins a session of a role.
func (s *s3Scene) assume(role string, more ...string) harness.Credentials {
	s.t.Helper()
	output := s.ok(s.alice, append([]string{"sts", "assume-role", "--role-arn", role, "--role-session-name", "work"}, more...)...)
	var answer struct {
		Credentials struct{ AccessKeyId, SecretAccessKey, SessionToken string }
	}
	if err := json.Unmarshal([]byte(output), &answer); err != nil {
		s.t.Fatal(err)
	}
	return harness.Credentials{AccessKeyID: answer.Credentials.AccessKeyId, SecretAccessKey: answer.Credentials.SecretAccessKey, SessionToken: answer.Credentials.SessionToken}
}

// file is a new file with a text.
func (s *s3Scene) file(text string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// TestVersitygw: credentials of AssumeRole reach what their policies say in a real S3 server, by several clients.
func TestVersitygw(t *testing.T) {
	t.Parallel()
	s := newS3Scene(t)
	session := s.assume(analystRole, "--policy", folderPolicy)
	s.ok(s.alice, "s3", "cp", s.file("of others"), "s3://data/red/report.txt")
	s.ok(s.alice, "s3", "cp", s.file("sealed"), "s3://data/blue/sealed/letter.txt")

	t.Run("AWS CLI", func(t *testing.T) { s.in(t).awsCLI(session) })
	t.Run("boto3", func(t *testing.T) { s.in(t).boto3(session) })
	t.Run("rclone", func(t *testing.T) { s.in(t).rclone(session) })
	t.Run("s3cmd", func(t *testing.T) { s.in(t).s3cmd(session) })
	t.Run("bucket policies", func(t *testing.T) { s.in(t).bucketPolicies() })
	t.Run("bad credentials", func(t *testing.T) { s.in(t).badCredentials(session) })
	t.Run("revocation", func(t *testing.T) { s.in(t).revocation(session) })
}

// TestVersitygwByMutualTLS: a gateway on another machine has a certificate, and nobody else is listened to.
func TestVersitygwByMutualTLS(t *testing.T) {
	t.Parallel()
	s := &s3Scene{t: t, gateway: harness.NewKey(account), alice: harness.NewKey(account)}
	ca, others := newAuthority(t), newAuthority(t)
	certificate, key := ca.issue(t, "stint", "127.0.0.1")
	clientCertificate, clientKey := ca.issue(t, "gateway")
	address := freeAddress(t)
	s.server = harness.Serve(t, harness.ServeOptions{Account: account, Directory: s3Directory(s.gateway, s.alice), Config: `relying:
  versitygw: {listen: "` + address + `", tls: {cert: ` + certificate + `, key: ` + key + `}, client_ca: ` + ca.file + `}
`})
	s.startVersitygw(address, "--iam-standalone-client-cert", clientCertificate, "--iam-standalone-client-cert-key", clientKey, "--iam-standalone-server-ca", ca.file)
	s.ok(s.alice, "s3", "mb", "s3://data")
	s.refused(s.assume(analystRole), "AccessDenied", "s3:CreateBucket", "s3", "mb", "s3://more")
	dial := func(files ...string) error {
		config := &tls.Config{RootCAs: x509.NewCertPool()}
		config.RootCAs.AddCert(ca.certificate)
		if len(files) > 0 {
			pair, err := tls.LoadX509KeyPair(files[0], files[1])
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{pair}
		}
		c, err := tls.Dial("tcp", address, config)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
			return err
		}
		_, err = c.Read(make([]byte, 1)) // what is wrong with a certificate is told after the handshake of TLS 1.3
		return err
	}
	if err := dial(clientCertificate, clientKey); err != nil {
		t.Errorf("with the gateway's certificate: %v", err)
	}
	if err := dial(); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without a certificate: %v", err)
	}
	if err := dial(others.issue(t, "gateway")); err == nil || !strings.Contains(err.Error(), "remote error: tls:") {
		t.Errorf("with a certificate of others: %v", err)
	}
}

// in is the scene in a subtest.
func (s *s3Scene) in(t *testing.T) *s3Scene {
	c := *s
	c.t = t
	return &c
}

func (s *s3Scene) awsCLI(session harness.Credentials) {
	s.ok(session, "s3", "cp", s.file("ours"), "s3://data/blue/cli.txt")
	if got := s.ok(session, "s3", "cp", "s3://data/blue/cli.txt", "-"); got != "ours" {
		s.t.Errorf("read %q", got)
	}
	if got := s.ok(session, "s3", "ls", "s3://data/blue/"); !strings.Contains(got, "cli.txt") {
		s.t.Errorf("listed %q", got)
	}
	const who = "arn:aws:sts::" + account + ":assumed-role/analyst/work is not authorized to perform: "
	s.refused(session, "AccessDenied", who+"s3:ListBucket", "s3", "ls", "s3://data/red/")
	s.refused(session, "AccessDenied", who+"s3:GetObject", "s3api", "get-object", "--bucket", "data", "--key", "red/report.txt", "/dev/null")
	s.refused(session, "AccessDenied", who+"s3:PutObject", "s3api", "put-object", "--bucket", "data", "--key", "red/new.txt")
	s.refused(session, "AccessDenied", "with an explicit deny in an identity-based policy", "s3api", "get-object", "--bucket", "data", "--key", "blue/sealed/letter.txt", "/dev/null")
	s.refused(session, "AccessDenied", "", "s3api", "create-bucket", "--bucket", "more")
	// The role's own session, without the session policy, is told from it.
	whole := s.assume(analystRole)
	s.ok(whole, "s3", "cp", "s3://data/red/report.txt", "-")
	s.refused(whole, "AccessDenied", "with an explicit deny", "s3api", "get-object", "--bucket", "data", "--key", "blue/sealed/letter.txt", "/dev/null")
}

const boto3Script = `
import io, sys, urllib.request, boto3
from botocore.config import Config
from botocore.exceptions import ClientError
s3 = boto3.client("s3", endpoint_url=sys.argv[1], config=Config(signature_version="s3v4")) # presigned URLs too
big = b"x" * (9 << 20)
s3.put_object(Bucket="data", Key="blue/boto.bin", Body=big)
assert s3.get_object(Bucket="data", Key="blue/boto.bin")["Body"].read() == big
assert [o["Key"] for o in s3.list_objects_v2(Bucket="data", Prefix="blue/boto")["Contents"]] == ["blue/boto.bin"]
s3.upload_fileobj(io.BytesIO(big), "data", "blue/parts.bin")
s3.copy_object(Bucket="data", Key="blue/copy.bin", CopySource="data/blue/boto.bin")
url = s3.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": "blue/boto.bin"}, ExpiresIn=60)
assert urllib.request.urlopen(url).read() == big
def refused(call, **parameters):
    try:
        call(**parameters)
    except ClientError as e:
        assert e.response["Error"]["Code"] == "AccessDenied", e
        return
    raise AssertionError("allowed: %r" % parameters)
refused(s3.get_object, Bucket="data", Key="red/report.txt")
refused(s3.put_object, Bucket="data", Key="red/boto.bin", Body=b"x")
refused(s3.copy_object, Bucket="data", Key="blue/stolen.txt", CopySource="data/red/report.txt")
refused(s3.list_objects_v2, Bucket="data")
refused(s3.delete_bucket, Bucket="data")
answer = s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "blue/boto.bin"}, {"Key": "red/report.txt"}, {"Key": "blue/sealed/letter.txt"}]})
assert [d["Key"] for d in answer["Deleted"]] == ["blue/boto.bin"], answer
assert sorted((e["Key"], e["Code"]) for e in answer["Errors"]) == [("blue/sealed/letter.txt", "AccessDenied"), ("red/report.txt", "AccessDenied")], answer
print("whole")
`

func (s *s3Scene) boto3(session harness.Credentials) {
	if got := must(s.t, environment(s.t, signedInAs(session)...), "/usr/bin/python3", "-c", boto3Script, s.url); got != "whole\n" {
		s.t.Errorf("boto3 printed %q", got)
	}
}

func (s *s3Scene) rclone(session harness.Credentials) {
	env := environment(s.t, append(signedInAs(session), "RCLONE_CONFIG_G_TYPE=s3", "RCLONE_CONFIG_G_PROVIDER=Other", "RCLONE_CONFIG_G_ENV_AUTH=true",
		"RCLONE_CONFIG_G_ENDPOINT="+s.url, "RCLONE_CONFIG_G_REGION="+harness.Region, "RCLONE_CONFIG_G_NO_CHECK_BUCKET=true", "RCLONE_RETRIES=1", "RCLONE_LOW_LEVEL_RETRIES=1")...)
	must(s.t, env, "rclone", "copyto", s.file("by rclone"), "g:data/blue/rclone.txt")
	if got := must(s.t, env, "rclone", "cat", "g:data/blue/rclone.txt"); got != "by rclone" {
		s.t.Errorf("read %q", got)
	}
	if got := must(s.t, env, "rclone", "lsf", "g:data/blue/"); !strings.Contains(got, "rclone.txt\n") {
		s.t.Errorf("listed %q", got)
	}
	for _, arguments := range [][]string{{"lsf", "g:data/red/"}, {"copyto", s.file("x"), "g:data/red/rclone.txt"}, {"cat", "g:data/red/report.txt"}} {
		if stdout, stderr, ok := run(s.t, env, "rclone", arguments...); ok || !strings.Contains(stderr, "AccessDenied") && !strings.Contains(stderr, "Forbidden") {
			s.t.Errorf("rclone %v: %t %s%s", arguments, ok, stdout, stderr)
		}
	}
}

func (s *s3Scene) s3cmd(session harness.Credentials) {
	host := strings.TrimPrefix(s.url, "http://")
	env := environment(s.t)
	config := s.file(fmt.Sprintf("[default]\naccess_key = %s\nsecret_key = %s\naccess_token = %s\nhost_base = %s\nhost_bucket = %s\nuse_https = False\nbucket_location = %s\n",
		session.AccessKeyID, session.SecretAccessKey, session.SessionToken, host, host, harness.Region))
	must(s.t, env, "s3cmd", "-c", config, "put", s.file("by s3cmd"), "s3://data/blue/s3cmd.txt")
	if got := must(s.t, env, "s3cmd", "-c", config, "--no-progress", "-q", "get", "s3://data/blue/s3cmd.txt", "-"); got != "by s3cmd" {
		s.t.Errorf("read %q", got)
	}
	if got := must(s.t, env, "s3cmd", "-c", config, "ls", "s3://data/blue/"); !strings.Contains(got, "s3://data/blue/s3cmd.txt") {
		s.t.Errorf("listed %q", got)
	}
	must(s.t, env, "s3cmd", "-c", config, "del", "s3://data/blue/s3cmd.txt")
	for _, arguments := range [][]string{{"ls", "s3://data/red/"}, {"put", s.file("x"), "s3://data/red/s3cmd.txt"}} {
		if stdout, stderr, ok := run(s.t, env, "s3cmd", append([]string{"-c", config}, arguments...)...); ok || !strings.Contains(stderr, "AccessDenied") && !strings.Contains(stderr, "Access to bucket") {
			s.t.Errorf("s3cmd %v: %t %s%s", arguments, ok, stdout, stderr)
		}
	}
}

func (s *s3Scene) bucketPolicies() {
	guest := s.assume(guestRole)
	get := []string{"s3api", "get-object", "--bucket", "data", "--key", "red/report.txt", "/dev/null"}
	put := func(document string) []string {
		return []string{"s3api", "put-bucket-policy", "--bucket", "data", "--policy", document}
	}
	statement := func(effect, principal, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":{"AWS":"` + principal + `"},"Action":"s3:GetObject","Resource":"` + resource + `"}]}`
	}
	s.refused(guest, "AccessDenied", "assumed-role/guest/work is not authorized to perform: s3:GetObject", get...)
	s.ok(s.alice, put(statement("Allow", guestRole, "arn:aws:s3:::data/red/*"))...)
	s.ok(guest, get...)
	s.refused(guest, "AccessDenied", "", "s3api", "get-object", "--bucket", "data", "--key", "blue/cli.txt", "/dev/null")
	narrowed := s.assume(guestRole, "--policy", folderPolicy) // a session policy limits what a bucket policy gives
	s.refused(narrowed, "AccessDenied", "", get...)
	s.ok(s.alice, put(statement("Deny", analystRole, "arn:aws:s3:::data/red/*"))...)
	s.refused(s.assume(analystRole), "AccessDenied", "with an explicit deny in a resource-based policy", get...)
	for _, nobody := range []string{"arn:aws:iam::" + account + ":role/nobody", "arn:aws:iam::999999999999:root", "arn:aws:sts::" + account + ":assumed-role/nobody/work"} {
		s.refused(s.alice, "MalformedPolicy", "", put(statement("Allow", nobody, "arn:aws:s3:::data/*"))...)
	}
	for _, someone := range []string{"arn:aws:iam::" + account + ":root", account, "arn:aws:iam::" + account + ":user/alice", "arn:aws:sts::" + account + ":assumed-role/guest/work"} {
		s.ok(s.alice, put(statement("Allow", someone, "arn:aws:s3:::data/*"))...)
	}
	s.ok(s.alice, "s3api", "delete-bucket-policy", "--bucket", "data")
}

func (s *s3Scene) badCredentials(session harness.Credentials) {
	list := []string{"s3api", "list-objects-v2", "--bucket", "data", "--prefix", "blue/"}
	s.ok(session, list...)
	edited := func(edit func(*harness.Credentials)) harness.Credentials {
		c := session
		edit(&c)
		return c
	}
	middle := len(session.SessionToken) / 2
	flipped := "A"
	if session.SessionToken[middle] == 'A' {
		flipped = "B"
	}
	other := s.assume(analystRole)
	for name, c := range map[string]struct {
		as   harness.Credentials
		code string
	}{
		"a spoiled token": {edited(func(c *harness.Credentials) {
			c.SessionToken = c.SessionToken[:middle] + flipped + c.SessionToken[middle+1:]
		}), "InvalidToken"},
		"another session's":     {edited(func(c *harness.Credentials) { c.SessionToken = other.SessionToken }), "InvalidToken"},
		"a cut token":           {edited(func(c *harness.Credentials) { c.SessionToken = c.SessionToken[:middle] }), "InvalidToken"},
		"another secret":        {edited(func(c *harness.Credentials) { c.SecretAccessKey = other.SecretAccessKey }), "SignatureDoesNotMatch"},
		"no token":              {edited(func(c *harness.Credentials) { c.SessionToken = "" }), "InvalidAccessKeyId"},
		"an unknown key":        {harness.NewKey(account), "InvalidAccessKeyId"},
		"a key with a token":    {harness.Credentials{AccessKeyID: s.alice.AccessKeyID, SecretAccessKey: s.alice.SecretAccessKey, SessionToken: session.SessionToken}, "InvalidToken"},
		"the secret of another": {harness.Credentials{AccessKeyID: s.alice.AccessKeyID, SecretAccessKey: s.gateway.SecretAccessKey}, "SignatureDoesNotMatch"},
	} {
		s.t.Log(name)
		s.refused(c.as, c.code, "", list...)
	}
	// The gateway's principal is no user of S3.
	s.refused(s.gateway, "AccessDenied", "", list...)
}

// revocation: a session that was revoked is nobody's at the next request, and AWS's own way, a policy of the role about when a
// session was issued, denies.
func (s *s3Scene) revocation(session harness.Credentials) {
	list := []string{"s3api", "list-objects-v2", "--bucket", "data", "--prefix", "blue/"}
	revoke := func(arguments ...string) {
		s.t.Helper()
		must(s.t, environment(s.t, append(signedInAs(s.server.Admin), "AWS_ENDPOINT_URL="+s.server.URL())...), os.Getenv("STINT_BINARY"), append([]string{"sessions", "revoke"}, arguments...)...)
	}
	one := s.assume(analystRole)
	s.ok(one, list...)
	revoke("--access-key", one.AccessKeyID)
	s.refused(one, "InvalidToken", "", list...)
	s.ok(session, list...)
	revoke("--role", "analyst")
	s.refused(session, "InvalidToken", "", list...)

	later := s.assume(analystRole)
	s.ok(later, list...)
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"` +
		s.server.Now().Add(time.Second).UTC().Format(time.RFC3339) + `"}}}]}`
	s.ok(s.alice, "iam", "put-role-policy", "--role-name", "analyst", "--policy-name", "AWSRevokeOlderSessions", "--policy-document", deny)
	s.refused(later, "AccessDenied", "with an explicit deny", list...)
	time.Sleep(time.Second) // the policy counts in whole seconds
	s.ok(s.assume(analystRole), list...)
}
