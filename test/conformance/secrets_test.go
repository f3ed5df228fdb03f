package conformance

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stint-sts/stint/test/harness"
)

// auditLines are the lines of the audit file so far.
func (h *house) auditLines() []string {
	h.t.Helper()
	h.assume(h.ops) // the line of what is issued is written at once, and with it all before it
	content, err := os.ReadFile(filepath.Join(h.Data, "audit.jsonl"))
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// advisory 127 (CVE-2021-38553): nobody but the owner may read what the server keeps.
func TestFileModes(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	h.assume(h.ops)
	seen := 0
	err := filepath.WalkDir(h.Data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		seen++
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %o", strings.TrimPrefix(path, h.Data), mode)
		} else if info.Mode().IsRegular() && mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", strings.TrimPrefix(path, h.Data), mode)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 5 {
		t.Errorf("only %d files and folders were found", seen)
	}
}

// advisory 27 (CVE-2026-42507): whatever bytes a request has, every audit line is one line of JSON, and no log line is the
// attacker's.
func TestLogInjection(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	const mark = "level=ERROR msg=planted"
	evil := []string{
		"x\r\n" + mark, "x\n{\"eventName\":\"Planted\"}", "x\x1b[31m" + mark, "x\x00y", "\u2028" + mark, "\xff\xfe" + mark,
		strings.Repeat("L", 1<<20),
	}
	for _, text := range evil {
		h.call(h.ops, "sts", "AssumeRole", "RoleArn", workerARN, "RoleSessionName", text)
		h.call(h.ops, "sts", "AssumeRole", "RoleArn", "arn:aws:iam::111122223333:role/"+text, "RoleSessionName", "shift")
		h.call(h.ops, "iam", "CreateUser", "UserName", text)
		h.call(harness.Credentials{AccessKeyID: text, SecretAccessKey: "x"}, "sts", "GetCallerIdentity")
		h.call(h.ops, "sts", text)
		plain := strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(text)
		request := harness.NewPost(identity...)
		request.Header = append(request.Header, harness.Field{Name: "User-Agent", Value: harness.Cut(plain, 5000)})
		harness.Sign(request, h.Signing(h.ops, "sts"))
		h.send(request)
	}
	lines := h.auditLines()
	for i, line := range lines {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Errorf("audit line %d is not JSON: %v: %q", i+1, err, harness.Cut(line, 200))
		}
		if event["eventName"] == "Planted" {
			t.Errorf("audit line %d was planted", i+1)
		}
		if len(line) > 64<<10 {
			t.Errorf("audit line %d has %d bytes", i+1, len(line))
		}
		if strings.ContainsAny(line, "\x00\x1b\r") {
			t.Errorf("audit line %d has control characters", i+1)
		}
	}
	audit := filepath.Join(h.Data, "audit.jsonl")
	if output, err := harness.Run("audit", "verify", audit); err != nil {
		t.Errorf("the chain is broken: %v\n%s", err, output)
	}
	spoiled := filepath.Join(t.TempDir(), "audit.jsonl")
	text := strings.Replace(strings.Join(lines, "\n"), "CreateUser", "DeleteUser", 1) + "\n"
	if err := os.WriteFile(spoiled, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := harness.Run("audit", "verify", spoiled); err == nil {
		t.Errorf("a changed line was not noticed: %s", output)
	}
	if len(lines) < len(evil) {
		t.Errorf("only %d audit lines", len(lines))
	}
	for line := range strings.Lines(h.Output()) {
		if strings.HasPrefix(line, mark) || strings.ContainsAny(line, "\x00\x1b\r") || len(line) > 64<<10 {
			t.Errorf("a log line is not the server's: %q", harness.Cut(line, 200))
		}
	}
}

