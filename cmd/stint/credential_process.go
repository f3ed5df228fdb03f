package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/login"
)

// selection is the flags that say which login is meant.
type selection struct {
	profile  string
	endpoint string
	role     string
}

func (s *selection) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.profile, "profile", "", `the login's name; "`+login.DefaultProfile+`" if nothing else says which`)
	f.StringVar(&s.endpoint, "endpoint-url", "", "the login's server")
	f.StringVar(&s.role, "role", "", "ARN of the login's role")
}

// find returns the one login that is meant, if its credentials are good still.
func (s *selection) find(c *cobra.Command, now time.Time) (*login.Login, error) {
	selector := login.Selector{Profile: s.profile, Role: s.role}
	if s.endpoint != "" {
		var err error
		if selector.Endpoint, err = login.ParseEndpoint(s.endpoint); err != nil {
			return nil, usage(c, fmt.Errorf("--endpoint-url: %w", err))
		}
	}
	if err := checkRole(s.role); err != nil {
		return nil, usage(c, err)
	}
	cache, err := login.UserCache()
	if err != nil {
		return nil, err
	}
	kept, err := cache.Logins()
	if err != nil {
		return nil, exposed(err)
	}
	found, err := selector.Find(kept)
	switch {
	case errors.Is(err, login.ErrSeveral):
		return nil, withHint(fmt.Errorf("finding credentials: %w", err), "--profile says which")
	case err != nil:
		return nil, withHint(fmt.Errorf("finding credentials: %w", err), "run stint login%s", s.again())
	}
	if err := found.Live(now); err != nil {
		return nil, withHint(fmt.Errorf("finding credentials: %w", err), "run stint login --profile %s", found.Profile)
	}
	return found, nil
}

// again is the flags of the stint login that would make what was not found.
func (s *selection) again() string {
	var flags string
	for _, f := range [][2]string{{"--profile", s.profile}, {"--endpoint-url", s.endpoint}, {"--role", s.role}} {
		if f[1] != "" {
			flags += " " + f[0] + " " + shellQuote(f[1])
		}
	}
	return flags
}

func newCredentialProcess() *cobra.Command {
	var s selection
	c := &cobra.Command{
		Use:   "credential-process",
		Short: "Print the credentials of stint login for the AWS CLI and SDKs",
		Long: `Prints the credentials of a login as the AWS CLI and SDKs expect them of a credential_process, and fails when they have
expired.`,
		Example: `  # ~/.aws/config
  [profile reader]
  credential_process = /usr/local/bin/stint credential-process --profile reader
  endpoint_url = https://sts.example.com
  region = us-east-1`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := s.find(c, time.Now())
			if err != nil {
				return err
			}
			return writeProcessCredentials(c, l)
		},
	}
	s.flags(c)
	return c
}

// processCredentials is the JSON of AWS's SDK reference guide, "Process credential provider".
type processCredentials struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
	AccountID       string `json:"AccountId,omitempty"`
}

func writeProcessCredentials(c *cobra.Command, l *login.Login) error {
	e := json.NewEncoder(c.OutOrStdout())
	e.SetEscapeHTML(false)
	return e.Encode(processCredentials{
		Version:         1,
		AccessKeyID:     l.AccessKeyID,
		SecretAccessKey: l.Secret.RevealString(),
		SessionToken:    l.SessionToken.RevealString(),
		Expiration:      l.Expires.UTC().Format(time.RFC3339),
		AccountID:       l.Account(),
	})
}
