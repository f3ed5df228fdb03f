package iam

import (
	"regexp"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

func TestAccessKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	first := ok2(s.CreateAccessKey(ctx, s.view(), r, &api.CreateAccessKeyInput{UserName: new("plain")}))(t).AccessKey
	equal(t, "user", first.UserName, "plain")
	equal(t, "status", first.Status, "Active")
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(first.AccessKeyId) {
		t.Errorf("the key id is %s", first.AccessKeyId)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(first.SecretAccessKey) {
		t.Error("the secret has not the form of AWS's")
	}
	equal(t, "account in the id", ok2(arn.AccountOfID(first.AccessKeyId))(t), s.account)
	stored, _ := s.view().AccessKey(first.AccessKeyId)
	equal(t, "stored secret", stored.Key.Secret.Key.RevealString(), first.SecretAccessKey)

	second := ok2(s.CreateAccessKey(ctx, s.view(), r, &api.CreateAccessKeyInput{UserName: new("plain")}))(t).AccessKey
	if first.SecretAccessKey == second.SecretAccessKey || first.AccessKeyId == second.AccessKeyId {
		t.Error("two keys are one")
	}
	_, err := s.CreateAccessKey(ctx, s.view(), r, &api.CreateAccessKeyInput{UserName: new("plain")})
	refused(t, err, identity.LimitExceeded, "Cannot exceed quota for AccessKeysPerUser: 2")

	ok2(s.UpdateAccessKey(ctx, s.view(), r, &api.UpdateAccessKeyInput{UserName: new("plain"), AccessKeyId: first.AccessKeyId, Status: "Inactive"}))(t)
	_, err = s.UpdateAccessKey(ctx, s.view(), r, &api.UpdateAccessKeyInput{UserName: new("plain"), AccessKeyId: first.AccessKeyId, Status: "Expired"})
	refused(t, err, identity.InvalidInput, "Status must be Active or Inactive")
	keys := ok2(s.ListAccessKeys(ctx, s.view(), r, &api.ListAccessKeysInput{UserName: new("plain")}))(t).AccessKeyMetadata
	equal(t, "keys", len(keys), 2)
	for _, k := range keys {
		equal(t, "status of "+*k.AccessKeyId, *k.Status == "Inactive", *k.AccessKeyId == first.AccessKeyId)
		equal(t, "user", *k.UserName, "plain")
	}
	ok2(s.DeleteAccessKey(ctx, s.view(), r, &api.DeleteAccessKeyInput{UserName: new("plain"), AccessKeyId: first.AccessKeyId}))(t)
	if _, there := s.view().AccessKey(first.AccessKeyId); there {
		t.Error("a deleted key is still there when the answer is given")
	}
	_, err = s.DeleteAccessKey(ctx, s.view(), r, &api.DeleteAccessKeyInput{UserName: new("plain"), AccessKeyId: first.AccessKeyId})
	refused(t, err, identity.NoSuchEntity, "The Access Key with id "+first.AccessKeyId+" cannot be found")
}

func TestRootsAccessKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx := t.Context()
	key := ok2(s.CreateAccessKey(ctx, s.view(), s.root(), &api.CreateAccessKeyInput{}))(t).AccessKey
	owner, _ := s.view().AccessKey(key.AccessKeyId)
	if owner.Account == nil || owner.Account.ID != s.account || owner.User != nil {
		t.Fatalf("the key is not root's: %+v", owner)
	}
	listed := ok2(s.ListAccessKeys(ctx, s.view(), s.root(), &api.ListAccessKeysInput{}))(t).AccessKeyMetadata
	equal(t, "keys", len(listed), 1)
	ok2(s.UpdateAccessKey(ctx, s.view(), s.root(), &api.UpdateAccessKeyInput{AccessKeyId: key.AccessKeyId, Status: "Inactive"}))(t)
	owner, _ = s.view().AccessKey(key.AccessKeyId)
	equal(t, "status", owner.Key.Status, directory.Inactive)
	// An administrator is not root, and has no way to root's keys.
	_, err := s.DeleteAccessKey(ctx, s.view(), s.as("caller"), &api.DeleteAccessKeyInput{AccessKeyId: key.AccessKeyId})
	refused(t, err, identity.NoSuchEntity, "The Access Key with id "+key.AccessKeyId+" cannot be found")
	_, err = s.CreateAccessKey(ctx, s.view(), s.inRole("r1"), &api.CreateAccessKeyInput{})
	refused(t, err, identity.ValidationError, "Must specify userName when calling with non-User credentials")
	ok2(s.DeleteAccessKey(ctx, s.view(), s.root(), &api.DeleteAccessKeyInput{AccessKeyId: key.AccessKeyId}))(t)
}
