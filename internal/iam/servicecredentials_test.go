package iam

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
)

const codecommit, bedrock = "codecommit.amazonaws.com", "bedrock.amazonaws.com"

func TestServiceSpecificCredentials(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	create := func(user, service string, days *int32) (*api.CreateServiceSpecificCredentialOutput, error) {
		return s.CreateServiceSpecificCredential(ctx, s.view(), r, &api.CreateServiceSpecificCredentialInput{UserName: user, ServiceName: service, CredentialAgeDays: days})
	}
	_, err := create("ghost", codecommit, nil)
	refused(t, err, identity.NoSuchEntity, "The user with name ghost cannot be found.")
	_, err = create("plain", "lambda.amazonaws.com", nil)
	refused(t, err, identity.NoSuchEntity, "No such service lambda.amazonaws.com is supported for Service Specific Credentials")
	_, err = create("plain", codecommit, new(int32(1)))
	refused(t, err, identity.ValidationError, "CredentialAgeDays is not supported for codecommit.amazonaws.com")

	k := ok2(create("plain", codecommit, nil))(t).ServiceSpecificCredential
	equal(t, "prefix of the id", arn.PrefixOf(k.ServiceSpecificCredentialId), arn.ServiceCredentialID)
	equal(t, "name", *k.ServiceUserName, "plain-at-"+string(s.account))
	equal(t, "status", k.Status, "Active")
	if k.ServiceCredentialSecret != nil || k.ServiceCredentialAlias != nil || k.ExpirationDate != nil || len(*k.ServicePassword) < 40 {
		t.Errorf("a user name with a password is shown as %+v", k)
	}
	equal(t, "second name", *ok2(create("plain", codecommit, nil))(t).ServiceSpecificCredential.ServiceUserName, "plain+1-at-"+string(s.account))
	_, err = create("plain", codecommit, nil)
	refused(t, err, identity.LimitExceeded, "Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2")
	key := ok2(create("plain", bedrock, new(int32(30))))(t).ServiceSpecificCredential
	equal(t, "expiration", *key.ExpirationDate, now(r).AddDate(0, 0, 30))
	inside, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(*key.ServiceCredentialSecret, "ABSK"))
	if err != nil || !strings.HasPrefix(string(inside), *key.ServiceCredentialAlias+":") || key.ServicePassword != nil || key.ServiceUserName != nil {
		t.Errorf("an API key is shown as %+v, %q, %v", key, inside, err)
	}

	id := k.ServiceSpecificCredentialId
	reset := ok2(s.ResetServiceSpecificCredential(ctx, s.view(), r,
		&api.ResetServiceSpecificCredentialInput{UserName: new("plain"), ServiceSpecificCredentialId: id}))(t).ServiceSpecificCredential
	if *reset.ServicePassword == *k.ServicePassword || *reset.ServiceUserName != *k.ServiceUserName {
		t.Error("a reset credential has its old password, or another name")
	}
	stored := s.mustUser("plain").ServiceCredentials[0]
	equal(t, "stored secret", stored.Secret.Key.RevealString(), *reset.ServicePassword)
	update := func(user, id, status string) error {
		_, err := s.UpdateServiceSpecificCredential(ctx, s.view(), r,
			&api.UpdateServiceSpecificCredentialInput{UserName: &user, ServiceSpecificCredentialId: id, Status: status})
		return err
	}
	if err := update("plain", id, "Inactive"); err != nil {
		t.Fatal(err)
	}
	refused(t, update("plain", id, "Expired"), identity.InvalidInput, "Status must be Active or Inactive")
	refused(t, update("bob", id, "Active"), identity.NoSuchEntity, "No such credential "+id+" exists")
	_, err = s.ResetServiceSpecificCredential(ctx, s.view(), r, &api.ResetServiceSpecificCredentialInput{ServiceSpecificCredentialId: id}) // the caller's
	refused(t, err, identity.NoSuchEntity, "No such credential "+id+" exists")
	_, err = s.DeleteUser(ctx, s.view(), r, &api.DeleteUserInput{UserName: "plain"})
	refused(t, err, identity.DeleteConflict, "Cannot delete entity, must remove referenced objects first.")
	remove := func() error {
		_, err := s.DeleteServiceSpecificCredential(ctx, s.view(), r, &api.DeleteServiceSpecificCredentialInput{UserName: new("plain"), ServiceSpecificCredentialId: id})
		return err
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	refused(t, remove(), identity.NoSuchEntity, "No such credential "+id+" exists")
	equal(t, "the first name is free again", *ok2(create("plain", codecommit, nil))(t).ServiceSpecificCredential.ServiceUserName, "plain-at-"+string(s.account))
}

