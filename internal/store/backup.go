package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
)

// What is in a backup: a manifest, every record, and how many there were; each with its length in front.
const (
	frameManifest = 'M'
	frameRecord   = 'R'
	frameEnd      = 'E'
	// maxFrame is more than etcd lets a value have.
	maxFrame = 32 << 20
)

// Manifest is what a backup says of itself.
type Manifest struct {
	Partition arn.Partition `json:"partition"`
	// Format is the store's.
	Format int `json:"format"`
	// Revision is the one that the backup shows the store at.
	Revision int64     `json:"revision"`
	Created  time.Time `json:"created"`
	// Build made it.
	Build string `json:"build"`
}

// backupRecord is a record of the store.
type backupRecord struct {
	key      directory.Key
	revision int64         // of its last change
	ttl      time.Duration // 0 for what lasts
	value    []byte
}

// Backup writes what the store holds at one revision, sealed under its root key, while nodes go on. It reads every record on the
// way, so that what could not be restored is no backup. It returns how many there were.
func (s *Store) Backup(ctx context.Context, w io.Writer, now time.Time, build string) (m Manifest, records int, err error) {
	if m, records, err = s.backup(ctx, w, now, build); err != nil {
		err = fmt.Errorf("backing up: %w", err)
	}
	return m, records, err
}

func (s *Store) backup(ctx context.Context, w io.Writer, now time.Time, build string) (m Manifest, records int, err error) {
	at, revision, err := s.findStanding(ctx)
	if err == nil && at == nil {
		err = ErrRootKey
	}
	if err == nil {
		err = at.whole()
	}
	if err != nil {
		return m, 0, err
	}
	out := bufio.NewWriter(w)
	sealed, err := newSealedWriter(out, at.writes(), s.vault.random)
	if err != nil {
		return m, 0, err
	}
	m = Manifest{Partition: s.partition, Format: at.Format, Revision: revision + s.base, Created: now.UTC(), Build: build}
	manifest, err := json.Marshal(m)
	if err != nil {
		return m, 0, err
	}
	failure := writeFrame(sealed, frameManifest, manifest)
	leases := make(map[int64]time.Duration)
	err = s.eachPage(ctx, revision, func(kvs []*mvccpb.KeyValue) {
		for _, kv := range kvs {
			if failure != nil {
				return
			}
			var r *backupRecord
			if r, failure = s.backUp(ctx, at, kv, leases); failure == nil && r != nil {
				failure = writeFrame(sealed, frameRecord, r.encode())
				records++
			}
		}
	})
	if err = errors.Join(err, failure); err != nil {
		return m, 0, err
	}
	err = writeFrame(sealed, frameEnd, binary.AppendUvarint(nil, uint64(records)))
	return m, records, errors.Join(err, sealed.Close(), out.Flush())
}

// backUp returns a record as it is to be restored, or nil for what is of this store alone.
func (s *Store) backUp(ctx context.Context, at *standing, kv *mvccpb.KeyValue, leases map[int64]time.Duration) (*backupRecord, error) {
	key, err := directory.ParseKey(strings.TrimPrefix(string(kv.Key), s.prefix))
	if err != nil {
		return nil, err
	}
	r := &backupRecord{key: key, revision: kv.ModRevision + s.base, value: kv.Value}
	switch key.Kind {
	case kindRootKey, kindGrant: // a grant is over before a backup is restored
		return nil, nil
	case kindSpent:
	default:
		if _, err := s.vault.decode(at, key, kv.Value, r.revision); err != nil {
			return nil, err
		}
		if at.Format >= namedFormat && !at.underFirst(kv.Value) { // the store is being moved
			value, err := s.reseal(at, kv)
			if err != nil {
				return nil, err
			}
			r.value = []byte(value)
		}
	}
	if kv.Lease == 0 {
		return r, nil
	}
	ttl, known := leases[kv.Lease]
	if !known {
		answer, err := s.client.TimeToLive(ctx, clientv3.LeaseID(kv.Lease))
		if err != nil {
			return nil, fmt.Errorf("asking how long %s lasts: %w", key, err)
		}
		ttl = time.Duration(max(answer.TTL, 1)) * time.Second
		leases[kv.Lease] = ttl
	}
	r.ttl = ttl
	return r, nil
}

