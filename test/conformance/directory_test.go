package conformance

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/stint-sts/stint/test/harness"
)

// The directory file, as far as the cases need it. It is written as JSON, which YAML readers read.
type directoryFile struct {
	Accounts     map[string]*accountEntry `json:"accounts"`
	Organization *organizationEntry       `json:"organization,omitempty"`
}

type organizationEntry struct {
	ManagementAccount string `json:"management_account"`
	RootSessions      bool   `json:"root_sessions,omitempty"`
}

type accountEntry struct {
	RootAccessKeys []keyEntry              `json:"root_access_keys,omitempty"`
	Users          map[string]*userEntry   `json:"users,omitempty"`
	Roles          map[string]*roleEntry   `json:"roles,omitempty"`
	Policies       map[string]*policyEntry `json:"policies,omitempty"`
	OIDCProviders  []providerEntry         `json:"oidc_providers,omitempty"`

	SAMLProviders map[string]samlProviderEntry `json:"saml_providers,omitempty"`
}

type keyEntry struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
}

type userEntry struct {
	Path                string                     `json:"path,omitempty"`
	Tags                map[string]string          `json:"tags,omitempty"`
	PermissionsBoundary string                     `json:"permissions_boundary,omitempty"`
	AccessKeys          []keyEntry                 `json:"access_keys,omitempty"`
	InlinePolicies      map[string]json.RawMessage `json:"inline_policies,omitempty"`
	MFADevices          []deviceEntry              `json:"mfa_devices,omitempty"`
}

type deviceEntry struct {
	Name string `json:"name"`
	Seed string `json:"seed"`
}

type roleEntry struct {
	Path                string                     `json:"path,omitempty"`
	Tags                map[string]string          `json:"tags,omitempty"`
	PermissionsBoundary string                     `json:"permissions_boundary,omitempty"`
	TrustPolicy         json.RawMessage            `json:"trust_policy"`
	MaxSessionDuration  int                        `json:"max_session_duration,omitempty"`
	InlinePolicies      map[string]json.RawMessage `json:"inline_policies,omitempty"`
	AttachedPolicies    []string                   `json:"attached_policies,omitempty"`
}

type policyEntry struct {
	Path     string          `json:"path,omitempty"`
	Document json.RawMessage `json:"document"`
}

const inlineName = "inline"

// declarative tells whether a step can be written in the directory file.
func declarative(s step) bool {
	switch s.Do {
	case "user", "role", "root_key", "oidc_provider", "saml_provider", "organization":
		return true
	case "virtual_mfa":
		return s.User != ""
	case "managed_policy":
		return s.Description == "" && len(s.Tags) == 0
	}
	return false
}

// directoryOf splits the steps into the directory file that the leading ones make, with the secrets in it, and the rest.
func directoryOf(steps []step) (directoryFile, *cast, []step, error) {
	file := directoryFile{Accounts: map[string]*accountEntry{mainAccount: {}}}
	people := newCast()
	for i, s := range steps {
		if !declarative(s) {
			return file, people, steps[i:], nil
		}
		if s.Do == "organization" {
			file.organize(s)
			continue
		}
		if s.Account == "" {
			s.Account = mainAccount
		}
		account := file.Accounts[s.Account]
		if account == nil {
			account = &accountEntry{}
			file.Accounts[s.Account] = account
		}
		if err := account.add(s, people); err != nil {
			return directoryFile{}, nil, nil, err
		}
	}
	return file, people, nil, nil
}

// organize makes an organization of the accounts.
func (f *directoryFile) organize(s step) {
	f.Organization = &organizationEntry{ManagementAccount: s.Management, RootSessions: s.RootSessions}
	for _, id := range append([]string{s.Management}, s.Members...) {
		if f.Accounts[id] == nil {
			f.Accounts[id] = &accountEntry{}
		}
	}
}

func (a *accountEntry) add(s step, people *cast) error {
	switch s.Do {
	case "user":
		return a.addUser(s, people)
	case "role":
		a.addRole(s)
	case "oidc_provider":
		a.addProvider(s)
	case "saml_provider":
		a.addSAMLProvider(s)
	case "root_key":
		key := harness.NewKey(s.Account)
		a.RootAccessKeys = append(a.RootAccessKeys, keyEntry{key.AccessKeyID, key.SecretAccessKey})
		people.credentials["root"] = key
	case "virtual_mfa":
		user := a.Users[s.User]
		if user == nil {
			return fmt.Errorf("virtual_mfa of user %q, who is not there", s.User)
		}
		seed := newSeed()
		_, name, _ := strings.Cut(s.Serial, ":mfa/")
		user.MFADevices = append(user.MFADevices, deviceEntry{name, seed})
		people.seeds[s.Serial] = seed
	case "managed_policy":
		a.addPolicy(s.Name, policyEntry{s.Path, s.Document})
	}
	return nil
}

func (a *accountEntry) addUser(s step, people *cast) error {
	user := &userEntry{Path: s.Path, Tags: s.Tags, PermissionsBoundary: s.BoundaryARN}
	keys, err := keyCount(s.AccessKey)
	if err != nil {
		return fmt.Errorf("user %s: %w", s.Name, err)
	}
	for range keys {
		key := harness.NewKey(s.Account)
		user.AccessKeys = append(user.AccessKeys, keyEntry{key.AccessKeyID, key.SecretAccessKey})
		people.credentials[s.Name] = key
	}
	if len(s.InlinePolicy) > 0 {
		user.InlinePolicies = map[string]json.RawMessage{inlineName: s.InlinePolicy}
	}
	if len(s.Boundary) > 0 {
		name := s.Name + "-boundary"
		a.addPolicy(name, policyEntry{Document: s.Boundary})
		user.PermissionsBoundary = "arn:aws:iam::" + s.Account + ":policy/" + name
	}
	if a.Users == nil {
		a.Users = map[string]*userEntry{}
	}
	a.Users[s.Name] = user
	return nil
}

func (a *accountEntry) addRole(s step) {
	role := &roleEntry{
		Path: s.Path, Tags: s.Tags, PermissionsBoundary: s.BoundaryARN,
		TrustPolicy: s.Trust, MaxSessionDuration: s.MaxSessionDuration,
	}
	if len(s.InlinePolicy) > 0 {
		role.InlinePolicies = map[string]json.RawMessage{inlineName: s.InlinePolicy}
	}
	for _, attached := range s.Attached {
		arn := attached.ARN
		if arn == "" {
			arn = "arn:aws:iam::" + s.Account + ":policy/" + attached.Name
			a.addPolicy(attached.Name, policyEntry{Document: attached.Document})
		}
		role.AttachedPolicies = append(role.AttachedPolicies, arn)
	}
	if a.Roles == nil {
		a.Roles = map[string]*roleEntry{}
	}
	a.Roles[s.Name] = role
}

func (a *accountEntry) addPolicy(name string, policy policyEntry) {
	if a.Policies == nil {
		a.Policies = map[string]*policyEntry{}
	}
	a.Policies[name] = &policy
}

// keyCount reads an access_key member: left out or true is one key, a number is that many.
func keyCount(raw json.RawMessage) (int, error) {
	switch text := string(raw); text {
	case "", "true":
		return 1, nil
	case "false":
		return 0, nil
	default:
		count, err := strconv.Atoi(text)
		if err != nil {
			return 0, fmt.Errorf("access_key %s: %w", text, err)
		}
		return count, nil
	}
}

// rawDocuments are inline policies of one document.
func rawDocuments(document string) map[string]json.RawMessage {
	return map[string]json.RawMessage{inlineName: json.RawMessage(document)}
}
