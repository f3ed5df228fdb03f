package versitygw

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/sigv4"
)

const (
	// signedService is what the gateway's own signatures are scoped to.
	signedService = "iam"
	s3            = "s3"
)

// Handler answers a gateway. It is safe for concurrent use, and belongs on a listener of its own: a unix socket, or mutual TLS.
type Handler struct {
	Gate  *gate.Service
	Audit *audit.Log
	// Used, if not nil, is told of the gateway's and its callers' requests, and does not wait for anything.
	Used func(c *identity.Caller, at time.Time, service, region string)
	// NewID makes the ids of requests and audit lines.
	NewID func() string
	// Version is this program's, which the gateway logs.
	Version string
	Log     *slog.Logger
}

// exchange is one request and its answer.
type exchange struct {
	*Handler
	w       http.ResponseWriter
	r       *http.Request
	view    *directory.View
	request identity.Request
	// operation and parameters are for the audit log.
	operation  string
	parameters any
}

// operation is an endpoint of the protocol: the name that the audit log has for it, and what it does.
type operation struct {
	name string
	do   func(x *exchange, body []byte) (any, error)
}

func lookup(path string) (operation, bool) {
	switch path {
	case versionPath:
		return operation{"GetProtocolVersion", (*exchange).version}, true
	case derivePath:
		return operation{"GetSigningKey", (*exchange).derive}, true
	case evaluatePath:
		return operation{"EvaluatePolicy", (*exchange).evaluate}, true
	case resolveIdentityPath:
		return operation{"ResolveIdentity", (*exchange).resolveIdentity}, true
	case resolvePrincipalsPath:
		return operation{"ResolvePrincipals", (*exchange).resolvePrincipals}, true
	}
	return operation{}, false
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error("a request made the server panic", "panic", p, "stack", string(debug.Stack()))
			panic(http.ErrAbortHandler)
		}
	}()
	w.Header()[versionHeader] = []string{strconv.Itoa(protocolVersion)}
	op, ok := lookup(r.URL.Path)
	if !ok || r.URL.RawPath != "" || r.URL.RawQuery != "" || r.Method != http.MethodPost {
		write(w, http.StatusNotFound, failure{"no such operation", "NotFound"})
		return
	}
	// A gateway that is too old learns so from version.
	if r.URL.Path != versionPath && !spoken(r.Header[versionHeader]) {
		write(w, http.StatusBadRequest, failure{"this server speaks version 1 of the protocol", codeProtocolMismatch})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		write(w, http.StatusBadRequest, failure{"malformed request body", codeBadRequest})
		return
	}
	x := &exchange{Handler: h, w: w, r: r, view: h.Gate.View(), operation: op.name}
	x.request = identity.Request{
		ID: h.NewID(), Action: "stint:" + op.name, Time: h.Gate.Now(), UserAgent: r.UserAgent(), SecureTransport: r.TLS != nil,
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil { // a unix socket has none
		x.request.SourceIP = peer.Addr().Unmap().WithZone("")
	}
	if err := x.authenticate(body); err != nil {
		x.refuse(err)
		return
	}
	answer, err := op.do(x, body)
	if err != nil {
		x.refuse(err)
		return
	}
	if err := x.record("", "", ""); err != nil {
		x.Log.Error("no answer without an audit line", "request_id", x.request.ID, "error", err)
		write(w, http.StatusServiceUnavailable, failure{"the audit log cannot be written", string(identity.ServiceUnavailable)})
		return
	}
	write(w, http.StatusOK, answer)
}

// authenticate finds the gateway's principal.
func (x *exchange) authenticate(body []byte) error {
	signed := sigv4.FromHTTP(x.r)
	caller, region, err := x.Gate.Authn.Authenticate(x.view, &signed, sha256.Sum256(body), signedService, x.request.Time)
	if err != nil {
		x.request.Caller.AccessKeyID = caller.AccessKeyID
		return err
	}
	x.request.Caller, x.request.Region = caller, region
	x.used(&x.request.Caller, signedService, region)
	return nil
}

func (x *exchange) used(c *identity.Caller, service, region string) {
	if x.Used != nil {
		x.Used(c, x.request.Time, service, region)
	}
}

// version is answered to every principal: it says nothing that is not public but the principal's own account.
func (x *exchange) version(body []byte) (any, error) {
	if err := decode(body, new(versionInput)); err != nil {
		return nil, err
	}
	return versionOutput{Protocol: protocolVersion, MinClient: protocolVersion, ServerVersion: x.Version, AccountID: string(x.request.Caller.Account)}, nil
}

