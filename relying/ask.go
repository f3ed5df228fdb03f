package relying

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/strictjson"
	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/sigv4"
)

const (
	maxAnswer       = 4 << 20
	maxAnswerTokens = 400_000
	maxRefusals     = 1024
	// negativeAge is how long a refusal stands without asking again: a key that is made now works soon.
	negativeAge = 3 * time.Second
	// rest is how long Stint is left alone after it could not be reached, where an answer is at hand that may still be used.
	rest = time.Second
	// maxTries is how often Stint is asked when its answer is older than what the stream of changes told.
	maxTries = 3
	// catchUp is what a node that is behind is given to catch up.
	catchUp = 50 * time.Millisecond
)

// flight is a question under way. Whoever has the same one waits for it.
type flight struct {
	done  chan struct{}
	entry *entry
	err   error
}

// errUnreachable marks failures after which an old answer may be used.
var errUnreachable = errors.New("cannot reach Stint")

// find gives the answer for a scope: a remembered one, or a new one.
func (v *Verifier) find(ctx context.Context, s *scope, token, region string, now time.Time) (*entry, error) {
	e := v.answers.get(s)
	if e != nil && v.current(e, now) {
		return e, nil
	}
	if r := v.refusals.get(s); r != nil && now.Sub(r.given) <= negativeAge && !r.void.Load() {
		return r, nil
	}
	ask := &gateapi.SigningKeyInput{
		AccessKeyID: s.accessKeyID, SessionToken: token, Algorithm: string(s.algorithm), Date: s.date, Region: region,
		Service: v.config.Service, Policies: true,
	}
	return v.renew(ctx, s, ask, e, now)
}

// renew asks anew. Old is the answer so far, or nil.
func (v *Verifier) renew(ctx context.Context, s *scope, ask *gateapi.SigningKeyInput, old *entry, now time.Time) (*entry, error) {
	usable := old != nil && v.stable(old, now)
	if usable && now.UnixNano() < v.down.Load() {
		return old, nil
	}
	fresh, err := v.share(ctx, s, ask)
	if err == nil {
		return fresh, nil
	}
	if usable && errors.Is(err, errUnreachable) {
		v.down.Store(now.Add(rest).UnixNano())
		return old, nil
	}
	return nil, unavailable(err.Error())
}

// share asks once for all who ask the same.
func (v *Verifier) share(ctx context.Context, s *scope, ask *gateapi.SigningKeyInput) (*entry, error) {
	v.mu.Lock()
	f, flying := v.flights[*s]
	if !flying {
		f = &flight{done: make(chan struct{})}
		own := *s
		own.accessKeyID, own.date, own.region = strings.Clone(s.accessKeyID), strings.Clone(s.date), strings.Clone(s.region)
		v.flights[own] = f
		go v.fly(context.WithoutCancel(ctx), f, own, ask)
	}
	v.mu.Unlock()
	select {
	case <-f.done:
		return f.entry, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (v *Verifier) fly(ctx context.Context, f *flight, s scope, ask *gateapi.SigningKeyInput) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	f.entry, f.err = v.settle(ctx, s, ask)
	v.mu.Lock()
	delete(v.flights, s)
	v.mu.Unlock()
	close(f.done)
}

// settle asks until the answer is not older than what is known to be void, and remembers it.
func (v *Verifier) settle(ctx context.Context, s scope, ask *gateapi.SigningKeyInput) (*entry, error) {
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: too many questions are open", errUnreachable)
	}
	for try := range maxTries {
		if err := sleep(ctx, time.Duration(try)*catchUp); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnreachable, err)
		}
		given := v.config.Now()
		var out gateapi.SigningKeyOutput
		if err := v.post(ctx, gateapi.SigningKeyPath, ask, &out); err != nil {
			return nil, err
		}
		e, err := v.entryOf(s, ask, &out, given)
		if err != nil {
			return nil, err
		}
		if e.refusal != nil {
			v.refusals.put(e)
			return e, nil
		}
		if v.keep(e) {
			return e, nil
		}
	}
	return nil, fmt.Errorf("%w: its answers are older than its stream of changes", errUnreachable)
}

// keep remembers an answer unless it is void already. A change that comes while it runs finds it: the stream notes what is void
// before it looks for entries.
func (v *Verifier) keep(e *entry) bool {
	if v.voids.of(e) {
		return false
	}
	v.answers.put(e)
	if v.voids.of(e) {
		e.void.Store(true)
		return false
	}
	return true
}

// post sends a question and reads the answer.
func (v *Verifier) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("writing a question to Stint: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.config.Endpoint+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking Stint: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	if err := v.sign(ctx, r, body); err != nil {
		return err
	}
	answer, err := v.asking.Do(r)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	if err := checkStatus(answer); err != nil {
		return err
	}
	if len(text) > maxAnswer {
		return errors.New("an answer of Stint's is too long")
	}
	if _, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxAnswer, Tokens: maxAnswerTokens}); err != nil {
		return fmt.Errorf("an answer of Stint's: %w", err)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("an answer of Stint's: %w", err)
	}
	return nil
}

func (v *Verifier) sign(ctx context.Context, r *http.Request, body []byte) error {
	own, err := v.config.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("%w: the relying service's own credentials: %w", errUnreachable, err)
	}
	return sigv4.Signer{Credentials: own, Region: v.config.StintRegion, Service: "stint"}.Sign(r, body, v.config.Now())
}

