package relying

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/stint-sts/stint/sigv4"
)

const (
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	signedChunks    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"

	// maxChunkLine bounds the line before a chunk, and maxTrailerLine one after the last, in bytes.
	maxChunkLine   = 256
	maxTrailerLine = 1024
	maxTrailers    = 8
	// maxDecoded is the greatest object of S3, 50 TB, with room.
	maxDecoded = int64(1) << 46
)

// chunked decodes a body in aws-chunked form (Amazon S3 API reference, "Authenticating requests: using the authorization header",
// "transferring payload in multiple chunks"). It gives the last bytes only when all has been checked.
type chunked struct {
	from     *bufio.Reader
	body     io.Closer
	chunks   *sigv4.Chunks // nil: not signed
	left     int64         // of the decoded body
	chunk    int64         // bytes to come of this chunk
	open     bool          // a chunk has begun whose end was not read
	sum      hash.Hash     // of the chunk
	signed   string        // signature of the chunk
	trailers bool          // the form has trailers
	declared []string      // their names, in lower case
	checksum *checksum     // nil: none is declared
	trailer  http.Header   // filled at the end
	err      error
}

// unchunk replaces r.Body by one that decodes it.
func unchunk(r *http.Request, sig *sigv4.Signature, key sigv4.SigningKey) error {
	form := sig.Payload()
	c := &chunked{body: r.Body, trailers: form != signedChunks}
	switch form {
	case unsignedTrailer:
	case signedChunks, signedTrailer:
		var err error
		if c.chunks, err = sig.Chunks(key); err != nil {
			return badBody("InvalidArgument", "x-amz-content-sha256 does not fit the signature.", err.Error())
		}
		c.sum = sha256.New()
	default: // chunks signed by SigV4A
		return &Error{
			Code: "NotImplemented", Message: "A header you provided implies functionality that is not implemented",
			Status: http.StatusNotImplemented, Reason: form,
		}
	}
	if r.Body == nil || r.Body == http.NoBody {
		return incompleteBody("aws-chunked without a body")
	}
	var err error
	if c.left, err = decodedLength(r.Header); err != nil {
		return err
	}
	if err := c.declare(r.Header["X-Amz-Trailer"]); err != nil {
		return err
	}
	c.from = bufio.NewReaderSize(r.Body, 4<<10)
	r.Body, r.ContentLength, r.TransferEncoding = c, c.left, nil
	if len(c.declared) > 0 {
		c.trailer = make(http.Header)
		r.Trailer = c.trailer
	}
	decoded(r.Header)
	return nil
}

func decodedLength(h http.Header) (int64, error) {
	values := h["X-Amz-Decoded-Content-Length"]
	if len(values) != 1 {
		return 0, &Error{
			Code: "MissingContentLength", Message: "You must provide the Content-Length HTTP header.", Status: http.StatusLengthRequired,
			Reason: "x-amz-decoded-content-length is absent or there twice",
		}
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || n < 0 || n > maxDecoded || strconv.FormatInt(n, 10) != values[0] {
		return 0, badBody("InvalidArgument", "x-amz-decoded-content-length must be a number of bytes.", "")
	}
	return n, nil
}

// declare takes the names of the trailers that X-Amz-Trailer announces. All but one checksum is refused: what is not known cannot be
// checked.
func (c *chunked) declare(values []string) error {
	for name := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name = strings.ToLower(strings.Trim(name, " \t"))
		if name == "" {
			continue
		}
		sum := newChecksum(name)
		if sum == nil || c.checksum != nil || !c.trailers {
			return badBody("InvalidRequest", "The value specified in the x-amz-trailer header is not supported", name)
		}
		c.declared, c.checksum = append(c.declared, name), sum
	}
	return nil
}

// decoded makes the headers those of the decoded body.
func decoded(h http.Header) {
	var rest []string
	for name := range strings.SplitSeq(strings.Join(h["Content-Encoding"], ","), ",") {
		if name = strings.Trim(name, " \t"); name != "" && !strings.EqualFold(name, "aws-chunked") {
			rest = append(rest, name)
		}
	}
	if len(rest) == 0 {
		h.Del("Content-Encoding")
	} else {
		h.Set("Content-Encoding", strings.Join(rest, ","))
	}
}

func (c *chunked) Close() error { return c.body.Close() }

func (c *chunked) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 && c.left > 0 {
		return 0, nil
	}
	n, err := c.read(p)
	if err == nil && c.left == 0 {
		if err = c.finish(); err == nil {
			err = io.EOF
		}
	}
	c.err = err
	if err != nil && err != io.EOF {
		clear(p[:n])
		return 0, err
	}
	return n, err
}

// read gives bytes of the current chunk, and begins one if need be. Where nothing is left it does nothing.
func (c *chunked) read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, nil
	}
	if c.chunk == 0 {
		if err := c.begin(); err != nil {
			return 0, err
		}
		if c.chunk == 0 {
			return 0, incompleteBody("the last chunk comes before x-amz-decoded-content-length bytes")
		}
	}
	if int64(len(p)) > c.chunk {
		p = p[:c.chunk]
	}
	n, err := c.from.Read(p)
	if err != nil {
		return 0, truncated(err)
	}
	c.chunk -= int64(n)
	c.left -= int64(n)
	if c.sum != nil {
		_, _ = c.sum.Write(p[:n])
	}
	if c.checksum != nil {
		_, _ = c.checksum.Write(p[:n])
	}
	return n, nil
}

