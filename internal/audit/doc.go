// Package audit writes one CloudTrail-shaped JSON line for every request, before the request is answered.
//
// Flow: the pipeline fills an [Event]; [Log.Write] builds its line outside of any lock, then one writer at a time chains
// the waiting lines together and hands them to the operating system. What issued credentials or changed something is
// written when Write returns, and on disk with [Options].Fsync, one fsync serving all who wait; if it cannot be written,
// Write says so and the caller issues nothing. The other lines follow within [BufferTime]. A change cannot be taken back when
// its line cannot be written: whoever is about to make one asks [Log.Ready] first, which has space kept for that line.
//
// Every line ends in its place in the chain:
//
//	…,"chain":{"sequence":7,"previousHash":"<of line 6>","hash":"<SHA-256 of the line up to ,"hash">"}}}
//
// so that [Verify] finds whatever was edited, deleted, inserted, reordered or cut out of the middle. A chain cannot tell
// that its end was cut off, nor that all of it was written anew by somebody who may write the file: whoever must know
// keeps the last hash elsewhere ([Report]). A line that a crash left half written is cut off by [Open], which says so in a
// line of its own.
//
// [Log.Read] goes through the log of this node again, for reports on who accessed what.
//
// A failed write leaves nothing behind: the file is cut back to the last whole line, and the chain goes on from there.
//
// Secrets: an Event has no field for one, of a session only what is no secret is read, and the parameters come redacted
// from package wire.
package audit
