package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// maxBytes is far above any configuration that a person writes.
const maxBytes = 1 << 20

// Load reads, checks and completes a configuration file.
func Load(path string) (*Config, error) {
	text, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	c, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration %s: %w", path, err)
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	c.complete(folder)
	return c, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxBytes)
	}
	return text, nil
}

// Parse reads and checks the text of a configuration file; paths stay as they are written. It refuses unknown and repeated
// keys, and an empty text, which is more often a file cut short than a wish for all defaults.
func Parse(text []byte) (*Config, error) {
	c := Default()
	if err := decode(text, &c, "the file is empty: {} stands for all defaults"); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return &c, nil
}

// decode reads one YAML document strictly; empty is what is said of none.
func decode(text []byte, into any, empty string) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); errors.Is(err, io.EOF) {
		return errors.New(empty)
	} else if err != nil {
		return err
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one YAML document")
	}
	return nil
}

// complete makes paths absolute and fills in those that follow from others.
func (c *Config) complete(folder string) {
	if c.Audit.File == "" {
		c.Audit.File = filepath.Join(c.Data, "audit.jsonl")
	}
	etcd := &c.Directory.Etcd
	paths := []*string{&c.TLS.Cert, &c.TLS.Key, &c.Data, &etcd.CA, &etcd.Cert, &etcd.Key, &c.ManagedPolicies, &c.Audit.File,
		&c.Federation.OIDC.FacebookAppTokenFile, &c.Admin.TLS.Cert, &c.Admin.TLS.Key, &c.Admin.ClientCA}
	gateways := &c.Relying.Versitygw
	paths = append(paths, &gateways.Socket, &gateways.TLS.Cert, &gateways.TLS.Key, &gateways.ClientCA)
	for i := range c.Federation.OIDC.Authorities {
		paths = append(paths, &c.Federation.OIDC.Authorities[i].CA)
	}
	absolute := func(p *string) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(folder, *p)
		}
	}
	for _, p := range paths {
		absolute(p)
	}
	first := c.RootKey.Source()
	if first.places() > 1 {
		first.File = "" // the default
	}
	first.complete(absolute)
	c.RootKey.File, c.RootKey.Transit = first.File, first.Transit
	c.RootKey.Next.complete(absolute)
}
