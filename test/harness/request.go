package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	exchangeLimit = 30 * time.Second
	// FormType is the content type of a query-protocol POST.
	FormType = "application/x-www-form-urlencoded"
)

// Field is a name and its value. Order and repetition are kept, which maps would lose.
type Field struct{ Name, Value string }

// Request is an HTTP request exactly as it goes over the wire: nothing is cleaned, added or reordered but Host and
// Content-Length, which Bytes adds when Header has none.
type Request struct {
	Method string
	Path   string
	Query  string
	Header []Field
	Body   []byte
}

// Encode writes fields as a query string or form body, percent-encoded by RFC 3986.
func Encode(fields []Field) string {
	var b strings.Builder
	for i, field := range fields {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(field.Name))
		b.WriteByte('=')
		b.WriteString(escape(field.Value))
	}
	return b.String()
}

// NewPost is a form POST to / with the given parameters.
func NewPost(fields ...Field) *Request {
	return &Request{
		Method: http.MethodPost, Path: "/",
		Header: []Field{{"Content-Type", FormType}},
		Body:   []byte(Encode(fields)),
	}
}

// NewGet is a GET of / with the given parameters in the query string.
func NewGet(fields ...Field) *Request {
	return &Request{Method: http.MethodGet, Path: "/", Query: Encode(fields)}
}

// Get is the first value of a header, and whether it is there.
func (r *Request) Get(name string) (string, bool) {
	for _, field := range r.Header {
		if strings.EqualFold(field.Name, name) {
			return field.Value, true
		}
	}
	return "", false
}

// Set replaces all values of a header by one.
func (r *Request) Set(name, value string) {
	r.Drop(name)
	r.Header = append(r.Header, Field{name, value})
}

// Drop removes a header.
func (r *Request) Drop(name string) {
	kept := r.Header[:0:0]
	for _, field := range r.Header {
		if !strings.EqualFold(field.Name, name) {
			kept = append(kept, field)
		}
	}
	r.Header = kept
}

// Target is the request target: path and query.
func (r *Request) Target() string {
	if r.Query == "" {
		return r.Path
	}
	return r.Path + "?" + r.Query
}

// Bytes is the request as it is written to the socket.
func (r *Request) Bytes(host string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, r.Target())
	if _, given := r.Get("Host"); !given {
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	for _, field := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", field.Name, field.Value)
	}
	if _, given := r.Get("Content-Length"); !given && (len(r.Body) > 0 || r.Method == http.MethodPost) {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	b.WriteString("Connection: close\r\n\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

// Response is an answer, read whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// String shows the answer for a failure message, long bodies cut.
func (r *Response) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", r.Status)
	_ = r.Header.Write(&b)
	b.WriteString("\n" + Cut(string(r.Body), 2000))
	return b.String()
}

// Cut shortens a text for a failure message.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return text[:limit] + "… (" + strconv.Itoa(len(text)) + " bytes)"
}

// Tail is the end of a text, for a failure message.
func Tail(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return "…" + text[len(text)-limit:]
}

// ErrNoAnswer says that the server closed the connection without an answer.
var ErrNoAnswer = errors.New("the connection was closed without an answer")

// Exchange writes raw bytes to the address and reads one answer; method tells whether the answer can have a body.
func Exchange(address, method string, raw []byte) (*Response, error) {
	conn, err := net.DialTimeout("tcp", address, exchangeLimit)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(exchangeLimit)); err != nil {
		return nil, fmt.Errorf("setting a deadline: %w", err)
	}
	// The server may answer before it has read all of a body that it refuses, so writing must not keep reading waiting.
	written := make(chan error, 1)
	go func() {
		_, err := conn.Write(raw)
		written <- err
	}()
	answer, err := readAnswer(bufio.NewReader(conn), method)
	_ = conn.Close()
	if writeErr := <-written; err != nil && writeErr != nil {
		return nil, errors.Join(err, writeErr)
	}
	return answer, err
}

func readAnswer(reader *bufio.Reader, method string) (*Response, error) {
	asked := &http.Request{Method: method}
	for {
		answer, err := http.ReadResponse(reader, asked)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, ErrNoAnswer
		}
		if err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		if answer.StatusCode == http.StatusContinue {
			continue
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return nil, fmt.Errorf("reading the body of the answer: %w", err)
		}
		return &Response{Status: answer.StatusCode, Header: answer.Header, Body: body}, nil
	}
}

func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
