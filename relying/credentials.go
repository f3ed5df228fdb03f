package relying

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/stint-sts/stint/sigv4"
)

// Static gives credentials that never change.
func Static(c sigv4.Credentials) func(context.Context) (sigv4.Credentials, error) {
	return func(context.Context) (sigv4.Credentials, error) { return c, nil }
}

// Environment gives the credentials of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
func Environment() func(context.Context) (sigv4.Credentials, error) {
	return func(context.Context) (sigv4.Credentials, error) {
		id, key := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
		if id == "" || key == "" {
			return sigv4.Credentials{}, errors.New("AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set")
		}
		return sigv4.NewCredentials(id, key, os.Getenv("AWS_SESSION_TOKEN")), nil
	}
}

const (
	// refreshAhead is how long before their end credentials are replaced.
	refreshAhead = 2 * time.Minute
)

// Refreshing gives what fetch gave until shortly before it expires, and then fetches anew. While that fails, the credentials are used
// to their end. A zero expiry is no expiry. The clock is time.Now if nil.
func Refreshing(
	fetch func(context.Context) (c sigv4.Credentials, expires time.Time, err error), now func() time.Time,
) func(context.Context) (sigv4.Credentials, error) {
	if now == nil {
		now = time.Now //nolint:forbidigo // the clock of who gives none
	}
	var mu sync.Mutex // guards all below
	var have sigv4.Credentials
	var expires time.Time
	var fetched bool
	return func(ctx context.Context) (sigv4.Credentials, error) {
		mu.Lock()
		defer mu.Unlock()
		at := now()
		if fetched && (expires.IsZero() || at.Add(refreshAhead).Before(expires)) {
			return have, nil
		}
		c, end, err := fetch(ctx)
		if err == nil {
			have, expires, fetched = c, end, true
			return have, nil
		}
		if fetched && at.Before(expires) {
			return have, nil
		}
		return sigv4.Credentials{}, err
	}
}
