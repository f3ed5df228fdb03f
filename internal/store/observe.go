package store

import "github.com/stint-sts/stint/internal/directory"

// Observer is told of what moved the View: the View before, the one after, which View shows by then, and the changes between
// them. No changes at all (nil) means that everything was loaded anew, and anything may have changed. It is called for one step
// after the other and must not wait.
type Observer func(before, after *directory.View, changes []directory.Event)

// Observe has every step that moves the View from now on told to o. The View that it returns is the one that the first step begins
// with, or one later if that step is under way.
func (s *Store) Observe(o Observer) *directory.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observers = append(s.observers, o)
	return s.View()
}

// tell tells the observers of a step.
func (s *Store) tell(before, after *directory.View, changes []directory.Event) {
	s.mu.Lock()
	observers := s.observers
	s.mu.Unlock()
	for _, o := range observers {
		o(before, after, changes)
	}
}
