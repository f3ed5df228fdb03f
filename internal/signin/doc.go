// Package signin is the sign-in page: an IAM user's name, password and one-time code in, a cookie out.
//
// Flow: GET [Path] shows the form, and its POST judges it: package password says whether the password is right, package mfa whether
// the code is, which every user who has a device must give. Then the audit line is written, and the browser gets a cookie and goes
// where it was sent from. [Service.Person] says whose cookie a request carries.
//
// The cookie holds what a session is of and no secret of it, sealed for this purpose alone: it is no session token, and a session token
// is no cookie. It is looked at anew with each request: the user, the password's existence and every revocation count.
//
// The pages have no script, cannot be framed, and take forms from no other site.
package signin
