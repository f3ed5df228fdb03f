package sts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/session"
)

// A context assertion is what a context provider says about whoever stands behind a request. Only this server mints them
// ([Service.IssueContext]), sealed for this one use. In a session they fill sts:RequestContext/<key> and
// sts:RequestContextProviders (service authorization reference, AWS STS).
type assertion struct {
	Provider string            `json:"p"`
	Context  map[string]string `json:"c"`
	Expires  int64             `json:"e"` // Unix seconds
}

// provided is one verified entry of ProvidedContexts.
type provided struct {
	provider string
	context  map[string]string
}

// Limits of context assertions: keys of one, bytes of a key or value, and how long one is good.
const (
	maxContextKeys  = 20
	maxContextText  = 256
	contextValidity = 15 * time.Minute
)

// Condition keys of provided contexts, in lower case, and the action that issues them.
const (
	contextKeyPrefix   = "sts:requestcontext/"
	contextProviders   = "sts:requestcontextproviders"
	issueContextAction = "stint:IssueContextAssertion"
)

// providedContexts opens the assertions for a role of an account. Any that this server did not mint, that names another
// provider or has expired is refused. Only the role's account says what is true of the sessions of its roles: the ticket that a
// provider of another account vouches for is not the ticket that the role's policies speak of.
func (s *Service) providedContexts(
	v *directory.View, req *identity.Request, account arn.AccountID, in []api.ProvidedContext,
) ([]provided, error) {
	out := make([]provided, 0, len(in))
	for _, p := range in {
		if p.ProviderArn == nil || p.ContextAssertion == nil {
			return nil, invalidParameter("A provided context must have both a ProviderArn and a ContextAssertion.")
		}
		plain, err := s.Sealer.OpenMessage(v, session.ContextAssertion, *p.ContextAssertion)
		if err != nil {
			return nil, invalidParameter("The provided context assertion is invalid.").Because(err)
		}
		var a assertion
		if err := json.Unmarshal(plain, &a); err != nil {
			return nil, invalidParameter("The provided context assertion is invalid.").Because(err)
		}
		if a.Provider != *p.ProviderArn {
			return nil, invalidParameter("The provided context assertion is not from the context provider " + *p.ProviderArn + ".")
		}
		if provider, err := arn.Parse(a.Provider); err != nil || provider.Account != string(account) {
			return nil, invalidParameter("The context provider " + a.Provider + " does not belong to the account of the role.").Because(err)
		}
		if slices.ContainsFunc(out, func(earlier provided) bool { return earlier.provider == a.Provider }) {
			return nil, invalidParameter("The context provider " + a.Provider + " is given twice.")
		}
		if req.Time.Unix() >= a.Expires {
			return nil, identity.NewFault(identity.ExpiredTokenException, "The provided context assertion is expired.")
		}
		out = append(out, provided{a.Provider, a.Context})
	}
	return out, nil
}

// attributes are the condition keys that provided contexts give to the request and to the session.
func attributes(contexts []provided) []identity.Attribute {
	if len(contexts) == 0 {
		return nil
	}
	byKey := make(map[string][]string)
	var providers []string
	for _, p := range contexts {
		providers = append(providers, p.provider)
		for k, value := range p.context {
			key := contextKeyPrefix + strings.ToLower(k)
			byKey[key] = append(byKey[key], value)
		}
	}
	out := []identity.Attribute{{Key: contextProviders, Values: providers}}
	for key, values := range byKey {
		out = append(out, identity.Attribute{Key: key, Values: values})
	}
	slices.SortFunc(out, func(a, b identity.Attribute) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// IssueContextInput is a request for a context assertion.
type IssueContextInput struct {
	ProviderARN string            `json:"providerArn"`
	Context     map[string]string `json:"context"`
}

// IssueContextOutput is the assertion and when it ends.
type IssueContextOutput struct {
	ContextAssertion string    `json:"contextAssertion"`
	Expiration       time.Time `json:"expiration"`
}

// Audited is what the audit log is told: when the assertion ends, and not the assertion.
func (o *IssueContextOutput) Audited() any {
	return struct {
		Expiration time.Time `json:"expiration"`
	}{o.Expiration}
}

// IssueContext mints a context assertion for a provider of the caller's own account,
// arn:<partition>:iam::<account>:contextProvider/<name>. It needs stint:IssueContextAssertion on that ARN.
func (s *Service) IssueContext(_ context.Context, v *directory.View, req *identity.Request, in *IssueContextInput) (*IssueContextOutput, error) {
	if err := checkContext(v.Partition(), req, in); err != nil {
		return nil, err
	}
	decision := s.Authorizer.Authorize(v, req, authz.Query{
		Action:          issueContextAction,
		Resource:        in.ProviderARN,
		ResourceAccount: req.Caller.Account,
	})
	if !decision.Allowed() {
		return nil, decision.Fault()
	}
	expires := req.Time.Add(contextValidity).Truncate(time.Second)
	plain, err := json.Marshal(assertion{in.ProviderARN, in.Context, expires.Unix()})
	if err != nil {
		return nil, fmt.Errorf("encoding a context assertion: %w", err)
	}
	text, err := s.Sealer.SealMessage(v, session.ContextAssertion, plain)
	if errors.Is(err, session.ErrTooLarge) {
		return nil, invalidParameter("The context is too large: an assertion has at most 2048 characters.").Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("sealing a context assertion: %w", err)
	}
	return &IssueContextOutput{text, expires}, nil
}

func checkContext(partition arn.Partition, req *identity.Request, in *IssueContextInput) error {
	providers := "arn:" + string(partition) + ":iam::" + string(req.Caller.Account) + ":contextProvider/"
	name, ok := strings.CutPrefix(in.ProviderARN, providers)
	if _, err := arn.Parse(in.ProviderARN); err != nil || !ok || name == "" {
		return validation("providerArn must be " + providers + "<name>")
	}
	if len(in.Context) == 0 || len(in.Context) > maxContextKeys {
		return validation(fmt.Sprintf("context must have 1 to %d keys", maxContextKeys))
	}
	folded := make(map[string]bool, len(in.Context))
	for k, value := range in.Context {
		if k == "" || len(k) > maxContextText || len(value) > maxContextText {
			return validation(fmt.Sprintf("context keys have 1 to %d bytes, values at most %d", maxContextText, maxContextText))
		}
		if folded[strings.ToLower(k)] {
			return validation("context keys are compared without case: " + k + " is there twice")
		}
		folded[strings.ToLower(k)] = true
	}
	return nil
}
