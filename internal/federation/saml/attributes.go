package saml

import (
	"errors"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"github.com/stint-sts/stint/internal/federation"
	"github.com/stint-sts/stint/internal/identity"
)

// The attributes that say what the session shall be like (IAM UG, configure SAML assertions). Names are case-sensitive.
const (
	ours                = "https://aws.amazon.com/SAML/Attributes/"
	roleAttribute       = ours + "Role"
	nameAttribute       = ours + "RoleSessionName"
	durationAttribute   = ours + "SessionDuration"
	sourceAttribute     = ours + "SourceIdentity"
	transitiveAttribute = ours + "TransitiveTagKeys"
	tagAttribute        = ours + "PrincipalTag:"
)

// The limits of SessionDuration in seconds.
const (
	minDuration = 900
	maxDuration = 43200
)

var (
	errStatement   = errors.New("an AttributeStatement has something else than attributes with names and values")
	errRepeated    = errors.New("an attribute that is read is there twice")
	errValues      = errors.New("an attribute that is read has values that are not texts, or not the number that it may have")
	errDuration    = errors.New("SessionDuration is not a number of 900 to 43,200 seconds")
	errName        = errors.New("there is no RoleSessionName")
	errSessionName = errors.New("RoleSessionName is not of the documented form")
	errSource      = errors.New("SourceIdentity is not of the documented form")
	errRole        = errors.New("the Role attribute does not offer the role with the provider")
)

// attributes are those of an assertion, by name.
type attributes struct {
	order []string
	named map[string]*values
}

// values are those of one attribute.
type values struct {
	texts []string
	plain bool // all of them are texts
	twice bool // another attribute has the same name
}

func readAttributes(a *assertion) (*attributes, error) {
	out := &attributes{named: make(map[string]*values)}
	for _, statement := range a.attributes {
		list, ok := children(statement)
		if !ok {
			return nil, invalid(badAttribute, errStatement)
		}
		for _, e := range list {
			name, given := attribute(e, "Name")
			if !given || !is(e, assertionSpace, "Attribute") {
				return nil, invalid(badAttribute, errStatement)
			}
			if earlier := out.named[name]; earlier != nil {
				earlier.twice = true
				continue
			}
			v, ok := readValues(e)
			if !ok {
				return nil, invalid(badAttribute, errStatement)
			}
			out.order = append(out.order, name)
			out.named[name] = v
		}
	}
	return out, nil
}

func readValues(e *etree.Element) (*values, bool) {
	list, ok := children(e)
	if !ok {
		return nil, false
	}
	v := &values{plain: true}
	for _, value := range list {
		if !is(value, assertionSpace, "AttributeValue") {
			return nil, false
		}
		t, ok := text(value)
		v.plain = v.plain && ok
		v.texts = append(v.texts, t)
	}
	return v, true
}

// list returns the values of an attribute that must be texts; nil if it is not there.
func (a *attributes) list(name string) ([]string, error) {
	v := a.named[name]
	switch {
	case v == nil:
		return nil, nil
	case v.twice:
		return nil, invalid(badAttribute, errRepeated)
	case !v.plain:
		return nil, invalid(badAttribute, errValues)
	}
	return v.texts, nil
}

// single returns the value of an attribute that has one.
func (a *attributes) single(name string) (value string, given bool, err error) {
	list, err := a.list(name)
	switch {
	case err != nil || a.named[name] == nil:
		return "", false, err
	case len(list) != 1:
		return "", false, invalid(badAttribute, errValues)
	}
	return list[0], true, nil
}

// fill reads the session's attributes. The role must be offered together with the provider.
func (a *attributes) fill(out *federation.Assertion, roleARN string) error {
	offers, err := a.list(roleAttribute)
	if err != nil {
		return err
	}
	offered := false
	for _, offer := range offers {
		r, ok := readOffer(offer)
		if !ok {
			continue // it offers nothing
		}
		out.Roles = append(out.Roles, r)
		offered = offered || r == federation.OfferedRole{RoleARN: roleARN, ProviderARN: out.Provider}
	}
	if !offered {
		return invalid(notOffered, errRole)
	}
	if err := a.fillName(out); err != nil {
		return err
	}
	if err := a.fillDuration(out); err != nil {
		return err
	}
	source, given, err := a.single(sourceAttribute)
	if err != nil {
		return err
	}
	if given && !federation.SourceIdentity(source) {
		return invalid(badSource, errSource)
	}
	out.SourceIdentity = source
	return a.fillTags(out)
}

// readOffer reads a role and a provider in either order.
func readOffer(text string) (federation.OfferedRole, bool) {
	first, second, ok := strings.Cut(text, ",")
	first, second = strings.TrimSpace(first), strings.TrimSpace(second)
	if !ok || strings.Contains(second, ",") {
		return federation.OfferedRole{}, false
	}
	if strings.Contains(first, ":saml-provider/") {
		first, second = second, first
	}
	return federation.OfferedRole{RoleARN: first, ProviderARN: second},
		strings.Contains(first, ":role/") && strings.Contains(second, ":saml-provider/")
}

func (a *attributes) fillName(out *federation.Assertion) error {
	name, given, err := a.single(nameAttribute)
	switch {
	case err != nil:
		return err
	case !given || name == "":
		return invalid(noSessionName, errName)
	case !sessionName(name):
		return invalid(badSessionName, errSessionName)
	}
	out.SessionName = name
	return nil
}

// sessionName is the pattern of badSessionName.
func sessionName(s string) bool {
	const minimum, maximum = 2, 64
	if len(s) < minimum || len(s) > maximum {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte("_+=,.@-", c) < 0 {
			return false
		}
	}
	return true
}

// fillDuration reads what the console goes by. AssumeRoleWithSAML has DurationSeconds for it.
func (a *attributes) fillDuration(out *federation.Assertion) error {
	duration, given, err := a.single(durationAttribute)
	if err != nil || !given {
		return err
	}
	seconds, err := strconv.ParseInt(duration, 10, 32)
	if err != nil || seconds < minDuration || seconds > maxDuration {
		return invalid(badAttribute, errDuration)
	}
	out.SessionSeconds = int32(seconds)
	return nil
}

func (a *attributes) fillTags(out *federation.Assertion) error {
	var tags []identity.SessionTag
	for _, name := range a.order {
		key, ok := strings.CutPrefix(name, tagAttribute)
		if !ok {
			continue
		}
		value, _, err := a.single(name)
		if err != nil {
			return err
		}
		tags = append(tags, identity.SessionTag{Key: key, Value: value})
	}
	transitive, err := a.list(transitiveAttribute)
	if err != nil {
		return err
	}
	if out.Tags, err = federation.SessionTags(tags, transitive); err != nil {
		return invalid(badAttribute, err)
	}
	return nil
}
