package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/strictjson"
)

// stintService is the service that signatures of Stint's own operations are scoped to.
const stintService = "stint"

// JSONBinding is an operation of Stint's own: a signed POST with a JSON object in, a JSON object out.
type JSONBinding struct {
	Name  string
	serve func(ctx context.Context, view *directory.View, req *identity.Request, body []byte) (*jsonAnswer, error)
}

// BindJSON ties a handler to the name of an operation. In is a structure whose members all have a json name. Parameters are
// read strictly: no duplicate or unknown members, and names match with case.
//
// The audit log is told the parameters as they were read, which must hold no secret, or what their Audited method returns, and of
// the result what its Audited method returns, as JSON: nothing without one. A result that says why somebody was not believed, who
// is told less, says it by AuditReason.
func BindJSON[In, Out any](name string, h Handler[In, Out]) JSONBinding {
	members := memberNames(reflect.TypeFor[In]())
	return JSONBinding{Name: name, serve: func(ctx context.Context, v *directory.View, req *identity.Request, body []byte) (*jsonAnswer, error) {
		a, in := new(jsonAnswer), new(In)
		if err := decodeJSON(body, in, members); err != nil {
			return a, identity.NewFault(identity.ValidationError, "The body must be a JSON object with the parameters of "+name+".").Because(err)
		}
		var err error
		var told any = in
		if parameters, ok := told.(interface{ Audited() any }); ok {
			told = parameters.Audited()
		}
		if a.parameters, err = json.Marshal(told); err != nil {
			return a, err
		}
		out, err := h(ctx, v, req, in)
		if err != nil {
			return a, err
		}
		if result, ok := any(out).(interface{ Audited() any }); ok {
			if a.elements, err = json.Marshal(result.Audited()); err != nil {
				return a, err
			}
		}
		if result, ok := any(out).(interface{ AuditReason() string }); ok {
			a.reason = result.AuditReason()
		}
		a.body, err = json.Marshal(out)
		return a, err
	}}
}

// jsonAnswer is an answer of Stint's own and what the audit log is told of it.
type jsonAnswer struct {
	body, parameters, elements []byte
	reason                     string
}

// AppendRequestParameters implements audited.
func (a *jsonAnswer) AppendRequestParameters(dst []byte) []byte { return appendLine(dst, a.parameters) }

// AppendResponseElements implements audited.
func (a *jsonAnswer) AppendResponseElements(dst []byte) []byte { return appendLine(dst, a.elements) }

// appendLine appends JSON that encoding/json made, null for none, with the control characters escaped that it lets pass: those
// above ASCII's first.
func appendLine(dst, document []byte) []byte {
	if document == nil {
		return append(dst, "null"...)
	}
	for _, r := range string(document) {
		if 0x7f <= r && r < 0xa0 {
			dst = fmt.Appendf(dst, `\u%04x`, r)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

func decodeJSON(body []byte, into any, members []string) error {
	document, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return err
	}
	if document.Kind != strictjson.Object { // encoding/json takes null for an empty one
		return fmt.Errorf("the document is of kind %v", document.Kind)
	}
	for i := range document.Members { // encoding/json takes names in any case
		if !slices.Contains(members, document.Members[i].Name) {
			return errors.New("unknown member")
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields() // of structures further down
	return d.Decode(into)
}

func memberNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}

// ServeJSON answers a request to one of Stint's own paths. It reports whether there is an operation at the path.
func (f *Frontend) ServeJSON(w http.ResponseWriter, r *http.Request, body []byte, ids IDs) bool {
	b, ok := f.JSON[r.URL.Path]
	if !ok || r.URL.RawPath != "" {
		return f.serveStream(w, r, body, ids)
	}
	x := f.exchange(w, r, body, ids)
	x.service, x.protocol = stintService, protocolJSON
	x.request.Action = stintService + ":" + b.Name
	op := &Operation{Service: stintService, Name: b.Name, Action: x.request.Action, Signed: true}
	if r.Method != http.MethodPost {
		x.refuse(op, nil, identity.NewFault(identity.ValidationError, b.Name+" takes a POST."))
		return true
	}
	if err := x.authenticate(stintService, b.Name); err != nil {
		x.refuse(op, nil, err)
		return true
	}
	ctx, err := x.enter(op)
	if err != nil {
		x.refuse(op, nil, err)
		return true
	}
	a, err := b.serve(ctx, x.view, &x.request, body)
	if err != nil {
		x.refuse(op, a, err)
		return true
	}
	x.reason = a.reason
	if err := x.record(stintService, b.Name, a, nil); err != nil {
		x.unavailable(err)
		return true
	}
	x.write(http.StatusOK, a.body)
	return true
}
