package iam

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/policy"
)

// nobody is the aws:userid of a simulation without a caller (index id 70444394588).
const nobody = "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR"

// suppose reads the parameters of a simulation. The texts of its refusals are AWS's as far as they are on record (index ids
// 70286389503, 70233963839, 70549252120).
func (sim *simulation) suppose(v *directory.View, in *api.SimulateCustomPolicyInput) error {
	if in.ResourceHandlingOption != nil {
		return invalidInput("Invalid input resource handling options. Action does not support resource handling options: " +
			strings.Join(in.ActionNames, ",") + ".")
	}
	for _, action := range in.ActionNames {
		if !strings.Contains(action, ":") {
			return invalidInput("The action is invalid since it is missing names")
		}
		sim.longest = max(sim.longest, len(action))
	}
	if len(in.ActionNames) == 0 {
		return invalidInput("ActionNames cannot be null or empty.")
	}
	if err := sim.onResources(in.ResourceArns); err != nil {
		return err
	}
	if err := sim.givePolicies(in); err != nil {
		return err
	}
	for _, entry := range in.ContextEntries {
		if err := sim.giveContext(entry); err != nil {
			return err
		}
	}
	if err := sim.by(v, in.CallerArn); err != nil {
		return err
	}
	if err := sim.ownedBy(in.ResourceOwner); err != nil {
		return err
	}
	return sim.giveResourcePolicy(in)
}

func (sim *simulation) onResources(resources []string) error {
	for _, r := range resources {
		if r == "*" && len(resources) == 1 {
			return nil
		}
		if parts := strings.SplitN(r, ":", 6); len(parts) < 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
			return invalidInput("ResourceNames are not in a valid ARN format: " + r + ".")
		}
		sim.longest = max(sim.longest, len(r))
	}
	sim.resources = resources
	return nil
}

func (sim *simulation) givePolicies(in *api.SimulateCustomPolicyInput) error {
	for i, text := range in.PolicyInputList {
		compiled, err := policy.New(text, policy.Identity)
		if err != nil {
			return invalidContent("Policy input list", i, err)
		}
		s := simulated{id: fmt.Sprintf("PolicyInputList.%d", i+1), kind: identityKind, text: text}
		sim.add(&sim.identity, &sim.set.Identity, s, compiled)
	}
	switch len(in.PermissionsBoundaryPolicyInputList) {
	case 0:
		return nil
	case 1:
	default:
		return invalidInput("The list of Permissions Boundary policies cannot exceed 1 items.")
	}
	text := in.PermissionsBoundaryPolicyInputList[0]
	compiled, err := policy.New(text, policy.Identity)
	if err != nil {
		return invalidContent("Permissions boundary policy input list", 0, err)
	}
	sim.boundary, sim.set.Boundary, sim.set.HasBoundary = nil, nil, true
	sim.add(&sim.boundary, &sim.set.Boundary, simulated{id: "PermissionsBoundaryPolicyInputList.1", kind: boundaryKind, text: text}, compiled)
	return nil
}

// giveContext adds a condition key.
func (sim *simulation) giveContext(entry api.ContextEntry) error {
	name, kind := valueOf(entry.ContextKeyName), valueOf(entry.ContextKeyType)
	key := strings.ToLower(name)
	switch {
	case name == "":
		return invalidInput("ContextKeyName cannot be null or empty.")
	case sim.given[key]:
		return invalidInput("Duplicate context key: " + name + ".")
	case kind == "":
		return invalidInput("Context key " + name + " has invalid type null.")
	case len(entry.ContextKeyValues) == 0:
		return invalidInput("Context values for context key " + name + " cannot be null or empty.")
	}
	kind, multivalued := strings.CutSuffix(kind, "List")
	if !multivalued && len(entry.ContextKeyValues) > 1 {
		return invalidInput(fmt.Sprintf("Context key %s expected a single value, but received %d.", name, len(entry.ContextKeyValues)))
	}
	values := make([]string, len(entry.ContextKeyValues))
	for i, value := range entry.ContextKeyValues {
		text, expected := contextValue(kind, value)
		if expected != "" {
			return invalidInput("Invalid context value for key " + name + ": expected " + expected + ".")
		}
		values[i] = text
		sim.longest = max(sim.longest, len(text))
	}
	sim.given[key] = true
	if multivalued {
		sim.keys[key] = policy.Many(values)
	} else {
		sim.keys[key] = policy.One(values[0])
	}
	return nil
}

