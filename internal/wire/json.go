package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/strictjson"
)

// stintService is the service that signatures of Stint's own operations are scoped to.
const stintService = "stint"

// JSONBinding is an operation of Stint's own: a signed POST with a JSON object in, a JSON object out.
type JSONBinding struct {
	Name  string
	serve func(ctx context.Context, view *directory.View, req *identity.Request, body []byte) ([]byte, error)
}

// BindJSON ties a handler to the name of an operation. Parameters are read strictly: no duplicate or unknown members.
func BindJSON[In, Out any](name string, h Handler[In, Out]) JSONBinding {
	return JSONBinding{Name: name, serve: func(ctx context.Context, v *directory.View, req *identity.Request, body []byte) ([]byte, error) {
		in := new(In)
		if err := decodeJSON(body, in); err != nil {
			return nil, identity.NewFault(identity.ValidationError, "The body must be a JSON object with the parameters of "+name+".").Because(err)
		}
		out, err := h(ctx, v, req, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}}
}

func decodeJSON(body []byte, into any) error {
	if _, err := strictjson.Parse(body, strictjson.Limits{}); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// ServeJSON answers a request to one of Stint's own paths. It reports whether there is an operation at the path.
func (f *Frontend) ServeJSON(w http.ResponseWriter, r *http.Request, body []byte, ids IDs) bool {
	b, ok := f.JSON[r.URL.Path]
	if !ok || r.URL.RawPath != "" {
		return false
	}
	x := f.exchange(w, r, body, ids)
	x.service, x.json = stintService, true
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
	out, err := b.serve(r.Context(), x.view, &x.request, body)
	if err != nil {
		x.refuse(op, nil, err)
		return true
	}
	if err := x.record(stintService, b.Name, nil, nil); err != nil {
		x.unavailable(err)
		return true
	}
	x.write(http.StatusOK, out)
	return true
}