func writeFrame(w io.Writer, kind byte, payload []byte) error {
	head := binary.AppendUvarint([]byte{kind}, uint64(len(payload)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

func (r *backupRecord) encode() []byte {
	key := r.key.String()
	b := binary.AppendUvarint(nil, uint64(len(key)))
	b = append(b, key...)
	b = binary.AppendUvarint(b, uint64(r.revision))
	b = binary.AppendUvarint(b, uint64(r.ttl/time.Second))
	return append(b, r.value...)
}

// Backup is a backup that was read and found whole.
type Backup struct {
	Manifest
	records []backupRecord
	cipher  *rootCipher
	vault   *vault
}

// Len is the number of its records.
func (b *Backup) Len() int { return len(b.records) }

// LastSealingKey is the greatest id of a sealing key in it.
func (b *Backup) LastSealingKey() (last uint32, err error) {
	for _, r := range b.records {
		if r.key.Kind != directory.KindSealingKey {
			continue
		}
		e, err := b.entity(r)
		if err != nil {
			return 0, err
		}
		if k, ok := e.(*directory.SealingKey); ok {
			last = max(last, k.ID)
		}
	}
	return last, nil
}

// ReadBackup reads a backup and opens every record of it, and touches no store. The error Is ErrRootKey if the backup is under none
// of the root keys of the options, and ErrBackup if it is not whole.
func ReadBackup(r io.Reader, o Options) (*Backup, error) {
	b, err := readBackup(r, o)
	if err != nil {
		return nil, fmt.Errorf("reading the backup: %w", err)
	}
	return b, nil
}

func readBackup(r io.Reader, o Options) (*Backup, error) {
	s, err := newStore(o)
	if err != nil {
		return nil, err
	}
	sealed, c, err := newSealedReader(r, s.vault)
	if err != nil {
		return nil, err
	}
	b := &Backup{cipher: c, vault: s.vault}
	frames := &frameReader{r: bufio.NewReader(sealed)}
	manifest := frames.next(frameManifest)
	if frames.err != nil {
		return nil, frames.err
	}
	if err := json.Unmarshal(manifest, &b.Manifest); err != nil {
		return nil, ErrBackup
	}
	switch {
	case b.Format > currentFormat:
		return nil, fmt.Errorf("%w: of a store of format %d, and this build reads %d and %d", ErrBackupVersion, b.Format, bareFormat, currentFormat)
	case b.Partition != o.Partition:
		return nil, fmt.Errorf("the backup is of partition %q, not %q", b.Partition, o.Partition)
	}
	for !frames.ended() {
		r, err := decodeRecord(frames.next(frameRecord))
		if frames.err != nil || err != nil {
			return nil, errors.Join(frames.err, err)
		}
		if _, err := b.entity(r); err != nil {
			return nil, err
		}
		b.records = append(b.records, r)
	}
	if frames.err != nil || frames.count != uint64(len(b.records)) {
		return nil, errors.Join(frames.err, ErrBackup)
	}
	return b, nil
}

// entity returns the entity of a record, or nil for the spent codes.
func (b *Backup) entity(r backupRecord) (directory.Entity, error) {
	if r.key.Kind == kindSpent {
		return nil, nil
	}
	e, err := b.vault.decode(&standing{Format: b.Format, ciphers: []*rootCipher{b.cipher}}, r.key, r.value, r.revision)
	if revocation, ok := e.(*directory.Revocation); ok {
		return revocation.Rewritten(), err
	}
	return e, err
}

func decodeRecord(payload []byte) (r backupRecord, err error) {
	length, n := binary.Uvarint(payload)
	if n <= 0 || length > uint64(len(payload)-n) {
		return r, ErrBackup
	}
	key, rest := string(payload[n:n+int(length)]), payload[n+int(length):]
	if r.key, err = directory.ParseKey(key); err != nil {
		return r, err
	}
	revision, n := binary.Uvarint(rest)
	if n <= 0 {
		return r, ErrBackup
	}
	rest = rest[n:]
	ttl, n := binary.Uvarint(rest)
	if n <= 0 || ttl > uint64(maxTTL/time.Second) {
		return r, ErrBackup
	}
	r.revision, r.ttl, r.value = int64(revision), time.Duration(ttl)*time.Second, rest[n:]
	return r, nil
}

// maxTTL is more than anything lasts that does not last for ever.
const maxTTL = 10 * 365 * 24 * time.Hour

// frameReader reads what writeFrame wrote.
type frameReader struct {
	r     *bufio.Reader
	err   error
	count uint64 // that the end says
}

// ended reports whether nothing but the end comes, and reads it.
func (f *frameReader) ended() bool {
	kind, err := f.r.Peek(1)
	if err != nil || f.err != nil {
		f.fail(err)
		return true
	}
	if kind[0] != frameEnd {
		return false
	}
	count, n := binary.Uvarint(f.next(frameEnd))
	f.count = count
	if n <= 0 {
		f.fail(ErrBackup)
	}
	if _, err := f.r.ReadByte(); !errors.Is(err, io.EOF) {
		f.fail(ErrBackup)
	}
	return true
}

// next returns the payload of a frame, which must be of a kind.
func (f *frameReader) next(kind byte) []byte {
	got, err := f.r.ReadByte()
	if err == nil && got != kind {
		err = ErrBackup
	}
	var length uint64
	if err == nil {
		length, err = binary.ReadUvarint(f.r)
	}
	if err == nil && length > maxFrame {
		err = ErrBackup
	}
	if err != nil {
		f.fail(err)
		return nil
	}
	payload := make([]byte, length)
	if _, err := io.ReadFull(f.r, payload); err != nil {
		f.fail(err)
	}
	return payload
}

// fail remembers the first error. The end of the file before the end of the backup is no other.
func (f *frameReader) fail(err error) {
	if f.err != nil {
		return
	}
	if f.err = err; err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		f.err = ErrBackup
	}
}
