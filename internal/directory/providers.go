package directory

import (
	"iter"

	"github.com/stint-sts/stint/arn"
)

// OIDCProviders yields the account's OpenID Connect providers by URL.
func (v *View) OIDCProviders(account arn.AccountID) iter.Seq[*OIDCProvider] {
	return all[*OIDCProvider](v, account, KindOIDCProvider)
}

// SAMLProviders yields the account's SAML providers by name.
func (v *View) SAMLProviders(account arn.AccountID) iter.Seq[*SAMLProvider] {
	return all[*SAMLProvider](v, account, KindSAMLProvider)
}
