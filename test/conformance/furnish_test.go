package conformance

import (
	"testing"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// house is a server with a user ops, who may do everything and has a key, and a role worker, who may too and trusts the
// account. It is made through IAM, so that these tests do not lean on the directory file.
type house struct {
	*harness.Server
	t   *testing.T
	ops harness.Credentials
}

func furnish(t *testing.T, options harness.Options) *house {
	t.Helper()
	h := &house{Server: harness.Start(t, options), t: t}
	h.must(h.Admin, "iam", "CreateUser", "UserName", "ops")
	h.must(h.Admin, "iam", "PutUserPolicy", "UserName", "ops", "PolicyName", "all", "PolicyDocument", allowAll)
	key := h.must(h.Admin, "iam", "CreateAccessKey", "UserName", "ops")
	h.ops = harness.Credentials{
		AccessKeyID:     key.Value("AccessKey.AccessKeyId"),
		SecretAccessKey: key.Value("AccessKey.SecretAccessKey"),
	}
	h.must(h.Admin, "iam", "CreateRole", "RoleName", "worker", "AssumeRolePolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`)
	h.must(h.Admin, "iam", "PutRolePolicy", "RoleName", "worker", "PolicyName", "all", "PolicyDocument", allowAll)
	return h
}

// pairs reads names and values that alternate.
func pairs(texts []string) []harness.Field {
	var fields []harness.Field
	for i := 0; i+1 < len(texts); i += 2 {
		fields = append(fields, harness.Field{Name: texts[i], Value: texts[i+1]})
	}
	return fields
}

func (h *house) call(as harness.Credentials, service, action string, texts ...string) *harness.Response {
	h.t.Helper()
	answer, err := h.Call(as, service, action, pairs(texts)...)
	if err != nil {
		h.t.Fatalf("%s: %v", action, err)
	}
	return answer
}

func (h *house) must(as harness.Credentials, service, action string, texts ...string) *harness.Response {
	h.t.Helper()
	answer := h.call(as, service, action, texts...)
	if answer.Status != 200 {
		h.t.Fatalf("%s answered %s", action, answer)
	}
	return answer
}

// refused wants an error with this code, and gives its text.
func (h *house) refused(what string, answer *harness.Response, code string) string {
	h.t.Helper()
	if answer.Code() != code {
		h.t.Errorf("%s: want %s, the answer is %s", what, code, answer)
	}
	return answer.Value("Error.Message")
}

func (h *house) assume(as harness.Credentials, texts ...string) harness.Credentials {
	h.t.Helper()
	answer := h.must(as, "sts", "AssumeRole",
		append([]string{"RoleArn", workerARN, "RoleSessionName", "shift"}, texts...)...)
	return answer.Credentials()
}

const workerARN = "arn:aws:iam::111122223333:role/worker"

// device makes an MFA device for ops, enables it, and gives its serial number and a code that is good once.
func (h *house) device() (serial, code string) {
	h.t.Helper()
	made := h.must(h.ops, "iam", "CreateVirtualMFADevice", "VirtualMFADeviceName", "phone")
	serial = made.Value("VirtualMFADevice.SerialNumber")
	seed := decodeSeed(h.t, made.Value("VirtualMFADevice.Base32StringSeed"))
	// Near the end of a step the first of the codes could be too old when it arrives.
	if left := 30 - time.Now().Unix()%30; left <= 3 {
		time.Sleep(time.Duration(left) * time.Second)
	}
	now := h.Now()
	h.must(h.ops, "iam", "EnableMFADevice", "UserName", "ops", "SerialNumber", serial,
		"AuthenticationCode1", harness.Code(seed, now, -1), "AuthenticationCode2", harness.Code(seed, now, 0))
	return serial, harness.Code(seed, now, 1)
}

// again restarts the server on its data.
func (h *house) again(options harness.Options) *house {
	h.t.Helper()
	if err := h.Stop(); err != nil {
		h.t.Fatal(err)
	}
	options.Data = h.Data
	return &house{Server: harness.Start(h.t, options), t: h.t, ops: h.ops}
}
