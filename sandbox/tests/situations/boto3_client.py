"""Goes the way of an MFA user with boto3, and prints "good" at its end."""

import datetime
import json
import os
import ssl
import urllib.parse
import urllib.request

import boto3
from botocore.exceptions import ClientError


def unused_code():
    url = os.environ["AWS_ENDPOINT_URL"] + "/_sandbox/code?serial="
    trust = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    with urllib.request.urlopen(url + urllib.parse.quote(os.environ["SERIAL"]), context=trust) as page:
        return json.load(page)["code"]


def client_of(answer):
    got = answer["Credentials"]
    return boto3.client(
        "sts",
        aws_access_key_id=got["AccessKeyId"],
        aws_secret_access_key=got["SecretAccessKey"],
        aws_session_token=got["SessionToken"],
    )


def refusal(call, **params):
    try:
        call(**params)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError("not refused")


def minutes_left(answer):
    left = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    return left.total_seconds() / 60


alice = boto3.client("sts")
assert alice.get_caller_identity()["Arn"].endswith(":user/alice")

code = unused_code()
mfa = {"SerialNumber": os.environ["SERIAL"], "TokenCode": code}
session = alice.get_session_token(**mfa, DurationSeconds=7200)
assert 118 < minutes_left(session) <= 120
assert len(session["Credentials"]["SessionToken"]) == 4096
assert refusal(alice.get_session_token, **mfa) == (
    "AccessDenied",
    "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
)

with_mfa = client_of(session)
assert with_mfa.get_caller_identity()["Account"] == "111122223333"
role = {
    "RoleArn": os.environ["ROLE"],
    "RoleSessionName": "from-boto3",
    "ExternalId": "ex:1/2",
    "SourceIdentity": "alice",
    "Tags": [{"Key": "Größe", "Value": "a+b c"}],
    "TransitiveTagKeys": ["Größe"],
    "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
}
assumed = with_mfa.assume_role(**role)
assert assumed["AssumedRoleUser"]["Arn"] == "arn:aws:sts::444455556666:assumed-role/dev/from-boto3"
assert assumed["SourceIdentity"] == "alice" and assumed["PackedPolicySize"] > 0
assert client_of(assumed).get_caller_identity()["UserId"].endswith(":from-boto3")

code, words = refusal(with_mfa.assume_role, **role, DurationSeconds=7200)
assert code == "ValidationError" and "role chaining" in words
code, words = refusal(alice.assume_role, **role)
assert code == "AccessDenied" and "is not authorized to perform: sts:AssumeRole" in words
print("good")
