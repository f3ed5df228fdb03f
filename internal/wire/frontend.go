package wire

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/sigv4"
)

// Options are what a Frontend works with.
type Options struct {
	// View returns the newest directory. A request takes one and keeps it.
	View  func() *directory.View
	Authn *authn.Authenticator
	Audit *audit.Log
	// Used, if not nil, is told of each authenticated request, and does not wait for anything.
	Used func(c *identity.Caller, at time.Time, service, region string)
	// EncodeDenial seals the explanation of a denial for DecodeAuthorizationMessage.
	EncodeDenial func(v *directory.View, caller *identity.Caller, denial identity.Explainer) (string, error)
	Now          func() time.Time
	// Region is that of unsigned operations.
	Region   string
	Log      *slog.Logger
	Bindings []Binding
	// JSON are the operations of Stint's own, by path.
	JSON map[string]JSONBinding
	// Streams are those that answer with server-sent events, by path.
	Streams map[string]StreamBinding
}

// Frontend takes API requests from bytes to bytes. It is the one place where a request meets its caller, and where every
// answer and every refusal is written and audited.
type Frontend struct {
	Options
	bindings map[operationKey]Binding
}

// NewFrontend returns a Frontend for the bindings. An operation of the models without a binding is refused by name.
func NewFrontend(o Options) *Frontend {
	f := &Frontend{Options: o, bindings: make(map[operationKey]Binding, len(o.Bindings))}
	for _, b := range o.Bindings {
		f.bindings[operationKey{b.Service, b.Name}] = b
	}
	return f
}

const (
	// stsService answers for requests that name no service that can be told.
	stsService           = "sts"
	organizationsService = "organizations"
)

// protocol is how an answer is written.
type protocol uint8

const (
	protocolXML    protocol = iota // the query protocol
	protocolJSON                   // the query protocol as JSON, and Stint's own operations
	protocolTarget                 // JSON 1.1
)

// IDs name one request: Request in its answer, Event in the audit log.
type IDs struct{ Request, Event string }

// exchange is one request and its answer.
type exchange struct {
	*Frontend
	w        http.ResponseWriter
	r        *http.Request
	body     []byte
	view     *directory.View
	service  string            // whose errors they are
	eventID  string            // of the audit line
	roleARN  string            // that an STS operation names
	role     [1]audit.Resource // for the audit log
	reason   string            // why the signature or token was refused, for the operator
	protocol protocol
	// issues is set for operations whose answer holds credentials; changing once the handler of one that changes something begins.
	issues, changing bool
	request          identity.Request
	signed           sigv4.Request
}

// ServeQuery answers a request to /: the query protocol of STS and IAM, and the JSON 1.1 of Organizations. The body is what was read, whole.
func (f *Frontend) ServeQuery(w http.ResponseWriter, r *http.Request, body []byte, ids IDs) {
	x := f.exchange(w, r, body, ids)
	if target, ok := x.target(); ok {
		x.serveTarget(target)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		x.protocol = protocolJSON
	}
	raw, ok := x.query()
	if !ok {
		x.redirect()
		return
	}
	form, err := ParseForm(raw)
	if err != nil {
		x.refuse(nil, nil, err)
		return
	}
	action, ok := form.Get("Action")
	if !ok {
		x.redirect()
		return
	}
	op, err := x.operation(form, action)
	if err != nil {
		x.refuse(nil, nil, err)
		return
	}
	if op.Service == stsService && strings.HasPrefix(op.Name, "AssumeRole") { // elsewhere RoleArn is a parameter that nothing reads
		x.roleARN, _ = form.Get("RoleArn")
	}
	x.serve(op, func() (Parameters, error) { return Parameters{Form: form}, nil })
}

// serve authenticates the request, has the operation performed and answers. The parameters are read once it is known who asks.
func (x *exchange) serve(op *Operation, read func() (Parameters, error)) {
	x.request.Action = op.Action
	if op.Signed {
		if err := x.authenticate(op.Service, op.Name); err != nil {
			x.refuse(op, nil, err)
			return
		}
	}
	binding, ok := x.bindings[operationKey{op.Service, op.Name}]
	if !ok {
		x.refuse(op, nil, notImplemented(op.Name))
		return
	}
	p, err := read()
	if err != nil {
		x.refuse(op, nil, err)
		return
	}
	ctx, err := x.enter(op)
	if err != nil {
		x.refuse(op, nil, err)
		return
	}
	answer, err := binding.Serve(ctx, x.view, &x.request, p)
	if err != nil {
		if !op.Signed {
			x.reason = reasonOf(err) // of a token that proves nothing, in place of a signature's
		}
		x.refuse(op, answer, err)
		return
	}
	x.answer(op, answer)
}

