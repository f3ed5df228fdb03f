package conformance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// issuerName is under which the cast keeps the account's own token issuer.
const issuerName = "the issuer"

// token compares the header and claims of the web identity token in a member of the answer.
func (c *comparison) token(e expectation) {
	if e.JWTMember == "" {
		return
	}
	found := c.root().Result().Path(e.JWTMember)
	if found == nil {
		c.failf("member %s is not there", e.JWTMember)
		return
	}
	header, claims, err := tokenParts(found.Text)
	if err != nil {
		c.failf("%s: %v", e.JWTMember, err)
		return
	}
	c.within("header", e.JWTHeader, header)
	c.within("claims", e.JWTClaims, claims)
}

func tokenParts(token string) (header, claims any, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, fmt.Errorf("the token has %d parts", len(parts))
	}
	for i, into := range []*any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(text, into); err != nil {
			return nil, nil, err
		}
	}
	return header, claims, nil
}

// within wants the members of an object. The text "number" stands for any number, an object with a regex for a text.
func (c *comparison) within(what string, want json.RawMessage, got any) {
	if want == nil {
		return
	}
	var plain string
	var m matcher
	var members map[string]json.RawMessage
	switch {
	case json.Unmarshal(want, &plain) == nil && plain == "number":
		if kind := kindOf(got); kind != "number" {
			c.failf("%s is of type %s, want a number", what, kind)
		}
	case json.Unmarshal(want, &plain) == nil || strict(want, &m) == nil && m.Regex != "":
		text, _ := got.(string)
		c.value(what, want, text)
	case json.Unmarshal(want, &members) == nil:
		object, _ := got.(map[string]any)
		for name, wanted := range members {
			if inside, there := object[name]; there {
				c.within(what+"."+name, wanted, inside)
			} else {
				c.failf("%s.%s is not there", what, name)
			}
		}
	default:
		c.failf("expect %s: unknown kind %s", what, want)
	}
}
