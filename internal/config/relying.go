package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Relying is about relying services: services of others that accept the credentials which this server issues.
type Relying struct {
	// Accounts are the accounts, twelve digits each, whose services may verify callers of every account, and not of their own
	// alone: those of whoever runs services for all. "*" alone means all accounts: whoever administers any of them may then see
	// the identity and the policies of every caller. The default is none.
	Accounts []string `yaml:"accounts"`
	// Versitygw is about gateways of versitygw 1.8 or later, an S3 server that has this server for its IAM service.
	Versitygw Versitygw `yaml:"versitygw"`
}

// Versitygw says where gateways are answered: on a unix socket, by mutual TLS, or both. The default is neither.
type Versitygw struct {
	// Socket is the path of a unix socket, which is made with mode 0600: the gateway runs on the same machine as the same user.
	Socket string `yaml:"socket"`
	// Listen is an address host:port for gateways on other machines. It needs TLS and ClientCA.
	Listen string `yaml:"listen"`
	// TLS is the certificate of this address.
	TLS TLS `yaml:"tls"`
	// ClientCA is a PEM file of the authorities that the certificates of gateways must be from.
	ClientCA string `yaml:"client_ca"`
}

// AllAccounts is what Relying.Accounts has for all.
const AllAccounts = "*"

func (r *Relying) check() error {
	return errors.Join(r.checkAccounts(), r.Versitygw.check())
}

func (v *Versitygw) check() error {
	if v.Listen == "" {
		if v.TLS.Cert != "" || v.TLS.Key != "" || v.ClientCA != "" {
			return errors.New("relying.versitygw: tls and client_ca are for listen, and there is none")
		}
		return nil
	}
	if err := CheckAddress(v.Listen); err != nil {
		return fmt.Errorf("relying.versitygw.listen: %w", err)
	}
	if v.TLS.Cert == "" || v.TLS.Key == "" || v.ClientCA == "" {
		return errors.New("relying.versitygw: listen needs tls.cert, tls.key and client_ca: a gateway gets the keys of callers")
	}
	return nil
}

func (r *Relying) checkAccounts() error {
	if slices.Contains(r.Accounts, AllAccounts) && len(r.Accounts) > 1 {
		return errors.New("relying.accounts: * stands alone")
	}
	return checkList("relying.accounts", r.Accounts, func(id string) error {
		if id != AllAccounts && (len(id) != 12 || strings.Trim(id, "0123456789") != "") {
			return fmt.Errorf("%q is not an account id of 12 digits", id)
		}
		return nil
	})
}
