package conformance

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

// samlValue is a response that is signed for a case.
type samlValue struct {
	Issuer       string              `json:"issuer"`
	IssueInstant string              `json:"issue_instant"`
	Audience     string              `json:"audience"`
	Recipient    string              `json:"recipient"`
	NotOnOrAfter string              `json:"not_on_or_after"`
	SessionEnd   string              `json:"session_not_on_or_after"`
	NameID       string              `json:"name_id"`
	Format       string              `json:"name_id_format"`
	Key          string              `json:"key"`
	Attributes   map[string][]string `json:"attributes"`
	DocumentType string              `json:"doctype"`
	Sign         string              `json:"sign"` // assertion, or else the response
	Attack       string              `json:"attack"`
}

// response signs the value, with the server's time in place of now+300 and the like.
func (s *stage) response(v *samlValue) (string, error) {
	if v.Sign != "" && v.Sign != "assertion" || v.Attack != "" && v.Attack != "signature-wrapping" {
		return "", fmt.Errorf("unknown kind of response: sign %q, attack %q", v.Sign, v.Attack)
	}
	r := harness.SAMLResponse{
		Issuer: v.Issuer, Audience: v.Audience, Recipient: v.Recipient, NameID: v.NameID, Format: v.Format, Attributes: v.Attributes, Key: v.Key,
		WholeSigned: v.Sign == "" && v.Attack == "", Wrapped: v.Attack != "", DocumentType: v.DocumentType,
	}
	for text, at := range map[string]*time.Time{v.IssueInstant: &r.Issued, v.NotOnOrAfter: &r.NotOnOrAfter, v.SessionEnd: &r.SessionNotOnOrAfter} {
		if text == "" {
			continue
		}
		offset, relative := strings.CutPrefix(text, "now")
		seconds := 0
		if offset != "" {
			var err error
			if seconds, err = strconv.Atoi(offset); err != nil || !relative {
				return "", fmt.Errorf("the time %q of a response is not relative", text)
			}
		}
		*at = s.server.Now().Add(time.Duration(seconds) * time.Second)
	}
	return r.Encoded(), nil
}

// samlProviderEntry is a SAML provider in the directory file.
type samlProviderEntry struct {
	Metadata string `json:"metadata"`
}

func (a *accountEntry) addSAMLProvider(s step) {
	if a.SAMLProviders == nil {
		a.SAMLProviders = map[string]samlProviderEntry{}
	}
	a.SAMLProviders[s.Name] = samlProviderEntry{harness.SAMLMetadata(s.Issuer)}
}
