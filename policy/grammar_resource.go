package policy

// checkResource holds the rules that resource-based policies of all services share; each service has more of its own. A
// statement without Principal is let through, because the text of such a policy is also used where the service adds the
// principal; on evaluation it grants nothing.
func (r *reader) checkResource(d *Document) *Error {
	for i := range d.Statements {
		st, written := &d.Statements[i], &r.written[i]
		switch {
		case written.effect != "Allow" && written.effect != "Deny":
			return r.fault(st.Offset, "Invalid effect: "+written.effect, "Effect must be Allow or Deny")
		case len(st.Actions)+len(st.NotActions) == 0:
			return r.missingField(st.Offset, "Action")
		case len(st.Resources)+len(st.NotResources) == 0:
			return r.missingField(st.Offset, "Resource")
		case len(st.NotPrincipals) > 0 && st.Effect == Allow:
			return r.fault(st.Offset, "Allow with NotPrincipal is not allowed.", "NotPrincipal goes only with Deny")
		}
		if fault := checkPrincipals(st, st.Principals); fault != nil {
			return fault
		}
		if fault := checkPrincipals(st, st.NotPrincipals); fault != nil {
			return fault
		}
	}
	return nil // S3 among others takes a Sid twice
}

// checkUniqueSids is checkSids without its rule on characters, which is IAM's own.
func checkUniqueSids(d *Document) *Error {
	seen := make(map[string]bool, len(d.Statements))
	for i := range d.Statements {
		sid := d.Statements[i].Sid
		if sid != "" && seen[sid] {
			return &Error{Message: "Statement IDs (SID) in a single policy must be unique.", Offset: d.Statements[i].Offset}
		}
		seen[sid] = true
	}
	return nil
}

// checkGeneric holds what every grammar asks for, for a document whose type is not known.
func (r *reader) checkGeneric(d *Document) *Error {
	for i := range d.Statements {
		st, effect := &d.Statements[i], r.written[i].effect
		switch {
		case effect != "Allow" && effect != "Deny":
			return r.fault(st.Offset, "", "Effect must be Allow or Deny")
		case len(st.Actions)+len(st.NotActions) == 0:
			return r.fault(st.Offset, "", "a statement must have an Action or NotAction")
		case len(st.NotPrincipals) > 0 && st.Effect == Allow:
			return r.fault(st.Offset, "", "NotPrincipal goes only with Deny")
		}
	}
	return checkUniqueSids(d)
}
