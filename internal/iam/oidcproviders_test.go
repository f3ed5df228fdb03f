package iam

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stint-sts/stint/internal/api"
	"github.com/stint-sts/stint/internal/directory"
	"github.com/stint-sts/stint/internal/identity"
)

const (
	atIssuer = "oidc-provider/issuer.example/p"
	atCorp   = "saml-provider/corp"
)

func (s *stage) newIssuer() *directory.OIDCProvider {
	return &directory.OIDCProvider{Account: s.account, URL: "issuer.example/p", ARN: s.arn(atIssuer), ClientIDs: []string{"c1"},
		Thumbprints: []string{strings.Repeat("a", 40)}, Created: now(s.root()), Tags: []directory.Tag{{Key: "team", Value: "blue"}}}
}

// providerCalls has a call of every operation on identity providers.
var providerCalls = []call{
	on("AddClientIDToOpenIDConnectProvider", bind((*Service).AddClientIDToOpenIDConnectProvider), func(s *stage) *api.AddClientIDToOpenIDConnectProviderInput {
		return &api.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: s.arn(atIssuer), ClientID: "c2"}
	}, atIssuer),
	on("CreateOpenIDConnectProvider", bind((*Service).CreateOpenIDConnectProvider),
		of(api.CreateOpenIDConnectProviderInput{Url: "https://new.example"}), "oidc-provider/new.example"),
	on("DeleteOpenIDConnectProvider", bind((*Service).DeleteOpenIDConnectProvider), func(s *stage) *api.DeleteOpenIDConnectProviderInput {
		return &api.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: s.arn(atIssuer)}
	}, atIssuer),
	on("GetOpenIDConnectProvider", bind((*Service).GetOpenIDConnectProvider), func(s *stage) *api.GetOpenIDConnectProviderInput {
		return &api.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: s.arn(atIssuer)}
	}, atIssuer),
	on("ListOpenIDConnectProviderTags", bind((*Service).ListOpenIDConnectProviderTags), func(s *stage) *api.ListOpenIDConnectProviderTagsInput {
		return &api.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderArn: s.arn(atIssuer)}
	}, atIssuer),
	on("ListOpenIDConnectProviders", bind((*Service).ListOpenIDConnectProviders), of(api.ListOpenIDConnectProvidersInput{}), "*"),
	on("RemoveClientIDFromOpenIDConnectProvider", bind((*Service).RemoveClientIDFromOpenIDConnectProvider), func(s *stage) *api.RemoveClientIDFromOpenIDConnectProviderInput {
		return &api.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: s.arn(atIssuer), ClientID: "c1"}
	}, atIssuer),
	on("TagOpenIDConnectProvider", bind((*Service).TagOpenIDConnectProvider), func(s *stage) *api.TagOpenIDConnectProviderInput {
		return &api.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: s.arn(atIssuer), Tags: tagged}
	}, atIssuer),
	on("UntagOpenIDConnectProvider", bind((*Service).UntagOpenIDConnectProvider), func(s *stage) *api.UntagOpenIDConnectProviderInput {
		return &api.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: s.arn(atIssuer), TagKeys: []string{"k"}}
	}, atIssuer),
	on("UpdateOpenIDConnectProviderThumbprint", bind((*Service).UpdateOpenIDConnectProviderThumbprint), func(s *stage) *api.UpdateOpenIDConnectProviderThumbprintInput {
		return &api.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: s.arn(atIssuer)}
	}, atIssuer),

	on("CreateSAMLProvider", bind((*Service).CreateSAMLProvider), func(*stage) *api.CreateSAMLProviderInput {
		return &api.CreateSAMLProviderInput{Name: "new", SAMLMetadataDocument: metadataOf("https://idp.example", "")}
	}, "saml-provider/new"),
	on("DeleteSAMLProvider", bind((*Service).DeleteSAMLProvider), func(s *stage) *api.DeleteSAMLProviderInput {
		return &api.DeleteSAMLProviderInput{SAMLProviderArn: s.arn(atCorp)}
	}, atCorp),
	on("GetSAMLProvider", bind((*Service).GetSAMLProvider), func(s *stage) *api.GetSAMLProviderInput {
		return &api.GetSAMLProviderInput{SAMLProviderArn: s.arn(atCorp)}
	}, atCorp),
	on("ListSAMLProviderTags", bind((*Service).ListSAMLProviderTags), func(s *stage) *api.ListSAMLProviderTagsInput {
		return &api.ListSAMLProviderTagsInput{SAMLProviderArn: s.arn(atCorp)}
	}, atCorp),
	on("ListSAMLProviders", bind((*Service).ListSAMLProviders), of(api.ListSAMLProvidersInput{}), "*"),
	on("TagSAMLProvider", bind((*Service).TagSAMLProvider), func(s *stage) *api.TagSAMLProviderInput {
		return &api.TagSAMLProviderInput{SAMLProviderArn: s.arn(atCorp), Tags: tagged}
	}, atCorp),
	on("UntagSAMLProvider", bind((*Service).UntagSAMLProvider), func(s *stage) *api.UntagSAMLProviderInput {
		return &api.UntagSAMLProviderInput{SAMLProviderArn: s.arn(atCorp), TagKeys: []string{"k"}}
	}, atCorp),
	on("UpdateSAMLProvider", bind((*Service).UpdateSAMLProvider), func(s *stage) *api.UpdateSAMLProviderInput {
		return &api.UpdateSAMLProviderInput{SAMLProviderArn: s.arn(atCorp)}
	}, atCorp),
}

