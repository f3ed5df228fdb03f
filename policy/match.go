package policy

// miss is the element because of which a statement does not match.
type miss uint8

const (
	missNone miss = iota
	missAction
	missResource
	missVariable
	missPrincipal
	missCondition
)

// examine says whether a statement matches the request, and how directly it names the caller.
func (e *evaluation) examine(t Type, st *statement) (grant, miss) {
	if !e.actionMatches(st) {
		return grantNone, missAction
	}
	if m := e.resourceMatches(t, st); m != missNone {
		return grantNone, m
	}
	how, named := e.principalMatches(t, st)
	if !named {
		return grantNone, missPrincipal
	}
	if !e.conditionsHold(st) {
		return grantNone, missCondition
	}
	return how, missNone
}

// conditionsHold looks at all conditions if they are to be explained, otherwise up to the first that does not hold.
func (e *evaluation) conditionsHold(st *statement) bool {
	met := true
	for i := range st.conditions {
		held := st.conditions[i].holds(e.context)
		met = met && held
		switch {
		case e.recorder != nil:
			e.recorder.condition(&st.conditions[i], held, e.context)
		case !met:
			return false
		}
	}
	return met
}

// actionMatches compares without case [ACT]. A statement without actions, which no grammar accepts, denies.
func (e *evaluation) actionMatches(st *statement) bool {
	switch {
	case st.actions != nil:
		return anyAction(st.actions, e.request.Action)
	case st.notActions != nil:
		return !anyAction(st.notActions, e.request.Action)
	}
	return st.deny
}

func anyAction(globs []glob, action string) bool {
	for i := range globs {
		if globs[i].matchFold(action) {
			return true
		}
	}
	return false
}

// resourceMatches compares the resource. Only a trust policy speaks of one resource without naming it.
func (e *evaluation) resourceMatches(t Type, st *statement) miss {
	switch {
	case st.resources != nil:
		matched, resolved := e.anyResource(st.resources)
		switch {
		case matched:
			return missNone
		case !resolved:
			return missVariable
		}
		return missResource
	case st.notResources != nil:
		matched, resolved := e.anyResource(st.notResources)
		switch {
		case matched:
			return missResource
		case !resolved && !st.deny:
			return missVariable // what the pattern would have excluded is not known
		}
		return missNone
	case t == Trust || st.deny:
		return missNone
	}
	return missResource
}

func (e *evaluation) anyResource(patterns []pattern) (matched, resolved bool) {
	resolved = true
	for i := range patterns {
		hit, complete := patterns[i].match(e.request.Resource, e.context)
		if hit {
			return true, true
		}
		resolved = resolved && complete
	}
	return false, resolved
}

// principalMatches says whether a statement speaks of the caller. In types of policy that name no principals it always does;
// an Allow there that names one anyway never grants. In the others a statement that names nobody denies everyone.
func (e *evaluation) principalMatches(t Type, st *statement) (grant, bool) {
	p := &e.request.Principal
	if !namesPrincipals(t) {
		return grantNone, st.deny || st.principals == nil && st.notPrincipals == nil
	}
	switch {
	case st.notPrincipals != nil:
		// A principal with a permissions boundary is hit whatever the list says [NOTP] [BOUND].
		return grantNone, st.deny && (e.set.HasBoundary && hasIdentity(p) || !exempt(st.notPrincipals, p))
	case st.principals != nil:
		how := directest(st.principals, p, st.deny)
		return how, how != grantNone
	}
	return grantNone, st.deny
}

func namesPrincipals(t Type) bool {
	switch t {
	case Trust, Resource, RCP, Endpoint:
		return true
	}
	return false
}
