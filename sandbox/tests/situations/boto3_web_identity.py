"""Assumes a role with an identity token, by a profile and by the call itself, and prints "good" at its end."""

import os

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

arn = boto3.Session(profile_name="deploy").client("sts").get_caller_identity()["Arn"]
assert arn == "arn:aws:sts::111122223333:assumed-role/deploy/build-7", arn

sts = boto3.client("sts", config=Config(signature_version=UNSIGNED))
with open(os.environ["TOKEN_FILE"]) as file:
    token = file.read()
call = {"RoleArn": os.environ["ROLE"], "RoleSessionName": "direct"}
answer = sts.assume_role_with_web_identity(**call, WebIdentityToken=token)
assert answer["SubjectFromWebIdentityToken"] == "repo:org/app:main"
assert answer["Audience"] == "sts.amazonaws.com"
assert answer["Provider"] == "arn:aws:iam::111122223333:oidc-provider/ci.example"
for name, code in [
    ("EXPIRED", "ExpiredTokenException"),
    ("STRANGER", "AccessDenied"),
    ("FOREIGN", "InvalidIdentityToken"),
]:
    try:
        sts.assume_role_with_web_identity(**call, WebIdentityToken=os.environ[name])
        raise AssertionError("not refused")
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
print("good")
