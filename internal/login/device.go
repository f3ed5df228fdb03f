package login

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/loginapi"
)

// The polling of RFC 8628, 3.5.
const (
	leastInterval = time.Second
	mostInterval  = time.Minute
	slower        = 5 * time.Second
)

// Device logs in by a browser on any other machine: the person opens a page there, types a short code and signs in, while this
// process asks the server again and again.
func (c *Client) Device(ctx context.Context, r *Request) (*Login, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	s, err := c.server(r)
	if err != nil {
		return nil, err
	}
	defer s.close()
	f, err := s.post(ctx, loginapi.DevicePath, r.ask(url.Values{}))
	if err != nil {
		return nil, fmt.Errorf("asking for a code: %w", patient(ctx, err))
	}
	code, userCode := f.text("device_code", maxField), f.text("user_code", 32)
	page, complete := r.page(f, "verification_uri"), r.page(f, "verification_uri_complete")
	lasts, interval := f.seconds("expires_in"), f.seconds("interval")
	if err := f.done(); err != nil {
		return nil, fmt.Errorf("asking for a code: reading the answer of %s: %w", r.Endpoint, err)
	}
	c.Code(page, userCode, complete)
	return c.poll(ctx, s, r, code, c.Now().Add(min(lasts, Patience)), interval)
}

// page returns the address of a page as the person knows its server: a server behind a proxy may not know its own scheme. The person
// trusts that it is of the server that they named.
func (r *Request) page(f *fields, name string) string {
	u, err := url.Parse(f.text(name, maxField))
	if _, host, _ := strings.Cut(string(r.Endpoint), "://"); err != nil || !strings.EqualFold(u.Host, host) || u.User != nil {
		f.fail(name, "is of another server")
		return ""
	}
	return string(r.Endpoint) + u.RequestURI()
}

func (c *Client) poll(ctx context.Context, s *server, r *Request, code string, until time.Time, interval time.Duration) (*Login, error) {
	for {
		interval = min(max(interval, leastInterval), mostInterval)
		if err := c.Sleep(ctx, interval); err != nil {
			return nil, patient(ctx, err)
		}
		if c.Now().After(until) {
			return nil, ErrTimeout
		}
		f, err := s.post(ctx, loginapi.TokenPath, url.Values{
			loginapi.ParamGrantType:  {loginapi.GrantDevice},
			loginapi.ParamClientID:   {loginapi.ClientID},
			loginapi.ParamDeviceCode: {code},
		})
		if err == nil {
			return r.token(f)
		}
		var refused *Error
		var away *unreachable
		switch {
		case errors.As(err, &refused) && refused.Code == loginapi.ErrPending:
		case errors.As(err, &refused) && (refused.Code == loginapi.ErrSlowDown || refused.Code == loginapi.ErrUnavailable):
			interval += slower
		case errors.As(err, &away) && ctx.Err() == nil:
			interval *= 2
		case errors.As(err, &refused) && refused.Code == loginapi.ErrExpired:
			return nil, ErrTimeout
		default:
			return nil, fmt.Errorf("fetching the credentials: %w", patient(ctx, err))
		}
	}
}