// begin ends the chunk before and reads the line before the next one.
func (c *chunked) begin() error {
	if err := c.end(); err != nil {
		return err
	}
	line, err := c.line(maxChunkLine)
	if err != nil {
		return err
	}
	size, extension, extended := strings.Cut(line, ";")
	if extended != (c.chunks != nil) {
		return malformed("a chunk is signed and should not be, or the reverse")
	}
	n, err := hexSize(size)
	if err != nil {
		return err
	}
	if n > c.left {
		return incompleteBody("more than x-amz-decoded-content-length bytes")
	}
	if extended {
		var ok bool
		if c.signed, ok = strings.CutPrefix(extension, "chunk-signature="); !ok {
			return malformed("a chunk has no signature")
		}
		c.sum.Reset()
	}
	c.chunk, c.open = n, true
	return nil
}

// end reads the line break after a chunk and verifies its signature.
func (c *chunked) end() error {
	if !c.open {
		return nil
	}
	c.open = false
	if err := c.lineBreak(); err != nil {
		return err
	}
	return c.verify()
}

func (c *chunked) verify() error {
	if c.chunks == nil {
		return nil
	}
	if err := c.chunks.Chunk(c.signed, [sha256.Size]byte(c.sum.Sum(nil))); err != nil {
		return ofSignature(err)
	}
	return nil
}

// finish reads all that comes after the last byte: the last chunk, which is empty, the trailers, and nothing more.
func (c *chunked) finish() error {
	if c.chunk != 0 {
		return malformed("a chunk is longer than the body")
	}
	if err := c.begin(); err != nil {
		return err
	}
	c.open = false
	if err := c.verify(); err != nil {
		return err
	}
	if err := c.readTrailers(); err != nil {
		return err
	}
	if _, err := c.from.ReadByte(); err != io.EOF {
		if err != nil {
			return truncated(err)
		}
		return malformed("bytes after the last chunk")
	}
	return nil
}

// readTrailers reads the lines after the last chunk, to the empty one. Signed trailers are verified as they are written: name, colon,
// value and a line feed each.
func (c *chunked) readTrailers() error {
	var signature string
	text := sha256.New()
	for n := 0; ; n++ {
		line, err := c.line(maxTrailerLine)
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || n == maxTrailers || !c.trailers || signature != "" {
			return malformed("a trailer too many, or one without a colon")
		}
		name, value = strings.ToLower(name), strings.Trim(value, " \t")
		if name == "x-amz-trailer-signature" && c.chunks != nil {
			if signature = value; signature == "" {
				return malformed("the signature of the trailers is empty")
			}
			continue
		}
		if len(c.declared) == 0 || name != c.declared[0] || len(c.trailer) > 0 {
			return malformed("a trailer that x-amz-trailer does not announce")
		}
		_, _ = io.WriteString(text, name+":"+value+"\n")
		c.trailer.Set(name, value)
	}
	if c.chunks != nil && c.trailers {
		if err := c.chunks.Trailer(signature, [sha256.Size]byte(text.Sum(nil))); err != nil {
			return ofSignature(err)
		}
	}
	if c.checksum == nil {
		return nil
	}
	if len(c.trailer) == 0 {
		return malformed("a trailer is missing")
	}
	return c.checksum.check(c.trailer.Get(c.declared[0]))
}

// line reads a line and its break, which is CRLF. After a trailer some clients write LF, CR, LF, as S3's documentation has it.
func (c *chunked) line(most int) (string, error) {
	var line []byte
	for {
		b, err := c.from.ReadByte()
		if err != nil {
			return "", truncated(err)
		}
		if b == '\n' {
			break
		}
		if len(line) == most {
			return "", malformed("a line is too long")
		}
		line = append(line, b)
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return clean(line[:n-1])
	}
	if most != maxTrailerLine || len(line) == 0 {
		return "", malformed("a line feed without a carriage return")
	}
	if err := c.lineBreak(); err != nil {
		return "", err
	}
	return clean(line)
}

// clean refuses control characters.
func clean(line []byte) (string, error) {
	for _, b := range line {
		if b < ' ' && b != '\t' || b >= 0x7f {
			return "", malformed("a control character")
		}
	}
	return string(line), nil
}

func (c *chunked) lineBreak() error {
	for _, want := range [...]byte{'\r', '\n'} {
		b, err := c.from.ReadByte()
		if err != nil {
			return truncated(err)
		}
		if b != want {
			return malformed("no line break after a chunk")
		}
	}
	return nil
}

func hexSize(s string) (int64, error) {
	if s == "" || len(s) > 16 {
		return 0, malformed("the size of a chunk")
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return 0, malformed("the size of a chunk")
		}
	}
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil || n > math.MaxInt64 {
		return 0, malformed("the size of a chunk")
	}
	return int64(n), nil
}

func malformed(reason string) *Error {
	return badBody("InvalidRequest", "The body is not what aws-chunked should be.", reason)
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return incompleteBody("the body ends early")
	}
	return err
}
