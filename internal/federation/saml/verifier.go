package saml

import (
	"context"
	"crypto/sha1" // what AWS makes NameQualifier with
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/identity"
)

// ErrSpent is what a [Ledger] answers to an assertion that was spent before.
var ErrSpent = errors.New("saml: the assertion is spent")

// Ledger remembers the assertions that were spent.
//
// SpendAssertion returns nil for an id at most once within keep, on any node. Of any number of concurrent calls exactly one
// returns nil, and when it does the assertion is spent for good: it stays so after a crash of any node that the store
// survives. An error that Is [ErrSpent] means that it was spent before; any other that the ledger cannot be written. After
// keep it may be forgotten.
type Ledger interface {
	SpendAssertion(ctx context.Context, account arn.AccountID, id string, keep time.Duration) error
}

// keep is how long a spent assertion is remembered: far longer than one is accepted, so that clocks may differ and jump.
const keep = time.Hour

// Options are what a Verifier works with.
type Options struct {
	// Ledger has the assertions that were used.
	Ledger Ledger
	// Endpoints are the URLs that responses may be made for, beside AWS's: recipients, destinations and audiences.
	Endpoints []string
	// OnlyEndpoints leaves AWS's out.
	OnlyEndpoints bool
}

// Verifier verifies SAML responses. It is safe for concurrent use.
type Verifier struct {
	options  Options
	metadata metadataCache
}

// New returns a Verifier.
func New(o Options) *Verifier { return &Verifier{options: o} }

// Presented is a response with the request that presents it.
type Presented struct {
	// Response is the SAML response in base64.
	Response    string
	ProviderARN string
	RoleARN     string
	RequestID   string
	Time        time.Time
}

// Assertion is a verified one, which can be spent once.
type Assertion struct {
	federation.Assertion
	ledger Ledger
	id     string // in the ledger
}

// Spend spends the assertion: nil means that nobody used it before.
func (a *Assertion) Spend(ctx context.Context) error {
	err := a.ledger.SpendAssertion(ctx, a.Account, a.id, keep)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrSpent):
		return invalid(usedBefore, err)
	default:
		return identity.NewFault(identity.ServiceUnavailable, "").Because(fmt.Errorf("spending an assertion: %w", err))
	}
}

// Verify returns what the response proves, or a fault in AWS's words whose cause is the reason.
func (v *Verifier) Verify(view *directory.View, in Presented) (*Assertion, error) {
	p, ok := find(view, in.ProviderARN)
	if !ok {
		return nil, invalid(behind(noProvider, codeProvider, in.RequestID), errProvider)
	}
	m, err := v.metadata.of(p)
	if err != nil {
		return nil, identity.NewFault(identity.InternalFailure, "").Because(err)
	}
	if !in.Time.Before(p.ValidUntil) {
		return nil, invalid(expiredMetadata, errMetadataEnd)
	}
	raw, err := decode(in.Response)
	if err != nil {
		return nil, invalid(behind(invalidBase64, codeResponse, in.RequestID), err)
	}
	root, err := parse(raw)
	if err != nil {
		return nil, invalid(behind(invalidResponse, codeResponse, in.RequestID), err)
	}
	r, err := readResponse(root)
	if err != nil {
		return nil, invalid(behind(invalidResponse, codeResponse, in.RequestID), err)
	}
	// Nothing that decides is read before signatures are verified (advisory 63, SAML's twin): whoever cannot sign learns nothing.
	proven, r, err := uncover(r, m, p)
	if err != nil {
		return nil, err
	}
	a, err := readAssertion(proven)
	if err != nil {
		return nil, invalid(behind(invalidResponse, codeResponse, in.RequestID), err)
	}
	if err := r.checkEnvelope(); err != nil {
		return nil, invalid(badStatus, err)
	}
	if !isIssuer(a.issuer, m.EntityID) || r.issuer != nil && !isIssuer(r.issuer, m.EntityID) {
		return nil, invalid(behind(otherIssuer, codeResponse, in.RequestID), errIssuer)
	}
	return v.assert(view, p, m, r, a, in)
}

