package iam

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/password"
	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/session"
)

const (
	atCarol, atCaller           = "user/cx/carol", "user/caller"
	atVacant, atFull            = "instance-profile/fx/vacant", "instance-profile/fx/full"
	atSite                      = "server-certificate/sx/site"
	atWorker                    = "role/wx/worker"
	atBatch, atECS              = "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch", "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
	carolsPassword              = "Carols-own-1"
	signingID, sshID, serviceID = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "APKAAAAAAAAAAAAAAAAA", "ACCAAAAAAAAAAAAAAAAA"
)

// certificate is a certificate made for tests, with its key.
type certificate struct {
	parsed *x509.Certificate
	key    crypto.Signer
	body   string
}

func (c certificate) private() string {
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// newCertificate makes a certificate that is good for a year around arrival, signed by issuer or by itself.
func newCertificate(name string, issuer *certificate) certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: arrival.AddDate(0, -1, 0), NotAfter: arrival.AddDate(0, 11, 0),
	}
	signer, parent := crypto.Signer(key), template
	if issuer != nil {
		signer, parent = issuer.key, issuer.parsed
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		panic(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return certificate{parsed, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// What takes long to make is made once.
var (
	site   = sync.OnceValue(func() certificate { return newCertificate("site", nil) })
	second = sync.OnceValue(func() certificate { return newCertificate("second", nil) })
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	other  = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	hashed = sync.OnceValue(func() directory.Login {
		l, err := password.New(rand.Reader).Set(context.Background(), &directory.Account{}, nil, carolsPassword, arrival.Truncate(time.Second))
		if err != nil {
			panic(err)
		}
		return *l
	})
)

func newRSA(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

func sshText(key *rsa.PrivateKey) string {
	text, err := encodingSSH.of(sshBlob(&key.PublicKey))
	if err != nil {
		panic(err)
	}
	return text
}

// furnish adds to a stage, once: the user carol (/cx/), who has one of each credential, and the caller's password; the role
// worker (/wx/), the instance profiles full (/fx/, with worker) and vacant (/fx/); the server certificate site (/sx/); the role
// of ECS; and a group by which the caller may pass worker.
func (s *stage) furnish() {
	s.t.Helper()
	if _, there := s.view().User(s.account, "carol"); there {
		return
	}
	tags := []directory.Tag{{Key: "team", Value: "blue"}}
	carol := s.newUser("/cx/", "carol")
	login, own := hashed(), hashed()
	carol.Login = &login
	carol.Certificates = []directory.SigningCertificate{{ID: signingID, Body: site().body, Status: directory.Active, Uploaded: now(s.root())}}
	carol.PublicKeys = []directory.PublicKey{{ID: sshID, Blob: sshBlob(&rsaKey().PublicKey), Status: directory.Active, Uploaded: now(s.root())}}
	carol.ServiceCredentials = []directory.ServiceCredential{{ID: serviceID, Service: "codecommit.amazonaws.com", Name: "carol-at-" + string(s.account),
		Secret: directory.Protected{Key: secret.FromString("carols")}, Status: directory.Active, Created: now(s.root())}}
	worker := s.newRole("/wx/", "worker")
	worker.Tags = tags
	profile := func(name, roleID string) *directory.InstanceProfile {
		return &directory.InstanceProfile{Account: s.account, Name: name, Path: "/fx/", ID: s.id(arn.InstanceProfileID), ARN: s.arn("instance-profile/fx/" + name),
			Created: now(s.root()), RoleID: roleID, Tags: tags}
	}
	passers := &directory.Group{Account: s.account, Name: "passers", Path: "/", ID: s.id(arn.GroupID), ARN: s.arn("group/passers"),
		Inline: inline("pass", allowing("PassRole", []string{s.arn(atWorker)}, nil))}
	caller := s.mustUser("caller").Clone()
	caller.Login, caller.Groups = &own, []string{passers.ID}
	s.put(carol, worker, profile("full", worker.ID), profile("vacant", ""), passers, caller,
		&directory.ServerCertificate{Account: s.account, Name: "site", Path: "/sx/", ID: s.id(arn.CertificateID), ARN: s.arn(atSite), Body: site().body,
			Private: directory.Protected{Key: secret.FromString(site().private())}, Uploaded: now(s.root()), Expires: site().parsed.NotAfter, Tags: tags},
		s.newRole("/aws-service-role/ecs.amazonaws.com/", "AWSServiceRoleForECS"))
}

// furnished is a call on the furnished stage.
func furnished(c call) call {
	do := c.do
	c.do = func(s *stage, ctx context.Context, r *identity.Request) error {
		s.furnish()
		return do(s, ctx, r)
	}
	return c
}

// task is the id of a deletion that happened.
func (s *stage) task(target string) string {
	s.t.Helper()
	return target + "/" + ok2(s.Sealer.SealMessage(s.view(), session.DeletionTask, deletion(s.account, target)))(s.t)
}

func allCalls() []call {
	all := slices.Concat(calls, providerCalls, settingCalls, delegationCalls)
	for _, c := range credentialCalls {
		all = append(all, furnished(c))
	}
	return all
}

// credentialCalls has a call of every operation about instance profiles, credentials other than access keys, and service-linked
// roles, on the furnished stage.
var credentialCalls = []call{
	on("AddRoleToInstanceProfile", bind((*Service).AddRoleToInstanceProfile),
		of(api.AddRoleToInstanceProfileInput{InstanceProfileName: "vacant", RoleName: "worker"}), atVacant),
	on("CreateInstanceProfile", bind((*Service).CreateInstanceProfile),
		of(api.CreateInstanceProfileInput{InstanceProfileName: "new", Path: new("/n/")}), "instance-profile/n/new"),
	on("DeleteInstanceProfile", bind((*Service).DeleteInstanceProfile), of(api.DeleteInstanceProfileInput{InstanceProfileName: "vacant"}), atVacant),
	on("GetInstanceProfile", bind((*Service).GetInstanceProfile), of(api.GetInstanceProfileInput{InstanceProfileName: "full"}), atFull),
	on("ListInstanceProfileTags", bind((*Service).ListInstanceProfileTags), of(api.ListInstanceProfileTagsInput{InstanceProfileName: "full"}), atFull),
	on("ListInstanceProfiles", bind((*Service).ListInstanceProfiles), of(api.ListInstanceProfilesInput{PathPrefix: new("/fx/")}), "instance-profile/fx/"),
	on("ListInstanceProfilesForRole", bind((*Service).ListInstanceProfilesForRole), of(api.ListInstanceProfilesForRoleInput{RoleName: "worker"}), atWorker),
	on("RemoveRoleFromInstanceProfile", bind((*Service).RemoveRoleFromInstanceProfile),
		of(api.RemoveRoleFromInstanceProfileInput{InstanceProfileName: "full", RoleName: "worker"}), atFull),
	on("TagInstanceProfile", bind((*Service).TagInstanceProfile), of(api.TagInstanceProfileInput{InstanceProfileName: "full", Tags: tagged}), atFull),
	on("UntagInstanceProfile", bind((*Service).UntagInstanceProfile),
		of(api.UntagInstanceProfileInput{InstanceProfileName: "full", TagKeys: []string{"k"}}), atFull),

	on("ChangePassword", bind((*Service).ChangePassword), of(api.ChangePasswordInput{OldPassword: carolsPassword, NewPassword: "Another-one-2"}), atCaller),
	on("CreateLoginProfile", bind((*Service).CreateLoginProfile),
		of(api.CreateLoginProfileInput{UserName: new("bob"), Password: new("Bobs-own-1")}), atBob),
	on("DeleteAccountPasswordPolicy", bind((*Service).DeleteAccountPasswordPolicy), func(s *stage) *api.Empty {
		a, _ := s.view().Account(s.account)
		with := a.Clone()
		with.Passwords = &directory.PasswordPolicy{MinimumLength: 6}
		s.put(with)
		return &api.Empty{}
	}, "*"),
	on("DeleteLoginProfile", bind((*Service).DeleteLoginProfile), of(api.DeleteLoginProfileInput{UserName: new("carol")}), atCarol),
	on("GetAccountPasswordPolicy", bind((*Service).GetAccountPasswordPolicy), func(s *stage) *api.Empty {
		a, _ := s.view().Account(s.account)
		with := a.Clone()
		with.Passwords = &directory.PasswordPolicy{MinimumLength: 6}
		s.put(with)
		return &api.Empty{}
	}, "*"),
	on("GetLoginProfile", bind((*Service).GetLoginProfile), of(api.GetLoginProfileInput{UserName: new("carol")}), atCarol),
	on("UpdateAccountPasswordPolicy", bind((*Service).UpdateAccountPasswordPolicy), of(api.UpdateAccountPasswordPolicyInput{}), "*"),
	on("UpdateLoginProfile", bind((*Service).UpdateLoginProfile),
		of(api.UpdateLoginProfileInput{UserName: "carol", PasswordResetRequired: new(true)}), atCarol),

	on("CreateServiceSpecificCredential", bind((*Service).CreateServiceSpecificCredential),
		of(api.CreateServiceSpecificCredentialInput{UserName: "carol", ServiceName: "bedrock.amazonaws.com", CredentialAgeDays: new(int32(30))}), atCarol),
	on("DeleteSSHPublicKey", bind((*Service).DeleteSSHPublicKey), of(api.DeleteSSHPublicKeyInput{UserName: "carol", SSHPublicKeyId: sshID}), atCarol),
	on("DeleteServerCertificate", bind((*Service).DeleteServerCertificate), of(api.DeleteServerCertificateInput{ServerCertificateName: "site"}), atSite),
	on("DeleteServiceSpecificCredential", bind((*Service).DeleteServiceSpecificCredential),
		of(api.DeleteServiceSpecificCredentialInput{UserName: new("carol"), ServiceSpecificCredentialId: serviceID}), atCarol),
	on("DeleteSigningCertificate", bind((*Service).DeleteSigningCertificate),
		of(api.DeleteSigningCertificateInput{UserName: new("carol"), CertificateId: signingID}), atCarol),
	on("GetSSHPublicKey", bind((*Service).GetSSHPublicKey),
		of(api.GetSSHPublicKeyInput{UserName: "carol", SSHPublicKeyId: sshID, Encoding: "SSH"}), atCarol),
	on("GetServerCertificate", bind((*Service).GetServerCertificate), of(api.GetServerCertificateInput{ServerCertificateName: "site"}), atSite),
	on("ListSSHPublicKeys", bind((*Service).ListSSHPublicKeys), of(api.ListSSHPublicKeysInput{UserName: new("carol")}), atCarol),
	on("ListServerCertificateTags", bind((*Service).ListServerCertificateTags), of(api.ListServerCertificateTagsInput{ServerCertificateName: "site"}), atSite),
	on("ListServerCertificates", bind((*Service).ListServerCertificates), of(api.ListServerCertificatesInput{}), "server-certificate/"),
	on("ListServiceSpecificCredentials", bind((*Service).ListServiceSpecificCredentials),
		of(api.ListServiceSpecificCredentialsInput{UserName: new("carol")}), atCarol),
	on("ListSigningCertificates", bind((*Service).ListSigningCertificates), of(api.ListSigningCertificatesInput{UserName: new("carol")}), atCarol),
	on("ResetServiceSpecificCredential", bind((*Service).ResetServiceSpecificCredential),
		of(api.ResetServiceSpecificCredentialInput{UserName: new("carol"), ServiceSpecificCredentialId: serviceID}), atCarol),
	on("TagServerCertificate", bind((*Service).TagServerCertificate), of(api.TagServerCertificateInput{ServerCertificateName: "site", Tags: tagged}), atSite),
	on("UntagServerCertificate", bind((*Service).UntagServerCertificate),
		of(api.UntagServerCertificateInput{ServerCertificateName: "site", TagKeys: []string{"k"}}), atSite),
	on("UpdateSSHPublicKey", bind((*Service).UpdateSSHPublicKey),
		of(api.UpdateSSHPublicKeyInput{UserName: "carol", SSHPublicKeyId: sshID, Status: "Inactive"}), atCarol),
	on("UpdateServerCertificate", bind((*Service).UpdateServerCertificate),
		of(api.UpdateServerCertificateInput{ServerCertificateName: "site", NewServerCertificateName: new("page")}), atSite, "server-certificate/sx/page"),
	on("UpdateServiceSpecificCredential", bind((*Service).UpdateServiceSpecificCredential),
		of(api.UpdateServiceSpecificCredentialInput{UserName: new("carol"), ServiceSpecificCredentialId: serviceID, Status: "Inactive"}), atCarol),
	on("UpdateSigningCertificate", bind((*Service).UpdateSigningCertificate),
		of(api.UpdateSigningCertificateInput{UserName: new("carol"), CertificateId: signingID, Status: "Inactive"}), atCarol),
	on("UploadSSHPublicKey", bind((*Service).UploadSSHPublicKey), func(*stage) *api.UploadSSHPublicKeyInput {
		return &api.UploadSSHPublicKeyInput{UserName: "carol", SSHPublicKeyBody: sshText(other())}
	}, atCarol),
	on("UploadServerCertificate", bind((*Service).UploadServerCertificate), func(*stage) *api.UploadServerCertificateInput {
		return &api.UploadServerCertificateInput{ServerCertificateName: "new", Path: new("/n/"), CertificateBody: site().body, PrivateKey: site().private()}
	}, "server-certificate/n/new"),
	on("UploadSigningCertificate", bind((*Service).UploadSigningCertificate), func(*stage) *api.UploadSigningCertificateInput {
		return &api.UploadSigningCertificateInput{UserName: new("carol"), CertificateBody: second().body}
	}, atCarol),

	on("GetAccessKeyLastUsed", bind((*Service).GetAccessKeyLastUsed), func(s *stage) *api.GetAccessKeyLastUsedInput {
		return &api.GetAccessKeyLastUsedInput{AccessKeyId: s.mustUser("bob").AccessKeys[0].ID}
	}, atBob),
	on("ListMFADeviceTags", bind((*Service).ListMFADeviceTags), func(s *stage) *api.ListMFADeviceTagsInput {
		return &api.ListMFADeviceTagsInput{SerialNumber: s.arn("mfa/bobs")}
	}, "mfa/bobs"),
	on("TagMFADevice", bind((*Service).TagMFADevice), func(s *stage) *api.TagMFADeviceInput {
		return &api.TagMFADeviceInput{SerialNumber: s.arn("mfa/bobs"), Tags: tagged}
	}, "mfa/bobs"),
	on("UntagMFADevice", bind((*Service).UntagMFADevice), func(s *stage) *api.UntagMFADeviceInput {
		return &api.UntagMFADeviceInput{SerialNumber: s.arn("mfa/bobs"), TagKeys: []string{"k"}}
	}, "mfa/bobs"),

	on("CreateServiceLinkedRole", bind((*Service).CreateServiceLinkedRole), of(api.CreateServiceLinkedRoleInput{AWSServiceName: "batch.amazonaws.com"}), atBatch),
	on("DeleteServiceLinkedRole", bind((*Service).DeleteServiceLinkedRole), of(api.DeleteServiceLinkedRoleInput{RoleName: "AWSServiceRoleForECS"}), atECS),
	on("GetServiceLinkedRoleDeletionStatus", bind((*Service).GetServiceLinkedRoleDeletionStatus), func(s *stage) *api.GetServiceLinkedRoleDeletionStatusInput {
		return &api.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: s.task("task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")}
	}, atECS),
}

func TestNewConditionKeysDecide(t *testing.T) {
	t.Parallel()
	is := func(key, value string) map[string]any {
		return map[string]any{"StringEquals": map[string]any{key: value}}
	}
	atMost := func(key, value string) map[string]any {
		return map[string]any{"NumericLessThanEquals": map[string]any{key: value}}
	}
	every := func(key, value string) map[string]any {
		return map[string]any{"ForAllValues:StringEquals": map[string]any{key: value}, "Null": map[string]any{key: "false"}}
	}
	named := func(operation string) call {
		all := allCalls()
		return all[slices.IndexFunc(all, func(c call) bool { return c.operation == operation })]
	}
	tests := []struct {
		operation         string
		condition         func(key, value string) map[string]any
		key, right, wrong string
	}{
		{"CreateServiceLinkedRole", is, "iam:AWSServiceName", "batch.amazonaws.com", "ecs.amazonaws.com"},
		{"DeleteServiceLinkedRole", is, "iam:AWSServiceName", "ecs.amazonaws.com", "batch.amazonaws.com"},
		{"GetServiceLinkedRoleDeletionStatus", is, "iam:AWSServiceName", "ecs.amazonaws.com", "batch.amazonaws.com"},
		{"CreateServiceSpecificCredential", is, "iam:ServiceSpecificCredentialServiceName", "bedrock.amazonaws.com", "codecommit.amazonaws.com"},
		{"CreateServiceSpecificCredential", atMost, "iam:ServiceSpecificCredentialAgeDays", "30", "29"},
		{"DeleteServiceSpecificCredential", is, "iam:ServiceSpecificCredentialServiceName", "codecommit.amazonaws.com", "bedrock.amazonaws.com"},
		{"ResetServiceSpecificCredential", is, "iam:ServiceSpecificCredentialServiceName", "codecommit.amazonaws.com", "bedrock.amazonaws.com"},
		{"UpdateServiceSpecificCredential", is, "iam:ServiceSpecificCredentialServiceName", "codecommit.amazonaws.com", "bedrock.amazonaws.com"},
		{"TagInstanceProfile", is, "aws:RequestTag/k", "v", "w"},
		{"UntagInstanceProfile", every, "aws:TagKeys", "k", "l"},
		{"GetInstanceProfile", is, "aws:ResourceTag/team", "blue", "red"},
		{"TagServerCertificate", is, "aws:RequestTag/k", "v", "w"},
		{"UntagServerCertificate", every, "aws:TagKeys", "k", "l"},
		{"UpdateServerCertificate", is, "aws:ResourceTag/team", "blue", "red"},
		{"TagMFADevice", is, "aws:RequestTag/k", "v", "w"},
		{"UntagMFADevice", every, "aws:TagKeys", "k", "l"},
	}
	for _, tt := range tests {
		t.Run(tt.operation+" "+tt.key, func(t *testing.T) {
			t.Parallel()
			s, c := newStage(t, allowSTS), named(tt.operation)
			resources := s.full(c.resources)
			s.permit(allowing(tt.operation, resources, tt.condition(tt.key, tt.wrong)))
			s.denied(c.do(s, t.Context(), s.as("caller")), tt.operation, resources[0])
			s.permit(allowing(tt.operation, resources, tt.condition(tt.key, tt.right)))
			if err := c.do(s, t.Context(), s.as("caller")); err != nil {
				t.Fatalf("allowed call: %v", err)
			}
		})
	}
}

// A credential that never expires has no age for a condition to take.
func TestCredentialsWithoutAge(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowSTS)
	s.permit(allowing("CreateServiceSpecificCredential", []string{s.arn(atPlain)},
		map[string]any{"NumericLessThanEquals": map[string]any{"iam:ServiceSpecificCredentialAgeDays": "30"}}))
	_, err := s.CreateServiceSpecificCredential(t.Context(), s.view(), s.as("caller"),
		&api.CreateServiceSpecificCredentialInput{UserName: "plain", ServiceName: "bedrock.amazonaws.com"})
	s.denied(err, "CreateServiceSpecificCredential", s.arn(atPlain))
}

// advisory 47: what is made with tags needs the permission to tag, too.
func TestNewThingsWithTags(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowSTS)
	for _, tt := range []struct{ create, tag, resource string }{
		{"CreateInstanceProfile", "TagInstanceProfile", s.arn("instance-profile/new")},
		{"UploadServerCertificate", "TagServerCertificate", s.arn("server-certificate/new")},
	} {
		call := func() error {
			if tt.create == "CreateInstanceProfile" {
				_, err := s.CreateInstanceProfile(t.Context(), s.view(), s.as("caller"), &api.CreateInstanceProfileInput{InstanceProfileName: "new", Tags: tagged})
				return err
			}
			_, err := s.UploadServerCertificate(t.Context(), s.view(), s.as("caller"),
				&api.UploadServerCertificateInput{ServerCertificateName: "new", CertificateBody: site().body, PrivateKey: site().private(), Tags: tagged})
			return err
		}
		s.permit(allowing(tt.create, []string{tt.resource}, nil))
		s.denied(call(), tt.tag, tt.resource)
		u := s.mustUser("caller").Clone()
		u.Inline = append(inline("p", allowing(tt.create, []string{tt.resource}, nil)),
			directory.InlinePolicy{Name: "q", Document: directory.NewDocument(allowing(tt.tag, []string{tt.resource}, nil))})
		s.put(u)
		if err := call(); err != nil {
			t.Fatalf("%s with permission to tag: %v", tt.create, err)
		}
	}
}

// accountIn replaces ACCOUNT.
func (s *stage) accountIn(text string) string {
	return strings.ReplaceAll(text, "ACCOUNT", string(s.account))
}

func ecOf(c certificate) *ecdsa.PrivateKey { return c.key.(*ecdsa.PrivateKey) }
