package peers

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"html"
	"io"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/stint-sts/stint/test/harness"
)

const (
	debianCLI   = "/usr/bin/aws"
	samlPages   = "/usr/share/simplesamlphp/www"
	samlRole    = "arn:aws:iam::" + account + ":role/developer"
	awsConsumer = "https://signin.aws.amazon.com/saml"
	samlIDP     = "arn:aws:iam::" + account + ":saml-provider/corp"
)

// simpleSAML is SimpleSAMLphp as Debian has it, with a configuration of the test's own.
type simpleSAML struct {
	url        string
	consumer   string // where it has browsers post responses to
	metadata   string
	privateKey string // what opens encrypted assertions, PEM
}

// audience is whom responses are for: AWS's name, or the place of another server's sign-in.
func (s *simpleSAML) audience() string {
	if s.consumer == awsConsumer {
		return "urn:amazon:webservices"
	}
	return s.consumer
}

// startSimpleSAML starts it with two people: anna, who may be a developer, and bert, who has no role. With an algorithm, assertions
// are encrypted by it for a key that is made here.
func startSimpleSAML(t *testing.T, consumer, algorithm string) *simpleSAML {
	t.Helper()
	if _, err := os.Stat(samlPages); err != nil {
		t.Fatalf("run make test-peers, which installs SimpleSAMLphp: %v", err)
	}
	dir, address := t.TempDir(), freeAddress(t)
	for _, sub := range []string{"config", "metadata", "cert", "log", "data", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	samlCertificate(t, filepath.Join(dir, "cert"), "idp")
	s := &simpleSAML{url: "http://" + address + "/", consumer: consumer}
	encryption := ""
	if algorithm != "" {
		s.privateKey = samlCertificate(t, filepath.Join(dir, "cert"), "aws")
		encryption = `, 'assertion.encryption' => true, 'certificate' => 'aws.crt', 'sharedkey_algorithm' => '` + algorithm + `'`
	}
	for name, text := range map[string]string{
		"config/config.php": `<?php $config = ['baseurlpath' => '` + s.url + `', 'certdir' => '` + dir + `/cert/', 'loggingdir' => '` + dir + `/log/', 'datadir' => '` + dir +
			`/data/', 'tempdir' => '` + dir + `/tmp', 'metadatadir' => '` + dir + `/metadata', 'secretsalt' => 'of this test alone', 'auth.adminpassword' => 'none of this test',
			'technicalcontact_email' => 'test@example.com', 'timezone' => 'UTC', 'logging.handler' => 'file', 'enable.saml20-idp' => true, 'session.cookie.secure' => false,
			'store.type' => 'sql', 'store.sql.dsn' => 'sqlite:` + dir + `/data/store.sqlite', 'metadata.sources' => [['type' => 'flatfile']],
			'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true]];`,
		"config/authsources.php": `<?php $config = ['people' => ['exampleauth:UserPass',
			'anna:open sesame' => ['uid' => ['anna'], 'https://aws.amazon.com/SAML/Attributes/Role' => ['` + samlRole + `,` + samlIDP + `'],
				'https://aws.amazon.com/SAML/Attributes/RoleSessionName' => ['anna@example.com'], 'https://aws.amazon.com/SAML/Attributes/SessionDuration' => ['1800'],
				'https://aws.amazon.com/SAML/Attributes/PrincipalTag:team' => ['blue']],
			'bert:open sesame' => ['uid' => ['bert'], 'https://aws.amazon.com/SAML/Attributes/RoleSessionName' => ['bert@example.com']]]];`,
		"metadata/saml20-idp-hosted.php": `<?php $metadata['https://idp.example.com/'] = ['host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'people',
			'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', 'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri'];`,
		"metadata/saml20-sp-remote.php": `<?php $metadata['` + s.audience() + `'] = ['AssertionConsumerService' => '` + s.consumer + `',
			'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent', 'simplesaml.nameidattribute' => 'uid', 'simplesaml.attributes' => true` + encryption + `];`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, environment(t, "SIMPLESAMLPHP_CONFIG_DIR="+filepath.Join(dir, "config")), func() (err error) {
		s.metadata, err = fetch(http.DefaultClient, s.url+"saml2/idp/metadata.php")
		return err
	}, "php", "-S", address, "-t", samlPages)
	return s
}

// samlCertificate makes a key and its certificate, and returns the key.
func samlCertificate(t *testing.T, dir, name string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, name+".crt"), "CERTIFICATE", der)
	writePEM(t, filepath.Join(dir, name+".key"), "PRIVATE KEY", private)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

