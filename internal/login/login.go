package login

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/secret"
)

// Login is what a person got from a server, and what the next time needs to get it again.
type Login struct {
	// Profile is the person's name for it. Two logins never have the same.
	Profile  string
	Endpoint Endpoint
	// CAFile is the PEM file of authorities that the server's certificate is from; empty for the system's.
	CAFile string
	// AskedRole is the ARN of the role that was asked for; empty for what the person signed in as.
	AskedRole string

	AccessKeyID  string
	Secret       secret.Key
	SessionToken secret.Key
	Expires      time.Time
	// ARN is what GetCallerIdentity answers; RoleARN the role's, empty for what is no role's.
	ARN, RoleARN string
	// Region is that of requests that are signed with the credentials.
	Region string
}

// Account returns the account of the credentials.
func (l *Login) Account() string {
	parts := strings.SplitN(l.ARN, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}

// Selector says which login is meant. What is empty is left open.
type Selector struct {
	Profile  string
	Endpoint Endpoint
	Role     string // ARN
}

func (s Selector) matches(l *Login) bool {
	return (s.Profile == "" || s.Profile == l.Profile) && (s.Endpoint == "" || s.Endpoint == l.Endpoint) &&
		(s.Role == "" || s.Role == l.RoleARN)
}

// The reasons for which there is nothing to give.
var (
	ErrNone    = errors.New("there is no such login")
	ErrSeveral = errors.New("several logins are like that")
	ErrExpired = errors.New("the login has expired")
)

// Find returns the one login of the list that the selector means; without any condition it is that of the default profile. That
// others have expired leaves no doubt out: whoever has two logins does not get the one for having forgotten the other.
func (s Selector) Find(logins []Login) (*Login, error) {
	if s == (Selector{}) {
		s.Profile = DefaultProfile
	}
	var found *Login
	var names []string
	for i := range logins {
		if s.matches(&logins[i]) {
			found = &logins[i]
			names = append(names, found.Profile)
		}
	}
	switch len(names) {
	case 0:
		return nil, ErrNone
	case 1:
		return found, nil
	default:
		slices.Sort(names)
		return nil, fmt.Errorf("%w: the profiles %s", ErrSeveral, strings.Join(names, ", "))
	}
}

// Live returns an error that Is [ErrExpired] if the credentials are of no use any more.
func (l *Login) Live(now time.Time) error {
	if now.Before(l.Expires) {
		return nil
	}
	return fmt.Errorf("%w: profile %s ended at %s", ErrExpired, l.Profile, l.Expires.UTC().Format(time.RFC3339))
}

// DefaultProfile is the name of a login that was given none.
const DefaultProfile = "default"

// CheckProfile takes names that every configuration file can hold.
func CheckProfile(name string) error {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.@"
	if name == "" || len(name) > 64 || strings.Trim(name, plain) != "" {
		return fmt.Errorf("%q is not 1 to 64 characters of letters, digits and _-.@", name)
	}
	return nil
}
