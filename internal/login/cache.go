package login

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/secret"
	"github.com/stint-sts/stint/internal/strictjson"
)

// The limits of the cache.
const (
	maxCache  = 1 << 20 // bytes
	maxLogins = 64
	maxField  = 2048  // bytes, of all but the session token
	maxToken  = 16384 // bytes: twice the longest that a server issues
)

const (
	cacheFile    = "logins.json"
	lockFile     = "logins.lock"
	cacheVersion = 1
)

// keepExpired is how long a login that has expired is remembered for its settings.
const keepExpired = 90 * 24 * time.Hour

// ErrExposed is a cache that others could have read or written.
var ErrExposed = errors.New("the cache is open to others")

// ErrFull is a cache that holds as many logins as it may.
var ErrFull = fmt.Errorf("the cache holds %d logins: log out of one", maxLogins)

// Cache is where a person's logins are kept.
type Cache struct {
	// Folder is made if it is missing.
	Folder string
}

// UserCache returns the cache of the person who runs the process, in the place that the system has for such.
func UserCache() (Cache, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return Cache{}, fmt.Errorf("finding the cache: %w", err)
	}
	return Cache{Folder: filepath.Join(folder, "stint")}, nil
}

// Logins returns all that are kept, by profile.
func (c Cache) Logins() ([]Login, error) {
	if err := c.check(c.Folder, true); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	text, err := c.read(filepath.Join(c.Folder, cacheFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	logins, err := parseCache(text)
	if err != nil {
		return nil, fmt.Errorf("reading the cache: %s is damaged: %w", filepath.Join(c.Folder, cacheFile), err)
	}
	return logins, nil
}

// Put keeps a login in the place of the one with its profile.
func (c Cache) Put(l *Login, now time.Time) error {
	return c.change(func(logins []Login) ([]Login, error) {
		logins = slices.DeleteFunc(logins, func(o Login) bool { return o.Profile == l.Profile || now.Sub(o.Expires) > keepExpired })
		if len(logins) >= maxLogins {
			return nil, ErrFull
		}
		return append(logins, *l), nil
	})
}

// Remove forgets the logins that gone says so of, and returns how many they were.
func (c Cache) Remove(gone func(*Login) bool) (removed int, err error) {
	err = c.change(func(logins []Login) ([]Login, error) {
		before := len(logins)
		logins = slices.DeleteFunc(logins, func(l Login) bool { return gone(&l) })
		removed = before - len(logins)
		return logins, nil
	})
	return removed, err
}

// change replaces the file by what edit makes of it, while no other process does.
func (c Cache) change(edit func([]Login) ([]Login, error)) error {
	if err := os.MkdirAll(c.Folder, 0o700); err != nil {
		return fmt.Errorf("making the cache: %w", err)
	}
	if err := c.check(c.Folder, true); err != nil {
		return fmt.Errorf("changing the cache: %w", err)
	}
	unlock, err := c.lock()
	if err != nil {
		return fmt.Errorf("changing the cache: %w", err)
	}
	defer unlock()
	logins, err := c.Logins()
	if err != nil {
		return err
	}
	if logins, err = edit(logins); err != nil {
		return fmt.Errorf("changing the cache: %w", err)
	}
	if err := c.write(logins); err != nil {
		return fmt.Errorf("changing the cache: %w", err)
	}
	return nil
}

// lock waits until no other process has the lock. The file stays: whoever removed it would have it locked for nobody.
func (c Cache) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.Folder, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", f.Name(), err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// read reads a file that nobody else can have read or written.
func (c Cache) read(path string) ([]byte, error) {
	if err := c.check(path, false); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxCache+1))
	if err == nil && len(text) > maxCache {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxCache)
	}
	return text, err
}

// check looks at what is under a name itself, not at what a link leads to. In a folder that only its owner can change, it is what
// is opened next.
func (c Cache) check(path string, folder bool) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if folder && !info.IsDir() || !folder && !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is neither a file nor a folder of its own", ErrExposed, path)
	}
	return private(path, info)
}

