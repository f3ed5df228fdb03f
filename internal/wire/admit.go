package wire

import (
	"net/netip"
	"time"

	"github.com/stint-sts/stint/internal/identity"
)

// Limits say whether one more request may be answered now. Address is asked before a request is read any further, and Caller once
// it is known who asks. Whoever has no credential counts by address alone, so that nobody can use up what is an account's.
type Limits interface {
	Address(peer netip.Addr, now time.Time) bool
	Caller(c *identity.Caller, now time.Time) bool
}

// throttled is what AWS tells whoever asks too often. It is a refusal of the sender (400) that SDKs know to wait upon.
var throttled = identity.NewFault(identity.Throttling, "Rate exceeded")

func (x *exchange) admitAddress() error {
	if x.Limits == nil || x.Limits.Address(x.request.SourceIP, x.request.Time) {
		return nil
	}
	return throttled
}

func (x *exchange) admitCaller() error {
	if x.Limits == nil || x.Limits.Caller(&x.request.Caller, x.request.Time) {
		return nil
	}
	return throttled
}

// current refuses to answer from a View that is older than it may be: it may lack what forbids something.
func (x *exchange) current() error {
	if x.Current == nil {
		return nil
	}
	if err := x.Current(); err != nil {
		return identity.NewFault(identity.ServiceUnavailable, "The directory of this server is older than it may be.").Because(err)
	}
	return nil
}

// Outcome is how a request ended.
type Outcome struct {
	// Service and Operation are names of the models, or of Stint's own operations. Operation is empty for what is not one, and
	// Service is then whoever told so.
	Service, Operation string
	// Code is the error code that was told; empty for a success.
	Code string
	// Issued is set if credentials or a token were given out.
	Issued bool
	// Took is the time from the body's last byte to the answer's.
	Took time.Duration
}

func (x *exchange) observe() {
	if x.Observed == nil {
		return
	}
	o := Outcome{Service: x.service, Code: x.code, Issued: x.issues && x.code == "", Took: x.Now().Sub(x.request.Time)}
	if x.op != nil {
		o.Service, o.Operation = x.op.Service, x.op.Name
	}
	x.Observed(o)
}