// What Terraform does with a provider, call for call: each read after a write shows what was written, and what was left out as
// AWS shows it.
func TestOIDCProviderLife(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	thumbprint := strings.Repeat("0f", 20)
	plain := ok2(s.CreateOpenIDConnectProvider(ctx, s.view(), r, &api.CreateOpenIDConnectProviderInput{Url: "https://bare.example"}))(t)
	equal(t, "ARN", *plain.OpenIDConnectProviderArn, s.arn("oidc-provider/bare.example"))
	equal(t, "tags where none were given", plain.Tags == nil, true)

	created := ok2(s.CreateOpenIDConnectProvider(ctx, s.view(), r, &api.CreateOpenIDConnectProviderInput{
		Url: "https://Id.example:8443/realms/A_b/", ClientIDList: []string{"one", "two", "one"}, ThumbprintList: []string{thumbprint}, Tags: tagged,
	}))(t)
	providerARN := *created.OpenIDConnectProviderArn
	equal(t, "ARN", providerARN, s.arn("oidc-provider/Id.example:8443/realms/A_b/"))
	equal(t, "tags", created.Tags[0], tagged[0])

	get := func(providerARN string) *api.GetOpenIDConnectProviderOutput {
		t.Helper()
		return ok2(s.GetOpenIDConnectProvider(ctx, s.view(), r, &api.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN}))(t)
	}
	got := get(*plain.OpenIDConnectProviderArn)
	equal(t, "lists that are empty", got.ClientIDList != nil && got.ThumbprintList != nil && got.Tags != nil, true)
	got = get(providerARN)
	equal(t, "URL", *got.Url, "Id.example:8443/realms/A_b/")
	equal(t, "client ids", strings.Join(got.ClientIDList, " "), "one two")
	equal(t, "thumbprints", strings.Join(got.ThumbprintList, " "), thumbprint)
	equal(t, "created", *got.CreateDate, now(r))
	equal(t, "tags", len(got.Tags), 1)

	add := func(id string) error {
		_, err := s.AddClientIDToOpenIDConnectProvider(ctx, s.view(), r, &api.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN, ClientID: id})
		return err
	}
	remove := func(id string) error {
		in := &api.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN, ClientID: id}
		_, err := s.RemoveClientIDFromOpenIDConnectProvider(ctx, s.view(), r, in)
		return err
	}
	for _, err := range []error{add("three"), add("three"), remove("one"), remove("one"), remove("ONE")} { // each is idempotent
		if err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "client ids", strings.Join(get(providerARN).ClientIDList, " "), "two three")

	update := &api.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: providerARN, ThumbprintList: []string{strings.Repeat("c", 40)}}
	ok2(s.UpdateOpenIDConnectProviderThumbprint(ctx, s.view(), r, update))(t)
	equal(t, "thumbprints", strings.Join(get(providerARN).ThumbprintList, " "), strings.Repeat("c", 40))

	more := []api.Tag{{Key: "l", Value: ""}}
	ok2(s.TagOpenIDConnectProvider(ctx, s.view(), r, &api.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN, Tags: more}))(t)
	tags := ok2(s.ListOpenIDConnectProviderTags(ctx, s.view(), r, &api.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderArn: providerARN, MaxItems: new(int32(1))}))(t)
	equal(t, "truncated", *tags.IsTruncated, true)
	ok2(s.UntagOpenIDConnectProvider(ctx, s.view(), r, &api.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN, TagKeys: []string{"K", "absent"}}))(t)
	equal(t, "tags", get(providerARN).Tags[0].Key, "l")

	var listed []string
	for _, p := range ok2(s.ListOpenIDConnectProviders(ctx, s.view(), r, &api.ListOpenIDConnectProvidersInput{}))(t).OpenIDConnectProviderList {
		listed = append(listed, *p.Arn)
	}
	equal(t, "listed", strings.Join(listed, " "), strings.Join([]string{providerARN, *plain.OpenIDConnectProviderArn, s.arn(atIssuer)}, " "))

	drop := &api.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN}
	ok2(s.DeleteOpenIDConnectProvider(ctx, s.view(), r, drop))(t)
	_, err := s.DeleteOpenIDConnectProvider(ctx, s.view(), r, drop)
	refused(t, err, identity.NoSuchEntity, "OpenId connect Provider "+providerARN+" cannot be found.")
	_, err = s.GetOpenIDConnectProvider(ctx, s.view(), r, &api.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN})
	refused(t, err, identity.NoSuchEntity, "OpenIDConnect Provider not found for arn "+providerARN)
}