func TestExpiredCredentials(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	id := ok2(s.CreateServiceSpecificCredential(ctx, s.view(), r,
		&api.CreateServiceSpecificCredentialInput{UserName: "plain", ServiceName: bedrock, CredentialAgeDays: new(int32(1))}))(t).ServiceSpecificCredential.ServiceSpecificCredentialId
	status := func() string {
		return ok2(s.ListServiceSpecificCredentials(ctx, s.view(), r, &api.ListServiceSpecificCredentialsInput{UserName: new("plain")}))(t).ServiceSpecificCredentials[0].Status
	}
	r.Time = now(r).Add(24*time.Hour - time.Second)
	equal(t, "status", status(), "Active")
	r.Time = r.Time.Add(time.Second)
	equal(t, "status", status(), "Expired")
	_, err := s.UpdateServiceSpecificCredential(ctx, s.view(), r,
		&api.UpdateServiceSpecificCredentialInput{UserName: new("plain"), ServiceSpecificCredentialId: id, Status: "Active"})
	refused(t, err, identity.ValidationError, "The credential "+id+" has expired.")
}

func TestListingServiceSpecificCredentials(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	for _, user := range []string{"caller", "plain"} {
		for _, service := range []string{codecommit, bedrock} {
			ok2(s.CreateServiceSpecificCredential(ctx, s.view(), r, &api.CreateServiceSpecificCredentialInput{UserName: user, ServiceName: service}))(t)
		}
	}
	listed := func(in api.ListServiceSpecificCredentialsInput) string {
		t.Helper()
		var found []string
		for {
			out := ok2(s.ListServiceSpecificCredentials(ctx, s.view(), r, &in))(t)
			for _, k := range out.ServiceSpecificCredentials {
				found = append(found, k.UserName+"/"+strings.Split(k.ServiceName, ".")[0])
			}
			if in.Marker = out.Marker; in.Marker == nil {
				break
			}
		}
		users := 0
		for i := 1; i < len(found); i++ {
			if strings.Split(found[i], "/")[0] != strings.Split(found[i-1], "/")[0] {
				users++
			}
		}
		return fmt.Sprintf("%d of %d users", len(found), users+1)
	}
	equal(t, "the caller's", listed(api.ListServiceSpecificCredentialsInput{}), "2 of 1 users")
	equal(t, "a user's for a service", listed(api.ListServiceSpecificCredentialsInput{UserName: new("plain"), ServiceName: new(bedrock)}), "1 of 1 users")
	equal(t, "everyone's", listed(api.ListServiceSpecificCredentialsInput{AllUsers: new(true)}), "4 of 2 users")
	equal(t, "everyone's in pages", listed(api.ListServiceSpecificCredentialsInput{AllUsers: new(true), MaxItems: new(int32(1))}), "4 of 2 users")
	equal(t, "everyone's for a service", listed(api.ListServiceSpecificCredentialsInput{AllUsers: new(true), ServiceName: new(codecommit)}), "2 of 2 users")
	_, err := s.ListServiceSpecificCredentials(ctx, s.view(), r, &api.ListServiceSpecificCredentialsInput{AllUsers: new(true), UserName: new("bob")})
	refused(t, err, identity.ValidationError, "UserName and AllUsers cannot be used together.")
	_, err = s.ListServiceSpecificCredentials(ctx, s.view(), r, &api.ListServiceSpecificCredentialsInput{ServiceName: new("x")})
	refused(t, err, identity.NoSuchEntity, "No such service x is supported for Service Specific Credentials")
	// Everyone's need permission on everyone.
	s.permit(allowing("ListServiceSpecificCredentials", []string{s.arn(atCaller)}, nil))
	_, err = s.ListServiceSpecificCredentials(ctx, s.view(), r, &api.ListServiceSpecificCredentialsInput{AllUsers: new(true)})
	s.denied(err, "ListServiceSpecificCredentials", s.arn("user/*"))
	s.permit(allowing("ListServiceSpecificCredentials", []string{s.arn("user/*")}, nil))
	equal(t, "everyone's", listed(api.ListServiceSpecificCredentialsInput{AllUsers: new(true)}), "4 of 2 users")
}
