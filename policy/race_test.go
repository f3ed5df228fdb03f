//go:build race

package policy

// raceEnabled: the race detector slows matching several times over.
const raceEnabled = true
