package login

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/stint-sts/stint/internal/loginapi"
)

// callback is what came back by the browser.
type callback struct {
	code string
	err  error
}

// Browser logs in by a browser on this machine: the person signs in there, and the browser brings a code to a port that is open on
// loopback for as long as this takes (RFC 8252, 7.3). Without the verifier, which never leaves this process but to the server, the
// code is worth nothing to whoever else sees it.
func (c *Client) Browser(ctx context.Context, r *Request) (*Login, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	s, err := c.server(r)
	if err != nil {
		return nil, err
	}
	defer s.close()
	state, err := c.randomText()
	if err != nil {
		return nil, err
	}
	verifier, err := c.randomText()
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("waiting for the browser: %w", patient(ctx, err))
	}
	redirect := "http://" + l.Addr().String() + loginapi.CallbackPath
	came := make(chan callback, 1)
	end := serveCallback(l, state, came)
	defer end()
	query := r.ask(url.Values{
		loginapi.ParamResponseType:    {loginapi.ResponseType},
		loginapi.ParamRedirectURI:     {redirect},
		loginapi.ParamState:           {state},
		loginapi.ParamChallenge:       {challengeOf(verifier)},
		loginapi.ParamChallengeMethod: {loginapi.ChallengeMethod},
	})
	c.Browse(string(r.Endpoint) + loginapi.AuthorizePath + "?" + query.Encode())
	select {
	case <-ctx.Done():
		return nil, patient(ctx, ctx.Err())
	case answer := <-came:
		if answer.err != nil {
			return nil, answer.err
		}
		f, err := s.post(ctx, loginapi.TokenPath, url.Values{
			loginapi.ParamGrantType:   {loginapi.GrantCode},
			loginapi.ParamClientID:    {loginapi.ClientID},
			loginapi.ParamCode:        {answer.code},
			loginapi.ParamRedirectURI: {redirect},
			loginapi.ParamVerifier:    {verifier},
		})
		if err != nil {
			return nil, fmt.Errorf("fetching the credentials: %w", patient(ctx, err))
		}
		return r.token(f)
	}
}

// The limits of what the browser may send.
const (
	callbackPatience = 10 * time.Second
	maxCallback      = 64 << 10 // bytes of the head of a request
	maxCode          = 32 << 10
)

// serveCallback answers on l. The first request that knows the state decides; what does not is of some other page, and changes
// nothing.
func serveCallback(l net.Listener, state string, came chan<- callback) (end func()) {
	host := l.Addr().String()
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query, err := url.ParseQuery(r.URL.RawQuery)
			known := err == nil && len(query[loginapi.ParamState]) == 1 &&
				subtle.ConstantTimeCompare([]byte(query.Get(loginapi.ParamState)), []byte(state)) == 1
			if r.Method != http.MethodGet || r.Host != host || r.URL.Path != loginapi.CallbackPath || !known {
				page(w, http.StatusNotFound, "This is not the page that you are looking for.")
				return
			}
			answer := readCallback(query)
			select {
			case came <- answer:
			default: // a second time
			}
			if answer.err != nil {
				page(w, http.StatusOK, "You are not signed in. The terminal says why. You can close this page.")
				return
			}
			page(w, http.StatusOK, "Thank you. Go on in the terminal. You can close this page.")
		}),
		ReadTimeout:    callbackPatience,
		WriteTimeout:   callbackPatience,
		MaxHeaderBytes: maxCallback,
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l) // it ends by being shut down
	}()
	return func() {
		// The page that is on its way to the browser arrives.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.Shutdown(ctx) != nil {
			_ = s.Close()
		}
		<-ended
	}
}

// readCallback reads the answer of the server (RFC 6749, 4.1.2).
func readCallback(query url.Values) callback {
	code, failed := query[loginapi.ParamCode], query[loginapi.ParamError]
	switch {
	case len(failed) == 1 && len(code) == 0:
		return callback{err: &Error{Code: printable(failed[0], 64), Description: printable(query.Get(loginapi.ParamDescription), 1024)}}
	case len(code) == 1 && len(failed) == 0 && code[0] != "" && len(code[0]) <= maxCode:
		return callback{code: code[0]}
	default:
		return callback{err: errors.New("the browser brought neither a code nor an error")}
	}
}

// page answers with a sentence.
func page(w http.ResponseWriter, status int, sentence string) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html><html lang=en><title>stint login</title><p>%s</p></html>\n", sentence)
}
