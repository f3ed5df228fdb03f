package directory

import (
	"crypto/sha256"
	"embed"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/policy"
)

// AWSAccount owns the AWS-managed policies.
const AWSAccount arn.AccountID = "aws"

// builtin are the AWS-managed policies that every directory has. They grant what their names promise for the services that
// accept Stint's credentials; they are not AWS's texts.
//
//go:embed managed
var builtin embed.FS

const (
	// maxManaged is how many AWS-managed policies a folder may hold, maxManagedBytes how long one may be. AWS's own are not
	// held to the quota of customer-managed policies.
	maxManaged      = 2000
	maxManagedBytes = 64 << 10
	// maxManagedPath and maxManagedName are the model's (policyPathType, policyNameType).
	maxManagedPath = 512
	maxManagedName = 128
)

// managedCreated is the creation time of all AWS-managed policies, so that every node answers the same.
func managedCreated() time.Time { return time.Date(2015, 2, 6, 18, 39, 46, 0, time.UTC) }

// builtinPolicies gives the AWS-managed policies of a partition. Their documents name the partition aws.
func builtinPolicies(partition arn.Partition) []*ManagedPolicy {
	folder, err := fs.Sub(builtin, "managed")
	if err == nil {
		var policies []*ManagedPolicy
		if policies, err = readManaged(partition, folder, func(text string) string {
			return strings.ReplaceAll(text, `"arn:aws:`, `"arn:`+string(partition)+`:`)
		}); err == nil {
			return policies
		}
	}
	panic("directory: the built-in policies are damaged: " + err.Error()) // a test reads them all
}

// ReadManaged reads AWS-managed policies from a folder: each file NAME.json is the document of the policy NAME, and the folders
// above it are its path. What is no such file, or no document that CreatePolicy would take, is refused, as are two names that
// differ in case alone. Names that begin with a dot are passed over: Kubernetes mounts have some.
func ReadManaged(partition arn.Partition, folder fs.FS) ([]*ManagedPolicy, error) {
	return readManaged(partition, folder, func(text string) string { return text })
}

func readManaged(partition arn.Partition, folder fs.FS, adapt func(string) string) ([]*ManagedPolicy, error) {
	var policies []*ManagedPolicy
	seen := make(map[string]string)
	err := fs.WalkDir(folder, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case file != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		}
		p, err := readManagedFile(partition, folder, file, adapt)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if other, taken := seen[FoldName(p.Name)]; taken {
			return fmt.Errorf("%s: %s has that name, too", file, other)
		}
		if seen[FoldName(p.Name)] = file; len(seen) > maxManaged {
			return fmt.Errorf("there are more than %d files", maxManaged)
		}
		policies = append(policies, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading managed policies: %w", err)
	}
	return policies, nil
}

func readManagedFile(partition arn.Partition, folder fs.FS, file string, adapt func(string) string) (*ManagedPolicy, error) {
	name, found := strings.CutSuffix(path.Base(file), ".json")
	if !found {
		return nil, errors.New("its name does not end in .json")
	}
	at := "/"
	if above := path.Dir(file); above != "." {
		at = "/" + above + "/"
	}
	if !policyName(name) || !policyPath(at) {
		return nil, errors.New("its name and folders do not make the name and path of a policy")
	}
	text, err := readLimited(folder, file)
	if err != nil {
		return nil, err
	}
	text = adapt(text)
	if _, err := policy.Parse(text, policy.Managed); err != nil {
		return nil, err
	}
	return &ManagedPolicy{
		Account:        AWSAccount,
		Name:           name,
		Path:           at,
		ID:             managedID(at + name),
		ARN:            arn.Policy(partition, AWSAccount, at, name),
		Created:        managedCreated(),
		Updated:        managedCreated(),
		Versions:       []PolicyVersion{{ID: "v1", Document: NewDocument(text), Created: managedCreated()}},
		DefaultVersion: "v1",
		NextVersion:    2,
	}, nil
}

func readLimited(folder fs.FS, file string) (string, error) {
	f, err := folder.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxManagedBytes+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxManagedBytes {
		return "", fmt.Errorf("it is larger than %d bytes", maxManagedBytes)
	}
	return string(text), nil
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// policyName holds the model's pattern of a policy's name, [\w+=,.@-]+.
func policyName(name string) bool {
	return name != "" && len(name) <= maxManagedName && strings.Trim(name, alphanumeric+"_+=,.@-") == ""
}

// policyPath holds the model's pattern of a policy's path, ((/[A-Za-z0-9\.,\+@=_-]+)*)/.
func policyPath(p string) bool {
	return len(p) <= maxManagedPath && strings.Trim(p, alphanumeric+"/.,+@=_-") == ""
}

// managedID makes a unique id of the right form that is the same on every node and at every start.
func managedID(pathAndName string) string {
	digest := sha256.Sum256([]byte("AWS-managed policy " + pathAndName))
	return "ANPAI" + base32.StdEncoding.EncodeToString(digest[:])[:16]
}
