package throttle

import (
	"net/http"
	"testing"
	"time"
)

var began = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestAllow(t *testing.T) {
	t.Parallel()
	th := New(2, time.Second, 3)
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	for i, c := range []struct {
		who  string
		when int
		want bool
	}{
		{"a", 0, true}, {"a", 0, true}, {"a", 0, false}, {"b", 0, true}, {"a", 1, true}, {"a", 1, false}, {"a", 3, true}, {"a", 3, true}, {"a", 3, false},
		{"c", 3, true}, {"d", 3, true}, {"e", 3, false}, {"d", 3, true}, {"e", 9, true},
	} {
		if got := th.Allow(c.who, at(c.when)); got != c.want {
			t.Errorf("%d: %s at %d: %t", i, c.who, c.when, got)
		}
	}
}

func TestPeer(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"192.0.2.1:1": "192.0.2.1", "[::ffff:192.0.2.1]:1": "192.0.2.1", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::", "pipe": "",
	} {
		if got := Peer(&http.Request{RemoteAddr: from}); got != want {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
}
