package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/sts"
	"github.com/stint-sts/stint/sigv4"
)

func newContext() *cobra.Command {
	return group("context", "Issue the context assertions that AssumeRole takes as ProvidedContexts", newContextIssue())
}

const (
	contextPath        = "/stint/v1/context-assertion"
	contextPatience    = 30 * time.Second
	maxContextResponse = 64 << 10
)

type contextIssue struct {
	provider string
	context  []string
	endpoint string
	output   string
}

func newContextIssue() *cobra.Command {
	var o contextIssue
	c := &cobra.Command{
		Use:   "issue --provider-arn ARN --context KEY=VALUE…",
		Short: "Have the server mint a context assertion, and print it",
		Long: `Has the server mint an assertion of the context behind a request, and prints it. AssumeRole takes it in ProvidedContexts
for 15 minutes; the session then carries sts:RequestContext/<key> and sts:RequestContextProviders.

The request is signed with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN for AWS_REGION. The caller needs
stint:IssueContextAssertion on the provider, arn:<partition>:iam::<account>:contextProvider/<name> in its own account.`,
		Example: `  stint context issue --provider-arn arn:aws:iam::111122223333:contextProvider/portal --context UserId=alice --context Team=blue

  assertion=$(stint context issue --provider-arn "$provider" --context UserId=alice)
  aws sts assume-role --role-arn "$role" --role-session-name alice \
    --provided-contexts "ProviderArn=$provider,ContextAssertion=$assertion"`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.StringVar(&o.provider, "provider-arn", "", "ARN of the context provider")
	f.StringArrayVar(&o.context, "context", nil, "a key of the context with its value, KEY=VALUE; may be repeated")
	f.StringVar(&o.endpoint, "endpoint-url", "", "the server; AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or http://"+config.DefaultListen+" if left out")
	f.StringVar(&o.output, "output", "text", "text prints the assertion alone, json what the server answers")
	return c
}

func (o *contextIssue) run(c *cobra.Command) error {
	if o.provider == "" {
		return usage(c, errors.New("--provider-arn is missing"))
	}
	if o.output != "text" && o.output != "json" {
		return usage(c, fmt.Errorf("--output is %q, want text or json", o.output))
	}
	pairs, err := parsePairs(o.context)
	if err != nil {
		return usage(c, err)
	}
	credentials, err := credentialsFromEnvironment()
	if err != nil {
		return err
	}
	body, err := json.Marshal(sts.IssueContextInput{ProviderARN: o.provider, Context: pairs})
	if err != nil {
		return fmt.Errorf("encoding the context: %w", err)
	}
	endpoint := firstOf(o.endpoint, os.Getenv("AWS_ENDPOINT_URL_STS"), os.Getenv("AWS_ENDPOINT_URL"), "http://"+config.DefaultListen)
	signer := sigv4.Signer{
		Credentials: credentials,
		Region:      firstOf(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1"),
		Service:     "stint",
	}
	answer, err := postSigned(c.Context(), signer, strings.TrimRight(endpoint, "/")+contextPath, body)
	if err != nil {
		return fmt.Errorf("issuing a context assertion: %w", err)
	}
	if o.output == "json" {
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", bytes.TrimSpace(answer))
		return err
	}
	var issued sts.IssueContextOutput
	if err := json.Unmarshal(answer, &issued); err != nil || issued.ContextAssertion == "" {
		return errors.New("issuing a context assertion: the server's answer holds none")
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), issued.ContextAssertion)
	return err
}

func parsePairs(texts []string) (map[string]string, error) {
	if len(texts) == 0 {
		return nil, errors.New("--context is missing")
	}
	pairs := make(map[string]string, len(texts))
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--context %q is not KEY=VALUE", text)
		}
		if _, twice := pairs[key]; twice {
			return nil, fmt.Errorf("--context has %q twice", key)
		}
		pairs[key] = value
	}
	return pairs, nil
}

func credentialsFromEnvironment() (sigv4.Credentials, error) {
	id, secretKey := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if id == "" || secretKey == "" {
		return sigv4.Credentials{}, withHint(errors.New("reading the credentials: AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set"),
			"stint dev prints them; sessions set AWS_SESSION_TOKEN as well")
	}
	return sigv4.NewCredentials(id, secretKey, os.Getenv("AWS_SESSION_TOKEN")), nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// postSigned posts JSON and returns the answer of a success.
func postSigned(ctx context.Context, signer sigv4.Signer, address string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, contextPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if err := signer.Sign(r, body, time.Now()); err != nil {
		return nil, err
	}
	// A signature is for the address that it was made for: no redirect is followed.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		return nil, withHint(err, "is the server running, and does --endpoint-url name it?")
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxContextResponse))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, refusalOf(response.Status, answer)
	}
	return answer, nil
}

// refusalOf reads the error of an answer.
func refusalOf(status string, answer []byte) error {
	var refusal struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(answer, &refusal); err != nil || refusal.Error.Code == "" {
		return fmt.Errorf("the server answered %s", status)
	}
	return fmt.Errorf("%s: %s", refusal.Error.Code, refusal.Error.Message)
}
