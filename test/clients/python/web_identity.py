"""Prints who a pod is whose token file boto3 reads. Only the endpoint is given, which older versions do not read themselves."""

import os

import boto3
import botocore.session

session = botocore.session.get_session()
create = session.create_client


def at_endpoint(*arguments, **more):
    more["endpoint_url"] = os.environ["STINT_ENDPOINT"]
    return create(*arguments, **more)


session.create_client = at_endpoint
print(boto3.Session(botocore_session=session, region_name="us-east-1").client("sts").get_caller_identity()["Arn"])
