package session

import (
	"crypto/rand"
	"errors"
	"testing"
)

func TestTradeIn(t *testing.T) {
	t.Parallel()
	v, s := viewOf(newKey(t, 1, noon)), NewSealer(rand.Reader, at(noon))
	want := TradeIn{RequestID: "dr-abcdefghijklmnopqrstuvwxyz", Released: noon}
	token, err := s.SealTradeIn(v, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.OpenTradeIn(v, token); err != nil || got != want {
		t.Fatalf("got %v, %v", got, err)
	}
	empty, err := s.SealMessage(v, ExchangeToken, make([]byte, releasedSize))
	if err != nil {
		t.Fatal(err)
	}
	marker, err := s.SealMessage(v, PaginationMarker, make([]byte, 2*releasedSize))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"without a request": empty, "of another purpose": marker, "altered": "B" + token[1:], "cut": token[:len(token)-4], "nothing": "",
	} {
		if got, err := s.OpenTradeIn(v, text); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
