package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stint-sts/stint/test/harness"
)

// stage is a running server with the cast of one case.
type stage struct {
	server *harness.Server
	cast   *cast
	dir    string
}

// open starts the server that the declarative steps describe.
func open(dir string, file directoryFile, people *cast) (*stage, error) {
	content, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("writing the directory file: %w", err)
	}
	server, err := harness.Launch(harness.Options{Directory: content}, dir)
	if err != nil {
		return nil, err
	}
	return &stage{server: server, cast: people, dir: dir}, nil
}

// Close stops the server.
func (s *stage) Close() error { return s.server.Stop() }

// play does the steps that are not in the directory file.
func (s *stage) play(steps []step) error {
	for _, step := range steps {
		if err := s.playOne(step); err != nil {
			return fmt.Errorf("step %s %s: %w", step.Do, step.Name, err)
		}
	}
	return nil
}

func (s *stage) playOne(step step) error {
	switch step.Do {
	case "session":
		return s.session(step)
	case "call":
		return s.namedCall(step)
	case "advance_clock":
		return s.advance(time.Duration(step.Seconds) * time.Second)
	case "role":
		return s.createRole(step)
	case "user":
		return s.createUser(step)
	case "managed_policy":
		return s.createPolicy(step)
	case "virtual_mfa":
		_, name, _ := strings.Cut(step.Serial, ":mfa/")
		return s.administer("CreateVirtualMFADevice", harness.Field{Name: "VirtualMFADeviceName", Value: name})
	case "delete_role":
		return s.deleteRole(step.Name)
	case "delete_user":
		return s.deleteUser(step.Name)
	case "set_access_key_status":
		return s.administer("UpdateAccessKey", harness.Field{Name: "UserName", Value: step.User},
			harness.Field{Name: "AccessKeyId", Value: s.cast.credentials[step.User].AccessKeyID},
			harness.Field{Name: "Status", Value: step.Status})
	case "delete_access_key":
		return s.administer("DeleteAccessKey", harness.Field{Name: "UserName", Value: step.User},
			harness.Field{Name: "AccessKeyId", Value: s.cast.credentials[step.User].AccessKeyID})
	case "put_user_policy":
		return s.administer("PutUserPolicy", harness.Field{Name: "UserName", Value: step.User},
			harness.Field{Name: "PolicyName", Value: step.Name},
			harness.Field{Name: "PolicyDocument", Value: string(step.Document)})
	case "signin_token":
		return s.signinToken(step)
	case "service_credential":
		return s.serviceCredential(step)
	case "service_linked_role":
		return s.administer("CreateServiceLinkedRole", harness.Field{Name: "AWSServiceName", Value: step.Service})
	case "instance_profile":
		return s.administer("CreateInstanceProfile", harness.Field{Name: "InstanceProfileName", Value: step.Name})
	case "enable_outbound_web_identity":
		answer, err := s.ask("EnableOutboundWebIdentityFederation")
		if err != nil {
			return err
		}
		s.cast.saved[issuerName] = answer.Value("IssuerIdentifier")
		return nil
	case "obtain_encoded_authorization_message":
		return s.encodedMessage(step)
	}
	return errors.New("the runner does not know this kind of step")
}

// session makes named credentials by an STS operation; one that nobody signs if it is by nobody.
func (s *stage) session(step step) error {
	if step.By == "" {
		return s.unsignedSession(step)
	}
	by, there := s.cast.credentials[step.By]
	if !there {
		return fmt.Errorf("no credentials of %q", step.By)
	}
	fields, err := s.fieldsOf(step.Params)
	if err != nil {
		return err
	}
	answer, err := s.server.Call(by, "sts", step.Operation, fields...)
	if err != nil {
		return err
	}
	if answer.Status != 200 {
		return fmt.Errorf("%s answered %s", step.Operation, answer)
	}
	s.cast.credentials[step.Name] = answer.Credentials()
	return nil
}

func (s *stage) unsignedSession(step step) error {
	r := request{Method: http.MethodPost, Path: "/", Params: maps.Clone(step.Params), Signing: signing{Mode: "none"}}
	r.Params["Action"], r.Params["Version"] = json.RawMessage(strconv.Quote(step.Operation)), json.RawMessage(`"2011-06-15"`)
	done, err := s.perform(r)
	if err != nil {
		return err
	}
	if done.answer.Status != http.StatusOK {
		return fmt.Errorf("%s answered %s", step.Operation, done.answer)
	}
	s.cast.credentials[step.Name] = done.answer.Credentials()
	return nil
}

