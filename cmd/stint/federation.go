package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/federation/oidc"
	"github.com/stint-sts/stint/internal/federation/saml"
)

// federationOptions opens the files that the configuration names.
func federationOptions(f *config.Federation) (oidc.Options, error) {
	o := oidc.Options{
		Leeway:             time.Duration(f.OIDC.Leeway) * time.Second,
		ExtraAlgorithms:    f.OIDC.ExtraAlgorithms,
		Authorities:        make(map[string]*x509.CertPool, len(f.OIDC.Authorities)),
		AmazonTokenInfo:    f.OIDC.AmazonTokenInfo,
		FacebookDebugToken: f.OIDC.FacebookDebugToken,
	}
	for _, network := range f.AllowedNetworks {
		p, err := netip.ParsePrefix(network)
		if err != nil {
			return o, fmt.Errorf("reading federation.allowed_networks: %w", err)
		}
		o.AllowedNetworks = append(o.AllowedNetworks, p)
	}
	for _, a := range f.OIDC.Authorities {
		pem, err := os.ReadFile(a.CA)
		if err != nil {
			return o, fmt.Errorf("reading the authorities of %s: %w", a.Issuer, err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return o, fmt.Errorf("reading the authorities of %s: %s has no certificate", a.Issuer, a.CA)
		}
		o.Authorities[a.Issuer] = pool
	}
	var err error
	o.FacebookAppToken, err = secretText(f.OIDC.FacebookAppTokenFile)
	return o, err
}

// samlOptions says what SAML responses may be made for.
func samlOptions(c *config.Config) saml.Options {
	if len(c.Federation.SAML.Endpoints) > 0 {
		return saml.Options{Endpoints: c.Federation.SAML.Endpoints, OnlyEndpoints: true}
	}
	return saml.Options{Endpoints: ownEndpoints(c.Hosts)}
}

// ownEndpoints are where this server would take a response itself.
func ownEndpoints(hosts []string) []string {
	urls := make([]string, len(hosts))
	for i, host := range hosts {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		urls[i] = "https://" + host + "/saml"
	}
	return urls
}

// secretText reads a secret that is a text, from a file closed to other users. Without a file it is empty.
func secretText(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	info, err := os.Stat(file)
	if err == nil && info.Mode().Perm()&0o007 != 0 {
		return "", withHint(fmt.Errorf("reading %s: it has mode %v: other users can reach it", file, info.Mode()),
			"chmod o= %s, and think about who may have read it", file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	if secret := strings.TrimSpace(string(text)); secret != "" {
		return secret, nil
	}
	return "", errors.New("reading " + file + ": it is empty")
}
