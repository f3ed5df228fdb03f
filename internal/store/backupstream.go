package store

import (
	"bufio"
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A backup is
//
//	magic (8) | version (1) | id of the root key (8) | salt (32) | chunks
//
// A chunk is 64 KiB, the last one less, under AES-256-GCM with a key derived from the root key and the salt. Its nonce is its number
// and whether it is the last (STREAM: Hoang, Reyhanitabar, Rogaway, Vizár 2015), and all that stands in front of the chunks is
// associated data: a backup of which anything was cut, added, swapped or altered does not open.
const (
	backupMagic   = "STINTBAK"
	backupVersion = 1
	backupSalt    = 32
	backupHead    = len(backupMagic) + 1 + rootIDLength + backupSalt
	backupChunk   = 64 << 10
	backupLabel   = "stint backup: seal"
)

var (
	// ErrBackup is for a file that is no whole backup.
	ErrBackup = errors.New("the backup is damaged, or is none")
	// ErrBackupVersion is for a backup that a later build has made.
	ErrBackupVersion = errors.New("the backup is of a later version")
)

// sealedWriter seals what is written to it in chunks.
type sealedWriter struct {
	w     io.Writer
	aead  cipher.AEAD
	head  []byte
	chunk []byte
	count uint64
}

func newSealedWriter(w io.Writer, c *rootCipher, random io.Reader) (*sealedWriter, error) {
	head := append([]byte(backupMagic), backupVersion)
	head = append(head, c.id[:]...)
	head = append(head, make([]byte, backupSalt)...)
	salt := head[backupHead-backupSalt:]
	if _, err := io.ReadFull(random, salt); err != nil {
		return nil, fmt.Errorf("reading randomness: %w", err)
	}
	key, err := c.derive(salt, backupLabel)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(head)
	return &sealedWriter{w: w, aead: aead, head: head, chunk: make([]byte, 0, backupChunk)}, err
}

// Write implements io.Writer. A full chunk waits until it is known not to be the last.
func (s *sealedWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if len(s.chunk) == backupChunk {
			if err := s.flush(false); err != nil {
				return 0, err
			}
		}
		m := min(len(b), backupChunk-len(s.chunk))
		s.chunk, b = append(s.chunk, b[:m]...), b[m:]
	}
	return n, nil
}

// Close writes the last chunk.
func (s *sealedWriter) Close() error { return s.flush(true) }

func (s *sealedWriter) flush(last bool) error {
	sealed := s.aead.Seal(nil, chunkNonce(s.count, last), s.chunk, s.head)
	s.chunk = s.chunk[:0]
	s.count++
	_, err := s.w.Write(sealed)
	return err
}

func chunkNonce(count uint64, last bool) []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce[3:], count)
	if last {
		nonce[11] = 1
	}
	return nonce
}

// sealedReader opens what a sealedWriter wrote.
type sealedReader struct {
	r     *bufio.Reader
	aead  cipher.AEAD
	head  []byte
	clear []byte
	count uint64
	last  bool
}

// newSealedReader reads the head. The error Is ErrRootKey for a backup under a root key that the vault does not have.
func newSealedReader(r io.Reader, v *vault) (*sealedReader, *rootCipher, error) {
	buffered := bufio.NewReader(r)
	head := make([]byte, backupHead)
	if _, err := io.ReadFull(buffered, head); err != nil || !bytes.HasPrefix(head, []byte(backupMagic)) {
		return nil, nil, ErrBackup
	}
	if version := head[len(backupMagic)]; version != backupVersion {
		return nil, nil, fmt.Errorf("%w: it has version %d, and this build reads %d", ErrBackupVersion, version, backupVersion)
	}
	id := RootKeyID(head[len(backupMagic)+1 : len(backupMagic)+1+rootIDLength])
	c, ok := v.cipher(id)
	if !ok {
		return nil, nil, fmt.Errorf("%w: the backup is under root key %s", ErrRootKey, id)
	}
	key, err := c.derive(head[backupHead-backupSalt:], backupLabel)
	if err != nil {
		return nil, nil, err
	}
	aead, err := newAEAD(key)
	return &sealedReader{r: buffered, aead: aead, head: head}, c, err
}

// Read implements io.Reader.
func (s *sealedReader) Read(b []byte) (int, error) {
	for len(s.clear) == 0 {
		if s.last {
			return 0, io.EOF
		}
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.clear)
	s.clear = s.clear[n:]
	return n, nil
}

func (s *sealedReader) next() error {
	sealed := make([]byte, backupChunk+s.aead.Overhead())
	n, err := io.ReadFull(s.r, sealed)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		s.last = true
	case err != nil:
		return err
	default:
		_, err := s.r.Peek(1)
		s.last = errors.Is(err, io.EOF)
	}
	if s.clear, err = s.aead.Open(nil, chunkNonce(s.count, s.last), sealed[:n], s.head); err != nil {
		return ErrBackup
	}
	s.count++
	return nil
}
