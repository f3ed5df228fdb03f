package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/audit"
	"github.com/stint-sts/stint/internal/authn"
	"github.com/stint-sts/stint/internal/authz"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/federation/oidc"
	"github.com/stint-sts/stint/internal/federation/outbound"
	"github.com/stint-sts/stint/internal/federation/saml"
	"github.com/stint-sts/stint/internal/gate"
	"github.com/stint-sts/stint/internal/iam"
	"github.com/stint-sts/stint/internal/lastuse"
	"github.com/stint-sts/stint/internal/mfa"
	"github.com/stint-sts/stint/internal/organizations"
	"github.com/stint-sts/stint/internal/password"
	"github.com/stint-sts/stint/internal/server"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
	"github.com/stint-sts/stint/internal/sts"
	"github.com/stint-sts/stint/internal/systemd"
	"github.com/stint-sts/stint/internal/wire"
)

// node is a running Stint: the API in front of a directory. dev and serve differ in how they make its parts.
type node struct {
	store *store.Store
	audit *audit.Log
	jobs  *iam.Jobs
	log   *slog.Logger
	now   func() time.Time
	// regions are those that signatures may be scoped to; none means any. region is that of unsigned operations.
	regions    []string
	region     string
	hosts      []string
	tls        *tls.Config // nil for plain HTTP
	maxSession time.Duration
	// share lets the commands that work on a running server into its embedded store.
	share bool
	// rotateEvery is the age at which the key that seals sessions is replaced; 0 for never.
	rotateEvery time.Duration
	// outboundIssuer makes the URL of an account's own token issuer.
	outboundIssuer func(id string) string
	site           *outbound.Site
	// founder is the account that alone may create the organization; any if it is empty.
	founder arn.AccountID
	// maxViewAge is how old the View may become; 0 for any age. drainDelay is how long the end of the node is told before it comes.
	maxViewAge, drainDelay time.Duration
	limits                 *server.Limits
	connections            server.Connections
	manager                *systemd.Manager
	draining               atomic.Bool
	// adminListener is the second listener, nil for none; adminTLS nil for plain HTTP.
	adminListener net.Listener
	adminTLS      *tls.Config
	// The following are made by frontend.
	authorizer    *authz.Authorizer
	authenticator *authn.Authenticator
	webIdentity   *oidc.Verifier

	// federation says how web identity tokens are verified; Now, Log and Own are filled in here.
	federation oidc.Options
	// destinations are where a sign-in may lead besides this server.
	destinations []string
	// saml says what SAML responses may be made for; Ledger is filled in here.
	saml saml.Options
	// gateways are those of versitygw.
	gateways gateways
	// trusted are the accounts whose relying services may verify callers of every account.
	trusted gate.Trusted
}

// shutdownPatience is how long requests under way may take to end: with what the store needs, within the 10 s that the end of
// a node may take.
const shutdownPatience = 4 * time.Second

// flushPatience is how long what the node remembers of the uses of keys may take to be written down after that.
const flushPatience = time.Second

// serve answers on l until ctx ends, and then lets the requests under way end. ready is called once requests are answered.
func (n *node) serve(ctx context.Context, l net.Listener, ready func(context.Context) error) error {
	uses := lastuse.New(n.store, n.log)
	feed := n.feed()
	frontend, pages := n.frontend(uses, feed)
	handler := server.NewHandler(frontend, n.hosts, n.log)
	handler.Documents = func(host, path string) ([]byte, bool) { return n.site.Document(n.store.View(), host, path) }
	handler.Pages = pages
	endGateways, err := n.answerGateways(uses)
	if err != nil {
		return err
	}
	s := server.New(handler, n.tls, n.log)
	endWatched := n.watched(handler)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(n.connections.Listen(l)) }()
	defer n.track(ctx, uses)()
	defer n.keep(ctx)()
	err = ready(ctx)
	if err == nil {
		n.tell(systemd.Ready)
		defer n.live(ctx)()
		select {
		case err := <-ended:
			return errors.Join(err, endWatched(context.WithoutCancel(ctx)))
		case <-ctx.Done():
			n.drain()
		}
	}
	feed.Close() // streams would not end by themselves
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownPatience)
	defer cancel()
	return errors.Join(err, s.Shutdown(patient), <-ended, endWatched(patient), endGateways(patient))
}

// drain tells everybody that the node is ending, and goes on answering for as long as load balancers may take to notice. A second
// signal ends the process at once.
func (n *node) drain() {
	n.draining.Store(true)
	n.tell(systemd.Stopping)
	n.log.Info("stopping", "delay", n.drainDelay)
	if n.drainDelay > 0 {
		time.Sleep(n.drainDelay)
	}
}

// feed follows the directory for the streams of relying services.
func (n *node) feed() *gate.Feed {
	feed := gate.NewFeed(n.store.View().Revision())
	n.store.Observe(feed.Observe)
	return feed
}

// track writes down the last uses of keys and roles until ctx ends. What it returns does so for the last time.
func (n *node) track(ctx context.Context, uses *lastuse.Tracker) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		uses.Run(ctx)
	}()
	return func() {
		cancel()
		<-ended
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushPatience)
		defer cancel()
		if err := uses.Flush(ctx); err != nil {
			n.log.Warn("the latest uses of access keys and roles were not written down", "error", err)
		}
	}
}

