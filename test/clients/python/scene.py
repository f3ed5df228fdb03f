"""Plays the scene of the client tests with boto3. Ends with an error at the first thing that is not as it should be."""

import base64
import hashlib
import hmac
import json
import os
import struct
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["STINT_ENDPOINT"]
ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"


def policy(action, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})


ALLOW_ALL = policy("*", Resource="*")
ALLOW_KEYS = policy("sts:GetAccessKeyInfo", Resource="*")
TRUST = policy(["sts:AssumeRole", "sts:TagSession"], Principal={"AWS": ACCOUNT})


def client(service, credentials=None):
    given = {}
    if credentials:
        given = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials.get("SessionToken"),
        }
    session = boto3.Session(region_name="us-east-1", **given)
    return session.client(service, endpoint_url=ENDPOINT, config=Config(retries={"max_attempts": 0}))


def equal(what, got, want):
    if got != want:
        raise SystemExit(f"{what} is {got!r}, want {want!r}")


def refused(what, code, call, kind=ClientError):
    """Calls and wants this error, recognised as the type that boto3 has for it; gives its answer."""
    try:
        call()
    except kind as error:
        equal(f"{what}: code", error.response["Error"]["Code"], code)
        return error.response
    raise SystemExit(f"{what} was not refused")


def one_time_code(seed, steps):
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(seed), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 1000000:06d}"


def build(iam):
    iam.create_user(UserName="builder", Tags=[{"Key": "team", "Value": "blue"}])
    refused("a user twice", "EntityAlreadyExists", lambda: iam.create_user(UserName="builder"),
            iam.exceptions.EntityAlreadyExistsException)
    everything = iam.create_policy(PolicyName="everything", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="builder", PolicyArn=everything)
    equal("the user's tags", iam.get_user(UserName="builder")["User"]["Tags"], [{"Key": "team", "Value": "blue"}])
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="worker", PolicyName="all", PolicyDocument=ALLOW_ALL)
    equal("the trust policy", iam.get_role(RoleName="worker")["Role"]["AssumeRolePolicyDocument"], json.loads(TRUST))
    refused("a role that is not there", "NoSuchEntity", lambda: iam.get_role(RoleName="ghost"),
            iam.exceptions.NoSuchEntityException)
    refused("a malformed policy", "MalformedPolicyDocument",
            lambda: iam.put_role_policy(RoleName="worker", PolicyName="bad", PolicyDocument="{"),
            iam.exceptions.MalformedPolicyDocumentException)
    return iam.create_access_key(UserName="builder")["AccessKey"]


def assume(builder):
    sts = client("sts", builder)
    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="shift", Policy=ALLOW_KEYS, Tags=[{"Key": "team", "Value": "blue"}])
    equal("PackedPolicySize is in range", 0 < answer["PackedPolicySize"] <= 100, True)
    equal("the identity", answer["AssumedRoleUser"]["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/shift")
    session = answer["Credentials"]
    equal("the time left", 3590 < session["Expiration"].timestamp() - time.time() <= 3601, True)
    inside = client("sts", session)
    equal("the session", inside.get_caller_identity()["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/shift")
    equal("a call that it may", inside.get_access_key_info(AccessKeyId=builder["AccessKeyId"])["Account"], ACCOUNT)
    denial = refused("a call that it may not", "AccessDenied", lambda: client("iam", session).list_users())
    decoded = sts.decode_authorization_message(
        EncodedMessage=denial["ResponseMetadata"]["HTTPHeaders"]["x-stint-authorization-message"])
    equal("the decoded action", json.loads(decoded["DecodedMessage"])["context"]["action"], "iam:ListUsers")
    refused("a message that is none", "InvalidAuthorizationMessageException",
            lambda: sts.decode_authorization_message(EncodedMessage="nothing"),
            sts.exceptions.InvalidAuthorizationMessageException)
    refused("a malformed session policy", "MalformedPolicyDocument",
            lambda: sts.assume_role(RoleArn=ROLE, RoleSessionName="shift", Policy="{"),
            sts.exceptions.MalformedPolicyDocumentException)
    refused("a duration above the role's", "ValidationError",
            lambda: sts.assume_role(RoleArn=ROLE, RoleSessionName="shift", DurationSeconds=3601))


def codes(builder):
    iam, sts = client("iam", builder), client("sts", builder)
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    seed = device["Base32StringSeed"]
    left = 30 - time.time() % 30
    if left < 3:
        time.sleep(left)
    first, second, later = (one_time_code(seed, steps) for steps in (-1, 0, 1))
    iam.enable_mfa_device(UserName="builder", SerialNumber=device["SerialNumber"],
                          AuthenticationCode1=first, AuthenticationCode2=second)
    session = sts.get_session_token(SerialNumber=device["SerialNumber"], TokenCode=later)["Credentials"]
    equal("the user of the session", client("iam", session).get_user()["User"]["UserName"], "builder")
    refused("a code twice", "AccessDenied",
            lambda: sts.get_session_token(SerialNumber=device["SerialNumber"], TokenCode=later))
    refused("IAM without a code", "InvalidClientTokenId",
            lambda: client("iam", sts.get_session_token()["Credentials"]).get_user())


def guests(builder):
    answer = client("sts", builder).get_federation_token(Name="guest", Policy=ALLOW_ALL)
    equal("the federated user", answer["FederatedUser"]["Arn"], f"arn:aws:sts::{ACCOUNT}:federated-user/guest")
    refused("another call of a federated user", "AccessDenied",
            lambda: client("sts", answer["Credentials"]).get_access_key_info(AccessKeyId=builder["AccessKeyId"]))


def main():
    equal("the administrator", client("sts").get_caller_identity()["Arn"], f"arn:aws:iam::{ACCOUNT}:user/admin")
    builder = build(client("iam"))
    assume(builder)
    codes(builder)
    guests(builder)
    print("boto3", boto3.__version__)


main()
