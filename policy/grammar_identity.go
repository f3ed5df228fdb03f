package policy

import (
	"regexp"
	"strings"
)

// checkIdentity holds the rules for identity-based policies in the order in which AWS checks them
// (docs/wire-compatibility.md §10).
func (r *reader) checkIdentity(d *Document) *Error {
	if fault := r.checkNoPrincipal(); fault != nil {
		return fault
	}
	// Only what is to be a managed policy must be of the new version: IAM keeps inline policies without one.
	if managed := r.kind == Managed || r.kind == Boundary; managed && d.Version != Version2012 {
		return &Error{Message: "Policy document must be version 2012-10-17 or greater.", Offset: -1}
	}
	return r.checkIdentityStatements(d)
}

// checkSession holds the rules for policies that are passed to STS: those of an identity-based policy, but an incomplete ARN is
// not completed [GRAM].
func (r *reader) checkSession(d *Document) *Error {
	if fault := r.checkIdentity(d); fault != nil {
		return fault
	}
	for i := range d.Statements {
		for _, resource := range d.Statements[i].resourceValues() {
			if resource != "*" && len(splitARN(resource, true)) < arnParts {
				return &Error{Message: notARN(resource), Offset: d.Statements[i].Offset}
			}
		}
	}
	return nil
}

func (r *reader) checkNoPrincipal() *Error {
	for i := range r.written {
		for _, name := range [...]string{"Principal", "NotPrincipal"} {
			if offset, found := r.written[i].elements[name]; found {
				return &Error{Message: "Policy document should not specify a principal.", Offset: offset}
			}
		}
	}
	return nil
}

func (r *reader) checkIdentityStatements(d *Document) *Error {
	resourceFault, fault := r.checkLegacy(d)
	if fault != nil {
		return fault
	}
	if fault := checkSids(d); fault != nil {
		return fault
	}
	for i := range d.Statements {
		if st := &d.Statements[i]; len(st.Actions)+len(st.NotActions) == 0 {
			return &Error{Message: "Policy statement must contain actions.", Offset: st.Offset}
		}
	}
	if resourceFault != nil {
		return resourceFault
	}
	for i := range d.Statements {
		for _, action := range d.Statements[i].actionValues() {
			if message := actionFault(action); message != "" {
				return &Error{Message: message, Offset: d.Statements[i].Offset}
			}
		}
	}
	for i := range d.Statements {
		if st := &d.Statements[i]; len(st.Resources)+len(st.NotResources) == 0 {
			return &Error{Message: "Policy statement must contain resources.", Offset: st.Offset}
		}
	}
	return nil
}

func (s *Statement) actionValues() []string {
	return append(s.Actions[:len(s.Actions):len(s.Actions)], s.NotActions...)
}

func (s *Statement) resourceValues() []string {
	return append(s.Resources[:len(s.Resources):len(s.Resources)], s.NotResources...)
}

// checkLegacy holds the rules that AWS calls legacy parsing. A resource fault that it meets on the way ends its interest in
// resources and is reported later, at its place in the order.
func (r *reader) checkLegacy(d *Document) (resourceFault, legacy *Error) {
	for i := range d.Statements {
		st := &d.Statements[i]
		if effect := r.written[i].effect; effect != "Allow" && effect != "Deny" {
			return nil, &Error{Message: legacyParsing, Offset: st.Offset, Detail: "Effect must be Allow or Deny"}
		}
		for _, c := range st.Conditions {
			if op, _ := parseOperator(c.Operator); op.comparison == compareDate && !allInstants(c.Values) {
				return nil, &Error{Message: legacyParsing, Offset: c.Offset, Detail: "a value is not a date"}
			}
		}
	}
	for i := range d.Statements {
		st := &d.Statements[i]
		resources := st.resourceValues()
		for _, resource := range resources {
			if message := resourceFaultOf(resource); message != "" && resourceFault == nil {
				resourceFault = &Error{Message: message, Offset: st.Offset}
			}
		}
		for _, resource := range resources {
			if resourceFault == nil && !legacyResource(resource) {
				return nil, &Error{Message: legacyParsing, Offset: st.Offset, Detail: "resource " + resource + " is not a complete ARN"}
			}
		}
	}
	return resourceFault, nil
}

func allInstants(values []string) bool {
	for _, v := range values {
		if _, ok := parseInstant(v); !ok {
			return false
		}
	}
	return true
}

