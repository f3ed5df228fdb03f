package main

import (
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/login"
)

func newExec() *cobra.Command {
	var s selection
	c := &cobra.Command{
		Use:   "exec [flags] -- COMMAND [ARGUMENT…]",
		Short: "Run a command with the credentials of stint login",
		Long: `Runs a command with the credentials of a login in its environment, as the AWS CLI and SDKs read them, and nothing there that
could bring in others. It ends as the command does.

AWS_ENDPOINT_URL is the login's server, so that no other gets to see its session tokens; the servers of single services, such as
AWS_ENDPOINT_URL_S3, stay as they are, but for those of STS, IAM and Organizations.`,
		Example: `  stint exec -- aws sts get-caller-identity
  stint exec --profile reader -- terraform plan`,
		Args: arguments(func(c *cobra.Command, args []string) error {
			if len(args) == 0 || args[0] == "" {
				return errors.New("no command is given")
			}
			if c.ArgsLenAtDash() != 0 {
				return errors.New("the command stands behind --")
			}
			return nil
		}),
		RunE: func(c *cobra.Command, command []string) error {
			l, err := s.find(c, time.Now())
			if err != nil {
				return err
			}
			return become(c.Context(), command, childEnvironment(os.Environ(), l))
		},
	}
	s.flags(c)
	return c
}

// bringCredentials are the variables from which the AWS CLI and SDKs take credentials, or what they mean.
var bringCredentials = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID",
	"AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SECURITY_TOKEN", // older names
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE",
	"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_REGION", "AWS_DEFAULT_REGION",
	"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_ORGANIZATIONS",
	"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
}

// childEnvironment is the environment with a login's credentials in the place of all others.
func childEnvironment(environment []string, l *login.Login) []string {
	set := [][2]string{
		{"AWS_ACCESS_KEY_ID", l.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", l.Secret.RevealString()},
		{"AWS_SESSION_TOKEN", l.SessionToken.RevealString()},
		{"AWS_CREDENTIAL_EXPIRATION", l.Expires.UTC().Format(time.RFC3339)},
		{"AWS_REGION", l.Region},
		{"AWS_DEFAULT_REGION", l.Region},
		{"AWS_ENDPOINT_URL", string(l.Endpoint)},
		{"AWS_ENDPOINT_URL_STS", string(l.Endpoint)},
		{"AWS_ENDPOINT_URL_IAM", string(l.Endpoint)},
		{"AWS_ENDPOINT_URL_ORGANIZATIONS", string(l.Endpoint)},
	}
	gone := bringCredentials
	if l.CAFile != "" {
		set = append(set, [2]string{"AWS_CA_BUNDLE", l.CAFile})
		gone = append(slices.Clone(gone), "AWS_CA_BUNDLE")
	}
	child := slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.ContainsFunc(gone, func(g string) bool { return sameVariable(g, name) })
	})
	for _, v := range set {
		child = append(child, v[0]+"="+v[1])
	}
	return child
}
