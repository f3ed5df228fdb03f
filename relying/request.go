package relying

import (
	"net/http"
	"net/netip"

	"github.com/stint-sts/stint/policy"
)

// Request is one permission that a caller needs.
type Request struct {
	Action   string // service:Name
	Resource string // an ARN, or * for an action that has no resource
	// ResourceAccount owns the resource; the default is the relying service's account.
	ResourceAccount string
	// ResourcePolicy is the resource's own policy.
	ResourcePolicy *policy.Policy
	// RequestTags are aws:RequestTag/… and aws:TagKeys, ResourceTags are aws:ResourceTag/….
	RequestTags, ResourceTags []Tag
	// Context has the further condition keys. What it says of the caller counts for nothing.
	Context policy.Context
	// SourceIP, SecureTransport and UserAgent are the condition keys of the connection. [Verifier.Middleware] fills them in.
	SourceIP        netip.Addr
	SecureTransport bool
	UserAgent       string
}

// Mapper says which permissions a request needs: all of them. Without any the request is refused. An error is a refusal too; one
// that is an [*Error] is told to the client.
type Mapper interface {
	Map(r *http.Request) ([]Request, error)
}

// MapperFunc is a function that is a Mapper.
type MapperFunc func(r *http.Request) ([]Request, error)

// Map calls f.
func (f MapperFunc) Map(r *http.Request) ([]Request, error) { return f(r) }
