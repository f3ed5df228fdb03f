package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stint-sts/stint/internal/commandline"
	"github.com/stint-sts/stint/internal/console"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/store"
	"github.com/stint-sts/stint/internal/sts"
)

// styleSheet is where package console has the style sheet of all pages.
const styleSheet = "/signin/style.css"

// peoplePages are the pages for people: those to sign in and to see what one got, and those of stint login.
type peoplePages struct {
	console *console.Handler
	logins  *commandline.Service
}

// people wires the pages for people together.
func (n *node) people(handler *console.Handler, tokens *sts.Service) *peoplePages {
	return &peoplePages{handler, commandline.New(commandline.Options{
		View: n.store.View, People: visitors{handler}, Sessions: tokens, Grants: grants{n.store}, Audit: n.audit, Now: n.now, Random: rand.Reader,
		Log: n.log, Region: n.region, Origin: console.Origin, StyleSheet: styleSheet,
	})}
}

// Answers implements server.Pages.
func (p *peoplePages) Answers(path string) bool {
	return commandline.Answers(path) || p.console.Answers(path)
}

// ServeHTTP implements server.Pages.
func (p *peoplePages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if commandline.Answers(r.URL.Path) {
		p.logins.ServeHTTP(w, r)
		return
	}
	p.console.ServeHTTP(w, r)
}

// visitors are the people whom the console knows, as package commandline needs them.
type visitors struct{ console *console.Handler }

// Person implements commandline.People.
func (v visitors) Person(r *http.Request, view *directory.View, now time.Time) (*commandline.Person, bool) {
	who, ok := v.console.Session(r, view, now)
	if !ok {
		return nil, false
	}
	return &commandline.Person{Caller: who.Caller, FormToken: who.FormToken}, true
}

// SignIn implements commandline.People.
func (v visitors) SignIn(w http.ResponseWriter, r *http.Request, target string) {
	v.console.SignIn(w, r, target)
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
