package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The bounds of a session in seconds: the least that AssumeRole takes, and the most that GetSessionToken gives.
const (
	minSessionSeconds = 900
	maxSessionSeconds = 129600
)

// check returns all that is wrong, so that a file is mended in one go.
func (c *Config) check() error {
	return errors.Join(
		c.checkListener(),
		c.checkStore(),
		CheckPartition(c.Partition),
		checkList("regions", c.Regions, CheckRegion),
		checkList("hosts", c.Hosts, checkHost),
		c.checkLimits(),
		c.checkOutboundIssuer(),
		c.checkOrganizationAccount(),
		c.Federation.check(),
		c.Relying.check(),
		c.Log.Check(),
	)
}

func (c *Config) checkListener() error {
	if err := CheckAddress(c.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	switch secured := c.TLS.Cert != ""; {
	case secured != (c.TLS.Key != ""):
		return errors.New("tls: cert and key belong together")
	case secured && c.Plaintext:
		return errors.New("plaintext: cannot be together with tls")
	case !secured && !c.Plaintext && !Loopback(c.Listen):
		return fmt.Errorf("listen: %s is not loopback: give tls.cert and tls.key, or say plaintext: true if a proxy in front ends TLS", c.Listen)
	}
	return nil
}

func (c *Config) checkStore() error {
	if c.Data == "" {
		return errors.New("data: must not be empty")
	}
	if c.RootKey.File == "" {
		return errors.New("root_key.file: must not be empty")
	}
	etcd := &c.Directory.Etcd
	if (etcd.Cert == "") != (etcd.Key == "") {
		return errors.New("directory.etcd: cert and key belong together")
	}
	if len(etcd.Endpoints) == 0 && (etcd.CA != "" || etcd.Cert != "") {
		return errors.New("directory.etcd: ca, cert and key are for endpoints, and there are none")
	}
	if !strings.HasSuffix(etcd.Prefix, "/") {
		return errors.New("directory.etcd.prefix: must end with a slash")
	}
	return checkList("directory.etcd.endpoints", etcd.Endpoints, checkEndpoint)
}

func (c *Config) checkLimits() error {
	if d := c.MaxSessionDuration; d != 0 && (d < minSessionSeconds || d > maxSessionSeconds) {
		return fmt.Errorf("max_session_duration: want %d to %d seconds, or 0", minSessionSeconds, maxSessionSeconds)
	}
	if len(c.Regions) == 0 {
		return errors.New("regions: at least one is needed")
	}
	return nil
}

// checkOutboundIssuer accepts what is a canonical URL with an id in its place: verifiers compare it to the letter.
func (c *Config) checkOutboundIssuer() error {
	const id, longest = "00000000-0000-4000-8000-000000000000", 255 // of an OIDC provider's URL (IAM model)
	filled := c.OutboundIssuerURL(id)
	u, err := url.Parse(filled)
	if err != nil || strings.Count(c.OutboundIssuer, issuerPlace) != 1 || u.Host == "" || u.User != nil || strings.ContainsAny(filled, "?# ") ||
		strings.HasSuffix(filled, "/") || strings.ToLower(u.Host) != u.Host || u.String() != filled || len(filled) > longest {
		return fmt.Errorf("outbound_issuer: %q is not a URL with {id} once in its host or path, and no slash at its end", c.OutboundIssuer)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopbackHost(u.Hostname())) {
		return fmt.Errorf("outbound_issuer: %q is not https: verifiers would take keys from anybody", c.OutboundIssuer)
	}
	return nil
}

func (c *Config) checkOrganizationAccount() error {
	if id := c.OrganizationAccount; id != "" && (len(id) != 12 || strings.Trim(id, "0123456789") != "") {
		return fmt.Errorf("organization_account: %q is not an account id of 12 digits", id)
	}
	return nil
}

func checkList(key string, values []string, check func(string) error) error {
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			return fmt.Errorf("%s: %q is there twice", key, v)
		}
		if err := check(v); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// CheckAddress checks host:port with a port in digits.
func CheckAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	return nil
}

// Loopback reports whether nothing but this machine reaches an address host:port.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return loopbackHost(host)
}

func loopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// CheckPartition checks the name of a partition as package arn takes it.
func CheckPartition(partition string) error {
	if !lowerName(partition) {
		return fmt.Errorf("partition: %q is not 1 to 64 characters of a-z, 0-9 and hyphen", partition)
	}
	return nil
}

// CheckRegion checks the name of a region. The star of `stint dev` is none: production knows its regions (advisory 17).
func CheckRegion(region string) error {
	if !lowerName(region) {
		return fmt.Errorf("%q is not 1 to 64 characters of a-z, 0-9 and hyphen", region)
	}
	return nil
}

func lowerName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func checkHost(host string) error {
	if host == "" || len(host) > 253 || strings.ContainsAny(host, "/:@*?# \t\r\n") && net.ParseIP(host) == nil {
		return fmt.Errorf("%q is not a host name or address without scheme and port", host)
	}
	return nil
}

func checkEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("%q is not a URL of scheme, host and port", endpoint)
	}
	switch {
	case u.Scheme == "https", u.Scheme == "http" && loopbackHost(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("%q is in the clear and not loopback: use https", endpoint)
	default:
		return fmt.Errorf("%q is neither http nor https", endpoint)
	}
}

// Check checks format and level.
func (l Log) Check() error {
	if l.Format != "text" && l.Format != "json" {
		return fmt.Errorf("log.format: %q is neither text nor json", l.Format)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		return fmt.Errorf("log.level: %q is none of debug, info, warn and error", l.Level)
	}
	return nil
}
