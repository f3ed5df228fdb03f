package iam

import (
	"slices"
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/identity"
)

// Every operation that tags needs tags. That each takes some is TestEveryOperationAsksForItsPermission's.
func TestTaggingNeedsTags(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	s.furnish()
	calls := []call{
		on("TagInstanceProfile", bind((*Service).TagInstanceProfile), of(api.TagInstanceProfileInput{InstanceProfileName: "full"})),
		on("TagMFADevice", bind((*Service).TagMFADevice), func(s *stage) *api.TagMFADeviceInput {
			return &api.TagMFADeviceInput{SerialNumber: s.arn("mfa/bobs"), Tags: []api.Tag{}}
		}),
		on("TagOpenIDConnectProvider", bind((*Service).TagOpenIDConnectProvider), func(s *stage) *api.TagOpenIDConnectProviderInput {
			return &api.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: s.newIssuer().ARN}
		}),
		on("TagPolicy", bind((*Service).TagPolicy), func(s *stage) *api.TagPolicyInput {
			return &api.TagPolicyInput{PolicyArn: s.arn(atP1)}
		}),
		on("TagRole", bind((*Service).TagRole), of(api.TagRoleInput{RoleName: "r1"})),
		on("TagSAMLProvider", bind((*Service).TagSAMLProvider), func(s *stage) *api.TagSAMLProviderInput {
			return &api.TagSAMLProviderInput{SAMLProviderArn: s.newCorp().ARN}
		}),
		on("TagServerCertificate", bind((*Service).TagServerCertificate), of(api.TagServerCertificateInput{ServerCertificateName: "site"})),
		on("TagUser", bind((*Service).TagUser), of(api.TagUserInput{UserName: "bob", Tags: []api.Tag{}})),
	}
	for _, c := range calls {
		refused(t, c.do(s, t.Context(), s.as("caller")), identity.InvalidInput, "The provided tag map must not be null/empty.")
	}
	for operation := range rules {
		if strings.HasPrefix(operation, "Tag") && !slices.ContainsFunc(calls, func(c call) bool { return c.operation == operation }) {
			t.Errorf("%s has no case", operation)
		}
	}
}
