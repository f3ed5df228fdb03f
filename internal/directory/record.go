package directory

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Encode returns the store's record of an entity. Its secrets must have been sealed: the clear ones are never written.
func Encode(e Entity) ([]byte, error) {
	for _, p := range e.Secrets() {
		if len(p.Sealed) == 0 {
			return nil, fmt.Errorf("encoding %s: a secret is not sealed", e.Key())
		}
	}
	if m := e.meta(); m.Version != recordVersion { // one that a View holds has it already, and is only read
		m.Version = recordVersion
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", e.Key(), err)
	}
	return b, nil
}

// Decode reads the record that the store holds under key since revision. A record of a newer version is refused.
func Decode(key Key, record []byte, revision int64) (Entity, error) {
	e, err := blank(key.Kind)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", key, err)
	}
	if err := json.Unmarshal(record, e); err != nil {
		return nil, fmt.Errorf("decoding %s: %w", key, err)
	}
	if v := e.meta().Version; v != recordVersion {
		return nil, fmt.Errorf("decoding %s: record version %d, this build reads version %d", key, v, recordVersion)
	}
	if e.Key() != key {
		return nil, fmt.Errorf("decoding %s: the record is of %s", key, e.Key())
	}
	e.meta().revision = revision
	switch e := e.(type) {
	case *User:
		share(e.ARN, &e.Name, &e.Path, (*string)(&e.Account))
	case *Role:
		share(e.ARN, &e.Name, &e.Path, (*string)(&e.Account))
	}
	return e, nil
}

// share makes parts that occur in a text of the same entity parts of its memory: there are many users.
func share(text string, parts ...*string) {
	for _, part := range parts {
		if i := strings.LastIndex(text, *part); i >= 0 {
			*part = text[i : i+len(*part)]
		}
	}
}

func blank(kind Kind) (Entity, error) {
	switch kind {
	case KindAccount:
		return new(Account), nil
	case KindUser:
		return new(User), nil
	case KindGroup:
		return new(Group), nil
	case KindRole:
		return new(Role), nil
	case KindPolicy:
		return new(ManagedPolicy), nil
	case KindDevice:
		return new(Device), nil
	case KindOIDCProvider:
		return new(OIDCProvider), nil
	case KindSAMLProvider:
		return new(SAMLProvider), nil
	case KindRevocation:
		return new(Revocation), nil
	case KindSealingKey:
		return new(SealingKey), nil
	case KindOrganization:
		return new(Organization), nil

	case KindUnit:
		return new(Unit), nil
	case KindMember:
		return new(Member), nil
	case KindControlPolicy:
		return new(ControlPolicy), nil
	case KindAccountRequest:
		return new(AccountRequest), nil
	case KindDelegationRequest:
		return new(DelegationRequest), nil
	case KindInstanceProfile:
		return new(InstanceProfile), nil
	case KindServerCertificate:
		return new(ServerCertificate), nil
	case KindLastUse:
		return new(LastUse), nil
	default:
		return nil, fmt.Errorf("unknown kind %q", kind)
	}
}
