package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load sends requests over a few connections, in turn and again from the first, and demands a 200 each time. It parses as little as it can,
// so that the machine's time goes to the server.
type load struct {
	requests, connections int
	rate                  int // requests a second of all connections; 0 sends each as soon as the one before is answered
}

func (l load) run(address string, requests ...[]byte) error {
	var left atomic.Int64
	left.Store(int64(l.requests))
	errs := make(chan error, l.connections)
	var wg sync.WaitGroup
	for range l.connections {
		wg.Go(func() {
			if err := l.send(address, requests, &left); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func (l load) send(address string, requests [][]byte, left *atomic.Int64) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 16<<10)
	var pause time.Duration
	if l.rate > 0 {
		pause = time.Second * time.Duration(l.connections) / time.Duration(l.rate)
	}
	next := time.Now()
	for {
		n := left.Add(-1)
		if n < 0 {
			return nil
		}
		next = next.Add(pause)
		if pause > 0 {
			time.Sleep(time.Until(next))
		}
		if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			return err
		}
		if _, err := c.Write(requests[int(n)%len(requests)]); err != nil {
			return err
		}
		if _, err := answer(r); err != nil {
			return err
		}
	}
}

// answer reads one response and returns the length of its body.
func answer(r *bufio.Reader) (int, error) {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200"))
	line := string(status)
	length := 0
	for {
		header, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(header) <= 2 {
			break
		}
		if value, found := bytes.CutPrefix(header, []byte("Content-Length: ")); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	if !ok {
		body := make([]byte, length)
		_, _ = io.ReadFull(r, body)
		return 0, fmt.Errorf("%s: %s", line, body)
	}
	_, err = r.Discard(length)
	return length, err
}

func answerLength(address string, request []byte) (int, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	return answer(bufio.NewReader(c))
}
