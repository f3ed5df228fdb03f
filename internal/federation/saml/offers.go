package saml

import (
	"errors"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation"
)

// maxProviders is how many providers one response may offer roles with: each costs verifications of signatures.
const maxProviders = 10

var (
	errNoOffer   = errors.New("the response offers no role with a provider that is here")
	errProviders = errors.New("the response names too many providers")
	errUnique    = errors.New("an encrypted assertion came to another place than its provider's own")
)

// Offers are what a response offers whoever brings it to the sign-in page.
type Offers struct {
	// Roles are those that the response offers with a provider that it satisfies: one at least.
	Roles []federation.OfferedRole
	// SessionSeconds is how long a session the provider asks for; zero if it does not say.
	SessionSeconds int32
}

// Offers returns the roles of a response whose request names none yet. What it says of providers before anything is verified only
// decides whose keys are tried. An encrypted assertion must come to its provider's own place, whose id is unique, as at AWS: before it
// is decrypted nobody can tell whose it is.
func (v *Verifier) Offers(view *directory.View, in Presented, unique string) (*Offers, error) {
	first, err := v.named(view, in, unique)
	if err != nil {
		return nil, err
	}
	out := new(Offers)
	var refusal error
	for _, offer := range first {
		in.RoleARN, in.ProviderARN = offer.RoleARN, offer.ProviderARN
		a, err := v.Verify(view, in)
		if err != nil {
			if refusal == nil {
				refusal = err
			}
			continue
		}
		out.SessionSeconds = a.SessionSeconds
		for _, r := range a.Roles {
			if r.ProviderARN == offer.ProviderARN {
				out.Roles = append(out.Roles, r)
			}
		}
	}
	if len(out.Roles) == 0 {
		if refusal == nil {
			refusal = invalid(notOffered, errNoOffer)
		}
		return nil, refusal
	}
	return out, nil
}

// named returns the first role with each provider that a response names.
func (v *Verifier) named(view *directory.View, in Presented, unique string) ([]federation.OfferedRole, error) {
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
	unproven := verified{r.assertion}
	if r.encrypted {
		if unproven, err = v.uncoverFor(view, r, unique); err != nil {
			return nil, err
		}
	}
	a, err := readAssertion(withoutSignature(unproven))
	if err != nil {
		return nil, invalid(behind(invalidResponse, codeResponse, in.RequestID), err)
	}
	attributes, err := readAttributes(a)
	if err != nil {
		return nil, err
	}
	offers, err := attributes.list(roleAttribute)
	if err != nil {
		return nil, err
	}
	var out []federation.OfferedRole
	seen := make(map[string]bool)
	for _, text := range offers {
		offer, ok := readOffer(text)
		if !ok || seen[offer.ProviderARN] {
			continue
		}
		seen[offer.ProviderARN] = true
		if _, ok := find(view, offer.ProviderARN); ok {
			out = append(out, offer)
		}
	}
	if len(out) > maxProviders {
		return nil, invalid(notOffered, errProviders)
	}
	return out, nil
}

// withoutSignature takes the signature out of an assertion, as what was verified has none. In its place: a copy would lose the
// namespaces that the response around it declares.
func withoutSignature(a verified) verified {
	if signature := signatureOf(a.element); signature != nil {
		a.element.RemoveChild(signature)
	}
	return a
}

// uncoverFor takes encryption off with the keys of the provider whose place the response came to.
func (v *Verifier) uncoverFor(view *directory.View, r *response, unique string) (verified, error) {
	for account := range view.Accounts() {
		for p := range view.SAMLProviders(account.ID) {
			if unique == "" || p.UUID != unique {
				continue
			}
			m, err := v.metadata.of(p)
			if err != nil {
				return verified{}, err
			}
			proven, _, err := uncover(r, m, p)
			return proven, err
		}
	}
	return verified{}, invalid(notDecrypted, errUnique)
}
