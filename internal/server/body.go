package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"
)

const (
	// tinyBody is what a body is given before any of it has come; nearly all end there.
	tinyBody = 4 << 10
	// smallBody is the largest of those that real requests have.
	smallBody = 64 << 10
	// largeBodies is how many bodies above smallBody may be in memory at once, peerBodies how many of them from one peer: who
	// sends slowly must not keep everybody else's out. A proxy is one peer.
	largeBodies = 16
	peerBodies  = 4
)

var (
	errBodyTooLarge = errors.New("the body is larger than 10,000,000 bytes")
	errBusy         = errors.New("too many large bodies at once")
)

// The pools hold buffers for the bodies that real requests have.
var (
	tiny  = sync.Pool{New: func() any { return new([tinyBody]byte) }}
	small = sync.Pool{New: func() any { return new([smallBody]byte) }}
)

// body is what was read of a request, whole, and the memory that it is in.
type body struct {
	bytes []byte
	// At most one of these is set.
	tiny  *[tinyBody]byte
	small *[smallBody]byte
	large *share
	peer  netip.Addr // whose share it is
}

// release gives the memory back.
func (b *body) release() {
	switch {
	case b.tiny != nil:
		tiny.Put(b.tiny)
	case b.small != nil:
		small.Put(b.small)
	case b.large != nil:
		b.large.giveBack(b.peer)
	}
}

// read returns the body. Memory grows as data arrives, never by what a header promises. The body is to be released, unless
// there is an error.
func (h *Handler) read(r *http.Request) (body, error) {
	switch {
	case r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody:
		return body{}, nil
	case r.ContentLength > maxBodyBytes:
		return body{}, errBodyTooLarge
	case r.ContentLength > smallBody:
		return h.readLarge(r)
	}
	b, err := readSmall(r.Body, int(r.ContentLength))
	if err != nil {
		b.release()
		return body{}, fmt.Errorf("reading the body: %w", err)
	}
	return b, nil
}

func readSmall(from io.Reader, length int) (body, error) {
	first := tiny.Get().(*[tinyBody]byte)
	b := body{tiny: first, bytes: first[:min(length, tinyBody)]}
	if _, err := io.ReadFull(from, b.bytes); err != nil || length <= tinyBody {
		return b, err
	}
	whole := small.Get().(*[smallBody]byte)
	n := copy(whole[:], b.bytes)
	b.release()
	b = body{small: whole, bytes: whole[:length]}
	_, err := io.ReadFull(from, b.bytes[n:])
	return b, err
}

func (h *Handler) readLarge(r *http.Request) (body, error) {
	b := body{large: &h.bodies, peer: peerOf(r)}
	if !h.bodies.take(b.peer) {
		return body{}, errBusy
	}
	var err error
	if b.bytes, err = io.ReadAll(io.LimitReader(r.Body, maxBodyBytes)); err != nil {
		b.release()
		return body{}, fmt.Errorf("reading the body: %w", err)
	}
	return b, nil
}

// peerOf is whose share a request takes from.
func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return hostOf(peer.Addr())
}

// hostOf is the host that an address counts for: one has all of an IPv6 network of 64 bits.
func hostOf(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	if address.Is6() {
		return netip.PrefixFrom(address, 64).Masked().Addr()
	}
	return address
}

// share counts the large bodies in memory.
type share struct {
	mu     sync.Mutex
	all    int                // guarded by mu
	byPeer map[netip.Addr]int // guarded by mu; at most largeBodies entries
}

// take reports whether one more may be read.
func (s *share) take(peer netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= largeBodies || s.byPeer[peer] >= peerBodies {
		return false
	}
	if s.byPeer == nil {
		s.byPeer = make(map[netip.Addr]int)
	}
	s.all++
	s.byPeer[peer]++
	return true
}

func (s *share) giveBack(peer netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.byPeer[peer]--; s.byPeer[peer] == 0 {
		delete(s.byPeer, peer)
	}
}

// refuseBody answers as AWS does: an empty 413, without a request id.
func (h *Handler) refuseBody(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errBodyTooLarge):
		refuse(w, http.StatusRequestEntityTooLarge)
	case errors.Is(err, errBusy):
		refuse(w, http.StatusServiceUnavailable)
	default:
		h.Log.Debug("body not read", "error", err)
		refuse(w, http.StatusBadRequest)
	}
}