func (f *Frontend) exchange(w http.ResponseWriter, r *http.Request, body []byte, ids IDs) *exchange {
	x := &exchange{Frontend: f, w: w, r: r, body: body, view: f.View(), service: stsService, eventID: ids.Event}
	x.request = identity.Request{
		ID:              ids.Request,
		Time:            f.Now(),
		Region:          f.Region,
		UserAgent:       r.UserAgent(),
		SecureTransport: r.TLS != nil,
	}
	// The peer of the socket and nothing that a header says (advisory 50).
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		x.request.SourceIP = peer.Addr().Unmap().WithZone("")
	}
	return x
}

// query returns the bytes that hold the parameters: a POST's form or a GET's query. A body that is not a form is never
// parsed (advisory 4).
func (x *exchange) query() ([]byte, bool) {
	if x.r.Method == http.MethodGet {
		return []byte(x.r.URL.RawQuery), true
	}
	types := x.r.Header["Content-Type"]
	if x.r.Method != http.MethodPost || len(types) != 1 {
		return nil, false
	}
	const form = "application/x-www-form-urlencoded"
	if types[0] == form || types[0] == form+"; charset=utf-8" { // what SDKs send
		return x.body, true
	}
	media, _, err := mime.ParseMediaType(types[0])
	return x.body, err == nil && media == form
}

// redirect sends whoever asked for nothing to the documentation, as AWS does.
func (x *exchange) redirect() {
	location := "https://aws.amazon.com/iam"
	if x.r.Method == http.MethodGet && x.r.URL.RawQuery != "" {
		location += "?" + x.r.URL.RawQuery
	}
	h := x.w.Header()
	h["Location"] = []string{location}
	h["X-Amzn-Requestid"] = []string{x.request.ID}
	h["Content-Length"] = []string{"0"}
	x.w.WriteHeader(http.StatusFound)
}

// operation finds what is asked for. The service is the Version's.
func (x *exchange) operation(form *Form, action string) (*Operation, error) {
	version, ok := form.Get("Version")
	if !ok {
		version = "NO_VERSION_SPECIFIED"
	}
	if service, ok := serviceOf(version); ok {
		x.service = service
		if op, ok := Lookup(service, action); ok {
			return op, nil
		}
	}
	return nil, identity.NewFault(identity.InvalidAction, "Could not find operation "+action+" for version "+version)
}

// authenticate fills in the caller, or refuses.
func (x *exchange) authenticate(service, operation string) error {
	x.signed = sigv4.FromHTTP(x.r)
	caller, region, err := x.Authn.Authenticate(x.view, &x.signed, sha256.Sum256(x.body), service, x.request.Time)
	if err != nil {
		x.request.Caller.AccessKeyID, x.reason = caller.AccessKeyID, reasonOf(err)
		if f, ok := errors.AsType[*identity.Fault](err); ok && x.protocol != protocolTarget && strings.HasPrefix(f.Message, "Credential should be scoped to a valid region") {
			x.service = stsService // whichever service was asked, a wrong region is told in STS's namespace (SCRATCH)
		}
		return err
	}
	x.request.Caller, x.request.Region = caller, region
	if x.Used != nil {
		x.Used(&x.request.Caller, x.request.Time, service, region)
	}
	return authn.Permitted(&x.request.Caller, service, operation)
}

// reasonOf is what the audit log says of a refused signature beside what the caller was told: a rule, and at most the name of a
// header. The messages of causes that quote the request are not in it.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		return e.Reason
	}
	if f, ok := errors.AsType[*identity.Fault](err); ok && f.Cause != nil {
		return f.Cause.Error()
	}
	return ""
}

// enter returns the context of a handler, or refuses to begin a change whose audit line might find no place. Whoever hangs up
// stops nothing that is written down or spent: its audit line could not say whether it happened.
func (x *exchange) enter(op *Operation) (context.Context, error) {
	x.issues = issuing[op.Name]
	changes := !readOnly(op.Service, op.Name)
	if changes {
		if err := x.Audit.Ready(); err != nil {
			return nil, identity.NewFault(identity.ServiceUnavailable, "The audit log cannot be written; nothing was issued or changed.").Because(err)
		}
	}
	x.changing = changes
	if changes || x.issues {
		return context.WithoutCancel(x.r.Context()), nil
	}
	return x.r.Context(), nil
}

