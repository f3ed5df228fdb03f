package server

import (
	"bytes"
	"net"
)

// quiet makes net/http's own refusals (a malformed request line, headers that are too large) what AWS answers: 400 without a
// body. net/http writes them to the connection before any handler is asked, in one piece. Under TLS they stay as they are,
// since net/http must see the TLS connection itself.
type quiet struct{ net.Listener }

func (l quiet) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &quietConn{Conn: c}, nil
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
