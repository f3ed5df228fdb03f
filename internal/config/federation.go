package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// maxLeeway is what AWS gives, in seconds.
const maxLeeway = 300

func (f *Federation) check() error {
	o := &f.OIDC
	var leeway error
	if o.Leeway < 0 || o.Leeway > maxLeeway {
		leeway = fmt.Errorf("federation.oidc.leeway: want 0 to %d seconds", maxLeeway)
	}
	return errors.Join(
		checkList("federation.allowed_networks", f.AllowedNetworks, checkNetwork),
		checkList("federation.destinations", f.Destinations, checkOrigin),
		checkList("federation.saml.endpoints", f.SAML.Endpoints, checkRecipient),
		leeway,
		o.checkAuthorities(),
		checkURL("federation.oidc.amazon_token_info", o.AmazonTokenInfo),
		checkURL("federation.oidc.facebook_debug_token", o.FacebookDebugToken),
		o.checkFacebook(),
	)
}

func checkNetwork(network string) error {
	p, err := netip.ParsePrefix(network)
	if err != nil || p != p.Masked() || p.Addr().Is4In6() {
		return fmt.Errorf("%q is not an address range such as 10.1.0.0/16 or fd00::/8", network)
	}
	return nil
}

// checkOrigin accepts an origin in the form in which browsers write one.
func checkOrigin(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || text != u.Scheme+"://"+strings.ToLower(u.Host) || u.Scheme != "https" {
		return fmt.Errorf("%q is not https:// and a host in lower case, without a path", text)
	}
	return nil
}

func checkRecipient(text string) error {
	if text == "" {
		return errors.New("a URL cannot be empty")
	}
	return checkURL("federation.saml.endpoints", text)
}

func (o *OIDC) checkAuthorities() error {
	for i, a := range o.Authorities {
		if slices.ContainsFunc(o.Authorities[:i], func(earlier Authority) bool { return earlier.Issuer == a.Issuer }) {
			return fmt.Errorf("federation.oidc.authorities: %q is there twice", a.Issuer)
		}
		if a.CA == "" || a.Issuer == "" {
			return errors.New("federation.oidc.authorities: issuer and ca belong together")
		}
		if err := checkURL("federation.oidc.authorities", a.Issuer); err != nil {
			return err
		}
	}
	return nil
}

func (o *OIDC) checkFacebook() error {
	if (o.FacebookDebugToken == "") != (o.FacebookAppTokenFile == "") {
		return errors.New("federation.oidc: facebook_debug_token and facebook_app_token_file belong together")
	}
	return nil
}

// checkURL checks a URL that may be left out.
func checkURL(key, text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%s: %q is not a URL of https, host and path", key, text)
	}
	return nil
}