// checkStatus judges the status of an answer. What Stint refuses the relying service is no reason to go on with old answers.
func checkStatus(answer *http.Response) error {
	switch s := answer.StatusCode; {
	case s == http.StatusOK:
		return nil
	case s >= 500, s == http.StatusTooManyRequests:
		return fmt.Errorf("%w: status %d", errUnreachable, s)
	default:
		return fmt.Errorf("Stint refuses the relying service: status %d", s) //nolint:staticcheck // a name
	}
}

// entryOf takes an answer apart.
func (v *Verifier) entryOf(s scope, ask *gateapi.SigningKeyInput, out *gateapi.SigningKeyOutput, given time.Time) (*entry, error) {
	e := &entry{scope: s, ask: ask, given: given, revision: out.Revision}
	if out.Refusal != nil {
		e.refusal = refusal(out.Refusal.Code, out.Refusal.Message)
		e.refusal.Reason = "Stint refuses the credential"
		return e, nil
	}
	if out.Caller == nil || out.Policies == nil || out.Caller.AccessKeyID != s.accessKeyID {
		return nil, errors.New("an answer of Stint's has no caller or no policies, or is of another access key")
	}
	var err error
	if e.key, err = keyOf(s.algorithm, out.SigningKey); err != nil {
		return nil, err
	}
	if e.principal, err = principalOf(&out.Caller.Principal); err != nil {
		return nil, err
	}
	e.caller = callerOf(out.Caller)
	e.keys, e.serviceKeys = valuesOf(out.Caller.Keys), valuesOf(out.ServiceKeys)
	e.serviceAccount = out.ServiceAccount
	e.set = v.setOf(out.Policies)
	return e, nil
}

func keyOf(algorithm sigv4.Algorithm, bytes []byte) (sigv4.SigningKey, error) {
	if algorithm == sigv4.HMAC {
		return sigv4.HMACKey(bytes)
	}
	public, err := x509.ParsePKIXPublicKey(bytes)
	if err != nil {
		return sigv4.SigningKey{}, fmt.Errorf("an answer of Stint's: %w", err)
	}
	key, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return sigv4.SigningKey{}, errors.New("an answer of Stint's has a key of another kind")
	}
	return sigv4.PublicKey(key), nil
}

func principalOf(p *gateapi.Principal) (policy.Principal, error) {
	kinds := map[string]policy.PrincipalKind{
		"Root": policy.Root, "IAMUser": policy.User, "AssumedRole": policy.Role, "FederatedUser": policy.FederatedUser,
	}
	kind, ok := kinds[p.Kind]
	if !ok || p.Account == "" || p.ARN == "" {
		return policy.Principal{}, fmt.Errorf("an answer of Stint's has a principal of kind %q", p.Kind)
	}
	return policy.Principal{
		Kind: kind, Account: p.Account, ARN: p.ARN, ID: p.ID, RoleARN: p.RoleARN,
		FederatedBy: p.FederatedBy, FederatedByID: p.FederatedByID, ServiceLinkedRole: p.ServiceLinkedRole,
	}, nil
}

func callerOf(c *gateapi.Caller) Caller {
	out := Caller{
		Principal: Principal{
			Kind: c.Principal.Kind, Account: c.Principal.Account, ARN: c.Principal.ARN, ID: c.Principal.ID, RoleARN: c.Principal.RoleARN,
		},
		UserID: c.UserID, AccessKeyID: c.AccessKeyID, SessionName: c.SessionName, SourceIdentity: c.SourceIdentity,
		Issued: c.Issued, Expires: c.Expires, MFATime: c.MFATime,
	}
	for _, t := range c.Tags {
		out.Tags = append(out.Tags, Tag{t.Key, t.Value})
	}
	return out
}

func valuesOf(keys []gateapi.Key) map[string]policy.Value {
	out := make(map[string]policy.Value, len(keys))
	for _, k := range keys {
		if k.Multi || len(k.Values) != 1 {
			out[k.Key] = policy.Many(k.Values)
		} else {
			out[k.Key] = policy.One(k.Values[0])
		}
	}
	return out
}

func (v *Verifier) setOf(p *gateapi.Policies) policy.Set {
	return policy.Set{
		Identity: v.attached(p.Identity, policy.Identity),
		Boundary: v.attached(p.Boundary, policy.Identity), HasBoundary: p.HasBoundary,
		Session: v.attached(p.Session, policy.Session), HasSession: p.HasSession,
		SCPs: v.levels(p.SCPs, policy.SCP), RCPs: v.levels(p.RCPs, policy.RCP),
		ManagementAccount: p.ManagementAccount, ResourceManagementAccount: p.ResourceManagementAccount,
	}
}

func (v *Verifier) levels(all [][]gateapi.Document, kind policy.Type) [][]policy.Attached {
	if all == nil {
		return nil
	}
	out := make([][]policy.Attached, len(all))
	for i := range all {
		out[i] = v.attached(all[i], kind)
	}
	return out
}

func (v *Verifier) attached(documents []gateapi.Document, kind policy.Type) []policy.Attached {
	out := make([]policy.Attached, len(documents))
	for i, d := range documents {
		as := kind
		if kind == policy.Session && d.Managed {
			as = policy.Identity
		}
		out[i] = policy.Attached{Name: d.Name, Policy: v.policies.policy(d.Text, as)}
	}
	return out
}

// digest is what a session token is remembered by.
func digest(token string) (sum [sha256.Size]byte) {
	if token != "" {
		var buffer [1024]byte
		sum = sha256.Sum256(append(buffer[:0], token...))
	}
	return sum
}
