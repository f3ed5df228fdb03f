package directory

import (
	"fmt"
	"strings"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/policy"
)

// UnknownPrincipalError is a user or role in a trust policy that the directory does not have.
type UnknownPrincipalError struct{ ARN string }

func (e *UnknownPrincipalError) Error() string { return fmt.Sprintf("no principal %s", e.ARN) }

// ResolveTrust returns the trust policy with the ARNs of users and roles replaced by their unique ids, which is how AWS
// stores them: a principal that is deleted and created anew is not trusted ([IAM UG, Principal]). lookup finds users and
// roles; an unknown one is an *UnknownPrincipalError. Accounts, sessions and federated providers stay as they are.
func ResolveTrust(text string, lookup func(principalARN string) (id string, ok bool)) (string, error) {
	return policy.MapPrincipals(text, func(kind, value string) (string, error) {
		if kind != "AWS" || !namesEntity(value) {
			return value, nil
		}
		id, ok := lookup(value)
		if !ok {
			return "", &UnknownPrincipalError{value}
		}
		return id, nil
	})
}

func namesEntity(value string) bool {
	a, err := arn.Parse(value)
	return err == nil && a.Service == "iam" && (strings.HasPrefix(a.Resource, "user/") || strings.HasPrefix(a.Resource, "role/"))
}

// ShowTrust returns a stored trust policy as it is shown: unique ids become ARNs again where the principal still lives.
func (v *View) ShowTrust(text string) string {
	shown, err := policy.MapPrincipals(text, func(kind, value string) (string, error) {
		if kind == "AWS" {
			switch e, _ := v.ByID(value); e := e.(type) {
			case *User:
				return e.ARN, nil
			case *Role:
				return e.ARN, nil
			}
		}
		return value, nil
	})
	if err != nil {
		return text
	}
	return shown
}

// PrincipalID returns the unique id of the user or role with an ARN, exact to the letter.
func (v *View) PrincipalID(principalARN string) (string, bool) {
	if r, ok := v.RoleByARN(principalARN); ok {
		return r.ID, true
	}
	a, err := arn.Parse(principalARN)
	if err != nil {
		return "", false
	}
	u, ok := v.User(arn.AccountID(a.Account), a.Resource[strings.LastIndexByte(a.Resource, '/')+1:])
	if !ok || u.ARN != principalARN {
		return "", false
	}
	return u.ID, true
}
