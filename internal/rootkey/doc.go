// Package rootkey gets the root key from where it is kept: a file, the environment, a command's output, or a file that a key
// management service has wrapped.
//
// Flow: [New] makes the [Source] of a configuration, [Source.Read] gets the key, and [Source.Create] makes one where there is
// none. A key that cannot be random is refused wherever it comes from. What a source says in errors never holds the key: neither
// what a command wrote to its standard error, nor what a service answered.
//
// The package knows nothing of the store; whether a missing key may be made is for the caller to say.
package rootkey
