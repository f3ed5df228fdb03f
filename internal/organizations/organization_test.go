package organizations

import (
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
)

// TestFounder: where an account is named that may create the organization, no other may.
func TestFounder(t *testing.T) {
	s := newStage(t, allowAll)
	c := new(directory.Change)
	dissolve(s.view(), c)
	s.commit(c)
	create := func(id arn.AccountID) error {
		_, err := s.CreateOrganization(t.Context(), nil, s.callerOf(id), &api.CreateOrganizationInput{})
		return err
	}
	s.Founder = master
	refused(t, create(outside), notFounder)
	if err := create(master); err != nil {
		t.Fatal(err)
	}
	c = new(directory.Change)
	dissolve(s.view(), c)
	s.commit(c)
	s.Founder = ""
	if err := create(outside); err != nil {
		t.Fatal(err)
	}
}
