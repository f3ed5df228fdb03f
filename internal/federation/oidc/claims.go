package oidc

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/strictjson"
)

// maxSubject is above what any issuer is known to use; AWS takes more than the 255 characters of its model.
const maxSubject = 1024 // bytes

// latest is the last second that a claim may name: the year 10000 or so.
const latest = 1 << 38

// claims are what a verified token says about who, for whom and when.
type claims struct {
	subject   string
	audience  string   // the authorized party if the token names one, else the audience
	party     string   // azp, or empty
	audiences []string // aud
}

// readClaims checks the registered claims in AWS's order. clients are the audiences that the provider is registered for; nil
// for a built-in provider, whose audience the trust policy must check.
func readClaims(t *token, clients []string, builtin bool, now time.Time, leeway time.Duration) (*claims, error) {
	for _, name := range [...]string{"sub", "aud", "iat", "exp"} {
		if _, ok := t.claims.Get(name); !ok {
			return nil, invalid(missingClaim+name, "the token has no "+name)
		}
	}
	c := new(claims)
	var ok bool
	if c.subject, ok = t.text("sub"); !ok || c.subject == "" || len(c.subject) > maxSubject || control(c.subject) {
		return nil, invalid(notValid, "sub is not a text of a subject's length without control characters")
	}
	if err := checkTimes(t, now, leeway); err != nil {
		return nil, err
	}
	if err := c.readAudience(t); err != nil {
		return nil, err
	}
	if !builtin && !slices.Contains(clients, c.audience) {
		return nil, invalid(wrongAudience, "the audience is not registered with the provider")
	}
	return c, nil
}

// control reports whether a text has characters that XML and logs cannot show.
func control(s string) bool {
	for _, r := range s {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffe || r == 0xffff {
			return true
		}
	}
	return false
}

// checkTimes compares with the clock set back or forward by the leeway, and names the time that it compared with, as AWS does.
func checkTimes(t *token, now time.Time, leeway time.Duration) error {
	issued, expires, begins, err := times(t)
	if err != nil {
		return err
	}
	late, early := now.Add(leeway).Unix(), now.Add(-leeway).Unix()
	switch {
	case issued > late:
		return invalid(fmt.Sprintf("Token issued in the future: %d", issued), "iat is in the future")
	case early >= expires:
		return federation.Refusal(identity.ExpiredTokenException, fmt.Sprintf("Token expired: current date/time %d must be before the "+
			"expiration date/time %d", early, expires), "exp is over")
	case begins > late:
		return invalid(fmt.Sprintf("Token not yet valid: current date/time %d must be after or equal to the not-before date/time %d",
			late, begins), "nbf is in the future")
	}
	return nil
}

func times(t *token) (issued, expires, begins int64, err error) {
	var fine [3]bool
	issued, fine[0] = timestamp(t, "iat")
	expires, fine[1] = timestamp(t, "exp")
	fine[2] = true
	if _, ok := t.claims.Get("nbf"); ok {
		begins, fine[2] = timestamp(t, "nbf")
	}
	if fine != [...]bool{true, true, true} {
		return 0, 0, 0, invalid(badTimestamp, "iat, exp or nbf is no whole number of seconds since 1970")
	}
	return issued, expires, begins, nil
}

func timestamp(t *token, name string) (int64, bool) {
	v, _ := t.claims.Get(name)
	if v.Kind != strictjson.Number {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	return n, err == nil && n >= 0 && n <= latest
}

// readAudience reads aud and azp. Where the token names an authorized party, that is the audience (IAM UG, available keys for AWS
// OIDC federation); of several audiences none can be chosen without it.
func (c *claims) readAudience(t *token) error {
	v, _ := t.claims.Get("aud")
	var ok bool
	if c.audiences, ok = texts(v); !ok {
		return invalid(notValid, "aud is neither a text nor a list of texts")
	}
	if len(c.audiences) == 0 {
		return invalid(emptyClaim+"aud", "aud is an empty list")
	}
	if _, there := t.claims.Get("azp"); there {
		if c.party, ok = t.text("azp"); !ok || c.party == "" {
			return invalid(notValid, "azp is not a text")
		}
		c.audience = c.party
		return nil
	}
	if len(c.audiences) > 1 {
		return invalid(manyAudiences, "there are several audiences and no azp")
	}
	if c.audience = c.audiences[0]; c.audience == "" {
		return invalid(notValid, "aud is empty")
	}
	return nil
}

// texts reads a claim that is a text or a list of texts.
func texts(v *strictjson.Value) ([]string, bool) {
	switch v.Kind {
	case strictjson.String:
		return []string{v.Text}, true
	case strictjson.Array:
		return list(v)
	}
	return nil, false
}

// list reads a list of texts.
func list(v *strictjson.Value) ([]string, bool) {
	if v.Kind != strictjson.Array {
		return nil, false
	}
	out := make([]string, len(v.Elements))
	for i := range v.Elements {
		if v.Elements[i].Kind != strictjson.String {
			return nil, false
		}
		out[i] = v.Elements[i].Text
	}
	return out, true
}