// contextValue brings a value into the form that its type has in a request, or says what was expected.
func contextValue(kind, value string) (text, expected string) {
	switch kind {
	case "numeric":
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return "", "numeric format"
		}
	case "boolean":
		return strconv.FormatBool(strings.EqualFold(value, "true")), ""
	case "ip":
		if _, err := netip.ParseAddr(value); err != nil {
			return "", "IP address"
		}
	case "binary":
		if _, err := base64.StdEncoding.DecodeString(value); err != nil {
			return "", "base-64 encoded binary format"
		}
	case "date":
		if _, err := time.Parse(time.RFC3339, value); err == nil {
			return value, ""
		}
		if _, err := time.Parse(time.DateOnly, value); err == nil {
			return value, ""
		}
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "", "DateTime format"
		}
	}
	return value, ""
}

// by sets the caller. Keys that are told go before those that follow from it.
func (sim *simulation) by(v *directory.View, callerARN *string) error {
	sim.caller = policy.Principal{Kind: policy.User, Account: string(sim.account)}
	if callerARN == nil {
		sim.assume("aws:principalaccount", string(sim.account))
		sim.assume("aws:userid", nobody)
		return nil
	}
	a, err := arn.Parse(*callerARN)
	account := arn.AccountID(a.Account)
	kind, name, nameErr := principalNamed(*callerARN, account)
	if err != nil || nameErr != nil {
		return invalidInput("Invalid caller - Caller must be an IAM user, role or group in this context.")
	}
	sim.caller.Account, sim.caller.ARN = a.Account, *callerARN
	if kind == "role" {
		sim.caller.Kind, sim.caller.RoleARN = policy.Role, *callerARN
	}
	if p, ok := principalIn(v, account, kind, name); ok && account == sim.account {
		sim.caller.ID = p.id
	}
	sim.assume("aws:principalarn", *callerARN)
	sim.assume("aws:principalaccount", a.Account)
	sim.assume("aws:userid", *callerARN)
	if kind == "user" {
		sim.assume("aws:username", name)
	}
	return nil
}

func (sim *simulation) assume(key, value string) {
	if !sim.given[key] {
		sim.keys[key] = policy.One(value)
	}
}

// ownedBy sets the account of the resources. AWS takes the ARN of anything in it, and no bare number (botocore issue 1346).
func (sim *simulation) ownedBy(owner *string) error {
	if owner == nil {
		return nil
	}
	a, err := arn.Parse(*owner)
	if err == nil {
		_, err = arn.ParseAccountID(a.Account)
	}
	if err != nil || a.Service != "iam" {
		return invalidInput("'" + *owner + "' is not a valid as a Resource Owner.")
	}
	sim.owner = a.Account
	return nil
}

func (sim *simulation) giveResourcePolicy(in *api.SimulateCustomPolicyInput) error {
	if in.ResourcePolicy == nil {
		return nil
	}
	switch {
	case sim.caller.ARN == "":
		return invalidInput("Invalid caller - Caller cannot be null or empty.")
	case len(sim.resources) == 0:
		return invalidInput("Invalid Entity Arn: * does not clearly define entity type and name.")
	}
	compiled, err := policy.New(*in.ResourcePolicy, policy.Resource)
	if err != nil {
		// The policy of a role names no resource.
		if trust, trustErr := policy.New(*in.ResourcePolicy, policy.Trust); trustErr == nil {
			compiled, err = trust, nil
		}
	}
	if err != nil {
		return invalidInput("The resource policy has invalid content").Because(err)
	}
	var list []simulated
	sim.add(&list, &sim.set.Resource, simulated{id: "ResourcePolicy", kind: resourceKind, text: *in.ResourcePolicy}, compiled)
	sim.resource = &list[0]
	return nil
}
