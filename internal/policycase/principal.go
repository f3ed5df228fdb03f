package policycase

import (
	"fmt"
	"strings"

	"github.com/stint-sts/stint/internal/strictjson"
	"github.com/stint-sts/stint/policy"
)

// principal reads who makes the request. What is left out follows from the forms of AWS's ARNs: the role of a session, and the
// user of the same name as a federated user for the one that began its session.
func (r *caseReader) principal(v *strictjson.Value) error {
	p := &r.c.Request.Principal
	kind, name := "", ""
	err := members(v, "principal", map[string]func(*strictjson.Value) error{
		"kind":                text("principal.kind", &kind),
		"arn":                 text("principal.arn", &name),
		"account":             text("principal.account", &p.Account),
		"id":                  text("principal.id", &p.ID),
		"role_arn":            text("principal.role_arn", &p.RoleARN),
		"federated_by":        text("principal.federated_by", &p.FederatedBy),
		"federated_by_id":     text("principal.federated_by_id", &p.FederatedByID),
		"service_linked_role": truth("principal.service_linked_role", &p.ServiceLinkedRole),
		"management_account":  truth("principal.management_account", &r.c.Set.ManagementAccount),
	})
	if err != nil {
		return err
	}
	if name == "" && kind != "anonymous" {
		return fmt.Errorf("the principal has no %q", "arn")
	}
	switch kind {
	case "anonymous":
	case "user":
		p.Kind, p.ARN = policy.User, name
	case "root":
		p.Kind, p.ARN = policy.Root, name
	case "role": // a session whose name does not matter
		p.Kind, p.ARN, p.RoleARN = policy.Role, name, name
	case "role-session":
		p.Kind, p.ARN = policy.Role, name
	case "federated-user":
		p.Kind, p.ARN = policy.FederatedUser, name
		if prefix, user, found := strings.Cut(name, ":federated-user/"); found && p.FederatedBy == "" {
			p.FederatedBy = strings.Replace(prefix, ":sts:", ":iam:", 1) + ":user/" + user
		}
	case "service":
		p.Kind, p.Service = policy.Service, name
	case "federated":
		p.Kind, p.Provider = policy.Federated, name
	default:
		return fmt.Errorf("there is no kind of principal %q", kind)
	}
	return nil
}

// roleOf gives the role of a session by its ARN, which has no path.
func roleOf(p *policy.Principal) string {
	prefix, rest, _ := strings.Cut(p.ARN, ":assumed-role/")
	role, _, _ := strings.Cut(rest, "/")
	return strings.Replace(prefix, ":sts:", ":iam:", 1) + ":role/" + role
}