// legacyResource refuses ARNs that lack components but have an empty one, and those without a service.
func legacyResource(resource string) bool {
	components := splitARN(resource, true)
	if len(components) < 3 {
		return true
	}
	return components[2] != "" && (len(components) == arnParts || !strings.Contains(resource, "::"))
}

// sidPattern is AWS's, and the underscore, which AWS's message does not list but documents that it took have.
var sidPattern = regexp.MustCompile(`^[0-9A-Za-z_]*$`)

// checkSids: empty Sids may repeat.
func checkSids(d *Document) *Error {
	seen := make(map[string]bool, len(d.Statements))
	for i := range d.Statements {
		sid := d.Statements[i].Sid
		switch {
		case sid == "":
		case seen[sid]:
			return &Error{Message: "Statement IDs (SID) in a single policy must be unique.", Offset: d.Statements[i].Offset}
		case !sidPattern.MatchString(sid):
			return &Error{Offset: d.Statements[i].Offset, Message: "Statement IDs (SID) must be alpha-numeric. " +
				"Check that your input satisfies the regular expression [0-9A-Za-z]*"}
		}
		seen[sid] = true
	}
	return nil
}

var vendorPattern = regexp.MustCompile(`^[A-Za-z0-9.-]+$`)

// actionFault gives AWS's message for an action, or nothing.
func actionFault(action string) string {
	if action == "*" {
		return ""
	}
	vendor, name, found := strings.Cut(action, ":")
	switch {
	case !found:
		return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	case strings.Contains(name, ":"):
		return "Actions/Condition can contain only one colon."
	case !vendorPattern.MatchString(vendor):
		return "Vendor " + vendor + " is not valid"
	}
	return ""
}

func notARN(resource string) string { return "Resource " + resource + ` must be in ARN format or "*".` }

// partitions are those that AWS knows; a wildcard may stand for one.
var partitions = [...]string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"}

func isPartition(name string) bool {
	g := newGlob(encodePlain(name))
	for _, partition := range partitions {
		if g.match(partition) {
			return true
		}
	}
	return false
}

// resourceFaultOf gives AWS's message for a resource, or nothing.
func resourceFaultOf(resource string) string {
	if resource == "*" {
		return ""
	}
	scheme, rest, found := strings.Cut(resource, ":")
	if !found || scheme != "arn" && scheme != "a" {
		return notARN(resource)
	}
	partition, rest, hasService := strings.Cut(rest, ":")
	if !isPartition(partition) {
		return `Partition "` + partition + `" is not valid for resource "` + completeARN(partition, rest, hasService) + `".`
	}
	service, rest, _ := strings.Cut(rest, ":")
	if !hasService || strings.ContainsAny(service, "*?") {
		return "Resource vendor must be fully qualified and cannot contain regexes."
	}
	region, rest, _ := strings.Cut(rest, ":")
	_, name, complete := strings.Cut(rest, ":")
	switch service {
	case "iam":
		return iamResourceFault(resource, region, name, complete)
	case "s3":
		if region != "" && !strings.ContainsAny(region, "*?") && !hasAnyPrefix(name, regionalS3Resources[:]) {
			return "Resource " + resource + " can not contain region information."
		}
	}
	return ""
}

// completeARN shows an ARN as AWS reads it, with an asterisk for each missing component.
func completeARN(partition, rest string, hasService bool) string {
	components := []string{"*", "*", "*", "*"}
	if hasService {
		copy(components, strings.SplitN(rest, ":", len(components)))
	}
	return "arn:" + partition + ":" + strings.Join(components, ":")
}

// iamPaths are the beginnings of IAM resource names, in the order of AWS's message.
var iamPaths = [...]string{"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
	"policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"}

// regionalS3Resources are the beginnings of the names of S3 resources that live in a region.
var regionalS3Resources = [...]string{"accesspoint/", "access-grants/", "async-request/", "job/", "storage-lens/", "storage-lens-group/"}

// iamResourceFault also takes the root user, which AWS's message does not list but sts:AssumeRoot is allowed on, and delegation
// requests, which are younger than the message.
func iamResourceFault(resource, region, name string, complete bool) string {
	switch {
	case region != "" && region != "*":
		return "IAM resource " + resource + " cannot contain region information."
	case complete && name != "*" && name != "root" && !strings.HasPrefix(name, "delegation-request/") && !hasAnyPrefix(name, iamPaths[:]):
		return `IAM resource path must either be "*" or start with ` + strings.Join(iamPaths[:], ", ") + "."
	}
	return ""
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}
