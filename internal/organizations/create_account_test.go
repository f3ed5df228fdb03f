package organizations

import (
	"fmt"
	"testing"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
)

func TestAccountsAreLimited(t *testing.T) {
	s := newStage(t, allowAll)
	create := func(name string) error {
		_, err := s.CreateAccount(t.Context(), s.view(), s.by(master), &api.CreateAccountInput{AccountName: name, Email: name + "@example.com"})
		return err
	}
	found, _ := s.view().Organization()
	o, c := found.Clone(), new(directory.Change)
	for i := len(o.Members); i < maxAccounts-1; i++ {
		o.Members = append(o.Members, arn.AccountID(fmt.Sprintf("9%011d", i)))
	}
	c.Put(o)
	s.commit(c)
	if err := create("last"); err != nil {
		t.Fatal(err)
	}
	refused(t, create("more"), accountLimit)
}