// find returns the provider of exactly this ARN.
func find(view *directory.View, name string) (*directory.SAMLProvider, bool) {
	parsed, err := arn.Parse(name)
	if err != nil {
		return nil, false
	}
	friendly, ok := strings.CutPrefix(parsed.Resource, "saml-provider/")
	if !ok {
		return nil, false
	}
	p, ok := view.SAMLProvider(arn.AccountID(parsed.Account), friendly)
	if !ok || p.ARN != name {
		return nil, false
	}
	return p, true
}

// uncover verifies the signatures, takes encryption off, and returns the assertion with the response around it: where a
// signature covers that, too, as it was signed.
func uncover(r *response, m *metadata, p *directory.SAMLProvider) (verified, *response, error) {
	if p.EncryptionRequired && !r.encrypted {
		return verified{}, nil, invalid(mustBeEncrypted, errNotEncrypted)
	}
	whole := r
	covered := r.signature != nil
	if covered {
		proven, err := verify(r.element, r.signature, m.keys)
		if err != nil {
			return verified{}, nil, invalid(badSignature, err)
		}
		if whole, err = readSigned(proven); err != nil {
			return verified{}, nil, invalid(badSignature, err)
		}
	}
	inner := whole.assertion
	if r.encrypted {
		var err error
		if inner, err = decrypt(whole.assertion, covered, p.PrivateKeys); err != nil {
			return verified{}, nil, invalid(notDecrypted, err)
		}
	} else if signatureOf(r.assertion) != nil {
		inner = r.assertion // as it came: its signature need not survive another canonicalization
	}
	signature := signatureOf(inner)
	switch {
	case signature != nil:
		proven, err := verify(inner, signature, m.keys)
		if err != nil {
			return verified{}, nil, invalid(badSignature, err)
		}
		return proven, whole, nil
	case covered:
		return verified{inner}, whole, nil
	}
	return verified{}, nil, invalid(badSignature, errUnsigned)
}

// readSigned reads a response again as it was signed: its own signature is not part of that.
func readSigned(proven verified) (*response, error) {
	r, err := readResponse(proven.element)
	if err == nil && r.signature != nil {
		return nil, errSignatures
	}
	return r, err
}

func isIssuer(e *etree.Element, entityID string) bool {
	name, ok := text(e)
	if format, given := attribute(e, "Format"); given && format != "urn:oasis:names:tc:SAML:2.0:nameid-format:entity" {
		return false
	}
	return ok && strings.TrimSpace(name) == entityID
}

// assert reads a verified assertion.
func (v *Verifier) assert(view *directory.View, p *directory.SAMLProvider, m *metadata, r *response, a *assertion, in Presented) (*Assertion, error) {
	places := v.places(view.Partition(), p)
	if err := checkDestination(r, places); err != nil {
		return nil, err
	}
	if err := checkIssueInstant(a, in.Time); err != nil {
		return nil, err
	}
	if err := checkConditions(a, in.Time, places); err != nil {
		return nil, err
	}
	subject, err := readSubject(a, in.Time, places)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum([]byte(m.EntityID + string(p.Account) + "/" + p.Name)) // AWS's definition; nothing depends on collisions
	out := &Assertion{
		Assertion: federation.Assertion{
			Kind: identity.SAMLUser, Account: p.Account, Provider: p.ARN, Issuer: m.EntityID,
			Subject: subject.name, SubjectType: subject.format, Audience: subject.recipient,
			NameQualifier: base64.StdEncoding.EncodeToString(sum[:]),
		},
		ledger: v.options.Ledger,
	}
	id, _ := attribute(a.element, "ID")
	spent := sha256.Sum256([]byte(p.ARN + "\x00" + m.EntityID + "\x00" + id))
	out.id = hex.EncodeToString(spent[:])
	if out.SessionEnd, err = sessionEnd(a); err != nil {
		return nil, err
	}
	attributes, err := readAttributes(a)
	if err != nil {
		return nil, err
	}
	if err := attributes.fill(&out.Assertion, in.RoleARN); err != nil {
		return nil, err
	}
	out.Keys = conditionKeys(&out.Assertion, p, attributes)
	return out, nil
}
