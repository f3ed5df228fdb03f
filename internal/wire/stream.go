package wire

import (
	"context"
	"net/http"
	"time"

	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

// StreamBinding is an operation of Stint's own that answers with server-sent events (WHATWG HTML, 9.2): a signed GET without
// parameters, but for the Last-Event-ID header.
type StreamBinding struct {
	Name string
	// Open begins a stream after the event that the caller saw last; empty if it saw none.
	Open func(ctx context.Context, view *directory.View, req *identity.Request, last string) (Stream, error)
}

// Stream is what a StreamBinding opens.
type Stream interface {
	// Next waits for the next event. Id and data have no line break. An error ends the stream, which may be its regular end.
	Next(ctx context.Context) (id string, data []byte, err error)
	Close()
}

// streamPatience is how long one event may take to be taken by the network: who reads more slowly is cut.
const streamPatience = 20 * time.Second

// lastEventID is the header of a client that comes back. It is not signed: it says what the caller saw, and gives it no more.
const lastEventID = "Last-Event-Id"

// serveStream answers a request to one of the paths of streams. It reports whether there is one at the path.
func (f *Frontend) serveStream(w http.ResponseWriter, r *http.Request, body []byte, ids IDs) bool {
	b, ok := f.Streams[r.URL.Path]
	if !ok || r.URL.RawPath != "" {
		return false
	}
	x := f.exchange(w, r, body, ids)
	x.service, x.protocol = stintService, protocolJSON
	x.request.Action = stintService + ":" + b.Name
	op := &Operation{Service: stintService, Name: b.Name, Action: x.request.Action, Signed: true}
	last := r.Header[lastEventID]
	if r.Method != http.MethodGet || r.URL.RawQuery != "" || len(body) > 0 || len(last) > 1 {
		x.refuse(op, nil, identity.NewFault(identity.ValidationError, b.Name+" takes a GET without parameters, and one Last-Event-ID at most."))
		return true
	}
	if err := x.authenticate(stintService, b.Name); err != nil {
		x.refuse(op, nil, err)
		return true
	}
	if len(last) == 0 {
		last = []string{""}
	}
	stream, err := b.Open(r.Context(), x.view, &x.request, last[0])
	if err != nil {
		x.refuse(op, nil, err)
		return true
	}
	defer stream.Close()
	if err := x.record(stintService, b.Name, nil, nil); err != nil {
		x.unavailable(err)
		return true
	}
	x.stream(stream)
	return true
}

// stream writes events until the stream ends or nobody takes them any more. The server's limits on reading and writing are for
// answers that end: each event has its own.
func (x *exchange) stream(s Stream) {
	c := http.NewResponseController(x.w)
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		x.unavailable(err)
		return
	}
	h := x.w.Header()
	h["X-Amzn-Requestid"] = []string{x.request.ID}
	h["Content-Type"] = []string{"text/event-stream"}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Accel-Buffering"] = []string{"no"} // nginx would keep events back
	h["Connection"] = []string{"close"}     // the deadlines are gone
	x.w.WriteHeader(http.StatusOK)
	var event []byte
	for {
		id, data, err := s.Next(x.r.Context())
		if err != nil {
			x.Log.Debug("stream ended", "request_id", x.request.ID, "error", err)
			return
		}
		event = append(append(append(event[:0], "id: "...), id...), "\ndata: "...)
		event = append(append(event, data...), "\n\n"...)
		if err := x.send(c, event); err != nil {
			x.Log.Debug("stream cut", "request_id", x.request.ID, "error", err)
			return
		}
	}
}

func (x *exchange) send(c *http.ResponseController, event []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(streamPatience)); err != nil { //nolint:forbidigo // sockets know the real clock only
		return err
	}
	if _, err := x.w.Write(event); err != nil {
		return err
	}
	return c.Flush()
}
