package session

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/stint-sts/stint/internal/directory"
)

// TradeIn is what the exchange token of a delegation request stands for. What it is good for is the request's to say
// ([directory.DelegationRequest]).
type TradeIn struct {
	RequestID string
	Released  time.Time // whole seconds
}

const releasedSize = 8

// SealTradeIn returns the exchange token. Each call returns another text; all of them are the same token.
func (s *Sealer) SealTradeIn(v *directory.View, t TradeIn) (string, error) {
	plain := append(binary.BigEndian.AppendUint64(nil, uint64(t.Released.Unix())), t.RequestID...)
	token, err := s.SealMessage(v, ExchangeToken, plain)
	if err != nil {
		return "", fmt.Errorf("sealing an exchange token: %w", err)
	}
	return token, nil
}

// OpenTradeIn returns what SealTradeIn sealed, or [ErrInvalid].
func (s *Sealer) OpenTradeIn(v *directory.View, token string) (TradeIn, error) {
	plain, err := s.OpenMessage(v, ExchangeToken, token)
	if err != nil {
		return TradeIn{}, err
	}
	if len(plain) <= releasedSize {
		return TradeIn{}, ErrInvalid
	}
	return TradeIn{
		RequestID: string(plain[releasedSize:]),
		Released:  time.Unix(int64(binary.BigEndian.Uint64(plain)), 0).UTC(),
	}, nil
}
