package gate

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/identity"
)

// heartbeat leaves time for an event to arrive before [gateapi.Heartbeat] is over.
const heartbeat = gateapi.Heartbeat * 3 / 4

// Stream is one relying service's stream of changes. It is for one goroutine.
type Stream struct {
	service *Service
	request identity.Request
	// every says that the service may know of the callers of all accounts.
	every bool
	at    int64 // revision of the last event
	begun bool
}

// WatchChanges begins a stream of what becomes void of the answers of SigningKey. Last is the id of the last event that the
// relying service saw (Last-Event-ID), or empty. Who reads too slowly is cut. It needs stint:WatchChanges on *, for as long as the
// stream lasts.
func (s *Service) WatchChanges(_ context.Context, v *directory.View, req *identity.Request, last string) (*Stream, error) {
	if err := s.mayWatch(v, req); err != nil {
		return nil, err
	}
	revision := int64(-1)
	if last != "" {
		var err error
		if revision, err = strconv.ParseInt(last, 10, 64); err != nil || revision < 0 || strconv.FormatInt(revision, 10) != last {
			return nil, validation("Last-Event-ID must be the id of an event of this stream.")
		}
	}
	if !s.Feed.enter(req.Caller.Account) {
		return nil, identity.NewFault(identity.Throttling, "Rate exceeded")
	}
	return &Stream{service: s, request: *req, every: s.Trusted.Account(req.Caller.Account), at: revision}, nil
}

func (s *Service) mayWatch(v *directory.View, req *identity.Request) error {
	d := s.Authorizer.Authorize(v, req, authz.Query{Action: "stint:WatchChanges", Resource: "*"})
	if !d.Allowed() {
		return d.Fault()
	}
	return nil
}

// Close ends the stream.
func (t *Stream) Close() { t.service.Feed.leave(t.request.Caller.Account) }

// Next returns the next event, its id and its data, at the latest when a heartbeat is due. io.EOF ends the stream: the server
// stops, the stream is too far behind, or the relying service's own credentials or permission ended.
func (t *Stream) Next(ctx context.Context) (id string, data []byte, err error) {
	c, err := t.next(ctx)
	if err != nil {
		return "", nil, err
	}
	t.begun, t.at = true, c.Revision
	data, err = json.Marshal(c)
	return strconv.FormatInt(c.Revision, 10), data, err
}

func (t *Stream) next(ctx context.Context) (gateapi.Change, error) {
	timer := time.NewTimer(heartbeat)
	defer timer.Stop()
	due := false
	for {
		x := t.service.Feed.after(t.at)
		if x.closed || t.begun && x.lost || !t.still() {
			return gateapi.Change{}, io.EOF
		}
		if x.lost {
			return gateapi.Change{Revision: x.newest, All: true}, nil
		}
		for _, c := range x.changes {
			if c = t.visible(c); c.All || len(c.Void) > 0 {
				return c, nil
			}
			t.at = c.Revision
		}
		if len(x.changes) == maxExcerpt {
			continue
		}
		if due || !t.begun {
			return gateapi.Change{Revision: x.newest}, nil
		}
		select {
		case <-x.moved:
		case <-timer.C:
			due = true
		case <-ctx.Done():
			return gateapi.Change{}, ctx.Err()
		}
	}
}

// visible leaves out what is of accounts whose callers the relying service cannot ask for.
func (t *Stream) visible(c gateapi.Change) gateapi.Change {
	if t.every {
		return c
	}
	own := gateapi.Change{Revision: c.Revision, All: c.All}
	for _, v := range c.Void {
		if arn.AccountID(v.Account) == t.request.Caller.Account {
			own.Void = append(own.Void, v)
		}
	}
	return own
}

// still reports whether the relying service may go on: its stream ends with its session, its access key and its permission.
func (t *Stream) still() bool {
	v := t.service.View()
	t.request.Time = t.service.Now()
	return t.service.Authn.Still(v, &t.request.Caller, t.request.Time) == nil && t.service.mayWatch(v, &t.request) == nil
}
