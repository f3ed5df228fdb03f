// Package lastuse keeps when access keys and the sessions of roles were last used.
//
// Flow: the frontend notes each authenticated request with [Tracker.Note], in the memory of the node; [Tracker.Run] writes
// down what is new, in batches, about once a minute; [Tracker.Last] answers from both. A note costs a look-up and a
// comparison: of the uses within a minute only the first is noted, and nobody waits for anybody.
//
// A use is a hint for those who look after keys, and no more: one may be lost when a node is killed, and what the store
// cannot take now is kept for later. Nothing is decided by it.
package lastuse
