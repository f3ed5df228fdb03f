"""Walks the steps of walk/steps.json with boto3 or, in one process, with the AWS CLI, as far as they know the operations.

../walk_test.go says what a step is. Ends with an error at the first thing that is not as it should be.
"""

import contextlib
import functools
import io
import json
import os
import pathlib
import re
import sys
import tempfile
import time

ENDPOINT = os.environ["STINT_ENDPOINT"]
VALUES = json.loads(pathlib.Path(os.environ["STINT_VALUES"]).read_text())
STEPS = json.loads(pathlib.Path(__file__).with_name("steps.json").read_text())


class Unknown(Exception):
    """The client does not know the operation or one of its parameters."""


class Refused(Exception):
    """The server answered with an error; its argument is the code."""


def fill(v):
    if isinstance(v, str):
        def value(match):
            if VALUES.get(match[1]) is None:
                raise Unknown(f"{match[1]} was not saved")
            return VALUES[match[1]]
        return re.sub(r"\$\{(\w+)\}", value, v)
    if isinstance(v, list):
        return [fill(m) for m in v]
    if isinstance(v, dict):
        return {k: fill(m) for k, m in v.items()}
    return v


def member(v, path):
    for part in path.split("."):
        if isinstance(v, list):
            v = v[int(part)] if int(part) < len(v) else None
        else:
            v = v.get(part) if isinstance(v, dict) else None
    return v


def differs(answer, want):
    return [(path, member(answer, path)) for path, value in fill(want or {}).items() if member(answer, path) != value]


class Boto3:
    """Calls by a client of boto3."""

    def __init__(self):
        import boto3
        from botocore import exceptions, xform_name
        from botocore.config import Config

        self.boto3, self.exceptions, self.name = boto3, exceptions, xform_name
        self.config = Config(retries={"max_attempts": 0})
        self.client = functools.cache(self.make)
        self.known = set(self.client().meta.service_model.operation_names)

    def make(self, *credentials):
        given = dict(zip(("aws_access_key_id", "aws_secret_access_key"), credentials))
        return self.boto3.Session(region_name="us-east-1", **given).client("iam", endpoint_url=ENDPOINT, config=self.config)

    def call(self, op, parameters, credentials):
        try:
            return getattr(self.client(*credentials or ()), self.name(op))(**parameters)
        except self.exceptions.ParamValidationError as error:
            raise Unknown(str(error)) from error
        except self.exceptions.ClientError as error:
            raise Refused(error.response["Error"]["Code"]) from error


class CLI:
    """Calls by the AWS CLI, whose commands run in this process. It brings a botocore of its own."""

    def __init__(self):
        from awscli import clidriver
        from awscli.botocore import session, xform_name

        self.driver, self.name = clidriver.create_clidriver, xform_name
        self.known = set(session.get_session().get_service_model("iam").operation_names)

    def call(self, op, parameters, credentials):
        arguments = ["iam", self.name(op, "-"), "--endpoint-url", ENDPOINT, "--output", "json"]
        if op == "CreateVirtualMFADevice":
            arguments += ["--virtual-mfa-device-name", parameters["VirtualMFADeviceName"], "--tags", json.dumps(parameters["Tags"])]
            arguments += ["--outfile", os.path.join(tempfile.mkdtemp(), "seed"), "--bootstrap-method", "Base32StringSeed"]
        elif parameters:
            arguments += ["--cli-input-json", json.dumps(parameters)]
        out, err = io.StringIO(), io.StringIO()
        with signed(credentials), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = self.driver().main(arguments)
        if status:
            refused = re.search(r"An error occurred \((\w+)\)", err.getvalue())
            if refused:
                raise Refused(refused[1])
            if "Unknown parameter" in err.getvalue():
                raise Unknown(err.getvalue())
            raise RuntimeError(f"status {status}: {err.getvalue()}")
        return json.loads(out.getvalue() or "{}")


@contextlib.contextmanager
def signed(credentials):
    """Lets the CLI sign with other credentials than the administrator's."""
    given = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), credentials or ()))
    before = {name: os.environ[name] for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.update(before)


def walk(step, call):
    for _ in range(100):
        try:
            answer = call(step["op"], fill(step.get("in", {})), fill(step.get("as")))
        except Refused as refused:
            if str(refused) != step.get("error"):
                raise
            return
        assert "error" not in step, f"succeeded instead of {step['error']}"
        if differs(answer, step.get("until")):
            time.sleep(0.05)
            continue
        difference = differs(answer, step.get("want"))
        assert not difference, f"{answer} has {difference}"
        VALUES.update({name: member(answer, path) for name, path in step.get("save", {}).items()})
        return
    raise AssertionError(f"never {step['until']}")


def main():
    client = {"boto3": Boto3, "cli": CLI}[sys.argv[1]]()
    walked, unknown = set(), set()
    for i, step in enumerate(STEPS):
        if step["op"] not in client.known:
            unknown.add(step["op"])
            continue
        try:
            walk(step, client.call)
            walked.add(step["op"])
        except Unknown as error:
            print(f"step {i}, {step['op']}: {error}")
        except Exception as error:
            raise SystemExit(f"step {i}, {step['op']}: {error!r}")
    left = client.known - walked
    assert not left, f"operations that the walk leaves out: {sorted(left)}"
    print(f"{len(walked)} operations walked; unknown to this client: {', '.join(sorted(unknown)) or 'none'}")


main()
