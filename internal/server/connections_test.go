package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/limit"
)

// One connection too many is closed at once; those that are there go on, and when one of them ends there is room again.
func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for name, limits := range map[string][2]int{"all": {2, 0}, "address": {0, 2}} {
		var count Connections
		count.Set(limits[0], limits[1])
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := New(s.handler, nil, s.handler.Log)
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(count.Listen(l)) }()
		first, second := dial(t, l.Addr().String()), dial(t, l.Addr().String())
		const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
		for _, c := range []net.Conn{first, second} { // both are accepted once they are answered
			if a := exchangeOn(t, c, request); a.StatusCode != http.StatusFound {
				t.Fatalf("%s: positive control: %d", name, a.StatusCode)
			}
		}
		third := dial(t, l.Addr().String())
		if _, err := bufio.NewReader(third).ReadByte(); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: a third connection: %v", name, err)
		}
		if n := count.Refused()[name]; n != 1 || count.Open() != 2 {
			t.Errorf("%s: %d refused, %d open", name, n, count.Open())
		}
		if a := exchangeOn(t, first, request); a.StatusCode != http.StatusFound {
			t.Errorf("%s: the first connection: %d", name, a.StatusCode)
		}
		_ = first.Close()
		for count.Open() != 1 { // until the server has seen it
			time.Sleep(time.Millisecond)
		}
		if a := send(t, l.Addr().String(), request); a.StatusCode != http.StatusFound {
			t.Errorf("%s: after one ended: %d", name, a.StatusCode)
		}
		if err := server.http.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	one := limit.Rate{PerSecond: 1, Burst: 1}
	l := NewLimits(Rates{Address: one, Principal: one, Account: limit.Rate{PerSecond: 1, Burst: 2}})
	address := netip.MustParseAddr
	for _, test := range []struct {
		peer string
		ok   bool
	}{
		{"192.0.2.1", true}, {"192.0.2.1", false}, {"::ffff:192.0.2.1", false}, {"192.0.2.2", true},
		{"2001:db8::1", true}, {"2001:db8::2", false}, {"2001:db8:0:1::1", true}, // a host has a network of 64 bits
	} {
		if ok := l.Address(address(test.peer), now); ok != test.ok {
			t.Errorf("%s: %v, want %v", test.peer, ok, test.ok)
		}
	}
	for i, test := range []struct {
		account arn.AccountID
		id      string
		ok      bool
	}{
		{"111122223333", "a", true}, {"111122223333", "a", false}, {"111122223333", "a", false}, // takes nothing from the account
		{"111122223333", "b", true}, {"111122223333", "c", false}, {"444455556666", "a", true},
	} {
		c := identity.Caller{PrincipalID: test.id}
		c.Account = test.account
		if ok := l.Caller(&c, now); ok != test.ok {
			t.Errorf("%d: %v, want %v", i, ok, test.ok)
		}
	}
	for name, want := range map[string]uint64{"address": 3, "principal": 2, "account": 1} {
		if got := l.Refused()[name]; got != want {
			t.Errorf("%s refused %d, want %d", name, got, want)
		}
	}
}
