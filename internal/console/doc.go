// Package console is the pages for people: signing in with what one has, and the page that shows what one got.
//
// Flow: each way to sign in ends in credentials that package sts made — [Handler] takes a password with a one-time code (/signin), a
// SAML response (/saml), an OpenID Connect provider's word (/signin/oidc), or a session that somebody has already (/federation, AWS's
// console federation endpoint). Then the audit line is written, and only then gets the browser its cookie: the session with its
// token, sealed for that purpose alone. [Handler.Session] is whom a request's cookie says, looked at anew each time: expiry,
// principal and revocations count. Where the browser goes on is a page of this server, a configured place, or what this server
// itself sealed ([Handler.SignIn]); never a URL that came with a link.
//
// The pages have no script, cannot be framed, and take forms from no other site, except SAML's, which are signed.
package console
