package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/login"
)

// logOut is the command line of `stint logout`.
type logOut struct {
	profile string
	all     bool
	expired bool
}

func newLogout() *cobra.Command {
	var l logOut
	c := &cobra.Command{
		Use:   "logout",
		Short: "Forget credentials of stint login",
		Long: `Removes a login from the cache: credentials, server and role. The credentials themselves stay valid until they expire, for whoever
else has them; an administrator can revoke the sessions of a role or user.`,
		Example: `  stint logout
  stint logout --profile reader
  stint logout --expired      # all that are of no use any more
  stint logout --all`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if given := c.Flags().Changed("profile"); l.all && l.expired || given && (l.all || l.expired) {
				return usage(c, errors.New("only one of --profile, --expired and --all can be given"))
			}
			return l.run(c)
		},
	}
	f := c.Flags()
	f.StringVar(&l.profile, "profile", login.DefaultProfile, "the login to forget")
	f.BoolVar(&l.expired, "expired", false, "forget all logins that have expired")
	f.BoolVar(&l.all, "all", false, "forget all logins")
	return c
}

func (l *logOut) run(c *cobra.Command) error {
	cache, err := login.UserCache()
	if err != nil {
		return err
	}
	now := time.Now()
	removed, err := cache.Remove(func(k *login.Login) bool {
		return l.all || l.expired && k.Live(now) != nil || !l.expired && k.Profile == l.profile
	})
	if err != nil {
		return exposed(err)
	}
	if removed == 0 && !l.all && !l.expired {
		return withHint(fmt.Errorf("logging out of profile %s: %w", l.profile, login.ErrNone), "stint logout --all forgets whatever there is")
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%d forgotten\n", removed)
	return err
}