// keep renews the keys of the accounts' token issuers and of the sessions until ctx ends. What it returns waits for that.
func (n *node) keep(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var keepers sync.WaitGroup
	keepers.Go(func() { (&outbound.Keeper{Directory: n.store, Now: n.now, Log: n.log}).Run(ctx) })
	keepers.Go(func() {
		(&session.Keeper{Directory: n.store, Now: n.now, Random: rand.Reader, Log: n.log, Every: n.rotateEvery}).Run(ctx)
	})
	return func() {
		cancel()
		keepers.Wait()
	}
}

// unlessStopped forgets an error that is there because the server was told to end before it had begun.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// frontend wires the packages together: the APIs, and the pages for people.
func (n *node) frontend(uses *lastuse.Tracker, feed *gate.Feed) (*wire.Frontend, server.Pages) {
	authorizer := authz.New()
	n.authorizer = authorizer
	sealer := session.NewSealer(rand.Reader, n.now)
	verifier := mfa.New(ledger{n.store})
	tokens := &sts.Service{
		Authorizer: authorizer,
		Sealer:     sealer,
		MFA:        verifier,
		Random:     rand.Reader,
		MaxSession: n.maxSession,

		OutboundIssuer: n.outboundIssuer,
		TradeIns:       tradeIns{n.store},
	}
	n.federation.Now, n.federation.Log = n.now, n.log
	n.federation.Own = func(issuer string) bool { return n.site.Own(n.store.View(), issuer) }
	n.webIdentity = oidc.New(n.federation)
	tokens.WebIdentity = n.webIdentity
	n.authenticator = authn.New(sealer, n.regions)
	n.saml.Ledger = assertions{n.store}
	tokens.SAML = saml.New(n.saml)
	identities := &iam.Service{
		Authorizer: authorizer,
		Directory:  n.store,
		Sealer:     sealer,
		MFA:        verifier,
		Jobs:       n.jobs,
		Random:     rand.Reader,
		Passwords:  password.New(rand.Reader),
		Uses:       uses,

		OutboundIssuer: n.outboundIssuer,
	}
	accounts := &organizations.Service{Authorizer: authorizer, Directory: n.store, Sealer: sealer, Random: rand.Reader, Founder: n.founder}
	relying := &gate.Service{
		Authn: n.authenticator, Authorizer: authorizer, Directory: n.store, EncodeDenial: tokens.EncodeAuthorizationMessage,
		Feed: feed, Trusted: n.trusted, Now: n.now,
	}
	apis := wire.NewFrontend(wire.Options{
		View:         n.store.View,
		Authn:        n.authenticator,
		Limits:       n.limits,
		Current:      n.current,
		Audit:        n.audit,
		Used:         uses.Note,
		EncodeDenial: tokens.EncodeAuthorizationMessage,
		Now:          n.now,
		Region:       n.region,
		Log:          n.log,
		Bindings:     bindings(tokens, identities, accounts),
		JSON:         ownOperations(tokens, identities, relying),
		Streams:      streams(relying),
	})
	return apis, n.people(n.pages(tokens, sealer, verifier, identities.Passwords), tokens)
}

// ledger keeps the spent codes of package mfa in the store.
type ledger struct{ store *store.Store }

// Spend implements mfa.Ledger.
func (l ledger) Spend(ctx context.Context, account arn.AccountID, deviceID string, step int64) error {
	err := l.store.Spend(ctx, account, deviceID, step)
	if errors.Is(err, store.ErrSpent) {
		return fmt.Errorf("%w: %w", mfa.ErrSpent, err)
	}
	return err
}

// assertions keeps the spent assertions of package saml in the store.
type assertions struct{ store *store.Store }

// SpendAssertion implements saml.Ledger.
func (a assertions) SpendAssertion(ctx context.Context, account arn.AccountID, id string, keep time.Duration) error {
	err := a.store.SpendAssertion(ctx, account, id, keep)
	if errors.Is(err, store.ErrSpent) {
		return fmt.Errorf("%w: %w", saml.ErrSpent, err)
	}
	return err
}

// tradeIns keeps in the delegation requests whether their exchange tokens were traded in.
type tradeIns struct{ store *store.Store }

// Trade implements sts.TradeIns. A finalized request is not changed any more but by this: a conflict is another trade-in.
func (t tradeIns) Trade(ctx context.Context, r *directory.DelegationRequest, now time.Time) error {
	traded := r.Clone()
	traded.Traded = now.UTC().Truncate(time.Second)
	c := new(directory.Change)
	c.PutFor(traded, r.Expires.Add(directory.DelegationRetention).Sub(now).Truncate(time.Second))
	err := t.store.Commit(ctx, c)
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: %w", sts.ErrTraded, err)
	}
	return err
}

// ensureSealingKey makes the first key of the ring, which nothing but a first start lacks.
func ensureSealingKey(ctx context.Context, s *store.Store, now time.Time) error {
	for range s.View().SealingKeys() {
		return nil
	}
	key, err := session.NewSealingKey(1, now, rand.Reader)
	if err != nil {
		return err
	}
	c := new(directory.Change)
	c.Put(key)
	if err := s.Commit(ctx, c); err != nil && !errors.Is(err, store.ErrConflict) { // another node was faster
		return fmt.Errorf("making the first sealing key: %w", err)
	}
	return nil
}

// checkAnswers makes a request to a server that has begun to serve.
func checkAnswers(ctx context.Context, endpoint string) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/", nil)
	if err != nil {
		return err
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return fmt.Errorf("waiting for the first answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusFound {
		return fmt.Errorf("waiting for the first answer: the server answers %s", response.Status)
	}
	return nil
}
