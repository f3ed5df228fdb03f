package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// mainAccount is where a step or a name without an account belongs.
const mainAccount = "111122223333"

// wireCase is a case whose parts are still undecoded, so that a part in a form that the runner does not know
// fails the case that has it and no other.
type wireCase struct {
	ID         string            `json:"id"`
	Operation  string            `json:"operation"`
	Title      string            `json:"title"`
	Setup      []json.RawMessage `json:"setup"`
	Request    json.RawMessage   `json:"request"`
	Expect     json.RawMessage   `json:"expect"`
	Source     string            `json:"source"`
	Confidence string            `json:"confidence"`
	Notes      string            `json:"notes"`
}

// group is the part of the id before the number.
func (c wireCase) group() string {
	name, _, _ := strings.Cut(c.ID, "-")
	return name
}

func loadCases(path string) ([]wireCase, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading cases: %w", err)
	}
	var cases []wireCase
	if err := strict(content, &cases); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	seen := map[string]bool{}
	for i, c := range cases {
		if c.ID == "" || seen[c.ID] {
			return nil, fmt.Errorf("reading %s: id %q is empty or there twice", path, c.ID)
		}
		seen[c.ID] = true
		cases[i] = placed(c)
	}
	return cases, nil
}

// strict decodes and refuses members that the type does not know.
func strict(content []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// step is one thing to do before the request. Each kind uses some of the members.
type step struct {
	Do      string `json:"do"`
	Account string `json:"account"`
	Name    string `json:"name"`
	Path    string `json:"path"`

	AccessKey          json.RawMessage   `json:"access_key"` // true, false, or how many
	InlinePolicy       json.RawMessage   `json:"inline_policy"`
	Boundary           json.RawMessage   `json:"boundary"`
	BoundaryARN        string            `json:"boundary_arn"`
	Tags               map[string]string `json:"tags"`
	Trust              json.RawMessage   `json:"trust"`
	MaxSessionDuration int               `json:"max_session_duration"`
	Attached           []attachment      `json:"attached"`
	Document           json.RawMessage   `json:"document"`
	Description        string            `json:"description"`

	By        string                     `json:"by"`
	Operation string                     `json:"operation"`
	Params    map[string]json.RawMessage `json:"params"`

	User    string `json:"user"`
	Serial  string `json:"serial"`
	Enabled bool   `json:"enabled"`
	Status  string `json:"status"`
	Seconds int    `json:"seconds"`
	Service string `json:"service"`
	For     string `json:"for"`
	Action  string `json:"action"`
	Save    string `json:"save"`
	Member  string `json:"member"`

	Management   string   `json:"management"`
	Members      []string `json:"members"`
	RootSessions bool     `json:"centralized_root_access"`

	URL         string   `json:"url"`
	ClientIDs   []string `json:"client_ids"`
	Thumbprints []string `json:"thumbprints"`
	JWKS        string   `json:"jwks"`
	TLS         string   `json:"tls"`

	Issuer string `json:"issuer"` // of a SAML provider
}

type attachment struct {
	Name     string          `json:"name"`
	Document json.RawMessage `json:"document"`
	ARN      string          `json:"arn"`
}

// request is the one exchange that the case is about.
type request struct {
	Endpoint       string                     `json:"endpoint"`
	Method         string                     `json:"method"`
	Path           string                     `json:"path"`
	Params         map[string]json.RawMessage `json:"params"`
	ParamList      [][2]string                `json:"param_list"`
	Headers        map[string]string          `json:"headers"`
	RawQuerySuffix string                     `json:"raw_query_suffix"`
	Signing        signing                    `json:"signing"`
}

type signing struct {
	Mode          string                     `json:"mode"`
	As            string                     `json:"as"`
	Region        string                     `json:"region"`
	Service       string                     `json:"service"`
	SignedHeaders []string                   `json:"signed_headers"`
	Expires       int                        `json:"expires"`
	Mutate        map[string]json.RawMessage `json:"mutate"`
}

// expectation is what the answer must be. A member left out is not looked at.
type expectation struct {
	Status           json.RawMessage            `json:"status"`
	ErrorCode        json.RawMessage            `json:"error_code"`
	ErrorType        string                     `json:"error_type"`
	Message          *string                    `json:"message"`
	MessageRegex     string                     `json:"message_regex"`
	MessageAnyOf     []string                   `json:"message_any_of"`
	MessageAbsent    bool                       `json:"message_absent"`
	Fields           map[string]json.RawMessage `json:"fields"`
	MembersAbsent    []string                   `json:"members_absent"`
	MemberOrder      []string                   `json:"member_order"`
	Body             *string                    `json:"body"`
	BodyRegex        string                     `json:"body_regex"`
	Headers          map[string]json.RawMessage `json:"headers"`
	HeadersAbsent    []string                   `json:"headers_absent"`
	HeaderEqualsBody map[string]string          `json:"header_equals_body"`
	JSON             map[string]json.RawMessage `json:"json"`
	JSONPaths        map[string]json.RawMessage `json:"json_paths"`
	JSONInMember     string                     `json:"json_in_member"`
	JWTMember        string                     `json:"jwt_member"`
	JWTHeader        json.RawMessage            `json:"jwt_header"`
	JWTClaims        json.RawMessage            `json:"jwt_claims"`
	XMLNamespace     string                     `json:"xmlns"`
	Checks           []string                   `json:"checks"`
}

// decoded is a case whose every member the runner knows.
type decoded struct {
	steps   []step
	request request
	expect  expectation
}

func (c wireCase) decode() (decoded, error) {
	var d decoded
	for _, raw := range c.Setup {
		var s step
		if err := strict(raw, &s); err != nil {
			return decoded{}, fmt.Errorf("setup: %w", err)
		}
		d.steps = append(d.steps, s)
	}
	if err := strict(c.Request, &d.request); err != nil {
		return decoded{}, fmt.Errorf("request: %w", err)
	}
	if err := strict(c.Expect, &d.expect); err != nil {
		return decoded{}, fmt.Errorf("expect: %w", err)
	}
	return d, nil
}
