// Package harness starts the built stint binary, speaks to it over a real socket, and stops it. The conformance and
// client tests of this module stand on it.
//
// The flow of a test: [Build] once in TestMain, [Start] a server with a directory file, sign a [Request] with
// [Sign] or [Presign], [Server.Send] it, read the [Response]. Everything is bounded in time, and every process is ended
// by the test that started it.
//
// It shares no code with the product on purpose: the signer, the time-based codes and the key ids are written here a
// second time, straight from their specifications, so that a mistake of the product cannot hide behind itself.
package harness
