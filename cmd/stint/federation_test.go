package main

import (
	"encoding/pem"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/config"
)

func TestFederationOptions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	ca := write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})), 0o644)
	secret := write("app", "app-secret\n", 0o600)
	good := config.Federation{AllowedNetworks: []string{"10.1.0.0/16"}, OIDC: config.OIDC{
		Leeway: 30, ExtraAlgorithms: true, Authorities: []config.Authority{{Issuer: "https://idp.example/a", CA: ca}},
		AmazonTokenInfo: "https://amazon.example/", FacebookDebugToken: "https://facebook.example/", FacebookAppTokenFile: secret,
	}}
	o, err := federationOptions(&good)
	if err != nil {
		t.Fatal(err)
	}
	if o.Leeway != 30*time.Second || !o.ExtraAlgorithms || o.AnyAddress || len(o.AllowedNetworks) != 1 || o.AllowedNetworks[0] != netip.MustParsePrefix("10.1.0.0/16") ||
		o.Authorities["https://idp.example/a"] == nil || o.FacebookAppToken != "app-secret" || o.AmazonTokenInfo == "" || o.FacebookDebugToken == "" {
		t.Errorf("options %+v", o)
	}
	for name, row := range map[string]struct {
		change func(*config.Federation)
		reason string
	}{
		"no such authority": {func(f *config.Federation) {
			f.OIDC.Authorities = []config.Authority{{Issuer: "https://a", CA: dir + "/none"}}
		}, "no such file"},
		"authority of text":  {func(f *config.Federation) { f.OIDC.Authorities = []config.Authority{{Issuer: "https://a", CA: secret}} }, "has no certificate"},
		"secret for all":     {func(f *config.Federation) { f.OIDC.FacebookAppTokenFile = write("open", "x", 0o644) }, "other users can reach it"},
		"no secret":          {func(f *config.Federation) { f.OIDC.FacebookAppTokenFile = write("empty", "\n", 0o600) }, "it is empty"},
		"no file of secrets": {func(f *config.Federation) { f.OIDC.FacebookAppTokenFile = dir + "/none" }, "no such file"},
		"no network":         {func(f *config.Federation) { f.AllowedNetworks = []string{"x"} }, "allowed_networks"},
	} {
		f := good
		row.change(&f)
		if _, err := federationOptions(&f); err == nil || !strings.Contains(err.Error(), row.reason) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSAMLOptions(t *testing.T) {
	t.Parallel()
	c := config.Config{Hosts: []string{"sts.example.com", "::1"}}
	if o := samlOptions(&c); o.OnlyEndpoints || !slices.Equal(o.Endpoints, []string{"https://sts.example.com/saml", "https://[::1]/saml"}) {
		t.Errorf("by default %+v", o)
	}
	c.Federation.SAML.Endpoints = []string{"https://login.example.com/sso"}
	if o := samlOptions(&c); !o.OnlyEndpoints || !slices.Equal(o.Endpoints, c.Federation.SAML.Endpoints) {
		t.Errorf("configured %+v", o)
	}
}