var (
	authState    = regexp.MustCompile(`name="AuthState" value="([^"]+)"`)
	samlResponse = regexp.MustCompile(`name="SAMLResponse" value="([^"]+)"`)
)

// signIn signs a person in as a browser does, and gives the response that the last page posts to AWS.
func (s *simpleSAML) signIn(t *testing.T, person string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: commandLimit}
	page, err := fetch(browser, s.url+"saml2/idp/SSOService.php?spentityid="+url.QueryEscape(s.audience()))
	if err != nil {
		t.Fatal(err)
	}
	state := authState.FindStringSubmatch(page)
	if state == nil {
		t.Fatalf("no form to sign in:\n%s", harness.Cut(page, 2000))
	}
	answer, err := browser.PostForm(s.url+"module.php/core/loginuserpass.php", url.Values{
		"AuthState": {html.UnescapeString(state[1])}, "username": {person}, "password": {"open sesame"}})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	page = string(content)
	response := samlResponse.FindStringSubmatch(page)
	if response == nil || !strings.Contains(page, `action="`+s.consumer+`"`) {
		t.Fatalf("no response after signing in:\n%s", harness.Cut(page, 2000))
	}
	return html.UnescapeString(response[1])
}

// TestSimpleSAMLphp goes from the sign-in page of an identity provider to a call with the credentials.
func TestSimpleSAMLphp(t *testing.T) {
	t.Parallel()
	provider := startSimpleSAML(t, awsConsumer, "")
	metadata, err := json.Marshal(provider.metadata)
	if err != nil {
		t.Fatal(err)
	}
	server := harness.Start(t, harness.Options{Directory: []byte(`accounts:
  "` + account + `":
    saml_providers: {corp: {metadata: ` + string(metadata) + `}}
    roles:
      developer:
        trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "` + samlIDP + `"}, Action: ["sts:AssumeRoleWithSAML", "sts:TagSession"],
          Condition: {StringEquals: {"SAML:aud": "https://signin.aws.amazon.com/saml", "saml:sub_type": persistent, "aws:RequestTag/team": blue}}}]}
        inline_policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "iam:GetRole", Resource: "*", Condition: {StringEquals: {"aws:PrincipalTag/team": blue}}}]}}
`)})
	assume := func(response string) (stdout, stderr string, ok bool) {
		file := filepath.Join(t.TempDir(), "response.b64")
		if err := os.WriteFile(file, []byte(response), 0o600); err != nil {
			t.Fatal(err)
		}
		return run(t, environment(t), debianCLI, "--endpoint-url", server.URL(), "--output", "json", "sts", "assume-role-with-saml",
			"--role-arn", samlRole, "--principal-arn", samlIDP, "--saml-assertion", "file://"+file)
	}
	response := provider.signIn(t, "anna")
	stdout, stderr, ok := assume(response)
	if !ok {
		t.Fatalf("assume-role-with-saml: %s", stderr)
	}
	var output struct {
		Issuer, SubjectType, Subject string
		AssumedRoleUser              struct{ Arn string }
		Audience                     string
	}
	var raw struct {
		Credentials struct {
			AccessKeyId, SecretAccessKey, SessionToken string
			Expiration                                 time.Time
		}
	}
	for _, into := range []any{&output, &raw} {
		if err := json.Unmarshal([]byte(stdout), into); err != nil {
			t.Fatal(err)
		}
	}
	session := harness.Credentials{AccessKeyID: raw.Credentials.AccessKeyId, SecretAccessKey: raw.Credentials.SecretAccessKey, SessionToken: raw.Credentials.SessionToken}
	const who = "arn:aws:sts::" + account + ":assumed-role/developer/anna@example.com"
	if output.Issuer != "https://idp.example.com/" || output.Subject != "anna" || output.SubjectType != "persistent" || output.AssumedRoleUser.Arn != who ||
		output.Audience != "https://signin.aws.amazon.com/saml" {
		t.Errorf("assume-role-with-saml answered %+v", output)
	}
	if left := time.Until(raw.Credentials.Expiration); left < 59*time.Minute || left > time.Hour {
		t.Errorf("the session ends in %v: SessionDuration is for the sign-in page, and an hour is the default here", left)
	}
	env := environment(t, signedInAs(session)...)
	if found := must(t, env, debianCLI, "--endpoint-url", server.URL(), "--output", "text", "--query", "Arn", "sts", "get-caller-identity"); strings.TrimSpace(found) != who {
		t.Errorf("get-caller-identity: %s, want %s", found, who)
	}
	must(t, env, debianCLI, "--endpoint-url", server.URL(), "iam", "get-role", "--role-name", "developer")

	decoded, err := base64.StdEncoding.DecodeString(response)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ response, want string }{
		"a second time":    {response, "(InvalidIdentityToken)"},
		"someone else":     {base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(decoded), ">anna<", ">carl<", 1))), "(InvalidIdentityToken)"},
		"without the role": {provider.signIn(t, "bert"), "SAML Assertion doesn't contain the requested Role and Metadata in the attributes"},
	} {
		if stdout, stderr, ok := assume(c.response); ok || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: %q %q, want %s", name, stdout, stderr, c.want)
		}
	}
	if _, stderr, ok := assume(provider.signIn(t, "anna")); !ok {
		t.Errorf("anna anew: %s", stderr)
	}
}