// advisory 33, advisory 128 and advisory 129: no secret, token, seed, code or signature that passed through is in any file, in
// any log, or in any answer but the one that gave it.
func TestCanaries(t *testing.T) {
	t.Parallel()
	h := furnish(t, harness.Options{})
	secrets := map[string]string{"administrator's key": h.Admin.SecretAccessKey, "user's key": h.ops.SecretAccessKey}
	keep := func(name string, c harness.Credentials) {
		secrets[name+"'s secret"], secrets[name+"'s token"] = c.SecretAccessKey, c.SessionToken
	}
	serial, code := h.device()
	seed := decodeSeed(t, h.must(h.ops, "iam", "CreateVirtualMFADevice", "VirtualMFADeviceName", "tablet").
		Value("VirtualMFADevice.Base32StringSeed"))
	secrets["seed"] = seed
	h.passwords(secrets)
	keep("MFA session", h.must(h.ops, "sts", "GetSessionToken", "SerialNumber", serial, "TokenCode", code).Credentials())
	keep("guest", h.must(h.ops, "sts", "GetFederationToken", "Name", "guest", "Policy", allowAll).Credentials())
	for range 5 {
		session := h.assume(h.ops, "SourceIdentity", "someone")
		keep("session "+session.AccessKeyID, session)
		h.must(session, "sts", "GetCallerIdentity")
		h.call(session, "iam", "GetUser", "UserName", "ghost")
		damaged := session
		damaged.SessionToken = session.SessionToken[1:]
		h.call(damaged, "sts", "GetCallerIdentity")
		damaged = session
		damaged.SecretAccessKey += "x"
		h.call(damaged, "sts", "GetCallerIdentity")
	}

	key, text := h.samlKey()
	secrets["prime of a provider's key"] = base64.StdEncoding.EncodeToString(key.Primes[0].Bytes())
	secrets["line of a provider's key"] = strings.Split(text, "\n")[10]
	h.call(h.ops, "iam", "UpdateSAMLProvider", "SAMLProviderArn", "arn:aws:iam::111122223333:saml-provider/corp", "AddPrivateKey", text+"x")
	h.call(h.ops, "iam", "UpdateSAMLProvider", "SAMLProviderArn", "ghost", "AddPrivateKey", text)

	// Presigned URLs carry token and signature in the query string, where loggers find them.
	session := h.assume(h.ops)
	keep("presigner", session)
	request := harness.NewGet(identity...)
	signing := h.Signing(session, "sts")
	signing.Expires = 60
	harness.Presign(request, signing)
	if answer := h.send(request); answer.Status != 200 {
		t.Fatalf("the presigned request: %s", answer)
	}
	values, err := url.ParseQuery(request.Query)
	if err != nil {
		t.Fatal(err)
	}
	secrets["signature"] = values.Get("X-Amz-Signature")

	scan(t, h, secrets)
	after := h.again(harness.Options{})
	after.must(session, "sts", "GetCallerIdentity")
	scan(t, after, secrets)
}

// samlKey gives a SAML provider a private key, and returns it with the text that it was given as.
func (h *house) samlKey() (*rsa.PrivateKey, string) {
	h.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		h.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		h.t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	h.must(h.ops, "iam", "CreateSAMLProvider", "Name", "corp", "AddPrivateKey", text, "SAMLMetadataDocument",
		`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example"><IDPSSODescriptor><KeyDescriptor>`+
			`<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>`+base64.StdEncoding.EncodeToString(certificate)+
			`</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>`+strings.Repeat(" ", 1000))
	return key, text
}

// passwords sets passwords and makes a credential for a service, and keeps what nobody may see afterwards.
func (h *house) passwords(secrets map[string]string) {
	h.t.Helper()
	const first, second, wrong = "Canary-password-of-ops-the-first-1", "Canary-password-of-ops-the-second-2", "Canary-password-of-ops-mistaken-3"
	h.must(h.ops, "iam", "CreateLoginProfile", "Password", first)
	h.call(h.ops, "iam", "ChangePassword", "OldPassword", wrong, "NewPassword", second)
	h.must(h.ops, "iam", "ChangePassword", "OldPassword", first, "NewPassword", second)
	h.must(h.ops, "iam", "UpdateLoginProfile", "UserName", "ops", "Password", second+"x")
	credential := h.must(h.ops, "iam", "CreateServiceSpecificCredential", "UserName", "ops", "ServiceName", "codecommit.amazonaws.com")
	reset := h.must(h.ops, "iam", "ResetServiceSpecificCredential", "UserName", "ops",
		"ServiceSpecificCredentialId", credential.Value("ServiceSpecificCredential.ServiceSpecificCredentialId"))
	secrets["first password"], secrets["second password"], secrets["mistaken password"] = first, second, wrong
	secrets["service password"] = credential.Value("ServiceSpecificCredential.ServicePassword")
	secrets["new service password"] = reset.Value("ServiceSpecificCredential.ServicePassword")
}

// scan looks for the secrets in all files of the data directory and in what the server printed. The administrator's key is
// printed on purpose.
func scan(t *testing.T, h *house, secrets map[string]string) {
	t.Helper()
	places := map[string][]byte{}
	err := filepath.WalkDir(h.Data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		places[strings.TrimPrefix(path, h.Data)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	places["output"] = []byte(strings.ReplaceAll(h.Output(), h.Admin.SecretAccessKey, ""))
	if !bytes.Contains(places["/audit.jsonl"], []byte("AssumeRole")) {
		t.Error("the audit file does not tell of AssumeRole")
	}
	for name, secret := range secrets {
		if len(secret) < 32 {
			t.Errorf("%s is %q, too short to look for", name, secret)
			continue
		}
		forms := [][]byte{[]byte(secret), []byte(url.QueryEscape(secret)), []byte(base64.StdEncoding.EncodeToString([]byte(secret)))}
		if raw, err := base64.StdEncoding.DecodeString(secret); err == nil {
			forms = append(forms, raw)
		}
		for place, content := range places {
			for i, form := range forms {
				if bytes.Contains(content, form) {
					t.Errorf("%s is in %s (form %d)", name, place, i)
				}
			}
		}
	}
}
