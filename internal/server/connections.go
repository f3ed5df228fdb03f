package server

import (
	"net"
	"net/netip"
	"sync"
)

// Connections count and bound the open connections. One over a limit is closed at once, and those that are there go on. The zero value
// has no limits. It is safe for concurrent use.
type Connections struct {
	mu              sync.Mutex
	all, byPeer     int                // the limits; 0 for none; guarded by mu, as is all that follows
	open            int64              // now
	peers           map[netip.Addr]int // open connections by host
	overAll, overBy uint64             // refused
}

// Set changes the limits: of all connections, and of those from one address; 0 is none.
func (c *Connections) Set(all, byPeer int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all, c.byPeer = all, byPeer
}

// Open returns how many connections are open.
func (c *Connections) Open() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// Refused returns how many connections each limit has refused.
func (c *Connections) Refused() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return map[string]uint64{"all": c.overAll, "address": c.overBy}
}

// Listen counts the connections of a listener.
func (c *Connections) Listen(l net.Listener) net.Listener { return &countedListener{l, c} }

func (c *Connections) take(peer netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.all > 0 && c.open >= int64(c.all):
		c.overAll++
		return false
	case c.byPeer > 0 && c.peers[peer] >= c.byPeer:
		c.overBy++
		return false
	}
	if c.peers == nil {
		c.peers = make(map[netip.Addr]int)
	}
	c.open++
	c.peers[peer]++
	return true
}

func (c *Connections) giveBack(peer netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if c.peers[peer]--; c.peers[peer] == 0 {
		delete(c.peers, peer)
	}
}

type countedListener struct {
	net.Listener
	count *Connections
}

func (l *countedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		var peer netip.Addr
		if a, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
			peer = hostOf(a.Addr())
		}
		if l.count.take(peer) {
			return &countedConn{Conn: c, end: func() { l.count.giveBack(peer) }}, nil
		}
		_ = c.Close()
	}
}

type countedConn struct {
	net.Conn
	once sync.Once
	end  func()
}

func (c *countedConn) Close() error {
	c.once.Do(c.end)
	return c.Conn.Close()
}

// CloseWrite ends one direction: see quietConn.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
