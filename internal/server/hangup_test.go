package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/wire"
)

// A client that hangs up once it has sent a change does not undo it half way: it is made, and the audit line says so.
func TestClientHangsUp(t *testing.T) {
	t.Parallel()
	s := newService(t)
	begun, gone, made := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	o := s.handler.Frontend.Options
	o.Bindings = append(o.Bindings, wire.Bind(wire.CreateUser,
		func(ctx context.Context, _ *directory.View, _ *identity.Request, in *api.CreateUserInput) (*api.CreateUserOutput, error) {
			close(begun)
			select {
			case <-gone:
			case <-time.After(10 * time.Second):
				made <- errors.New("the server does not notice that the client is gone")
			}
			err := ctx.Err() // what a store asks before it commits
			made <- err
			return &api.CreateUserOutput{User: &api.User{UserName: in.UserName}}, err
		}))
	s.handler.Frontend = wire.NewFrontend(o)
	answered := make(chan struct{})
	address := s.start(t, nil, func(h *http.Server) {
		inner := h.Handler
		h.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			context.AfterFunc(r.Context(), func() { close(gone) })
			inner.ServeHTTP(w, r)
			close(answered)
		})
	})
	c := dial(t, address)
	if _, err := io.WriteString(c, s.rawFor(t, "iam", "/", "Action=CreateUser&Version=2010-05-08&UserName=eve", nil)); err != nil {
		t.Fatal(err)
	}
	<-begun
	_ = c.Close()
	if err := <-made; err != nil {
		t.Errorf("the change was given up: %v", err)
	}
	<-answered
	if n := s.auditLines(t); n != 1 {
		t.Fatalf("%d lines", n)
	}
	line, err := os.ReadFile(s.path)
	if err != nil || strings.Contains(string(line), "errorCode") || !strings.Contains(string(line), `"responseElements":{"user":`) {
		t.Errorf("the audit log says %s, %v", line, err)
	}
}
