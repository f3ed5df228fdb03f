package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	hashLength   = 2 * sha256.Size
	chainOpen    = `"chain":{"sequence":`
	previousOpen = `,"previousHash":"`
	hashOpen     = `,"hash":"`
	lineClose    = `"}}}`
)

// link is a place in the chain: the number of a line and its hash.
type link struct {
	sequence uint64
	hash     [hashLength]byte // lower-case hexadecimal
}

// origin is what the first line follows.
func origin() link {
	var l link
	for i := range l.hash {
		l.hash[i] = '0'
	}
	return l
}

// append appends the record as the next line, and moves on to it. The record's hash is used up.
func (l *link) append(b []byte, r *record) []byte {
	l.sequence++
	b = append(b, r.line...)
	tail := len(b)
	b = append(b, chainOpen...)
	b = strconv.AppendUint(b, l.sequence, 10)
	b = append(b, previousOpen...)
	b = append(b, l.hash[:]...)
	b = append(b, '"')
	r.hash.Write(b[tail:])
	hex.Encode(l.hash[:], r.hash.Sum(r.sum[:0]))
	b = append(b, hashOpen...)
	b = append(b, l.hash[:]...)
	return append(b, lineClose+"\n"...)
}

var (
	errNotLine = errors.New("not a line of an audit log")
	errEdited  = errors.New("the line was altered: its hash is another")
)

// parseLine returns a line's place in the chain and the hash that it follows. line has no line end. Nothing in it has a
// second spelling, so that every altered byte is found.
func parseLine(line []byte) (own, previous link, err error) {
	head, ok := bytes.CutSuffix(line, []byte(lineClose))
	if !ok || len(head) < hashLength {
		return own, previous, errNotLine
	}
	copy(own.hash[:], head[len(head)-hashLength:])
	head, ok = bytes.CutSuffix(head[:len(head)-hashLength], []byte(hashOpen))
	if !ok {
		return own, previous, errNotLine
	}
	var want [hashLength]byte
	sum := sha256.Sum256(head)
	hex.Encode(want[:], sum[:])
	if want != own.hash {
		return own, previous, errEdited
	}
	head, ok = bytes.CutSuffix(head, []byte{'"'})
	if !ok || len(head) < hashLength {
		return own, previous, errNotLine
	}
	copy(previous.hash[:], head[len(head)-hashLength:])
	head, ok = bytes.CutSuffix(head[:len(head)-hashLength], []byte(previousOpen))
	at := bytes.LastIndex(head, []byte(chainOpen))
	if !ok || at < 0 {
		return own, previous, errNotLine
	}
	own.sequence, err = strconv.ParseUint(string(head[at+len(chainOpen):]), 10, 64)
	if err != nil || own.sequence == 0 {
		return own, previous, errNotLine
	}
	previous.sequence = own.sequence - 1
	return own, previous, nil
}

// Report is what Verify found.
type Report struct {
	// Lines is the number of whole lines up to the break, or to the end.
	Lines int
	// Sequence and Hash are those of the last of them: kept elsewhere, they show later whether the end was cut off.
	Sequence uint64
	Hash     string
	// Break is the first line that does not follow from the one before; nil if the chain is whole.
	Break *Break
	// TornBytes is the length of a last line without an end, which a crash leaves and the next start cuts off.
	TornBytes int
}

// Break is a place where the chain is broken.
type Break struct {
	Line   int // counted from 1
	Reason string
}

// Verify reads a whole log and follows its chain to the first break. Its error is that of reading.
func Verify(r io.Reader) (Report, error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	report, last := Report{}, origin()
	report.Hash = string(last.hash[:])
	for {
		line, whole, err := readLine(lines)
		if err != nil {
			return report, fmt.Errorf("reading the audit log: %w", err)
		}
		if !whole && len(line) <= maxLine {
			report.TornBytes = len(line)
			return report, nil
		}
		own, err := follow(last, line)
		if err != nil {
			report.Break = &Break{Line: report.Lines + 1, Reason: err.Error()}
			return report, nil //nolint:nilerr // a broken chain is the report, not a failure to make it
		}
		last = own
		report.Lines++
		report.Sequence, report.Hash = own.sequence, string(own.hash[:])
	}
}

// follow checks that a line is intact and the next after last.
func follow(last link, line []byte) (link, error) {
	if len(line) > maxLine {
		return link{}, fmt.Errorf("%w: longer than %d bytes", errNotLine, maxLine)
	}
	own, previous, err := parseLine(line)
	switch {
	case err != nil:
		return link{}, err
	case previous.sequence != last.sequence:
		return link{}, fmt.Errorf("line %d of the chain follows line %d: lines were deleted, inserted or reordered", own.sequence, last.sequence)
	case previous.hash != last.hash:
		return link{}, errors.New("the line before it was exchanged: its hash is another")
	}
	return own, nil
}

// readLine returns the next line without its end; whole is false if the input ended, or if the line is longer than maxLine,
// before the end of the line.
func readLine(r *bufio.Reader) (line []byte, whole bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil && len(line)-1 <= maxLine:
			return line[:len(line)-1], true, nil
		case errors.Is(err, io.EOF), len(line) > maxLine:
			return line, false, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		}
	}
}
