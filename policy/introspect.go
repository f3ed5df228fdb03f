package policy

import (
	"slices"
	"strings"
)

// ContextKeys lists the condition keys that a document's conditions and policy variables ask for, as they are written, each
// spelling once and in the order of the text. Variables exist only in Version2012, in resources and condition values.
func (d *Document) ContextKeys() []string {
	var keys []string
	add := func(key string) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	addVariables := func(texts []string) {
		if d.Version != Version2012 {
			return
		}
		for _, text := range texts {
			for _, key := range variableKeys(text) {
				add(key)
			}
		}
	}
	for i := range d.Statements {
		st := &d.Statements[i]
		addVariables(st.Resources)
		addVariables(st.NotResources)
		for j := range st.Conditions {
			add(st.Conditions[j].Key)
			addVariables(st.Conditions[j].Values)
		}
	}
	return keys
}

// variableKeys lists the keys between ${ and }, without their defaults.
func variableKeys(text string) []string {
	var keys []string
	for {
		_, rest, found := strings.Cut(text, "${")
		if !found {
			return keys
		}
		body, rest, closed := strings.Cut(rest, "}")
		if !closed {
			return keys
		}
		key, _, _ := strings.Cut(body, ",")
		if key = strings.TrimSpace(key); key != "" {
			keys = append(keys, key)
		}
		text = rest
	}
}

// SpeaksOf says whether a statement is about an action, whatever its effect, resources and conditions. It compares as evaluation
// does.
func (s *Statement) SpeaksOf(action string) bool {
	if len(s.NotActions) > 0 {
		return !anyAction(compileActions(s.NotActions), action)
	}
	return anyAction(compileActions(s.Actions), action)
}

// GrantsService says whether a statement allows any action of a service, such as s3, on whatever resource and condition.
func (d *Document) GrantsService(namespace string) bool {
	for i := range d.Statements {
		st := &d.Statements[i]
		switch {
		case st.Effect != Allow:
		case len(st.NotActions) > 0:
			if !slices.ContainsFunc(st.NotActions, func(a string) bool { return ofService(a, namespace) && everyAction(a) }) {
				return true
			}
		case slices.ContainsFunc(st.Actions, func(a string) bool { return ofService(a, namespace) }):
			return true
		}
	}
	return false
}

// ofService says whether an action pattern can match an action of the service.
func ofService(action, namespace string) bool {
	service, _, found := strings.Cut(lowerASCII(action), ":")
	return !found && everyAction(action) || found && newGlob(encodePlain(service)).matchFold(namespace)
}

// everyAction says whether an action pattern leaves out none of its service's actions.
func everyAction(action string) bool {
	_, name, found := strings.Cut(action, ":")
	if !found {
		name = action
	}
	return strings.Trim(name, "*") == "" && name != ""
}