func TestOIDCProviderRefusals(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	ctx, r := t.Context(), s.as("caller")
	create := func(in api.CreateOpenIDConnectProviderInput) error {
		_, err := s.CreateOpenIDConnectProvider(ctx, s.view(), r, &in)
		return err
	}
	for _, url := range []string{"example.org", "http://example.org", "HTTPS://example.org", "https://", "https:///p", "https://u@example.org",
		"https://example.org?q", "https://example.org/#f", "https://example.org/a b", "https://example.org/*", `https://example.org\x`, "https://exämple.org",
		"https://example.org/\n", "https://" + strings.Repeat("a", 248)} {
		refused(t, create(api.CreateOpenIDConnectProviderInput{Url: url}), identity.ValidationError, "Invalid Open ID Connect Provider URL")
	}
	ids := make([]string, 101)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	six := slices.Repeat([]string{strings.Repeat("0", 40)}, 6)
	refused(t, create(api.CreateOpenIDConnectProviderInput{Url: "https://a.example", ThumbprintList: six}), identity.InvalidInput,
		"Thumbprint list must contain fewer than 5 entries.")
	refused(t, create(api.CreateOpenIDConnectProviderInput{Url: "https://a.example", ThumbprintList: []string{strings.Repeat("g", 40)}}), identity.InvalidInput,
		"Thumbprints must be the SHA-1 digest of a certificate in 40 hexadecimal digits.")
	refused(t, create(api.CreateOpenIDConnectProviderInput{Url: "https://a.example", ClientIDList: ids}), identity.LimitExceeded,
		"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")
	refused(t, create(api.CreateOpenIDConnectProviderInput{Url: "https://issuer.example/p"}), identity.EntityAlreadyExists,
		"Provider with url https://issuer.example/p already exists.")
	refused(t, create(api.CreateOpenIDConnectProviderInput{Url: "https://a.example", Tags: []api.Tag{{Key: "k"}, {Key: "K"}}}), identity.InvalidInput,
		"Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	if err := create(api.CreateOpenIDConnectProviderInput{Url: "https://a.example", ClientIDList: ids[:100], ThumbprintList: six[:5]}); err != nil {
		t.Fatalf("at the limits: %v", err)
	}
	_, err := s.AddClientIDToOpenIDConnectProvider(ctx, s.view(), r, &api.AddClientIDToOpenIDConnectProviderInput{
		OpenIDConnectProviderArn: s.arn("oidc-provider/a.example"), ClientID: "one more"})
	refused(t, err, identity.LimitExceeded, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")
	_, err = s.TagOpenIDConnectProvider(ctx, s.view(), r, &api.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: s.arn(atIssuer), Tags: []api.Tag{}})
	refused(t, err, identity.InvalidInput, "The provided tag map must not be null/empty.")
	for providerARN, want := range map[string]*identity.Fault{
		"arn:aws:iam:oidc-provider/issuer.example/p": identity.NewFault(identity.ValidationError, "Invalid ARN:  Could not be parsed!"),
		s.arn("oidc-provider/"):                      identity.NewFault(identity.InvalidInput, "ARN "+s.arn("oidc-provider/")+" is not valid."),
		s.arn("user/issuer.example/p"):               identity.NewFault(identity.InvalidInput, "ARN "+s.arn("user/issuer.example/p")+" is not valid."),
		s.arn("oidc-provider/Issuer.example/p"):      identity.NewFault(identity.NoSuchEntity, "OpenIDConnect Provider not found for arn "+s.arn("oidc-provider/Issuer.example/p")),
	} {
		_, err := s.GetOpenIDConnectProvider(ctx, s.view(), r, &api.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: providerARN})
		refused(t, err, want.Code, want.Message)
	}
}

