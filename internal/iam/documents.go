package iam

import (
	"errors"
	"fmt"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/policy/lint"
)

// Sizes of documents in characters other than white space (UG quotas). The trust policy's is the default of an adjustable
// quota.
const (
	maxTrustSize   = 2048
	maxManagedSize = 6144
)

// identityDocument accepts the text of an inline or a managed policy.
func identityDocument(text string, t policy.Type) (*directory.Document, error) {
	if _, err := policy.Parse(text, t); err != nil {
		return nil, malformed(err)
	}
	return directory.NewDocument(text), nil
}

// trustDocument accepts the text of a trust policy and puts unique ids in the place of the users and roles that it names.
func trustDocument(v *directory.View, req *identity.Request, text string) (*directory.Document, error) {
	parsed, err := policy.Parse(text, policy.Trust)
	if err != nil {
		return nil, malformed(err)
	}
	if policy.Size(text) > maxTrustSize {
		return nil, quotaExceeded("ACLSizePerRole", maxTrustSize)
	}
	// A unique id stands for a principal that is gone, as GetRole shows it: AWS does not take it back.
	for _, p := range parsed.Principals() {
		if _, alive := v.ByID(p.Value); p.Kind == "AWS" && principalID(p.Value) && !alive {
			return nil, unknownPrincipal(p.Value)
		}
	}
	resolved, err := directory.ResolveTrust(text, v.PrincipalID)
	if unknown, ok := errors.AsType[*directory.UnknownPrincipalError](err); ok {
		return nil, unknownPrincipal(unknown.ARN)
	}
	if err != nil {
		return nil, fmt.Errorf("resolving a trust policy: %w", err)
	}
	warn(req, text, policy.Trust)
	return directory.NewDocument(resolved), nil
}

// warn leaves with the request what the linter warns of in a document that is accepted.
func warn(req *identity.Request, text string, t policy.Type) {
	req.PolicyWarnings = lint.Warnings(text, t, lint.Options{Account: string(req.Caller.Account)})
}

func principalID(value string) bool {
	prefix := arn.PrefixOf(value)
	return prefix == arn.UserID || prefix == arn.RoleID
}

func unknownPrincipal(value string) *identity.Fault {
	return identity.NewFault(identity.MalformedPolicyDocument, `Invalid principal in policy: "AWS":"`+value+`"`)
}

func malformed(err error) *identity.Fault {
	message := "Syntax errors in policy."
	if refused, ok := errors.AsType[*policy.Error](err); ok {
		message = refused.Message
	}
	return identity.NewFault(identity.MalformedPolicyDocument, message).Because(err)
}

// encoded is a document as answers have it: percent-encoded by RFC 3986, which spares the unreserved characters alone.
func encoded(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(text) + len(text)/2)
	for i := range len(text) {
		c := text[i]
		if unreserved(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~'
}
