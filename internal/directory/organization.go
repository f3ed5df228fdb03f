package directory

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
)

// ControlType is a type of policy that an organization has for its accounts.
type ControlType string

// The types that Stint obeys, as the Organizations API names them.
const (
	ServiceControl  ControlType = "SERVICE_CONTROL_POLICY"
	ResourceControl ControlType = "RESOURCE_CONTROL_POLICY"
)

// The policies of AWS that a root, unit or account has from the moment when their type is enabled.
const (
	FullAccessID         = "p-FullAWSAccess"
	ResourceFullAccessID = "p-RCPFullAWSAccess"
)

// FullAccess is the id of AWS's policy of a type.
func (t ControlType) FullAccess() string {
	if t == ResourceControl {
		return ResourceFullAccessID
	}
	return FullAccessID
}

// ControlState says whether a type of policy is enabled in the organization.
type ControlState struct {
	Enabled bool `json:"enabled,omitempty"`
	// Era counts how often the type was enabled. Disabling it detaches every policy, wherever it is: attachments of an earlier era
	// are void, and none of them has to be written.
	Era int `json:"era,omitempty"`
}

// Attachments are the policies of one type on a root, unit or account, as of an era of the type.
type Attachments struct {
	Era      int      `json:"era,omitempty"`
	Policies []string `json:"policies,omitempty"` // ids
}

// Node is what the root, the units and the accounts of an organization have in common.
type Node struct {
	Tags []Tag       `json:"tags,omitempty"`
	SCPs Attachments `json:"scps,omitzero"`
	RCPs Attachments `json:"rcps,omitzero"`
}

func (n *Node) attachments(t ControlType) *Attachments {
	if t == ResourceControl {
		return &n.RCPs
	}
	return &n.SCPs
}

func (n *Node) clone() Node {
	return Node{
		Tags: slices.Clone(n.Tags),
		SCPs: Attachments{n.SCPs.Era, slices.Clone(n.SCPs.Policies)},
		RCPs: Attachments{n.RCPs.Era, slices.Clone(n.RCPs.Policies)},
	}
}

// Grant is a service that may act in the organization, or for which an account is the delegated administrator.
type Grant struct {
	Service string    `json:"service"`
	Since   time.Time `json:"since"`
}

// Control returns the state of a type of policy.
func (o *Organization) Control(t ControlType) *ControlState {
	if t == ResourceControl {
		return &o.ResourceControl
	}
	return &o.ServiceControl
}

// Attached returns the ids of the policies of a type on the root, a unit or an account: none while the type is disabled, AWS's
// own where nobody attached or detached anything since it was enabled.
func (o *Organization) Attached(n *Node, t ControlType) []string {
	state, a := o.Control(t), n.attachments(t)
	switch {
	case !state.Enabled:
		return nil
	case a.Era != state.Era:
		return []string{t.FullAccess()}
	}
	return a.Policies
}

// Attach sets the policies of an enabled type on the root, a unit or an account.
func (o *Organization) Attach(n *Node, t ControlType, policies []string) {
	*n.attachments(t) = Attachments{o.Control(t).Era, policies}
}

// ARN returns the ARN of something of the organization, such as account/o-…/111122223333.
func (o *Organization) ARN(p arn.Partition, kind, id string) string {
	resource := kind + "/" + o.ID
	if id != "" {
		resource += "/" + id
	}
	return "arn:" + string(p) + ":organizations::" + string(o.ManagementAccount) + ":" + resource
}

// Unit is an organizational unit.
type Unit struct {
	Meta
	Node
	ID     string `json:"id"`
	Name   string `json:"name"`
	Parent string `json:"parent"` // id of the root or of a unit
}

// Key implements Entity.
func (u *Unit) Key() Key { return Key{Global, KindUnit, u.ID} }

// Clone returns a copy that may be altered.
func (u *Unit) Clone() *Unit {
	c := *u
	c.Node = u.clone()
	return &c
}

