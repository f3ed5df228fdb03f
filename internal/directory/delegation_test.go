package directory

import (
	"slices"
	"testing"
	"time"
)

func TestDelegationRequestInTime(t *testing.T) {
	t.Parallel()
	r := &DelegationRequest{State: DelegationFinalized, Expires: created.Add(time.Hour), Released: created, SessionSeconds: 300}
	if got := r.StateAt(created.Add(time.Hour - 1)); got != DelegationFinalized {
		t.Errorf("before its end: %s", got)
	}
	if got := r.StateAt(created.Add(time.Hour)); got != DelegationExpired {
		t.Errorf("at its end: %s", got)
	}
	if got := r.Ends(); got != created.Add(5*time.Minute) {
		t.Errorf("ends %s", got)
	}
}

// A request is found by its id, by who made it and, once it has one, by its owner's account; a View that was there before stays
// as it was.
func TestDelegationRequestsAreFound(t *testing.T) {
	t.Parallel()
	open := &DelegationRequest{Account: accountA, ID: "dr-1", State: DelegationUnassigned}
	owned := &DelegationRequest{Account: accountA, ID: "dr-1", State: DelegationAssigned, OwnerAccount: accountB, OwnerARN: "arn"}
	before := viewOf(open)
	after := before.Apply(2, []Event{{owned.Key(), owned}})
	gone := after.Apply(3, []Event{{Key: owned.Key()}})
	for _, tt := range []struct {
		name    string
		view    *View
		byID    *DelegationRequest
		by, own int
	}{{"open", before, open, 1, 0}, {"owned", after, owned, 1, 1}, {"gone", gone, nil, 0, 0}} {
		if got, _ := tt.view.DelegationRequest("dr-1"); got != tt.byID {
			t.Errorf("%s: by id %v", tt.name, got)
		}
		if n := len(slices.Collect(tt.view.DelegationRequestsBy(accountA))); n != tt.by {
			t.Errorf("%s: %d made by its requestor", tt.name, n)
		}
		if n := len(slices.Collect(tt.view.DelegationRequestsOf(accountB))); n != tt.own {
			t.Errorf("%s: %d of its owner", tt.name, n)
		}
	}
}

func TestIssuerHostPath(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://issuer.example":           "issuer.example",
		"https://Issuer.example:8443/A_b/": "Issuer.example:8443/A_b/",
		"https://issuer.example/a%20b~c=d": "issuer.example/a%20b~c=d",
		"http://issuer.example":            "",
		"issuer.example":                   "",
		"https:///p":                       "",
		"https://issuer.example/?q":        "",
		"https://user@issuer.example":      "",
		"https://issuer.example/\u00e4":    "",
		"https://issuer.example/\x7f":      "",
		"https://issuer.example/a b":       "",
		"https://issuer.example/*":         "",
	} {
		if got, ok := IssuerHostPath(url); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v", url, got, ok)
		}
	}
}
