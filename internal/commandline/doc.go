// Package commandline answers `stint login`: the pages that ask the person, and the endpoints that the program itself calls.
//
// The browser's way: the program opens [loginapi.AuthorizePath]; the person signs in, unless they are; a page says which program will
// get whose credentials; yes makes them, writes the audit line and keeps them under a code, which the browser takes to a port of its
// own machine; the program trades the code for them at [loginapi.TokenPath], proving that it is the one that began.
//
// The device's way: the program gets two codes at [loginapi.DevicePath]; the person types the short one into [loginapi.VerifyPath]
// on any machine; a page says who asked for it, when and from where; yes keeps the credentials under the other one.
//
// What waits is in the store and nowhere else ([Grants]), sealed, so that every node can answer every step. Who the person is, the
// sign-in page says ([People]); what a role is given for, package sts. Nothing here is believed for having come with a link: all that
// counts is the form that the person was shown.
package commandline
