// Package gate runs `stint gate` behind a proxy as people run it: Debian's nginx with docs/relying/nginx.conf, in front of a service that
// says what it received, with the built binary as Stint and as the gate.
package gate
