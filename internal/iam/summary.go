package iam

import (
	"context"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// GetAccountSummary counts the account's entities and tells the quotas (UG quotas). Where Stint has no quota, the number is AWS's. Root has
// neither password nor signing certificate here.
func (s *Service) GetAccountSummary(_ context.Context, v *directory.View, req *identity.Request, _ *api.Empty) (*api.GetAccountSummaryOutput, error) {
	if err := s.authorize(v, req, ask{operation: "GetAccountSummary"}); err != nil {
		return nil, err
	}
	account := req.Caller.Account
	versions := 0
	for p := range v.Policies(account) {
		versions += len(p.Versions)
	}
	devices, inUse := 0, 0
	for d := range v.Devices(account) {
		if !d.Virtual() && d.UserID == "" {
			continue // AWS knows no hardware device that is nobody's
		}
		if devices++; d.UserID != "" {
			inUse++
		}
	}
	rootKeys, rootDevice, tokens := 0, 0, 1
	if a, ok := v.Account(account); ok {
		rootKeys, tokens = min(len(a.RootKeys), 1), max(a.GlobalEndpointTokenVersion, 1)
	}
	if hasDevice(v, string(account)) {
		rootDevice = 1
	}
	count := func(kind directory.Kind) int { return v.Count(account, kind) }
	return &api.GetAccountSummaryOutput{SummaryMap: counted(map[string]int{
		"Users":               count(directory.KindUser),
		"Groups":              count(directory.KindGroup),
		"Roles":               count(directory.KindRole),
		"Policies":            count(directory.KindPolicy),
		"PolicyVersionsInUse": versions,
		"Providers":           count(directory.KindOIDCProvider) + count(directory.KindSAMLProvider),
		"InstanceProfiles":    count(directory.KindInstanceProfile),
		"ServerCertificates":  count(directory.KindServerCertificate),

		"MFADevices":                        devices,
		"MFADevicesInUse":                   inUse,
		"AccountMFAEnabled":                 rootDevice,
		"AccountAccessKeysPresent":          rootKeys,
		"AccountPasswordPresent":            0,
		"AccountSigningCertificatesPresent": 0,
		"GlobalEndpointTokenVersion":        tokens,

		"UsersQuota":                      5000,
		"GroupsQuota":                     300,
		"RolesQuota":                      1000,
		"PoliciesQuota":                   1500,
		"PolicyVersionsInUseQuota":        10000,
		"InstanceProfilesQuota":           1000,
		"ServerCertificatesQuota":         20,
		"GroupsPerUserQuota":              maxGroups,
		"AccessKeysPerUserQuota":          maxKeys,
		"SigningCertificatesPerUserQuota": 2,
		"AttachedPoliciesPerUserQuota":    maxAttached,
		"AttachedPoliciesPerGroupQuota":   maxAttached,
		"AttachedPoliciesPerRoleQuota":    maxAttached,
		"VersionsPerPolicyQuota":          maxVersions,
		"AssumeRolePolicySizeQuota":       maxTrustSize,
		"PolicySizeQuota":                 maxManagedSize,
		"UserPolicySizeQuota":             2048,
		"GroupPolicySizeQuota":            5120,
		"RolePolicySizeQuota":             10240,
	})}, nil
}

func counted(counts map[string]int) map[string]int32 {
	out := make(map[string]int32, len(counts))
	for key, n := range counts {
		out[key] = int32(n) // no directory has two thousand million entities
	}
	return out
}