// write replaces the file. Whatever crashes, it is there whole, the old one or the new.
func (c Cache) write(logins []Login) error {
	text, err := formatCache(logins)
	if err == nil {
		_, err = parseCache(text) // what could not be read again would take all other logins with it
	}
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(c.Folder, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(c.Folder, cacheFile))
}

// document is the file.
type document struct {
	Version int     `json:"version"`
	Logins  []entry `json:"logins"`
}

// entry is a login in the file: secrets are in the open there.
type entry struct {
	Profile         string `json:"profile"`
	Endpoint        string `json:"endpoint"`
	CAFile          string `json:"ca_file,omitempty"`
	AskedRole       string `json:"asked_role,omitempty"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionToken    string `json:"session_token"`
	Expiration      string `json:"expiration"`
	ARN             string `json:"arn"`
	RoleARN         string `json:"role_arn,omitempty"`
	Region          string `json:"region"`
}

func formatCache(logins []Login) ([]byte, error) {
	slices.SortFunc(logins, func(a, b Login) int { return strings.Compare(a.Profile, b.Profile) })
	d := document{Version: cacheVersion, Logins: make([]entry, len(logins))}
	for i, l := range logins {
		d.Logins[i] = entry{
			l.Profile, string(l.Endpoint), l.CAFile, l.AskedRole,
			l.AccessKeyID, l.Secret.RevealString(), l.SessionToken.RevealString(), l.Expires.UTC().Format(time.RFC3339),
			l.ARN, l.RoleARN, l.Region,
		}
	}
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

func parseCache(text []byte) ([]Login, error) {
	f, err := parseFields(text, strictjson.Limits{Bytes: maxCache, Depth: 4})
	if err != nil {
		return nil, err
	}
	f.only("version", "logins")
	if v, ok := f.object.Get("version"); !ok || v.Kind != strictjson.Number || v.Text != strconv.Itoa(cacheVersion) {
		f.fail("version", "is another")
	}
	list, ok := f.object.Get("logins")
	if !ok || list.Kind != strictjson.Array || len(list.Elements) > maxLogins {
		f.fail("logins", fmt.Sprintf("is not a list of %d at most", maxLogins))
	}
	if err := f.done(); err != nil {
		return nil, err
	}
	logins := make([]Login, len(list.Elements))
	for i := range list.Elements {
		if logins[i], err = parseEntry(&fields{object: &list.Elements[i]}); err != nil {
			return nil, fmt.Errorf("login %d: %w", i+1, err)
		}
		if i > 0 && logins[i-1].Profile >= logins[i].Profile {
			return nil, fmt.Errorf("login %d: the profiles are not in order", i+1)
		}
	}
	return logins, nil
}

func parseEntry(f *fields) (Login, error) {
	f.only("profile", "endpoint", "ca_file", "asked_role", "access_key_id", "secret_access_key", "session_token", "expiration", "arn",
		"role_arn", "region")
	l := Login{
		Profile:      f.text("profile", maxField),
		Endpoint:     Endpoint(f.text("endpoint", maxField)),
		CAFile:       f.optional("ca_file", maxField),
		AskedRole:    f.optional("asked_role", maxField),
		AccessKeyID:  f.text("access_key_id", maxField),
		Secret:       secret.FromString(f.text("secret_access_key", maxField)),
		SessionToken: secret.FromString(f.text("session_token", maxToken)),
		Expires:      f.time("expiration"),
		ARN:          f.text("arn", maxField),
		RoleARN:      f.optional("role_arn", maxField),
		Region:       f.text("region", maxField),
	}
	if err := f.done(); err != nil {
		return Login{}, err
	}
	if err := CheckProfile(l.Profile); err != nil {
		return Login{}, err
	}
	if e, err := ParseEndpoint(string(l.Endpoint)); err != nil || e != l.Endpoint {
		return Login{}, errors.New("the endpoint is not in the one form that it has")
	}
	return l, nil
}
