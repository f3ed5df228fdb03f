package clients

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/stint-sts/stint/test/harness"
)

// goSDK makes clients of the SDK for Go for one server.
type goSDK struct {
	t      *testing.T
	server *harness.Server
}

func (g goSDK) config(c harness.Credentials) aws.Config {
	return aws.Config{
		Region:           harness.Region,
		BaseEndpoint:     aws.String(g.server.URL()),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
		Credentials:      credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	}
}

func (g goSDK) sts(c harness.Credentials) *sts.Client { return sts.NewFromConfig(g.config(c)) }
func (g goSDK) iam(c harness.Credentials) *iam.Client { return iam.NewFromConfig(g.config(c)) }

func made(c *ststypes.Credentials) harness.Credentials {
	return harness.Credentials{
		AccessKeyID:     aws.ToString(c.AccessKeyId),
		SecretAccessKey: aws.ToString(c.SecretAccessKey),
		SessionToken:    aws.ToString(c.SessionToken),
	}
}

// is tells whether the SDK has recognised the error as one of its types.
func is[E error](err error) bool {
	_, found := errors.AsType[E](err)
	return found
}

// code is the error code that the SDK read from the answer.
func code(err error) string {
	if fault, found := errors.AsType[smithy.APIError](err); found {
		return fault.ErrorCode()
	}
	return ""
}

func (g goSDK) denied(what string, err error, want string) {
	g.t.Helper()
	if got := code(err); got != want {
		g.t.Errorf("%s: code %q (%v), want %s", what, got, err, want)
	}
}

func (g goSDK) must(what string, err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatalf("%s: %v", what, err)
	}
}

func TestGoSDK(t *testing.T) {
	t.Parallel()
	g := goSDK{t: t, server: harness.Start(t, harness.Options{})}
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()

	who, err := g.sts(g.server.Admin).GetCallerIdentity(ctx, nil)
	g.must("GetCallerIdentity", err)
	equal(t, "the administrator", aws.ToString(who.Arn), "arn:aws:iam::"+account+":user/admin")

	builder := g.build(ctx)
	g.assume(ctx, builder)
	g.faults(ctx, builder)
	g.codes(ctx, builder)
	g.guests(ctx, builder)
}

func (g goSDK) build(ctx context.Context) harness.Credentials {
	admin := g.iam(g.server.Admin)
	name := aws.String("builder")
	user, err := admin.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}})
	g.must("CreateUser", err)
	if age := time.Since(aws.ToTime(user.User.CreateDate)); age > time.Minute || age < -time.Minute {
		g.t.Errorf("the user was made at %v", user.User.CreateDate)
	}
	policy, err := admin.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("everything"), PolicyDocument: aws.String(allowAll)})
	g.must("CreatePolicy", err)
	_, err = admin.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: name, PolicyArn: policy.Policy.Arn})
	g.must("AttachUserPolicy", err)
	key, err := admin.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	g.must("CreateAccessKey", err)
	role, err := admin.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("worker"), AssumeRolePolicyDocument: aws.String(trustAccount)})
	g.must("CreateRole", err)
	equal(g.t, "the role", aws.ToString(role.Role.Arn), "arn:aws:iam::"+account+":role/worker")
	_, err = admin.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("all"), PolicyDocument: aws.String(allowAll)})
	g.must("PutRolePolicy", err)

	_, err = admin.CreateUser(ctx, &iam.CreateUserInput{UserName: name})
	if !is[*iamtypes.EntityAlreadyExistsException](err) {
		g.t.Errorf("a user twice: %v", err)
	}
	_, err = admin.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("ghost")})
	if !is[*iamtypes.NoSuchEntityException](err) {
		g.t.Errorf("a role that is not there: %v", err)
	}
	_, err = admin.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("bad"), PolicyDocument: aws.String(`{"Statement":1}`)})
	if !is[*iamtypes.MalformedPolicyDocumentException](err) {
		g.t.Errorf("a malformed policy: %v", err)
	}
	return harness.Credentials{AccessKeyID: aws.ToString(key.AccessKey.AccessKeyId), SecretAccessKey: aws.ToString(key.AccessKey.SecretAccessKey)}
}

func (g goSDK) assume(ctx context.Context, builder harness.Credentials) {
	out, err := g.sts(builder).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/worker"), RoleSessionName: aws.String("shift"),
		Tags:   []ststypes.Tag{{Key: aws.String("team"), Value: aws.String("blue")}},
		Policy: aws.String(allowKeys),
	})
	g.must("AssumeRole", err)
	if size := aws.ToInt32(out.PackedPolicySize); size < 1 || size > 100 {
		g.t.Errorf("PackedPolicySize is %d", size)
	}
	if left := time.Until(aws.ToTime(out.Credentials.Expiration)); left < 59*time.Minute || left > time.Hour {
		g.t.Errorf("the session ends in %v", left)
	}
	session := made(out.Credentials)
	who, err := g.sts(session).GetCallerIdentity(ctx, nil)
	g.must("GetCallerIdentity of the session", err)
	equal(g.t, "the session", aws.ToString(who.Arn), "arn:aws:sts::"+account+":assumed-role/worker/shift")
	info, err := g.sts(session).GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String(builder.AccessKeyID)})
	g.must("GetAccessKeyInfo", err)
	equal(g.t, "the account of a key", aws.ToString(info.Account), account)

	_, err = g.iam(session).ListUsers(ctx, nil)
	g.denied("ListUsers", err, "AccessDenied")
	g.decode(ctx, builder, err)

	// The SDK's own provider is what programs use.
	provider := stscreds.NewAssumeRoleProvider(g.sts(builder), "arn:aws:iam::"+account+":role/worker")
	provided, err := provider.Retrieve(ctx)
	g.must("the SDK's provider", err)
	equal(g.t, "the provided account", provided.AccountID, account)
}