// namedCall is one successful call by someone; a member of the answer may be saved.
func (s *stage) namedCall(step step) error {
	by, there := s.cast.credentials[step.By]
	if step.By == "administrator" {
		by, there = s.server.Admin, true
	}
	if !there {
		return fmt.Errorf("no credentials of %q", step.By)
	}
	fields, err := s.fieldsOf(step.Params)
	if err != nil {
		return err
	}
	answer, err := s.server.Call(by, step.Service, step.Operation, fields...)
	if err != nil {
		return err
	}
	if answer.Status != 200 {
		return fmt.Errorf("%s answered %s", step.Operation, answer)
	}
	if step.Save != "" {
		s.cast.saved[step.Save] = answer.Value(step.Member)
	}
	return nil
}

// advance restarts the server on the same data with its clock further on.
func (s *stage) advance(by time.Duration) error {
	if err := s.server.Stop(); err != nil {
		return err
	}
	offset := s.server.Offset + by
	server, err := harness.Launch(harness.Options{Data: s.server.Data, ClockOffset: offset}, s.dir)
	if err != nil {
		return err
	}
	s.server = server
	return nil
}

// administer is an IAM call by the administrator that must succeed.
func (s *stage) administer(action string, fields ...harness.Field) error {
	_, err := s.ask(action, fields...)
	return err
}

func (s *stage) ask(action string, fields ...harness.Field) (*harness.Response, error) {
	answer, err := s.server.Call(s.server.Admin, "iam", action, fields...)
	if err != nil {
		return nil, err
	}
	if answer.Status != 200 {
		return nil, fmt.Errorf("%s answered %s", action, answer)
	}
	return answer, nil
}

func (s *stage) createRole(step step) error {
	name := harness.Field{Name: "RoleName", Value: step.Name}
	fields := []harness.Field{name, {Name: "AssumeRolePolicyDocument", Value: string(step.Trust)}}
	if step.Path != "" {
		fields = append(fields, harness.Field{Name: "Path", Value: step.Path})
	}
	if err := s.administer("CreateRole", fields...); err != nil {
		return err
	}
	if len(step.InlinePolicy) == 0 {
		return nil
	}
	return s.administer("PutRolePolicy", name, harness.Field{Name: "PolicyName", Value: inlineName},
		harness.Field{Name: "PolicyDocument", Value: string(step.InlinePolicy)})
}

func (s *stage) createUser(step step) error {
	name := harness.Field{Name: "UserName", Value: step.Name}
	if err := s.administer("CreateUser", name); err != nil {
		return err
	}
	if len(step.InlinePolicy) > 0 {
		err := s.administer("PutUserPolicy", name, harness.Field{Name: "PolicyName", Value: inlineName},
			harness.Field{Name: "PolicyDocument", Value: string(step.InlinePolicy)})
		if err != nil {
			return err
		}
	}
	if string(step.AccessKey) == "false" {
		return nil
	}
	answer, err := s.ask("CreateAccessKey", name)
	if err != nil {
		return err
	}
	s.cast.credentials[step.Name] = harness.Credentials{
		AccessKeyID:     answer.Value("AccessKey.AccessKeyId"),
		SecretAccessKey: answer.Value("AccessKey.SecretAccessKey"),
	}
	return nil
}

func (s *stage) createPolicy(step step) error {
	fields := []harness.Field{
		{Name: "PolicyName", Value: step.Name},
		{Name: "PolicyDocument", Value: string(step.Document)},
	}
	if step.Path != "" {
		fields = append(fields, harness.Field{Name: "Path", Value: step.Path})
	}
	if step.Description != "" {
		fields = append(fields, harness.Field{Name: "Description", Value: step.Description})
	}
	for key, value := range step.Tags {
		fields = append(fields,
			harness.Field{Name: "Tags.member.1.Key", Value: key}, harness.Field{Name: "Tags.member.1.Value", Value: value})
	}
	return s.administer("CreatePolicy", fields...)
}

