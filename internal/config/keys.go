package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// The bounds of the age at which a sealing key is replaced. Each key is kept for as long as a session may last, 36 hours, so the
// least holds their number down.
const (
	minRotation = time.Hour
	maxRotation = 365 * 24 * time.Hour
)

const defaultMount = "transit"

func (c *Config) checkKeys() error {
	r := &c.RootKey
	source := r.Source()
	var given, rotation error
	switch n := source.places(); {
	case n == 0:
		given = errors.New("root_key.file: must not be empty, unless env, command or transit is in its place")
	case n > 1 && (n > 2 || r.File != defaultRootKey): // which is there unless another is given
		given = errors.New("root_key: there can be only one of file, env, command and transit")
	}
	if r.Next.places() > 1 {
		given = errors.Join(given, errors.New("root_key.next: there can be only one of file, env, command and transit"))
	}
	if every := c.SealingKeys.RotateEvery; every != 0 && (every < minRotation || every > maxRotation) {
		rotation = errors.New("sealing_keys.rotate_every: want 1h to 8760h, or 0")
	}
	return errors.Join(given, source.check("root_key"), r.Next.check("root_key.next"), rotation)
}

func (k *KeySource) check(at string) error {
	if strings.ContainsAny(k.Env, "=\x00") {
		return fmt.Errorf("%s.env: %q is not the name of a variable", at, k.Env)
	}
	if len(k.Command) > 0 && !filepath.IsAbs(k.Command[0]) {
		return fmt.Errorf("%s.command: %q is not the whole path of a program", at, k.Command[0])
	}
	if k.Transit.empty() {
		return nil
	}
	return k.Transit.check(at + ".transit")
}

func (t *Transit) check(at string) error {
	u, err := url.Parse(t.Address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return fmt.Errorf("%s.address: %q is not a URL of scheme, host and port", at, t.Address)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopbackHost(u.Hostname())):
		return fmt.Errorf("%s.address: %q is not https: it would be sent the root key in the clear", at, t.Address)
	case t.Key == "" || strings.ContainsAny(t.Key, "/?#%"):
		return fmt.Errorf("%s.key: %q is not the name of a key", at, t.Key)
	case strings.ContainsAny(t.Mount, "?#%") || strings.Contains(t.Mount, ".."):
		return fmt.Errorf("%s.mount: %q is not the path of an engine", at, t.Mount)
	case t.WrappedFile == "":
		return fmt.Errorf("%s.wrapped_file: must not be empty", at)
	}
	return nil
}

// complete makes paths absolute.
func (k *KeySource) complete(absolute func(path *string)) {
	for _, p := range []*string{&k.File, &k.Transit.TokenFile, &k.Transit.CA, &k.Transit.WrappedFile} {
		absolute(p)
	}
	if !k.Transit.empty() && k.Transit.Mount == "" {
		k.Transit.Mount = defaultMount
	}
	k.Transit.Mount = strings.Trim(k.Transit.Mount, "/")
}
