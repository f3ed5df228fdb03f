package relying

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
)

// Middleware lets a request through to the handler when its caller has every permission that the mapper names. The handler finds the
// caller with [CallerFrom]; a body in aws-chunked form reaches it decoded.
func (v *Verifier) Middleware(m Mapper) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = r.Clone(r.Context()) // the body and headers are replaced
			caller, err := v.admit(m, r)
			if err != nil {
				e := asError(err)
				if v.config.Refused != nil {
					v.config.Refused(r, e)
				}
				v.config.WriteError(w, r, e)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
		})
	}
}

func (v *Verifier) admit(m Mapper, r *http.Request) (Caller, error) {
	caller, err := v.Authenticate(r)
	if err != nil {
		return Caller{}, err
	}
	requests, err := m.Map(r)
	if err != nil {
		return Caller{}, err
	}
	if len(requests) == 0 {
		return Caller{}, denied("the mapper names no permission")
	}
	source, secure := v.config.Client(r)
	for _, q := range requests {
		if !q.SourceIP.IsValid() {
			q.SourceIP, q.SecureTransport = source, secure
		}
		if q.UserAgent == "" {
			q.UserAgent = r.UserAgent()
		}
		d, err := v.Authorize(r.Context(), caller, q)
		if err != nil {
			return Caller{}, err
		}
		if !d.Allowed {
			return Caller{}, &Error{Code: codeAccessDenied, Message: d.Message, Status: http.StatusForbidden}
		}
	}
	return caller, nil
}

// writeXML writes a refusal as S3 does.
func writeXML(w http.ResponseWriter, r *http.Request, e *Error) {
	text, err := xml.Marshal(struct {
		XMLName  xml.Name `xml:"Error"`
		Code     string   `xml:"Code"`
		Message  string   `xml:"Message"`
		Resource string   `xml:"Resource"`
	}{Code: e.Code, Message: e.Message, Resource: r.URL.Path})
	if err != nil {
		text = nil
	}
	write(w, r, e.Status, "application/xml", append([]byte(xml.Header), text...))
}

// writeJSON writes a refusal as AWS's services with JSON do.
func writeJSON(w http.ResponseWriter, r *http.Request, e *Error) {
	text, err := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{e.Code, e.Message})
	if err != nil {
		text = nil
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	write(w, r, e.Status, "application/json", text)
}

// WriteError writes a refusal as [Verifier.Middleware] does: for handlers that meet one while they read a body.
func (v *Verifier) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	v.config.WriteError(w, r, asError(err))
}

// write closes the connection after a refusal: of the body nothing more is read.
func write(w http.ResponseWriter, r *http.Request, status int, kind string, text []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if r.Body != nil && r.Body != http.NoBody {
		h.Set("Connection", "close")
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text)
	}
}
