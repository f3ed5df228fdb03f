package conformance

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stint-sts/stint/test/harness"
)

// valueObject is a parameter's value that is not a plain string.
type valueObject struct {
	JSON            json.RawMessage `json:"json"`
	Repeat          string          `json:"repeat"`
	Count           int             `json:"count"`
	TotalBodyBytes  int             `json:"total_body_bytes"`
	TotalQueryBytes int             `json:"total_query_bytes"`
	PolicyOfSize    int             `json:"policy_of_size"`
	Saved           string          `json:"saved"`
	Code            string          `json:"totp"`
	Serial          string          `json:"serial"`
	JWT             *jwtValue       `json:"jwt"`
	SAML            *samlValue      `json:"saml"`
	Suffix          string          `json:"suffix"`
}

// fieldsOf renders parameters: Action and Version first, the rest by name, and last the one that fills up to a total size.
func (s *stage) fieldsOf(params map[string]json.RawMessage) ([]harness.Field, error) {
	var fields []harness.Field
	filler, total := harness.Field{}, 0
	for _, name := range sortedNames(params) {
		raw := params[name]
		var plain string
		if json.Unmarshal(raw, &plain) == nil {
			fields = append(fields, harness.Field{Name: name, Value: s.fill(plain)})
			continue
		}
		var object valueObject
		if err := strict(raw, &object); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		if size := max(object.TotalBodyBytes, object.TotalQueryBytes); size > 0 {
			filler, total = harness.Field{Name: name, Value: object.Repeat}, size
			continue
		}
		value, err := s.render(object, params)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		fields = append(fields, harness.Field{Name: name, Value: value})
	}
	if total > 0 {
		head := len(harness.Encode(fields)) + len("&"+filler.Name+"=")
		filler.Value = strings.Repeat(filler.Value, total-head)
		fields = append(fields, filler)
	}
	return fields, nil
}

func sortedNames(params map[string]json.RawMessage) []string {
	names := make([]string, 0, len(params))
	for _, first := range []string{"Action", "Version"} {
		if _, there := params[first]; there {
			names = append(names, first)
		}
	}
	head := len(names)
	for name := range params {
		if !slices.Contains(names[:head], name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[head:])
	return names
}

func (s *stage) render(object valueObject, params map[string]json.RawMessage) (string, error) {
	switch {
	case len(object.JSON) > 0:
		var compact bytes.Buffer
		if err := json.Compact(&compact, object.JSON); err != nil {
			return "", fmt.Errorf("compacting: %w", err)
		}
		return s.fill(compact.String()), nil
	case object.Repeat != "":
		return strings.Repeat(object.Repeat, object.Count), nil
	case object.PolicyOfSize > 0:
		return policyOfSize(object.PolicyOfSize), nil
	case object.Saved != "":
		value, there := s.cast.saved[object.Saved]
		if !there {
			return "", fmt.Errorf("nothing saved as %q", object.Saved)
		}
		return value, nil
	case object.Code != "":
		return s.code(object, params)
	case object.JWT != nil:
		token, err := s.token(object.JWT)
		return token + object.Suffix, err
	}
	if object.SAML != nil {
		return s.response(object.SAML)
	}
	return "", fmt.Errorf("unknown kind of value %+v", object)
}

// code makes a one-time code for the device that the request (or the value itself) names.
func (s *stage) code(object valueObject, params map[string]json.RawMessage) (string, error) {
	serial := object.Serial
	if serial == "" {
		if err := json.Unmarshal(params["SerialNumber"], &serial); err != nil {
			return "", fmt.Errorf("reading SerialNumber: %w", err)
		}
	}
	seed, there := s.cast.seeds[serial]
	if !there {
		return "", fmt.Errorf("no seed for device %q", serial)
	}
	switch object.Code {
	case "right":
		s.cast.lastCode = harness.Code(seed, s.server.Now(), 0)
	case "next":
		s.cast.lastCode = harness.Code(seed, s.server.Now(), 1)
	case "wrong":
		return harness.WrongCode(seed, s.server.Now()), nil
	case "same-as-previous":
	default:
		return "", fmt.Errorf("unknown code %q", object.Code)
	}
	return s.cast.lastCode, nil
}

// fill replaces {name.AccessKeyId}, {name.SecretAccessKey}, {name.SessionToken} and <now>.
func (s *stage) fill(text string) string {
	for name, credentials := range s.cast.credentials {
		text = strings.NewReplacer(
			"{"+name+".AccessKeyId}", credentials.AccessKeyID,
			"{"+name+".SecretAccessKey}", credentials.SecretAccessKey,
			"{"+name+".SessionToken}", credentials.SessionToken,
		).Replace(text)
	}
	text = strings.ReplaceAll(text, "<issuer>", s.cast.saved[issuerName])
	return strings.ReplaceAll(text, "<now>", s.server.Now().UTC().Format("20060102T150405Z"))
}

// policyOfSize is a valid identity policy of about that many characters which hardly compresses.
func policyOfSize(size int) string {
	var resources strings.Builder
	for i := 0; resources.Len() < size; i++ {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		if i > 0 {
			resources.WriteByte(',')
		}
		resources.WriteString(`"arn:aws:s3:::` + hex.EncodeToString(sum[:]) + `"`)
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":[` + resources.String() + `]}]}`
}
