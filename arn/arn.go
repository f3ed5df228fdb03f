package arn

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// MaxLength is the greatest length of an ARN in bytes: the arnType of the STS and IAM models.
const MaxLength = 2048

// Partition is the group of regions that an ARN belongs to.
type Partition string

// The partitions of AWS. A configured one is any name of a–z, 0–9 and hyphen.
const (
	AWS      Partition = "aws"
	China    Partition = "aws-cn"
	GovCloud Partition = "aws-us-gov"
)

// ParsePartition accepts any non-empty name of a–z, 0–9 and hyphen.
func ParsePartition(s string) (Partition, error) {
	if s == "" || len(s) > 64 || !lowerName(s) {
		return "", errors.New("partition must be 1 to 64 characters of a-z, 0-9 and hyphen")
	}
	return Partition(s), nil
}

// ARN is an Amazon Resource Name taken apart. Account is a plain string, because "aws" owns the managed policies and
// many ARNs have none.
type ARN struct {
	Partition Partition
	Service   string
	Region    string
	Account   string
	Resource  string
}

var (
	errLength   = errors.New("arn is longer than 2048 bytes")
	errShape    = errors.New("arn must have six parts: arn:partition:service:region:account:resource")
	errPart     = errors.New("arn has an empty or malformed partition, service, region or account")
	errResource = errors.New("arn has an empty resource, or one with control characters, wildcards or invalid UTF-8")
)

// Parse takes s apart. It refuses whatever [ARN.String] would not write back unchanged, an empty partition, service or
// resource, and wildcards anywhere: an ARN names one thing. The resource keeps its colons.
func Parse(s string) (ARN, error) {
	if len(s) > MaxLength {
		return ARN{}, errLength
	}
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return ARN{}, errShape
	}
	var parts [4]string
	for i := range parts {
		if parts[i], rest, ok = strings.Cut(rest, ":"); !ok {
			return ARN{}, errShape
		}
		if !lowerName(parts[i]) {
			return ARN{}, errPart
		}
	}
	if parts[0] == "" || parts[1] == "" {
		return ARN{}, errPart
	}
	if !validResource(rest) {
		return ARN{}, errResource
	}
	return ARN{Partition(parts[0]), parts[1], parts[2], parts[3], rest}, nil
}

// String writes the ARN; Parse(a.String()) is a for every ARN that came from [Parse].
func (a ARN) String() string {
	return "arn:" + string(a.Partition) + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// Entity takes the resource of an IAM or STS ARN apart: "role/a/b/name" is kind "role", path "/a/b/" and name "name".
// A resource without a slash (root) is all kind.
func (a ARN) Entity() (kind, path, name string) {
	kind, rest, found := strings.Cut(a.Resource, "/")
	if !found {
		return kind, "", ""
	}
	i := strings.LastIndexByte(rest, '/')
	return kind, a.Resource[len(kind) : len(kind)+i+2], rest[i+1:]
}

func lowerName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func validResource(s string) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f || c == '*' || c == '?' {
			return false
		}
	}
	return true
}