// Member is what the organization knows of an account that is in it. The list of members is the Organization's.
type Member struct {
	Meta
	Node
	Account arn.AccountID `json:"account"`
	Name    string        `json:"name"`
	Email   string        `json:"email,omitempty"`
	Created bool          `json:"created,omitempty"` // by CreateAccount
	Joined  time.Time     `json:"joined"`
	Parent  string        `json:"parent"` // id of the root or of a unit
	// Administers are the services for which the account is the delegated administrator.
	Administers []Grant `json:"administers,omitempty"`
}

// Key implements Entity.
func (m *Member) Key() Key { return Key{Global, KindMember, string(m.Account)} }

// Clone returns a copy that may be altered.
func (m *Member) Clone() *Member {
	c := *m
	c.Node, c.Administers = m.clone(), slices.Clone(m.Administers)
	return &c
}

// ControlPolicy is a policy of an organization. What it is attached to says so.
type ControlPolicy struct {
	Meta
	Owner       arn.AccountID `json:"owner"` // Global, or AWSAccount
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Type        ControlType   `json:"type"`
	Document    *Document     `json:"document"`
	Tags        []Tag         `json:"tags,omitempty"`
}

// Key implements Entity.
func (p *ControlPolicy) Key() Key { return Key{p.Owner, KindControlPolicy, p.ID} }

// Clone returns a copy that may be altered.
func (p *ControlPolicy) Clone() *ControlPolicy {
	c := *p
	c.Tags = slices.Clone(p.Tags)
	return &c
}

// AccountRequest is a call of CreateAccount and what became of it.
type AccountRequest struct {
	Meta
	ID           string        `json:"id"`           // car-…
	Organization string        `json:"organization"` // id
	Name         string        `json:"name"`
	Account      arn.AccountID `json:"account,omitempty"`
	Failure      string        `json:"failure,omitempty"` // empty for a success
	Requested    time.Time     `json:"requested"`
}

// Key implements Entity.
func (r *AccountRequest) Key() Key { return Key{Global, KindAccountRequest, r.ID} }

// fullAccess are AWS's own policies.
func fullAccess() []*ControlPolicy {
	const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	const resourceText = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
	return []*ControlPolicy{
		{Owner: AWSAccount, ID: FullAccessID, Name: "FullAWSAccess", Description: "Allows access to every operation",
			Type: ServiceControl, Document: NewDocument(text)},
		{Owner: AWSAccount, ID: ResourceFullAccessID, Name: "RCPFullAWSAccess", Description: "Allows access to every resource",
			Type: ResourceControl, Document: NewDocument(resourceText)},
	}
}

// newOrganizationID makes an id of the Organizations model: the prefix and n letters or digits.
func newOrganizationID(prefix string, n int, random io.Reader) (string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyz234567" // 32, so that no letter is likelier
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("making an id of an organization: %w", err)
	}
	for i := range b {
		b[i] = letters[b[i]%byte(len(letters))]
	}
	return prefix + string(b), nil
}

// The lengths of ids after their prefixes.
const (
	organizationIDLength = 10
	rootIDLength         = 4
	unitIDLength         = 8
	policyIDLength       = 10
	requestIDLength      = 32
)

// NewOrganization begins the organization of a management account.
func NewOrganization(management arn.AccountID, created time.Time, random io.Reader) (*Organization, error) {
	id, err := newOrganizationID("o-", organizationIDLength, random)
	if err != nil {
		return nil, err
	}
	root, err := newOrganizationID("r-", rootIDLength, random)
	if err != nil {
		return nil, err
	}
	return &Organization{
		ID: id, RootID: root, ManagementAccount: management, Members: []arn.AccountID{management}, Created: created,
	}, nil
}

// NewUnitID makes the id of a unit, which holds the root's.
func (o *Organization) NewUnitID(random io.Reader) (string, error) {
	return newOrganizationID("ou-"+strings.TrimPrefix(o.RootID, "r-")+"-", unitIDLength, random)
}

// NewControlPolicyID makes the id of a policy.
func NewControlPolicyID(random io.Reader) (string, error) {
	return newOrganizationID("p-", policyIDLength, random)
}

// NewAccountRequestID makes the id of a call of CreateAccount.
func NewAccountRequestID(random io.Reader) (string, error) {
	return newOrganizationID("car-", requestIDLength, random)
}
