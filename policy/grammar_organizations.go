package policy

import "slices"

// checkSCP holds the rules for service control policies [SCPS].
func (r *reader) checkSCP(d *Document) *Error {
	for i := range d.Statements {
		st, written := &d.Statements[i], &r.written[i]
		switch {
		case written.has("Principal") || written.has("NotPrincipal"):
			return r.fault(st.Offset, "", "an SCP does not name principals")
		case len(st.Resources)+len(st.NotResources) == 0:
			return r.fault(st.Offset, "", "a statement must have a Resource or NotResource")
		}
		if fault := r.checkControl(st, written); fault != nil {
			return fault
		}
	}
	return r.uniqueSids(d)
}

// checkRCP holds the rules for the resource control policies that a customer writes [RCPS]: they deny, and name no principal
// but everyone and no action without its service. The one that AWS attaches everywhere, RCPFullAWSAccess, allows everything
// and is not read by this grammar.
func (r *reader) checkRCP(d *Document) *Error {
	if d.Version == "" {
		return r.fault(-1, "", "an RCP must have a Version")
	}
	for i := range d.Statements {
		st, written := &d.Statements[i], &r.written[i]
		switch {
		case st.Effect != ExplicitDeny:
			return r.fault(st.Offset, "", "an RCP only denies")
		case len(st.Principals) != 1 || st.Principals[0] != PrincipalValue{Kind: "AWS", Value: "*"}:
			return r.fault(st.Offset, "", `an RCP must have "Principal": "*"`)
		case written.has("NotAction") || slices.Contains(st.Actions, "*"):
			return r.fault(st.Offset, "", "an RCP must name the service of its actions")
		case len(st.Resources)+len(st.NotResources) == 0:
			return r.fault(st.Offset, "", "a statement must have a Resource or NotResource")
		}
		if fault := r.checkControl(st, written); fault != nil {
			return fault
		}
	}
	return r.uniqueSids(d)
}

// checkControl holds what SCPs and RCPs share.
func (r *reader) checkControl(st *Statement, written *writtenStatement) *Error {
	if written.effect != "Allow" && written.effect != "Deny" {
		return r.fault(st.Offset, "", "Effect must be Allow or Deny")
	}
	actions := st.actionValues()
	if len(actions) == 0 {
		return r.fault(st.Offset, "", "a statement must have an Action or NotAction")
	}
	for _, action := range actions {
		if message := actionFault(action); message != "" {
			return r.fault(st.Offset, "", message)
		}
	}
	for _, resource := range st.resourceValues() {
		if message := resourceFaultOf(resource); message != "" {
			return r.fault(st.Offset, "", message)
		}
	}
	return nil
}

func (r *reader) uniqueSids(d *Document) *Error {
	if fault := checkUniqueSids(d); fault != nil {
		return r.fault(fault.Offset, "", fault.Message)
	}
	return nil
}