// decode has the denial decoded, whose message is in a header of the answer.
func (g goSDK) decode(ctx context.Context, builder harness.Credentials, denial error) {
	answer, found := errors.AsType[*smithyhttp.ResponseError](denial)
	if !found {
		g.t.Fatalf("the denial has no answer: %v", denial)
	}
	message := answer.Response.Header.Get("X-Stint-Authorization-Message")
	out, err := g.sts(builder).DecodeAuthorizationMessage(ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: aws.String(message)})
	g.must("DecodeAuthorizationMessage", err)
	if aws.ToString(out.DecodedMessage) == "" {
		g.t.Error("the decoded message is empty")
	}
	_, err = g.sts(builder).DecodeAuthorizationMessage(ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: aws.String("nothing")})
	if !is[*ststypes.InvalidAuthorizationMessageException](err) {
		g.t.Errorf("a message that is none: %v", err)
	}
}

func (g goSDK) faults(ctx context.Context, builder harness.Credentials) {
	client := g.sts(builder)
	role := aws.String("arn:aws:iam::" + account + ":role/worker")
	_, err := client.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role, RoleSessionName: aws.String("shift"), Policy: aws.String("{")})
	if !is[*ststypes.MalformedPolicyDocumentException](err) {
		g.t.Errorf("a malformed session policy: %v", err)
	}
	var tags []ststypes.Tag
	for i := range 30 {
		tags = append(tags, ststypes.Tag{Key: aws.String(string(rune('a' + i))), Value: aws.String(noise(i, 250))})
	}
	tags = tags[:26]
	_, err = client.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role, RoleSessionName: aws.String("shift"), Tags: tags})
	if !is[*ststypes.PackedPolicyTooLargeException](err) {
		g.t.Errorf("tags that do not pack: %v", err)
	}
	_, err = client.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role, RoleSessionName: aws.String("a:b")})
	g.denied("a session name with a colon", err, "ValidationError")
	spoiled := builder
	spoiled.SecretAccessKey += "x"
	_, err = g.sts(spoiled).GetCallerIdentity(ctx, nil)
	g.denied("a wrong secret", err, "SignatureDoesNotMatch")
	presigned, err := sts.NewPresignClient(client).PresignGetCallerIdentity(ctx, nil)
	g.must("presigning", err)
	answer, err := g.config(builder).HTTPClient.Do(mustRequest(ctx, g.t, presigned.Method, presigned.URL, presigned.SignedHeader))
	g.must("the presigned request", err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		g.t.Errorf("the presigned request: status %d", answer.StatusCode)
	}
}

func mustRequest(ctx context.Context, t *testing.T, method, url string, header http.Header) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	return request
}

// noise is text that hardly compresses.
func noise(seed, length int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	state := uint32(seed)*2654435761 + 1
	text := make([]byte, length)
	for i := range text {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		text[i] = alphabet[state%uint32(len(alphabet))]
	}
	return string(text)
}

func (g goSDK) codes(ctx context.Context, builder harness.Credentials) {
	device, err := g.iam(builder).CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	g.must("CreateVirtualMFADevice", err)
	first, second, later := codes(string(device.VirtualMFADevice.Base32StringSeed))
	serial := device.VirtualMFADevice.SerialNumber
	_, err = g.iam(builder).EnableMFADevice(ctx, &iam.EnableMFADeviceInput{UserName: aws.String("builder"), SerialNumber: serial,
		AuthenticationCode1: aws.String(first), AuthenticationCode2: aws.String(second)})
	g.must("EnableMFADevice", err)
	out, err := g.sts(builder).GetSessionToken(ctx, &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: aws.String(later)})
	g.must("GetSessionToken", err)
	user, err := g.iam(made(out.Credentials)).GetUser(ctx, nil)
	g.must("GetUser", err)
	equal(g.t, "the user of the session", aws.ToString(user.User.UserName), "builder")
	_, err = g.sts(builder).GetSessionToken(ctx, &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: aws.String(later)})
	g.denied("a code twice", err, "AccessDenied")
}

func (g goSDK) guests(ctx context.Context, builder harness.Credentials) {
	out, err := g.sts(builder).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: aws.String(allowAll)})
	g.must("GetFederationToken", err)
	equal(g.t, "the federated user", aws.ToString(out.FederatedUser.Arn), "arn:aws:sts::"+account+":federated-user/guest")
	_, err = g.iam(made(out.Credentials)).ListUsers(ctx, nil)
	if err == nil {
		g.t.Error("a federated user may call IAM")
	}
	_, err = g.sts(made(out.Credentials)).GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String(builder.AccessKeyID)})
	g.denied("GetAccessKeyInfo of a federated user", err, "AccessDenied")
}
