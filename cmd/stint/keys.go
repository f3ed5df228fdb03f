package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stint-sts/stint/internal/config"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/rootkey"
	"github.com/stint-sts/stint/internal/session"
	"github.com/stint-sts/stint/internal/store"
)

func newKeys() *cobra.Command {
	k := group("keys", "List, rotate and retire sealing keys, and move to another root key",
		newKeysList(), newKeysRotate(), newKeysRetire(), newKeysGenerate(), newKeysRekey())
	k.Long = `Works on the keys of a deployment: the sealing keys, which session tokens are sealed with, and the root key, which everything
in the store is sealed under.

Keys belong to no account, so no API reaches them, whoever calls. These commands need what the server needs: its
configuration, the root key and the store. They work while servers run: a server lets the user that it runs as into its
embedded store by a socket in the data directory. They work as well while it is stopped.`
	return k
}

// onStore makes a command that works on the store that a configuration names.
func onStore(c *cobra.Command, work func(c *cobra.Command, s *store.Store, args []string) error) *cobra.Command {
	var path string
	configFlag(c, &path)
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		settings, err := config.Load(path)
		if err != nil {
			return err
		}
		s, err := openShared(c, settings)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return work(c, s, args)
	}
	return c
}

// keyList is what stint keys list prints as JSON.
type keyList struct {
	SealingKeys []listedSealingKey `json:"sealing_keys"`
	RootKeys    []listedRootKey    `json:"root_keys"`
	Nodes       []store.Node       `json:"nodes"`
}

type listedSealingKey struct {
	ID      uint32    `json:"id"`
	State   string    `json:"state"`
	Created time.Time `json:"created"`
	Stale   time.Time `json:"stale,omitzero"`
}

type listedRootKey struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

func newKeysList() *cobra.Command {
	var output string
	c := onStore(&cobra.Command{
		Use:   "list",
		Short: "Show the keys and what they are used for, and the nodes that have the store open",
		Long: `Shows the sealing keys, oldest first: a key is waiting for a minute until every node knows it, then it is sealing; when the
next one does, it is opening the sessions that it sealed, until they have all ended and it is stale, and removed by the next
node that looks. A root key is in use; while the store is moved to another, the one that it leaves is being left. The keys
themselves are not shown.`,
		Example: "  stint keys list --config /etc/stint/stint.yaml",
		Args:    noArguments,
	}, func(c *cobra.Command, s *store.Store, _ []string) error {
		l, err := listKeys(c.Context(), s)
		if err != nil {
			return err
		}
		if output == "json" {
			e := json.NewEncoder(c.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(l)
		}
		return l.write(c.OutOrStdout())
	})
	c.Flags().StringVar(&output, "output", "text", "text or json")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if output != "text" && output != "json" {
			return usage(c, fmt.Errorf("--output is %q, want text or json", output))
		}
		return nil
	}
	return c
}

func listKeys(ctx context.Context, s *store.Store) (*keyList, error) {
	nodes, err := s.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	l := &keyList{Nodes: []store.Node{}}
	for _, n := range nodes {
		if !n.Self {
			l.Nodes = append(l.Nodes, n)
		}
	}
	for _, k := range session.Status(s.View(), time.Now()) {
		l.SealingKeys = append(l.SealingKeys, listedSealingKey{k.Key.ID, string(k.State), k.Key.Created, k.Stale})
	}
	for _, k := range s.RootKeys() {
		state := "being left"
		if k.Writes {
			state = "in use"
		}
		l.RootKeys = append(l.RootKeys, listedRootKey{k.ID.String(), state})
	}
	return l, nil
}

func (l *keyList) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, k := range l.SealingKeys {
		needed := ""
		if !k.Stale.IsZero() {
			needed = ", needed until " + k.Stale.Format(time.RFC3339)
		}
		fmt.Fprintf(t, "sealing key\t%d\t%s\tmade %s%s\n", k.ID, k.State, k.Created.Format(time.RFC3339), needed)
	}
	for _, k := range l.RootKeys {
		fmt.Fprintf(t, "root key\t%s\t%s\n", k.ID, k.State)
	}
	for _, n := range l.Nodes {
		fmt.Fprintf(t, "node\t%s\t\n", n.Name)
	}
	return t.Flush()
}

func newKeysRotate() *cobra.Command {
	return onStore(&cobra.Command{
		Use:   "rotate",
		Short: "Make a new sealing key now",
		Long: `Makes a new sealing key. It seals session tokens after a minute, when every node knows it. The tokens that the older keys
sealed stay good to their end; stint serve removes a key when nothing that it sealed can be good any more.`,
		Example: "  stint keys rotate --config /etc/stint/stint.yaml",
		Args:    noArguments,
	}, func(c *cobra.Command, s *store.Store, _ []string) error {
		err := changeKeys(c.Context(), s, func(v *directory.View) (*directory.Change, error) {
			return session.Rotate(v, time.Now(), rand.Reader)
		})
		if err != nil {
			return fmt.Errorf("rotating: %w", err)
		}
		keys := session.Status(s.View(), time.Now())
		_, err = fmt.Fprintf(c.OutOrStdout(), "made sealing key %d, which seals in a minute\n", keys[len(keys)-1].Key.ID)
		return err
	})
}

