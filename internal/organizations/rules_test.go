package organizations

import (
	"strings"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
)

// What each change refuses, beside the same change with one thing right.
func TestRefusals(t *testing.T) {
	s := newStage(t, allowAll)
	ctx, root := t.Context(), s.by(master)
	attach := func(id, target string) error {
		return second(s.AttachPolicy(ctx, nil, root, &api.AttachPolicyInput{PolicyId: id, TargetId: target}))
	}
	detach := func(id, target string) error {
		return second(s.DetachPolicy(ctx, nil, root, &api.DetachPolicyInput{PolicyId: id, TargetId: target}))
	}
	unit := func(parent, name string) (string, error) {
		out, err := s.CreateOrganizationalUnit(ctx, nil, root, &api.CreateOrganizationalUnitInput{ParentId: parent, Name: name})
		if err != nil {
			return "", err
		}
		return *out.OrganizationalUnit.Id, nil
	}
	create := func(kind, content string) error {
		return second(s.CreatePolicy(ctx, nil, root, &api.OrganizationsCreatePolicyInput{Name: "n" + kind, Type: kind, Content: content}))
	}

	refused(t, attach(s.fence, s.dev), alreadyAttached)
	refused(t, attach("p-none000000", s.dev), policyNotFound)
	refused(t, attach(s.loose, string(outside)), targetNotFound)
	refused(t, detach(s.loose, s.dev), notAttached)
	refused(t, detach(directory.FullAccessID, s.root), attachmentNeeded)
	refused(t, detach(directory.ResourceFullAccessID, s.root), nonDetachable)
	ok(t, 0, detach(directory.FullAccessID, s.dev))
	refused(t, detach(s.fence, s.dev), attachmentNeeded)

	refused(t, second(s.DeletePolicy(ctx, nil, root, &api.OrganizationsDeletePolicyInput{PolicyId: s.fence})), policyInUse)
	refused(t, second(s.DeletePolicy(ctx, nil, root, &api.OrganizationsDeletePolicyInput{PolicyId: directory.FullAccessID})), immutablePolicy)
	refused(t, create(rcp, denyIAM), malformed)
	refused(t, create(scp, denyIAM+strings.Repeat(" ", 10240)), contentLimit)
	ok(t, 0, create(scp, denyIAM))
	refused(t, create(scp, denyIAM), duplicatePolicy)

	_, err := unit(s.root, "dev")
	refused(t, err, duplicateUnit)
	parent := s.dev
	for range maxDepth - 1 {
		if parent, err = unit(parent, "dev"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = unit(parent, "dev")
	refused(t, err, depthLimit)
	_, err = unit("ou-none-00000000", "x")
	refused(t, err, parentNotFound)
}
