package server

import (
	"bytes"
	"crypto/tls"
	"net"
	"time"
)

// quiet makes net/http's own refusals (a malformed request line, headers that are too large, an unknown transfer encoding)
// what AWS answers: 400 without a body. net/http writes them to the connection before any handler is asked, in one piece.
type quiet struct{ net.Listener }

func (l quiet) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if secure, ok := c.(*tls.Conn); ok {
		return &quietTLSConn{quietConn{c}, secure}, nil
	}
	return &quietConn{c}, nil
}

type quietConn struct{ net.Conn }

// ownRefusal ends the head of every answer that net/http makes by itself; Stint never answers text/plain.
var (
	ownRefusal     = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
	bareBadRequest = []byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
)

func (c *quietConn) Write(p []byte) (int, error) {
	const success = "HTTP/1.1 2"
	if bytes.HasPrefix(p, []byte(success)) || !bytes.Contains(p[:min(len(p), 256)], ownRefusal) {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(bareBadRequest); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite is net/http's way to end an answer before the request was read whole: the client sees the end of it at once,
// and the connection is closed later, so that its further bytes do not reset it.
func (c *quietConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

type quietTLSConn struct {
	quietConn
	secure *tls.Conn
}

// ConnectionState is asked for once, before anything is read, and makes the handshake. If it fails, the first read says so.
func (c *quietTLSConn) ConnectionState() tls.ConnectionState {
	_ = c.secure.SetDeadline(time.Now().Add(readTimeout)) //nolint:forbidigo // sockets know the real clock only
	_ = c.secure.Handshake()
	_ = c.secure.SetDeadline(time.Time{})
	return c.secure.ConnectionState()
}