// changeKeys makes a change of the keys. Who else changes them at the same moment makes it be derived again.
func changeKeys(ctx context.Context, s *store.Store, derive func(v *directory.View) (*directory.Change, error)) error {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		c, err := derive(s.View())
		if err != nil {
			return err
		}
		if err = s.Commit(ctx, c); !errors.Is(err, store.ErrConflict) || attempt == attempts {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond): // for the View to show what was changed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func newKeysRetire() *cobra.Command {
	var needed bool
	c := onStore(&cobra.Command{
		Use:   "retire ID…",
		Short: "Remove sealing keys now",
		Long: `Removes sealing keys. stint serve does so by itself when nothing that a key sealed can be good any more. Before that a key
is removed only with --even-if-needed, which ends every session that it sealed: for a key that has become known to others.
Rotate first, since the last key cannot be removed.`,
		Example: `  stint keys rotate && stint keys retire 3 --even-if-needed`,
		Args: arguments(func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no id is given; stint keys list shows them")
			}
			for _, a := range args {
				if _, err := strconv.ParseUint(a, 10, 32); err != nil {
					return fmt.Errorf("%q is not the id of a sealing key", a)
				}
			}
			return nil
		}),
	}, func(c *cobra.Command, s *store.Store, args []string) error {
		for _, a := range args {
			id, err := strconv.ParseUint(a, 10, 32)
			if err != nil {
				return err
			}
			err = changeKeys(c.Context(), s, func(v *directory.View) (*directory.Change, error) {
				return session.Retire(v, uint32(id), time.Now(), needed)
			})
			switch {
			case errors.Is(err, session.ErrKeyNeeded):
				return withHint(err, "stint serve removes it when it is stale; --even-if-needed ends those sessions")
			case errors.Is(err, session.ErrKeySeals):
				return withHint(err, "stint keys rotate makes one")
			case err != nil:
				return err
			}
			if _, err := fmt.Fprintf(c.OutOrStdout(), "removed sealing key %d\n", id); err != nil {
				return err
			}
		}
		return nil
	})
	c.Flags().BoolVar(&needed, "even-if-needed", false, "end the sessions that it sealed")
	return c
}

func newKeysGenerate() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "generate",
		Short: "Make the root key that the store is to be moved to",
		Long: `Makes the root key that root_key.next of the configuration names: a file, or a file that a key management service wraps. What
is there already is never replaced. Give it to every node before stint keys rekey.`,
		Example: "  stint keys generate --config /etc/stint/stint.yaml",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := config.Load(path)
			if err != nil {
				return err
			}
			return generate(c, settings)
		},
	}
	configFlag(c, &path)
	return c
}

func generate(c *cobra.Command, settings *config.Config) error {
	if !settings.RootKey.Next.Given() {
		return withHint(errors.New("generating a root key: the configuration has no root_key.next"),
			"root_key: {next: {file: /etc/stint/next.key}} names where it is to be")
	}
	source, err := rootkey.New(settings.RootKey.Next)
	if err != nil {
		return err
	}
	_, _, err = source.Create(c.Context(), rand.Reader)
	switch {
	case errors.Is(err, rootkey.ErrNotMade):
		return withHint(err, "openssl rand -base64 32 makes one")
	case errors.Is(err, fs.ErrExist):
		return withHint(err, "it is left as it is; another file can be named")
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "made the root key %s: keep a copy apart from the data\n", source)
	return err
}

func newKeysRekey() *cobra.Command {
	return onStore(&cobra.Command{
		Use:   "rekey",
		Short: "Move the store to another root key while servers run",
		Long: `Seals everything in the store anew under root_key.next. Every server must run with both root keys before: one that lacks the
next key is named, and nothing is moved. Servers go on meanwhile. If the command is interrupted, run it again.

Afterwards nothing in the store is under the old root key, and nothing that is will be taken. Make root_key.next the root key
in each configuration, and restart the servers one by one. Keep the old key as long as the backups that are under it.`,
		Example: "  stint keys rekey --config /etc/stint/stint.yaml",
		Args:    noArguments,
	}, func(c *cobra.Command, s *store.Store, _ []string) error {
		err := s.Rekey(c.Context(), progress(c.ErrOrStderr()))
		switch {
		case errors.Is(err, store.ErrNoNextRootKey):
			return withHint(err, "name it in root_key.next, and let stint keys generate make it")
		case errors.Is(err, store.ErrNodesLack):
			return withHint(err, "give them root_key.next and restart them; one that has ended counts for 15 seconds")
		case errors.Is(err, store.ErrAlreadyMoved):
			return withHint(err, "make it the root key of the configuration, in the place of the old one")
		case err != nil:
			return withHint(err, "run it again: it goes on where it was")
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "the store is under root key %s alone\n", s.RootKeys()[0].ID)
		return err
	})
}