// answer writes a success. What it issues is audited first: if the line cannot be written, nothing leaves.
func (x *exchange) answer(op *Operation, a Answer) {
	if err := x.record(op.Service, op.Name, a, nil); err != nil {
		x.unavailable(err)
		return
	}
	if values := warningHeader(x.request.PolicyWarnings); values != nil {
		x.w.Header()["X-Stint-Policy-Warning"] = values
	}
	buffer := buffers.Get().(*[]byte)
	switch x.protocol {
	case protocolXML:
		*buffer = a.AppendXML((*buffer)[:0], x.request.ID)
	case protocolJSON:
		*buffer = a.AppendJSON((*buffer)[:0], x.request.ID)
	case protocolTarget:
		*buffer = a.AppendTarget((*buffer)[:0])
	}
	x.write(http.StatusOK, *buffer)
	giveBack(buffer)
}

// buffers holds memory for answers and audit parameters. What was in it is written over before it is used again.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4096)) }}

// giveBack keeps a buffer for the next request, unless an unusual one made it large.
func giveBack(buffer *[]byte) {
	if cap(*buffer) <= 64<<10 {
		buffers.Put(buffer)
	}
}

// refuse writes a fault. The audit line of a refusal is not waited for, since nothing is given away.
func (x *exchange) refuse(op *Operation, a audited, err error) {
	fault := FaultOf(err)
	x.tell(fault)
	service, name := x.service, ""
	if op != nil {
		service, name = op.Service, op.Name
	}
	if err := x.record(service, name, a, fault); err != nil {
		x.Log.Error("audit line lost", "request_id", x.request.ID, "error", err)
	}
	x.writeFault(fault)
}

// tell logs what a refused caller is not told. Failures of the server are always worth it.
func (x *exchange) tell(fault *identity.Fault) {
	switch {
	case wireErrorOf(fault, x.service).status >= http.StatusInternalServerError:
		x.Log.Error("request failed", "request_id", x.request.ID, "action", x.request.Action, "code", fault.Code, "error", fault.Cause)
	case fault.Cause != nil:
		x.Log.Debug("request refused", "request_id", x.request.ID, "action", x.request.Action, "code", fault.Code, "error", fault.Cause)
	}
}

// unavailable answers for an audit log that cannot be written after the handler has succeeded: what it issued stays here, what
// it changed is changed.
func (x *exchange) unavailable(err error) {
	message := "The audit log cannot be written; nothing was issued."
	switch {
	case x.changing && x.issues:
		message = "The change was made, but its audit line could not be written; the credentials are not given out."
	case x.changing:
		message = "The change was made, but its audit line could not be written."
	}
	if x.changing {
		x.Log.Error("a change was made without an audit line", "request_id", x.request.ID, "action", x.request.Action,
			"caller", x.request.Caller.ARN, "error", err)
	} else {
		x.Log.Error("nothing is issued without an audit line", "request_id", x.request.ID, "error", err)
	}
	x.writeFault(identity.NewFault(identity.ServiceUnavailable, message))
}

func (x *exchange) writeFault(fault *identity.Fault) {
	if fault.Denial != nil && x.EncodeDenial != nil {
		message, err := x.EncodeDenial(x.view, &x.request.Caller, fault.Denial)
		if err == nil {
			x.w.Header()["X-Stint-Authorization-Message"] = []string{message}
		} else {
			x.Log.Warn("denial not explained", "request_id", x.request.ID, "error", err)
		}
	}
	var body []byte
	var status int
	if x.protocol == protocolTarget {
		body, status = appendFaultTarget(nil, fault, x.service)
	} else {
		body, status = AppendFault(nil, fault, x.service, x.request.ID, x.protocol == protocolJSON)
	}
	x.write(status, body)
}

// The types of answers. That of XML is exactly so, without a charset: Vault's aws auth demands it.
var (
	typeXML    = []string{"text/xml"}
	typeJSON   = []string{"application/json"}
	typeTarget = []string{targetType}
)

func (x *exchange) write(status int, body []byte) {
	h := x.w.Header()
	values := [...]string{x.request.ID, strconv.Itoa(len(body))}
	h["X-Amzn-Requestid"], h["Content-Length"] = values[0:1:1], values[1:2:2]
	switch x.protocol {
	case protocolXML:
		h["Content-Type"] = typeXML
	case protocolJSON:
		h["Content-Type"] = typeJSON
	case protocolTarget:
		h["Content-Type"] = typeTarget
	}
	x.w.WriteHeader(status)
	if _, err := x.w.Write(body); err != nil && !errors.Is(err, context.Canceled) {
		x.Log.Debug("answer not delivered", "request_id", x.request.ID, "error", err)
	}
}

func serviceOf(version string) (string, bool) {
	switch version {
	case "2011-06-15":
		return "sts", true
	case "2010-05-08":
		return "iam", true
	}
	return "", false
}
