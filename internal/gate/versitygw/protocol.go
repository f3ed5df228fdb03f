package versitygw

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/strictjson"
)

// The paths of the protocol.
const (
	versionPath           = "/private/version"
	derivePath            = "/private/derive-signing-key"
	evaluatePath          = "/private/evaluate-policy"
	resolveIdentityPath   = "/private/resolve-identity"
	resolvePrincipalsPath = "/private/resolve-principals"
)

const (
	versionHeader = "X-Vgw-Private-Protocol"
	// protocolVersion is what is spoken here; a gateway that speaks a newer one refuses that by itself.
	protocolVersion = 1
	maxVersionText  = 4
)

type versionInput struct{}

type versionOutput struct {
	Protocol      int    `json:"protocol"`
	MinClient     int    `json:"minClient"`
	ServerVersion string `json:"serverVersion,omitempty"`
	AccountID     string `json:"accountId"`
}

type deriveInput struct {
	AccessKeyID  string `json:"accessKeyId"`
	SessionToken string `json:"sessionToken"`
	Date         string `json:"date"` // YYYYMMDD
	Region       string `json:"region"`
	Service      string `json:"service"`
}

type deriveOutput struct {
	DerivedKey   []byte `json:"derivedKey"`
	PrincipalARN string `json:"principalArn"`
	RoleARN      string `json:"roleArn,omitempty"`
}

type evaluateInput struct {
	AccessKeyID  string              `json:"accessKeyId"`
	SessionToken string              `json:"sessionToken"`
	Actions      []string            `json:"actions"`
	Resources    []string            `json:"resources"`
	Condition    map[string][]string `json:"condition"`
	Region       string              `json:"region"`
	Service      string              `json:"service"`
}

type evaluateOutput struct {
	// Decisions[i][j] is of Resources[i] and Actions[j].
	Decisions        [][]decision `json:"decisions"`
	SessionDecisions [][]decision `json:"sessionDecisions,omitempty"`
	HasSessionPolicy bool         `json:"hasSessionPolicy,omitempty"`
	PrincipalARN     string       `json:"principalArn"`
}

type decision string

const (
	allow   decision = "allow"
	deny    decision = "deny"
	noMatch decision = "no_match"
)

type identitiesInput struct {
	AccessKeyIDs []string `json:"accessKeyIds"`
}

type identitiesOutput struct {
	Identities []resolved `json:"identities"` // one for each id
}

type resolved struct {
	Found        bool   `json:"found"`
	Kind         string `json:"kind,omitempty"`
	PrincipalARN string `json:"principalArn,omitempty"`
}

type principalsInput struct {
	Principals []string `json:"principals"`
}

type principalsOutput struct {
	Invalid []string `json:"invalid"`
}

// The codes of errors that the gateway reads. Any other is a mistake of its own to it, and a 500 to its client.
const (
	codeNoSuchIdentity   = "NoSuchIdentity"
	codeInvalidToken     = "InvalidToken"
	codeBadRequest       = "BadRequest"
	codeProtocolMismatch = "ProtocolMismatch"
)

// failure is the body of an answer that is none of 200.
type failure struct {
	Error string `json:"error"`
	Code  string `json:"code"`
}

// refusal is a caller that is not taken for whom it says it is. Reason is for the audit log.
type refusal struct {
	failure
	reason string
}

func (r *refusal) Error() string { return r.failure.Error }

// refused tells the gateway of what package gate refused: it knows no more than that the token is bad, or that nobody is there.
func refused(k *gate.Known) *refusal {
	r := &refusal{failure{Error: k.Refusal.Message, Code: codeNoSuchIdentity}, k.Reason}
	if k.Refusal.Code == "InvalidToken" || k.Refusal.Code == "ExpiredToken" {
		r.Code = codeInvalidToken
	}
	return r
}

// spoken reports whether a gateway that says this of its version can be served.
func spoken(values []string) bool {
	if len(values) != 1 || len(values[0]) > maxVersionText || strings.Trim(values[0], "0123456789") != "" {
		return false
	}
	n, err := strconv.Atoi(values[0])
	return err == nil && n >= protocolVersion
}

// Limits. DeleteObjects has up to 1,000 resources, each with a key of up to 1,024 bytes, which JSON may write as six each.
const (
	maxBody      = 8 << 20
	maxResources = 1000
	maxActions   = 50
	maxText      = 2048 // of a resource, action, principal or value, in bytes
	maxKeys      = 100
	maxValues    = 256
	maxResolved  = 1000
)

// decode reads parameters strictly: what is not known might have to be heeded.
func decode(body []byte, into any) error {
	document, err := strictjson.Parse(body, strictjson.Limits{Bytes: maxBody})
	if err == nil && document.Kind != strictjson.Object {
		err = errors.New("the document is no object")
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		err = d.Decode(into)
	}
	if err != nil {
		return identity.NewFault(identity.ValidationError, "malformed request body").Because(err)
	}
	return nil
}

func invalid(format string, a ...any) error {
	return identity.NewFault(identity.ValidationError, fmt.Sprintf(format, a...))
}
