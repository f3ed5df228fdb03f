package saml

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation"
)

// conditionKeys are what trust policies can ask of an assertion. Those that name the subject stay with the session (IAM UG,
// available keys for SAML-based federation).
func conditionKeys(a *federation.Assertion, p *directory.SAMLProvider, attributes *attributes) []federation.Key {
	keys := []federation.Key{
		{Name: "saml:aud", Values: []string{a.Audience}},
		{Name: "saml:iss", Values: []string{a.Issuer}},
		{Name: "saml:doc", Values: []string{string(p.Account) + "/" + p.Name}},
		{Name: "saml:sub", Values: []string{a.Subject}, Lasting: true},
		{Name: "saml:sub_type", Values: []string{a.SubjectType}, Lasting: true},
		{Name: "saml:namequalifier", Values: []string{a.NameQualifier}, Lasting: true},
	}
	filled := make([]string, 0, len(attributes.order))
	for _, name := range attributes.order {
		key := keyOf(name)
		v := attributes.named[name]
		// Two attributes for one key fill it no more than a value that is not a text: which one holds nobody could say.
		if key == "" || v.twice || !v.plain || len(v.texts) == 0 {
			continue
		}
		if slices.Contains(filled, key) {
			keys = slices.DeleteFunc(keys, func(k federation.Key) bool { return k.Name == key })
			continue
		}
		filled = append(filled, key)
		keys = append(keys, federation.Key{Name: key, Values: v.texts, Multivalued: listed(key)})
	}
	return keys
}

// keyOf is the condition key of an attribute (IAM UG, mapping SAML attributes to trust policy context keys); empty if it has none.
func keyOf(attribute string) string {
	const microsoft, soap = "http://schemas.microsoft.com/ws/2008/06/identity/claims/", "http://schemas.xmlsoap.org/"
	if number, ok := strings.CutPrefix(attribute, "urn:oid:"); ok {
		if number == "2.5.4.3" {
			return "saml:cn"
		}
		attribute = number
	}
	if number, ok := strings.CutPrefix(attribute, "1.3.6.1.4.1.5923.1.1.1."); ok {
		return eduKey([]string{"affiliation", "nickname", "orgdn", "orgunitdn", "primaryaffiliation", "principalname", "entitlement",
			"primaryorgunitdn", "scopedaffiliation", "targetedid", "assurance"}, "saml:eduperson", number, 1)
	}
	if number, ok := strings.CutPrefix(attribute, "1.3.6.1.4.1.5923.1.2.1."); ok {
		return eduKey([]string{"homepageuri", "identityauthnpolicyuri", "legalname", "superioruri", "whitepagesuri"}, "saml:eduorg", number, 2)
	}
	switch attribute {
	case soap + "ws/2005/05/identity/claims/name":
		return "saml:name"
	case soap + "claims/CommonName", "2.5.4.3":
		return "saml:commonname"
	case soap + "ws/2005/05/identity/claims/givenname", "2.5.4.42":
		return "saml:givenname"
	case soap + "ws/2005/05/identity/claims/surname", "2.5.4.4":
		return "saml:surname"
	case soap + "ws/2005/05/identity/claims/emailaddress", "0.9.2342.19200300.100.1.3":
		return "saml:mail"
	case microsoft + "primarygroupsid":
		return "saml:primarygroupsid"
	case "0.9.2342.19200300.100.1.1":
		return "saml:uid"
	case "2.5.4.45":
		return "saml:x500uniqueidentifier"
	case "0.9.2342.19200300.100.1.45":
		return "saml:organizationstatus"
	}
	return ""
}

// eduKey picks the name of the last number of an OID; first is that of the first name.
func eduKey(names []string, prefix, number string, first int) string {
	for i, name := range names {
		if number == strconv.Itoa(i+first) {
			return prefix + name
		}
	}
	return ""
}

// listed reports whether a key is a set even if it has one value.
func listed(key string) bool {
	switch key {
	case "saml:edupersonorgdn", "saml:edupersonprimaryaffiliation", "saml:edupersonprincipalname", "saml:edupersonprimaryorgunitdn":
		return false
	}
	return key == "saml:cn" || strings.HasPrefix(key, "saml:edu")
}
