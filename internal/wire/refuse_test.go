package wire_test

import (
	"errors"
	"testing"

	"github.com/stint-sts/stint/internal/identity"
	"github.com/stint-sts/stint/internal/wire"
)

// TestRefuse: an operation that is refused by name still tells what is malformed.
func TestRefuse(t *testing.T) {
	t.Parallel()
	const valid = "RoleArn=arn:aws:iam::111122223333:role/web&RoleSessionName=s1"
	for query, want := range map[string]identity.Fault{
		valid: {Code: identity.ValidationError, Message: "1 validation error detected: Value null at 'webIdentityToken' failed to satisfy " +
			"constraint: Member must not be null"},
		valid + "&WebIdentityToken=abcd": {Code: identity.NotImplemented,
			Message: "The operation AssumeRoleWithWebIdentity is not implemented by this server."},
	} {
		form, err := wire.ParseForm([]byte(query))
		if err != nil {
			t.Fatal(err)
		}
		_, err = wire.Refuse(wire.AssumeRoleWithWebIdentity).Serve(t.Context(), nil, nil, wire.Parameters{Form: form})
		got, ok := errors.AsType[*identity.Fault](err)
		if !ok || got.Code != want.Code || got.Message != want.Message {
			t.Errorf("%s:\n got %v\nwant %v", query, err, &want)
		}
	}
}
