package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/login"
)

// logIn is the command line of `stint login`.
type logIn struct {
	profile   string
	endpoint  string
	caFile    string
	role      string
	duration  time.Duration
	device    bool
	noBrowser bool
}

func newLogin() *cobra.Command {
	var l logIn
	c := &cobra.Command{
		Use:   "login",
		Short: "Sign in, and keep the credentials for other commands",
		Long: `Signs a person in by the server's sign-in page, in the browser of this machine or, with --device, of any other, and keeps the
credentials in the user's cache folder, closed to others. stint exec and stint credential-process give them to programs,
stint logout forgets them.

A profile remembers its server, authorities and role: to sign in again, "stint login --profile NAME" is enough.`,
		Example: `  stint login --endpoint-url https://sts.example.com
  stint login --profile reader --role arn:aws:iam::111122223333:role/reader --duration 1h
  stint login --device       # prints a code and a page to open anywhere`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return l.run(c) },
	}
	f := c.Flags()
	f.StringVar(&l.profile, "profile", login.DefaultProfile, "name to keep the login under")
	f.StringVar(&l.endpoint, "endpoint-url", "", "the server; the profile's last one, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or http://"+
		config.DefaultListen+" if left out")
	f.StringVar(&l.caFile, "ca-file", "", "PEM file of authorities that the server's certificate may be from; the system's if left out")
	f.StringVar(&l.role, "role", "", "ARN of the role to get credentials of; what you sign in as if left out")
	f.DurationVar(&l.duration, "duration", 0, "how long the credentials are to last, such as 1h; the server decides if left out")
	f.BoolVar(&l.device, "device", false, "sign in by a browser on another machine")
	f.BoolVar(&l.noBrowser, "no-browser", false, "print the address, and open no browser")
	return c
}

func (l *logIn) run(c *cobra.Command) error {
	if l.device && l.noBrowser {
		return usage(c, errors.New("--device opens no browser: leave --no-browser out"))
	}
	cache, err := login.UserCache()
	if err != nil {
		return err
	}
	kept, err := cache.Logins()
	if err != nil {
		return exposed(err)
	}
	request, err := l.request(c, kept)
	if err != nil {
		return usage(c, err)
	}
	client := &login.Client{
		Random: rand.Reader, Now: time.Now, Sleep: sleep, UserAgent: userAgent(),
		Browse: l.browse(c),
		Code: func(page, code, complete string) {
			c.PrintErrf("Open %s in any browser and enter the code\n\n    %s\n\nor open %s\n\n"+
				"Waiting for you to sign in there, for %v at most…\n", page, code, complete, login.Patience)
		},
	}
	get := client.Browser
	if l.device {
		get = client.Device
	}
	got, err := get(c.Context(), request)
	if err != nil {
		return withHint(fmt.Errorf("logging in to %s: %w", request.Endpoint, err), "%s", l.hint(err))
	}
	got.Profile = l.profile
	if err := cache.Put(got, time.Now()); err != nil {
		return exposed(err)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s until %s, profile %s\n", got.ARN, got.Expires.UTC().Format(time.RFC3339), got.Profile)
	return err
}

// hint says what to do about a login that failed.
func (l *logIn) hint(err error) string {
	var refused *login.Error
	switch {
	case errors.Is(err, login.ErrTimeout), errors.As(err, &refused):
		return "run stint login again"
	case l.device:
		return "--endpoint-url names the server, --ca-file the authorities of its certificate"
	default:
		return "--endpoint-url names the server, --ca-file the authorities of its certificate; without a browser here, --device uses another's"
	}
}

// request makes what to ask for of the flags and of what the profile asked for the last time. A role and authorities belong to
// their server.
func (l *logIn) request(c *cobra.Command, kept []login.Login) (*login.Request, error) {
	if err := login.CheckProfile(l.profile); err != nil {
		return nil, fmt.Errorf("--profile: %w", err)
	}
	var last login.Login
	if i := slices.IndexFunc(kept, func(k login.Login) bool { return k.Profile == l.profile }); i >= 0 {
		last = kept[i]
	}
	endpoint, err := login.ParseEndpoint(firstOf(l.endpoint, string(last.Endpoint), os.Getenv("AWS_ENDPOINT_URL_STS"),
		os.Getenv("AWS_ENDPOINT_URL"), "http://"+config.DefaultListen))
	if err != nil {
		return nil, fmt.Errorf("--endpoint-url: %w", err)
	}
	r := &login.Request{Endpoint: endpoint, CAFile: l.caFile, Role: l.role, Duration: l.duration}
	if endpoint == last.Endpoint {
		if !c.Flags().Changed("role") {
			r.Role = last.AskedRole
		}
		if !c.Flags().Changed("ca-file") {
			r.CAFile = last.CAFile
		}
	}
	if err := checkRole(r.Role); err != nil {
		return nil, err
	}
	if r.Duration < 0 || r.Duration%time.Second != 0 {
		return nil, fmt.Errorf("--duration: %v is not a whole number of seconds", r.Duration)
	}
	if r.CAFile != "" {
		if r.CAFile, err = filepath.Abs(r.CAFile); err != nil { // the next time begins in another folder
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
	}
	return r, nil
}

// checkRole takes the ARN of a role, or nothing.
func checkRole(role string) error {
	if role == "" {
		return nil
	}
	a, err := arn.Parse(role)
	if err != nil {
		return fmt.Errorf("--role: %w", err)
	}
	if a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		return fmt.Errorf("--role: %q is not the ARN of a role, such as arn:aws:iam::111122223333:role/reader", role)
	}
	return nil
}

// browse prints an address and opens it, unless that is not wanted. Where no browser comes up the person opens it.
func (l *logIn) browse(c *cobra.Command) func(url string) {
	return func(url string) {
		how := "Your browser should open this page; if it does not, open it yourself:"
		if l.noBrowser || openBrowser(c.Context(), url) != nil {
			how = "Open this page in a browser on this machine:"
		}
		c.PrintErrf("%s\n\n    %s\n\nWaiting for you to sign in there, for %v at most…\n", how, url, login.Patience)
	}
}

// userAgent is what the server's audit log shows of this program.
func userAgent() string { return "stint-cli" }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// exposed adds what to do about a cache that is not used.
func exposed(err error) error {
	switch {
	case errors.Is(err, login.ErrExposed):
		return withHint(err, "think about who may have read or written it; remove it, and run stint login again")
	case errors.Is(err, login.ErrFull):
		return withHint(err, "stint logout --profile NAME, or stint logout --expired")
	default:
		return err
	}
}
