package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

const (
	smallBody = 64 << 10
	// largeBodies is how many bodies above smallBody may be in memory at once.
	largeBodies = 16
)

var (
	errBodyTooLarge = errors.New("the body is larger than 10,000,000 bytes")
	errBusy         = errors.New("too many large bodies at once")
)

// small holds buffers for the bodies that real requests have.
var small = sync.Pool{New: func() any { return new([smallBody]byte) }}

func nothing() {}

// read returns the body, whole, and a function that gives its memory back. Memory grows as data arrives, never by what a
// header promises.
func (h *Handler) read(r *http.Request) (body []byte, release func(), err error) {
	switch {
	case r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody:
		return nil, nothing, nil
	case r.ContentLength > maxBodyBytes:
		return nil, nil, errBodyTooLarge
	case r.ContentLength > smallBody:
		return h.readLarge(r)
	}
	buffer := small.Get().(*[smallBody]byte)
	n, err := io.ReadFull(r.Body, buffer[:r.ContentLength])
	if err != nil {
		small.Put(buffer)
		return nil, nil, fmt.Errorf("reading the body: %w", err)
	}
	return buffer[:n], func() { small.Put(buffer) }, nil
}

func (h *Handler) readLarge(r *http.Request) ([]byte, func(), error) {
	select {
	case h.bodies <- struct{}{}:
	default:
		return nil, nil, errBusy
	}
	release := func() { <-h.bodies }
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBodyBytes))
	if err != nil {
		release()
		return nil, nil, fmt.Errorf("reading the body: %w", err)
	}
	return body, release, nil
}

// refuseBody answers as AWS does: an empty 413, without a request id.
func (h *Handler) refuseBody(w http.ResponseWriter, err error) {
	w.Header()["Connection"] = []string{"close"}
	switch {
	case errors.Is(err, errBodyTooLarge):
		bare(w, http.StatusRequestEntityTooLarge)
	case errors.Is(err, errBusy):
		bare(w, http.StatusServiceUnavailable)
	default:
		h.Log.Debug("body not read", "error", err)
		bare(w, http.StatusBadRequest)
	}
}
