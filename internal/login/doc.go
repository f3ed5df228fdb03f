// Package login gets credentials for a person at a command line and keeps them: the client side of `stint login`.
//
// Flow: [ParseEndpoint] says which servers may be spoken to. A [Client] gets credentials either by the browser of this machine,
// [Client.Browser], or by that of any other, [Client.Device]; what both say to the server is package loginapi's. A [Cache] keeps the
// result as a [Login], and finds it again by what a [Selector] says of it.
//
// The cache is one file of mode 0600 in a folder of mode 0700, replaced as a whole. It holds credentials that end by themselves and
// nothing that lasts. What others could have read or written is not used.
//
// The package knows no command and prints nothing: what is for the person's eyes goes through functions of the Client.
package login