// deleteRole removes the inline policy of a role that the stage made, then the role, as AWS wants it.
func (s *stage) deleteRole(role string) error {
	name := harness.Field{Name: "RoleName", Value: role}
	listed, err := s.ask("ListRolePolicies", name)
	if err != nil {
		return err
	}
	for _, policy := range memberTexts(listed, "PolicyNames") {
		if err := s.administer("DeleteRolePolicy", name, harness.Field{Name: "PolicyName", Value: policy}); err != nil {
			return err
		}
	}
	return s.administer("DeleteRole", name)
}

// deleteUser removes the inline policies and the key of a user that the stage made, then the user.
func (s *stage) deleteUser(user string) error {
	name := harness.Field{Name: "UserName", Value: user}
	listed, err := s.ask("ListUserPolicies", name)
	if err != nil {
		return err
	}
	for _, policy := range memberTexts(listed, "PolicyNames") {
		if err := s.administer("DeleteUserPolicy", name, harness.Field{Name: "PolicyName", Value: policy}); err != nil {
			return err
		}
	}
	if key, there := s.cast.credentials[user]; there {
		err := s.administer("DeleteAccessKey", name, harness.Field{Name: "AccessKeyId", Value: key.AccessKeyID})
		if err != nil {
			return err
		}
	}
	return s.administer("DeleteUser", name)
}

func memberTexts(answer *harness.Response, path string) []string {
	var texts []string
	for i := 0; ; i++ {
		text := answer.Value(fmt.Sprintf("%s.%d", path, i))
		if text == "" {
			return texts
		}
		texts = append(texts, text)
	}
}

func (s *stage) serviceCredential(step step) error {
	answer, err := s.ask("CreateServiceSpecificCredential",
		harness.Field{Name: "UserName", Value: step.User}, harness.Field{Name: "ServiceName", Value: step.Service})
	if err != nil {
		return err
	}
	if step.Save != "" {
		s.cast.saved[step.Save] = answer.Value("ServiceSpecificCredential.ServiceSpecificCredentialId")
	}
	return nil
}

// signinToken trades a session for a sign-in token at the console federation endpoint.
func (s *stage) signinToken(step step) error {
	by, there := s.cast.credentials[step.By]
	if !there {
		return fmt.Errorf("no credentials of %q", step.By)
	}
	session, err := json.Marshal(map[string]string{"sessionId": by.AccessKeyID, "sessionKey": by.SecretAccessKey, "sessionToken": by.SessionToken})
	if err != nil {
		return err
	}
	done, err := s.perform(request{Method: http.MethodGet, Path: "/federation", Signing: signing{Mode: "none"}, Params: map[string]json.RawMessage{
		"Action": json.RawMessage(`"getSigninToken"`), "Session": json.RawMessage(strconv.Quote(string(session))),
	}})
	if err != nil {
		return err
	}
	var answer struct{ SigninToken string }
	if err := json.Unmarshal(done.answer.Body, &answer); err != nil || answer.SigninToken == "" {
		return fmt.Errorf("getSigninToken answered %s", done.answer)
	}
	s.cast.saved[step.Save] = answer.SigninToken
	return nil
}

// encodedMessage gets a message from a real denial. Stint has no operation for actions of other services, so the action
// of the case is replaced by denialAction, here and (by replaceAction) in what the case expects.
func (s *stage) encodedMessage(step step) error {
	answer, err := s.server.Call(s.cast.credentials[step.For], "iam", denialOperation)
	if err != nil {
		return err
	}
	message := answer.Header.Get("X-Stint-Authorization-Message")
	if answer.Status != 403 || message == "" {
		return fmt.Errorf("%s was to be denied with a message in X-Stint-Authorization-Message, but answered %s", denialOperation, answer)
	}
	s.cast.saved[step.Save] = message
	return nil
}

const (
	denialOperation = "ListUsers"
	denialAction    = "iam:ListUsers"
)

// replaceAction makes a case that wants a message about an action of another service want one about denialAction.
func replaceAction(steps []step, expect *expectation) error {
	for _, step := range steps {
		if step.Do != "obtain_encoded_authorization_message" || step.Action == denialAction {
			continue
		}
		for path, raw := range expect.JSONPaths {
			var wanted matcher
			if err := strict(raw, &wanted); err != nil {
				return fmt.Errorf("expect %s: %w", path, err)
			}
			if string(wanted.Equals) == `"`+step.Action+`"` {
				expect.JSONPaths[path] = json.RawMessage(`{"equals":"` + denialAction + `"}`)
			}
		}
	}
	return nil
}
