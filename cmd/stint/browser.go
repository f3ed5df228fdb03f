package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
)

// openBrowser has the system open a URL, and does not wait for it.
func openBrowser(ctx context.Context, url string) error {
	var command []string
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open", url}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" { // xdg-open would take the terminal for a text browser
			return errors.New("there is no display")
		}
		command = []string{"xdg-open", url}
	}
	soften(ctx) // it is not for this program to say how the browser keeps its files
	opener := exec.Command(command[0], command[1:]...)
	if err := opener.Start(); err != nil {
		return err
	}
	go func() { _ = opener.Wait() }() // so that it does not stay behind as a zombie
	return nil
}
