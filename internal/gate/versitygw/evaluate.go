package versitygw

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/policy"
)

// matrix asks for every action on every resource.
func matrix(in *evaluateInput, decide func(action, resource string) authz.Part) [][]decision {
	rows := make([][]decision, len(in.Resources))
	for i, resource := range in.Resources {
		rows[i] = make([]decision, len(in.Actions))
		for j, action := range in.Actions {
			rows[i][j] = decisionOf(decide(action, resource))
		}
	}
	return rows
}

func decisionOf(p authz.Part) decision {
	switch p {
	case authz.PartAllows:
		return allow
	case authz.PartSilent:
		return noMatch
	}
	return deny
}

// check demands S3's actions and resources: the gateway has no say over anything else.
func (in *evaluateInput) check() error {
	if len(in.Actions) == 0 || len(in.Actions) > maxActions || len(in.Resources) == 0 || len(in.Resources) > maxResources {
		return invalid("want 1 to %d actions and 1 to %d resources", maxActions, maxResources)
	}
	for _, action := range in.Actions {
		if !strings.HasPrefix(action, "s3:") || len(action) > maxText || strings.ContainsAny(action, "*?") {
			return invalid("an action is none of S3")
		}
	}
	for _, resource := range in.Resources {
		if !strings.HasPrefix(resource, "arn:aws:s3:::") || len(resource) > maxText {
			return invalid("a resource is none of S3, or too long")
		}
	}
	return nil
}

// contextOf makes the condition keys of a request: those that the gateway saw, and those of the caller, which it cannot give. Time
// is this node's.
func contextOf(given map[string][]string, k *gate.Known, now time.Time) (policy.Keys, error) {
	if len(given) > maxKeys {
		return nil, invalid("too many condition keys")
	}
	keys := make(policy.Keys, len(given)+len(k.Bearing.Keys)+len(k.Bearing.Tags))
	for name, values := range given {
		key := strings.ToLower(name)
		if _, twice := keys[key]; twice || len(key) > maxText || len(values) > maxValues {
			return nil, invalid("a condition key is there twice, too long, or has too many values")
		}
		for _, value := range values {
			if len(value) > maxText && key != "aws:useragent" && key != "aws:referer" { // which clients make as long as they like
				return nil, invalid("the value of a condition key is too long")
			}
		}
		if value, ok := requestKey(key, values); ok {
			keys[key] = value
		}
	}
	for _, more := range [][]authz.Key{k.Bearing.ResourceKeys, k.Bearing.Keys} {
		for _, own := range more {
			keys[own.Name] = own.Value
		}
	}
	for _, tag := range k.Bearing.Tags {
		keys["aws:principaltag/"+strings.ToLower(tag.Key)] = policy.One(tag.Value)
	}
	if s := k.Caller.Session; s != nil && !s.MFATime.IsZero() {
		keys["aws:multifactorauthage"] = policy.One(strconv.FormatInt(int64(now.Sub(s.MFATime)/time.Second), 10))
	}
	keys["aws:currenttime"] = policy.One(now.UTC().Format(time.RFC3339))
	keys["aws:epochtime"] = policy.One(strconv.FormatInt(now.Unix(), 10))
	return keys, nil
}

// requestKey takes a key that only the gateway can know. Others are left out: what says who the caller is comes from its credentials
// alone.
func requestKey(key string, values []string) (policy.Value, bool) {
	if len(values) == 0 {
		return policy.Value{}, false
	}
	switch key {
	case "aws:securetransport", "aws:useragent", "aws:requestedregion":
		return policy.One(values[0]), len(values) == 1
	case "aws:sourceip":
		ip, err := netip.ParseAddr(values[0])
		return policy.One(ip.Unmap().WithZone("").String()), err == nil && len(values) == 1
	}
	if authz.OfCaller(key) {
		return policy.Value{}, false
	}
	if len(values) == 1 {
		return policy.One(values[0]), true
	}
	return policy.Many(values), true
}

// audited is what the audit log is told.
func (in *evaluateInput) audited() any {
	const shown = 20
	return struct {
		AccessKeyID string   `json:"accessKeyId"`
		Actions     []string `json:"actions"`
		Resources   []string `json:"resources"`
		All         int      `json:"resourceCount"`
	}{authn.ClaimedID(in.AccessKeyID), in.Actions, in.Resources[:min(len(in.Resources), shown)], len(in.Resources)}
}
