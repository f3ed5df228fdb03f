package main

import (
	"crypto/rand"

	"github.com/stint-sts/stint/internal/console"
	"github.com/stint-sts/stint/internal/mfa"
	"github.com/stint-sts/stint/internal/password"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/sts"
)

// pages wires the pages for people together.
func (n *node) pages(tokens *sts.Service, sealer *session.Sealer, verifier *mfa.Verifier, passwords *password.Hasher) *console.Handler {
	return console.New(console.Options{
		Directory: n.store, Sessions: tokens, Sealer: sealer, Passwords: passwords, MFA: verifier, SAML: tokens.SAML, Audit: n.audit,
		Now: n.now, Random: rand.Reader, Log: n.log, Region: n.region, Destinations: n.destinations,
	})
}
