// Package peers runs third-party programs, as their makers publish them, against the built binary: identity providers that
// people sign in with, and programs that take Stint for AWS.
//
// test/peers/install.sh builds them at pinned versions through the Go module proxy into the folder that STINT_PEERS names, or
// installs Debian's; `make test-peers` calls it. Nothing is patched, and nothing of this machine is changed: a program that
// knows no other host than AWS's reaches Stint through a proxy of the test's own ([tunnel]) and trusts a certificate authority
// that lives as long as the test. Everything stays on loopback. A program that is missing is a failure, not a gap.
package peers