// Of the quota's last place one takes it, however many come at once.
func TestProviderQuotas(t *testing.T) {
	t.Parallel()
	s := newStage(t, allowAll)
	full := new(directory.Change)
	for i := range maxOIDCProviders - 2 { // one is there already
		url := fmt.Sprintf("i%d.example", i)
		full.Put(&directory.OIDCProvider{Account: s.account, URL: url, ARN: s.arn("oidc-provider/" + url), Created: arrival})
	}
	if err := shared.Commit(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	r := s.as("caller")
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			in := &api.CreateOpenIDConnectProviderInput{Url: fmt.Sprintf("https://last%d.example", i)}
			_, errs[i] = s.CreateOpenIDConnectProvider(t.Context(), s.view(), r, in)
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		refused(t, err, identity.LimitExceeded, "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100")
	}
	equal(t, "made", made, 1)
}

// Another account's provider is nobody's here, though the ARN is right.
func TestProvidersOfOthers(t *testing.T) {
	t.Parallel()
	s, other := newStage(t, allowAll), newStage(t, allowAll)
	_, err := s.GetOpenIDConnectProvider(t.Context(), s.view(), s.as("caller"), &api.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: other.arn(atIssuer)})
	f, isFault := identityFault(err)
	if !isFault || f.Code != identity.AccessDenied || !strings.Contains(f.Message, "because no resource-based policy allows") {
		t.Fatalf("got %v", err)
	}
	_, err = s.DeleteSAMLProvider(t.Context(), s.view(), s.root(), &api.DeleteSAMLProviderInput{SAMLProviderArn: other.arn(atCorp)})
	if f, isFault := identityFault(err); !isFault || f.Code != identity.AccessDenied {
		t.Fatalf("root got %v", err)
	}
	ok2(other.GetSAMLProvider(t.Context(), s.view(), other.as("caller"), &api.GetSAMLProviderInput{SAMLProviderArn: other.arn(atCorp)}))(t)
}

// Condition keys of providers decide: the tags that they have, and those of the request.
func TestProviderConditionKeys(t *testing.T) {
	t.Parallel()
	byName := func(operation string) call {
		return providerCalls[slices.IndexFunc(providerCalls, func(c call) bool { return c.operation == operation })]
	}
	create := on("CreateOpenIDConnectProvider", bind((*Service).CreateOpenIDConnectProvider),
		of(api.CreateOpenIDConnectProviderInput{Url: "https://new.example", Tags: tagged}), "oidc-provider/new.example")
	for _, tt := range []struct {
		call              call
		also              string
		key, right, wrong string
	}{
		{byName("DeleteOpenIDConnectProvider"), "", "aws:ResourceTag/team", "blue", "red"},
		{byName("GetSAMLProvider"), "", "aws:ResourceTag/team", "blue", "red"},
		{byName("TagOpenIDConnectProvider"), "", "aws:RequestTag/k", "v", "w"},
		{byName("TagSAMLProvider"), "", "aws:RequestTag/k", "v", "w"},
		{byName("UntagOpenIDConnectProvider"), "", "aws:TagKeys", "k", "l"},
		{byName("UntagSAMLProvider"), "", "aws:TagKeys", "k", "l"},
		{create, "TagOpenIDConnectProvider", "aws:RequestTag/k", "v", "w"},
	} {
		s := newStage(t, allowSTS)
		resources := s.full(tt.call.resources)
		if tt.also != "" { // tags at creation need permission of their own (advisory 47)
			s.permit(allowing(tt.call.operation, resources, nil))
			s.denied(tt.call.do(s, t.Context(), s.as("caller")), tt.also, resources[0])
		}
		actions := []string{"iam:" + tt.call.operation}
		if tt.also != "" {
			actions = append(actions, "iam:"+tt.also)
		}
		permit := func(value string) {
			s.permit(fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":%s,"Resource":"%s","Condition":{"ForAnyValue:StringEquals":{"%s":"%s"}}}}`,
				ok2(json.Marshal(actions))(t), resources[0], tt.key, value))
		}
		permit(tt.wrong)
		s.denied(tt.call.do(s, t.Context(), s.as("caller")), tt.call.operation, resources[0])
		permit(tt.right)
		if err := tt.call.do(s, t.Context(), s.as("caller")); err != nil {
			t.Errorf("%s with %s: %v", tt.call.operation, tt.key, err)
		}
	}
}
