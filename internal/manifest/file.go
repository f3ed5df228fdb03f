package manifest

import (
	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

// File is a directory file that was read and found well-formed. What a pointer or a nil slice leaves out, the file does not
// say.
type File struct {
	name         string
	accounts     []*account // in the order of the file
	organization *organization
}

// Accounts returns the accounts of the file in its order.
func (f *File) Accounts() []arn.AccountID {
	ids := make([]arn.AccountID, len(f.accounts))
	for i, a := range f.accounts {
		ids[i] = a.id
	}
	return ids
}

// account is one account of the file.
type account struct {
	place
	id              arn.AccountID
	alias           *string
	rootKeys        []accessKey
	disabledRegions []string
	users           []*user
	groups          []*group
	roles           []*role
	policies        []*managedPolicy
	oidc            []*oidcProvider
	saml            []*samlProvider
}

// reference names something that must exist.
type reference struct {
	place
	name string
}

// holder is what users, groups and roles have in common.
type holder struct {
	place
	name     string
	path     *string
	inline   []inlinePolicy
	attached []reference
}

// inlinePolicy is a policy that is part of its holder.
type inlinePolicy struct{ name, text string }

// person is what users and roles have in common.
type person struct {
	holder
	tags     []directory.Tag
	boundary *reference
}

type user struct {
	person
	groups  []reference
	keys    []accessKey
	devices []device
}

type group struct{ holder }

type role struct {
	person
	trust             *document
	maxSessionSeconds *int32
}

// accessKey has what the file gives of it: an empty id or a zero secret is generated.
type accessKey struct {
	place
	id     string
	secret secret.Key
	status directory.KeyStatus
}

// device is an enabled TOTP device: virtual if it has no serial.
type device struct {
	place
	name, serial string
	seed         secret.Key
}

type managedPolicy struct {
	place
	name     string
	path     *string
	document *document
}

type oidcProvider struct {
	place
	url         string // host and path
	clientIDs   []string
	thumbprints []string
	jwks        *string
}

type samlProvider struct {
	place
	name     string
	metadata string
}
