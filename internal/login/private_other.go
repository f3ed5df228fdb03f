//go:build !unix

package login

import (
	"io/fs"
	"os"
)

// private does nothing where modes say nothing: the folder is one that the system keeps for the user alone.
func private(string, fs.FileInfo) error { return nil }

// lock does nothing where the system has no advisory locks. Of two logins that end at one moment one may then be lost.
func lock(*os.File) error { return nil }
