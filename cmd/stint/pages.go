package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/commandline"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/mfa"
	"github.com/stint-sts/stint/internal/password"
	"github.com/stint-sts/stint/internal/server"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/signin"
	"github.com/stint-sts/stint/internal/store"
	"github.com/stint-sts/stint/internal/sts"
)

// pages wires the pages for people together: the sign-in page, and those of stint login.
func (n *node) pages(tokens *sts.Service, sealer *session.Sealer, verifier *mfa.Verifier, passwords *password.Hasher) server.Pages {
	lifetime := signin.Lifetime
	if n.maxSession > 0 {
		lifetime = min(lifetime, n.maxSession)
	}
	signIn := signin.New(signin.Options{
		View: n.store.View, Passwords: passwords, MFA: verifier, Sealer: sealer, Audit: n.audit, Now: n.now, Random: rand.Reader, Log: n.log,
		Region: n.region, Lifetime: lifetime,
	})
	logins := commandline.New(commandline.Options{
		View: n.store.View, People: visitors{signIn}, Sessions: tokens, Grants: grants{n.store}, Audit: n.audit, Now: n.now, Random: rand.Reader,
		Log: n.log, Region: n.region, Origin: signin.Origin, StyleSheet: signin.StyleSheetPath,
	})
	return &peoplePages{signIn, logins}
}

// peoplePages is the pages for people: the sign-in page, and those of stint login.
type peoplePages struct {
	signIn *signin.Service
	logins *commandline.Service
}

// Answers implements server.Pages.
func (p *peoplePages) Answers(path string) bool {
	return path == signin.Path || strings.HasPrefix(path, signin.Path+"/")
}

// ServeHTTP implements server.Pages.
func (p *peoplePages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if commandline.Answers(r.URL.Path) {
		p.logins.ServeHTTP(w, r)
		return
	}
	p.signIn.ServeHTTP(w, r)
}

// visitors is the sign-in page as package commandline needs it.
type visitors struct{ page *signin.Service }

// Person implements commandline.People.
func (p visitors) Person(r *http.Request, v *directory.View, now time.Time) (*commandline.Person, bool) {
	caller, token, ok := p.page.Person(r, v, now)
	return &commandline.Person{Caller: caller, FormToken: token}, ok
}

// SignIn implements commandline.People.
func (p visitors) SignIn(w http.ResponseWriter, _ *http.Request, target string) {
	signin.SendTo(w, target)
}

// grants keeps the grants of package commandline in the store.
type grants struct{ store *store.Store }

// gone translates the errors of the store.
func gone(err error) error {
	if errors.Is(err, store.ErrSpent) || errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: %w", commandline.ErrGone, err)
	}
	return err
}

// KeepGrant implements commandline.Grants.
func (g grants) KeepGrant(ctx context.Context, id string, value []byte, keep time.Duration) error {
	return g.store.KeepGrant(ctx, id, value, keep)
}

// ReadGrant implements commandline.Grants.
func (g grants) ReadGrant(ctx context.Context, id string) ([]byte, int64, error) {
	value, revision, err := g.store.ReadGrant(ctx, id)
	return value, revision, gone(err)
}

// ReplaceGrant implements commandline.Grants.
func (g grants) ReplaceGrant(ctx context.Context, id string, revision int64, value []byte) error {
	return gone(g.store.ReplaceGrant(ctx, id, revision, value))
}

// TakeGrant implements commandline.Grants.
func (g grants) TakeGrant(ctx context.Context, id string) ([]byte, error) {
	value, err := g.store.TakeGrant(ctx, id)
	return value, gone(err)
}
