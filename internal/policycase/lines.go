package policycase

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Tally counts the lines of a stream and those that could not be answered.
type Tally struct{ Lines, Failed int }

// Each answers every line of a stream with one line of JSON, in order. A line that cannot be read gets a Failure in the place of
// its answer, and so does one longer than MaxLine, which is passed over without being kept. Answers are written at the latest
// when no more input is waiting, so that a caller may ask one after the other.
func Each(r io.Reader, w io.Writer, answer func(line []byte) (any, error)) (Tally, error) {
	in, out := bufio.NewReaderSize(r, 64<<10), bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	var t Tally
	for {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return t, out.Flush()
		}
		if err != nil && !errors.Is(err, errTooLong) {
			return t, errors.Join(fmt.Errorf("reading lines: %w", err), out.Flush())
		}
		t.Lines++
		var a any
		if err == nil {
			a, err = answer(line)
		}
		if err != nil {
			t.Failed++
			a = withError(a, err)
		}
		if err := encoder.Encode(a); err != nil {
			return t, fmt.Errorf("writing answers: %w", err)
		}
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return t, fmt.Errorf("writing answers: %w", err)
			}
		}
	}
}

// withError makes an error the answer; what could be read of the line's id stays.
func withError(a any, err error) *Failure {
	f, ok := a.(*Failure)
	if !ok {
		f = &Failure{}
	}
	f.Error = err.Error()
	return f
}

var errTooLong = fmt.Errorf("reading a line: longer than %d bytes", MaxLine)

// readLine gives the next line without its end. At the end of the stream it gives io.EOF; a last line without an end counts.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	tooLong := false
	for {
		chunk, err := in.ReadSlice('\n')
		ended := err == nil
		if ended {
			chunk = chunk[:len(chunk)-1]
		}
		if tooLong = tooLong || len(line)+len(chunk) > MaxLine; tooLong {
			line = nil
		} else {
			line = append(line, chunk...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case !ended && !errors.Is(err, io.EOF), !ended && len(line) == 0 && !tooLong:
			return nil, err
		case tooLong:
			return nil, errTooLong
		default:
			return line, nil
		}
	}
}