// TestSimpleSAMLphpEncrypts: assertions that are encrypted for a key of the provider, and no others where encryption is required.
func TestSimpleSAMLphpEncrypts(t *testing.T) {
	t.Parallel()
	provider := startSimpleSAML(t, awsConsumer, "http://www.w3.org/2009/xmlenc11#aes256-gcm")
	server := harness.Start(t, harness.Options{Directory: []byte(`accounts:
  "` + account + `":
    roles: {developer: {trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "` + samlIDP + `"}, Action: ["sts:AssumeRoleWithSAML", "sts:TagSession"]}]}}}
`)})
	admin := credentials.NewStaticCredentialsProvider(server.Admin.AccessKeyID, server.Admin.SecretAccessKey, "")
	if _, err := iam.New(iam.Options{Region: harness.Region, BaseEndpoint: aws.String(server.URL()), Credentials: admin}).CreateSAMLProvider(t.Context(), &iam.CreateSAMLProviderInput{
		Name: aws.String("corp"), SAMLMetadataDocument: &provider.metadata, AddPrivateKey: &provider.privateKey, AssertionEncryptionMode: iamtypes.AssertionEncryptionModeTypeRequired,
	}); err != nil {
		t.Fatal(err)
	}
	client := sts.New(sts.Options{Region: harness.Region, BaseEndpoint: aws.String(server.URL()), RetryMaxAttempts: 1})
	assume := func(response string) (*sts.AssumeRoleWithSAMLOutput, error) {
		return client.AssumeRoleWithSAML(t.Context(), &sts.AssumeRoleWithSAMLInput{PrincipalArn: aws.String(samlIDP), RoleArn: aws.String(samlRole), SAMLAssertion: &response})
	}
	response := provider.signIn(t, "anna")
	if text, err := base64.StdEncoding.DecodeString(response); err != nil || !strings.Contains(string(text), "EncryptedAssertion") || strings.Contains(string(text), "anna") {
		t.Fatalf("the response is not encrypted: %v", err)
	}
	out, err := assume(response)
	if err != nil {
		t.Fatal(err)
	}
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::"+account+":assumed-role/developer/anna@example.com" || *out.Subject != "anna" {
		t.Errorf("%+v", out)
	}
	var refusal *ststypes.InvalidIdentityTokenException
	if _, err := assume(startSimpleSAML(t, awsConsumer, "").signIn(t, "anna")); !errors.As(err, &refusal) {
		t.Errorf("in clear, and by another key: %v", err)
	}
}