func (x *exchange) derive(body []byte) (any, error) {
	in := new(deriveInput)
	if err := decode(body, in); err != nil {
		return nil, err
	}
	if in.Service != s3 {
		return nil, invalid("the service must be s3")
	}
	key := &gate.SigningKeyInput{AccessKeyID: in.AccessKeyID, SessionToken: in.SessionToken, Algorithm: string(sigv4.HMAC),
		Date: in.Date, Region: in.Region, Service: in.Service}
	x.parameters = key.Audited()
	k, err := x.Gate.Know(x.view, &x.request, key)
	if err != nil {
		return nil, err
	}
	if k.Refusal != nil {
		return nil, refused(k)
	}
	return deriveOutput{DerivedKey: k.Key.Reveal(), PrincipalARN: k.Caller.ARN, RoleARN: k.Bearing.Principal.RoleARN}, nil
}

func (x *exchange) evaluate(body []byte) (any, error) {
	in := new(evaluateInput)
	if err := decode(body, in); err != nil {
		return nil, err
	}
	if in.Service != s3 {
		return nil, invalid("the service must be s3")
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	x.parameters = in.audited()
	k, err := x.Gate.Know(x.view, &x.request, &gate.SigningKeyInput{AccessKeyID: in.AccessKeyID, SessionToken: in.SessionToken,
		Algorithm: string(sigv4.HMAC), Date: x.request.Time.UTC().Format("20060102"), Region: in.Region, Service: in.Service, Policies: true})
	if err != nil {
		return nil, err
	}
	if k.Refusal != nil {
		return nil, refused(k)
	}
	keys, err := contextOf(in.Condition, k, x.request.Time)
	if err != nil {
		return nil, err
	}
	parts, err := authz.NewSplit(&k.Bearing, keys, k.Caller.Account != x.request.Caller.Account)
	if err != nil {
		return nil, err
	}
	x.used(&k.Caller, s3, in.Region) // only now: the gateway has verified the caller's signature before
	out := evaluateOutput{Decisions: matrix(in, parts.Identity), PrincipalARN: k.Caller.ARN}
	if parts.HasSession() {
		out.HasSessionPolicy, out.SessionDecisions = true, matrix(in, parts.Session)
	}
	return out, nil
}

func (x *exchange) resolveIdentity(body []byte) (any, error) {
	in := new(identitiesInput)
	if err := x.resolving(body, in); err != nil {
		return nil, err
	}
	if len(in.AccessKeyIDs) > maxResolved {
		return nil, invalid("want at most %d ids", maxResolved)
	}
	return identitiesOutput{x.identities(x.view, x.request.Caller.Account, in.AccessKeyIDs)}, nil
}

func (x *exchange) resolvePrincipals(body []byte) (any, error) {
	in := new(principalsInput)
	if err := x.resolving(body, in); err != nil {
		return nil, err
	}
	if len(in.Principals) > maxResolved {
		return nil, invalid("want at most %d principals", maxResolved)
	}
	return principalsOutput{x.nameless(x.view, x.request.Caller.Account, in.Principals)}, nil
}

// resolving reads parameters and asks for the permission without which nobody is told who is there.
func (x *exchange) resolving(body []byte, in any) error {
	if err := decode(body, in); err != nil {
		return err
	}
	return x.Gate.Permit(x.view, &x.request, "GetSigningKey", x.request.Region, s3)
}

// refuse answers with an error. What the gateway is told of itself is the fault's; of its caller the protocol's.
func (x *exchange) refuse(err error) {
	status, f, reason := http.StatusInternalServerError, failure{"internal failure", string(identity.InternalFailure)}, ""
	if r, ok := errors.AsType[*refusal](err); ok {
		status, f, reason = http.StatusForbidden, r.failure, r.reason
	} else if fault, ok := errors.AsType[*identity.Fault](err); ok {
		status, f = http.StatusForbidden, failure{fault.Message, string(fault.Code)}
		if fault.Code == identity.ValidationError {
			status, f.Code = http.StatusBadRequest, codeBadRequest
		}
		if e, ok := errors.AsType[*sigv4.Error](fault.Cause); ok {
			reason = e.Reason
		} else if fault.Cause != nil {
			reason = fault.Cause.Error()
		}
	}
	if status == http.StatusInternalServerError {
		x.Log.Error("request failed", "request_id", x.request.ID, "action", x.request.Action, "error", err)
	}
	if err := x.record(f.Code, f.Error, reason); err != nil {
		x.Log.Error("audit line lost", "request_id", x.request.ID, "error", err)
	}
	write(x.w, status, f)
}

// record writes the audit line; code is empty for a success.
func (x *exchange) record(code, message, reason string) error {
	event := audit.Event{
		ID: x.NewID(), Request: &x.request, Service: "stint", Operation: x.operation, ReadOnly: true,
		ErrorCode: code, ErrorMessage: message, Reason: reason,
	}
	if x.parameters != nil {
		text, err := json.Marshal(x.parameters)
		if err != nil {
			return err
		}
		event.RequestParameters = text
	}
	return x.Audit.Write(context.WithoutCancel(x.r.Context()), &event)
}

func write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // nothing here has a value that JSON lacks
		panic(err)
	}
	h := w.Header()
	h["Content-Type"], h["Content-Length"] = []string{"application/json"}, []string{strconv.Itoa(len(text))}
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
