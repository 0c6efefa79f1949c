"""Signs in through the device flow with boto3, keeps the token as the AWS CLI does, and prints "good" at its end."""

import datetime
import hashlib
import json
import os
import time
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, TokenRetrievalError, UnauthorizedSSOTokenError

START = "https://example.awsapps.com/start"
CACHE = os.path.expanduser("~/.aws/sso/cache")


def path(name):
    return os.path.join(CACHE, hashlib.sha1(name.encode()).hexdigest() + ".json")


def read(name):
    with open(path(name)) as file:
        return json.load(file)


def write(name, content):
    os.makedirs(CACHE, exist_ok=True)
    with open(path(name), "w") as file:
        json.dump(content, file)


def approve(user_code):
    body = json.dumps({"user_code": user_code, "user": "ann"}).encode()
    urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_sandbox/approve", body).close()


def moment(seconds):
    then = datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def refusal(call, **params):
    try:
        call(**params)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    raise AssertionError("not refused")


def who(profile):
    return boto3.Session(profile_name=profile).client("sts").get_caller_identity()["Arn"]


config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
oidc = boto3.client("sso-oidc", config=config)
assert refusal(oidc.register_client, clientName="x", clientType="secret") == (400, "InvalidClientMetadataException")
client = oidc.register_client(clientName="test", clientType="public", scopes=["sso:account:access"])
pair = {"clientId": client["clientId"], "clientSecret": client["clientSecret"]}
assert refusal(oidc.start_device_authorization, **pair, startUrl="https://x") == (400, "InvalidRequestException")
grant = oidc.start_device_authorization(**pair, startUrl=START)
ask = {**pair, "grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": grant["deviceCode"]}
try:
    oidc.create_token(**ask)
    raise AssertionError("not refused")
except oidc.exceptions.AuthorizationPendingException as error:
    assert error.response["error"] == "authorization_pending"
approve(grant["userCode"])
time.sleep(grant["interval"])
token = oidc.create_token(**ask)
assert refusal(oidc.create_token, **ask) == (400, "InvalidGrantException")

file = {
    "startUrl": START,
    "region": "us-east-1",
    "accessToken": token["accessToken"],
    "expiresAt": moment(token["expiresIn"]),
    **pair,
    "registrationExpiresAt": moment(client["clientSecretExpiresAt"] - time.time()),
    "refreshToken": token["refreshToken"],
}
write("corp", file)
write(START, {name: file[name] for name in ["startUrl", "region", "accessToken", "expiresAt"]})
for profile in ["admin", "older"]:
    arn = who(profile)
    assert ":assumed-role/AWSReservedSSO_Admin_" in arn and arn.endswith("/ann"), arn

portal = boto3.client("sso", config=config)
bearer = {"accessToken": token["accessToken"]}
(account,) = portal.list_accounts(**bearer)["accountList"]
assert account["accountId"] == "111122223333"
(role,) = portal.list_account_roles(**bearer, accountId=account["accountId"])["roleList"]
assert role == {"accountId": "111122223333", "roleName": "Admin"}
assert refusal(portal.get_role_credentials, **bearer, accountId="111122223333", roleName="x") == (403, "ForbiddenException")

# An access token that has expired is refreshed, and the file is written anew.
write("corp", {**file, "expiresAt": moment(-60)})
assert who("admin") == arn
fresh = read("corp")
assert fresh["accessToken"] != file["accessToken"] and fresh["refreshToken"] != file["refreshToken"]
# The refresh token before it was used: nothing is left to try.
write("corp", {**file, "expiresAt": moment(-60)})
try:
    who("admin")
    raise AssertionError("not refused")
except (TokenRetrievalError, UnauthorizedSSOTokenError):
    pass

write("corp", fresh)
portal.logout(accessToken=fresh["accessToken"])
try:
    who("admin")
    raise AssertionError("not refused")
except UnauthorizedSSOTokenError:
    pass
print("good")
