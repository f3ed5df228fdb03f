package directory

import (
	"iter"
	"time"

	"github.com/stint-sts/stint/arn"
)

// DelegationState is where a delegation request stands.
type DelegationState string

// The states of a delegation request (UG, temporary delegation: request lifecycle). What may follow what is package iam's.
const (
	DelegationUnassigned DelegationState = "UNASSIGNED"       // made by the requestor, and nobody's yet
	DelegationAssigned   DelegationState = "ASSIGNED"         // taken up by its owner
	DelegationPending    DelegationState = "PENDING_APPROVAL" // forwarded by its owner to whoever may accept
	DelegationAccepted   DelegationState = "ACCEPTED"         // the approver is known, the exchange token is not sent
	DelegationFinalized  DelegationState = "FINALIZED"        // the exchange token is sent
	DelegationRejected   DelegationState = "REJECTED"
	DelegationExpired    DelegationState = "EXPIRED" // never stored: see StateAt
)

// DelegationRequest is one account's request to act in another for a while, with the permissions of whoever accepts it there,
// cut down to Policy.
//
// What trades the exchange token in (sts:GetDelegatedAccessToken) finds the request by the id in the token, and gives
// credentials if and only if StateAt is FINALIZED, the caller's account is Account, Released is the token's own, now is before
// Ends and Traded is not set; after Ends the token is expired. Setting Traded is a compare-and-swap, so that the token is good
// once on all nodes together. The credentials expire at Ends. The session is the Approver's: it acts for Approver.PrincipalID in OwnerAccount as long as that
// principal exists, with Approver's session name, source identity, tags and attributes, and Policy as its inline session
// policy, without which it would not be limited at all.
//
// Nothing of the token is kept here: it is a seal over the id and Released (session.TradeIn).
type DelegationRequest struct {
	Meta
	Account arn.AccountID `json:"account"` // of the requestor
	ID      string        `json:"id"`
	// OwnerAccount is the account that the request is for; empty as long as any may take it up.
	OwnerAccount arn.AccountID `json:"owner_account,omitempty"`
	// OwnerARN and OwnerID are the identity that took it up: what GetCallerIdentity calls it, and its unique id.
	OwnerARN string `json:"owner_arn,omitempty"`
	OwnerID  string `json:"owner_id,omitempty"`

	WorkflowID  string `json:"workflow_id"` // the requestor's own, unique among its requests
	Description string `json:"description"`
	Message     string `json:"message,omitempty"`
	RedirectURL string `json:"redirect_url,omitempty"`
	Channel     string `json:"channel"` // NotificationChannel, an SNS topic of the requestor's account

	Template   string                `json:"template"` // ARN of the managed policy that Policy was made of
	Parameters []DelegationParameter `json:"parameters,omitempty"`
	Policy     *Document             `json:"policy"` // a session policy
	// Boundaries are the permissions boundaries that roles made with Policy must have.
	Boundaries      []string `json:"boundaries,omitempty"`
	SessionSeconds  int32    `json:"session_seconds"`
	OnlySendByOwner bool     `json:"only_send_by_owner,omitempty"`

	State           DelegationState `json:"state"`
	Notes           string          `json:"notes,omitempty"`
	RejectionReason string          `json:"rejection_reason,omitempty"`
	Created         time.Time       `json:"created"`
	Updated         time.Time       `json:"updated"`
	Expires         time.Time       `json:"expires"`
	// Approver is who accepted, as it was then.
	Approver *Approver `json:"approver,omitempty"`
	// Released is when the exchange token was sent, in whole seconds.
	Released time.Time `json:"released,omitzero"`
	// Traded is when the exchange token was traded in.
	Traded time.Time `json:"traded,omitzero"`
}

// DelegationRetention is how long a request is shown after it has expired.
const DelegationRetention = 7 * 24 * time.Hour

// DelegationParameter fills a place of the template.
type DelegationParameter struct {
	Name   string   `json:"name"`
	List   bool     `json:"list,omitempty"` // stringList, or else string
	Values []string `json:"values"`
}

// Approver is an identity at the moment at which it accepted a delegation request. It was not limited by session policies.
type Approver struct {
	ARN string `json:"arn"`
	// PrincipalID is the unique id of the user or role, or the account for root.
	PrincipalID string `json:"principal_id"`
	// SessionName is set for the session of a role.
	SessionName    string              `json:"session_name,omitempty"`
	SourceIdentity string              `json:"source_identity,omitempty"`
	MFATime        time.Time           `json:"mfa_time,omitzero"`
	SessionTags    []ApproverTag       `json:"session_tags,omitempty"`
	Attributes     []ApproverAttribute `json:"attributes,omitempty"`
}

// ApproverTag is a session tag of an Approver.
type ApproverTag struct {
	Key        string `json:"k"`
	Value      string `json:"v"`
	Transitive bool   `json:"transitive,omitempty"`
}

// ApproverAttribute is a condition key that an Approver's session carried.
type ApproverAttribute struct {
	Key    string   `json:"k"`
	Values []string `json:"v"`
}

// Key implements Entity.
func (r *DelegationRequest) Key() Key { return Key{r.Account, KindDelegationRequest, r.ID} }

// StateAt is where the request stands at a time: what was not seen to in time has expired.
func (r *DelegationRequest) StateAt(now time.Time) DelegationState {
	if !now.Before(r.Expires) {
		return DelegationExpired
	}
	return r.State
}

// Ends is when everything ends that the exchange token gives.
func (r *DelegationRequest) Ends() time.Time {
	return r.Released.Add(time.Duration(r.SessionSeconds) * time.Second)
}

// DelegationRequest returns a delegation request by its id, whoever's it is.
func (v *View) DelegationRequest(id string) (*DelegationRequest, bool) { return v.delegations.get(id) }

// DelegationRequestsBy yields the requests that an account made, by id.
func (v *View) DelegationRequestsBy(requestor arn.AccountID) iter.Seq[*DelegationRequest] {
	return all[*DelegationRequest](v, requestor, KindDelegationRequest)
}

// DelegationRequestsOf yields the requests that an identity of an account owns, by id.
func (v *View) DelegationRequestsOf(owner arn.AccountID) iter.Seq[*DelegationRequest] {
	return v.ownedDelegations.from(string(owner) + "/")
}
