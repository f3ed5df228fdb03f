package manifest

import (
	"encoding/base32"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stint-sts/stint/arn"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/secret"
)

// The limits of IAM where it refuses (UG quotas; the trust policy's is the default of an adjustable quota).
const (
	maxAccessKeys  = 2
	maxDevices     = 8
	maxGroups      = 10
	maxAttached    = 10
	maxTags        = 50
	maxVersions    = 5
	maxTrustSize   = 2048
	maxManagedSize = 6144
	maxUserInline  = 2048
	maxGroupInline = 5120
	maxRoleInline  = 10240
	maxProviders   = 100
	maxClientIDs   = 100
	maxThumbprints = 5
	minSession     = 3600
	maxSession     = 43200
	maxMetadata    = 10_000_000
	// minSeed and maxSeed are bytes: 16 to 104 characters of base32. A seed may be as short as the 80 bits of the devices of RFC
	// 4226's time, whose owners bring them along.
	minSeed = 10
	maxSeed = 64
)

// pattern is a rule for names, with the words for it.
type pattern struct {
	expression *regexp.Regexp
	words      string
}

func namePattern(most int) pattern {
	n := strconv.Itoa(most)
	return pattern{regexp.MustCompile(`^[\w+=,.@-]{1,` + n + `}$`), "want 1 to " + n + " letters, digits and characters of _+=,.@-"}
}

// patterns are those of the IAM model, compiled once for a file.
type patterns struct {
	user, role, group, policy, device               pattern
	path, alias, saml, region, serial, keyID, thumb pattern
	tagKey, tagValue                                pattern
}

func newPatterns() *patterns {
	return &patterns{
		user: namePattern(64), role: namePattern(64), group: namePattern(128), policy: namePattern(128), device: namePattern(226),
		path: pattern{regexp.MustCompile(`^(/|/[!-)+->@-~]{1,510}/)$`),
			"a path must begin and end with / and have at most 512 characters, none of them a space, * or ?"},
		alias:  pattern{regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`), aliasWords},
		saml:   pattern{regexp.MustCompile(`^[\w._-]{1,128}$`), "want 1 to 128 letters, digits and characters of ._-"},
		region: pattern{regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`), "want the name of a region, such as us-east-1"},
		serial: pattern{regexp.MustCompile(`^[\w+=,.@-]{9,226}$`),
			"want 9 to 226 letters, digits and characters of _+=,.@-; a virtual device has a name instead"},
		keyID: pattern{regexp.MustCompile(`^AKIA[A-Z0-9]{12,124}$`), "an access key id is AKIA and at least 12 more capital letters and digits"},
		thumb: pattern{regexp.MustCompile(`^[0-9A-Fa-f]{40}$`), "a thumbprint is 40 hexadecimal digits"},
		tagKey: pattern{regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`),
			"want letters, digits, spaces and characters of _.:/=+-@"},
		tagValue: pattern{regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`),
			"want letters, digits, spaces and characters of _.:/=+-@"},
	}
}

const aliasWords = "want 3 to 63 lower-case letters, digits and single hyphens, and not an account id"

func (p *patterns) accountAlias(v value) string {
	s := v.text()
	if _, err := arn.ParseAccountID(s); err == nil || len(s) < 3 || len(s) > 63 {
		v.problem("%s", aliasWords)
		return s
	}
	p.alias.check(v, s)
	return s
}

func (p pattern) check(v value, s string) bool {
	if !p.expression.MatchString(s) {
		v.problem("%s", p.words)
		return false
	}
	return true
}

// tags reads a mapping of tags.
func (p *patterns) tags(v value) []directory.Tag {
	tags := []directory.Tag{}
	once := uniqueNames()
	v.pairs(func(key string, member value) {
		text := member.text()
		switch {
		case utf8.RuneCountInString(key) > 128 || utf8.RuneCountInString(text) > 256:
			member.problem("a tag has at most 128 characters in its key and 256 in its value")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			member.problem("tags that begin with aws: are AWS's own")
		case p.tagKey.check(member, key) && p.tagValue.check(member, text) && once(key, member):
			tags = append(tags, directory.Tag{Key: key, Value: text})
		}
	})
	if len(tags) > maxTags {
		v.problem("more than %d tags", maxTags)
	}
	return tags
}

// accessKeyID accepts an id that carries this account, or none: AWS's early ids carry none.
func (p *patterns) accessKeyID(v value, account arn.AccountID) string {
	id := v.text()
	if !p.keyID.check(v, id) {
		return ""
	}
	if inside, err := arn.AccountOfID(id); err == nil && inside != account {
		v.problem("access key id %s carries account %s, and this is account %s", id, inside, account)
	}
	return id
}

// accessKeySecret accepts what may be typed: AWS's own have 40 characters of base64. No error shows any of it.
func accessKeySecret(v value) secret.Key {
	s := v.text()
	bad := s == "" || len(s) > 128 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
	if bad {
		v.problem("a secret has 1 to 128 printable ASCII characters and no space")
	}
	return secret.FromString(s)
}

// seed accepts base32 in capital letters, with or without its padding.
func seed(v value) secret.Key {
	text := v.text()
	unpadded := strings.TrimRight(text, "=")
	encoding := base32.StdEncoding.WithPadding(base32.NoPadding)
	b, err := encoding.DecodeString(unpadded)
	ok := err == nil && len(b) >= minSeed && len(b) <= maxSeed && encoding.EncodeToString(b) == unpadded &&
		(text == unpadded || text == base32.StdEncoding.EncodeToString(b))
	if !ok {
		v.problem("a seed has 16 to 104 characters of base32: A-Z and 2-7") // the decoder's error would show a part of it
		return secret.Key{}
	}
	return secret.New(b)
}
