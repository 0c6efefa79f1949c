"""Enrols a device, rotates a key and reads every list with boto3, and prints "good" at its end."""

import base64
import hashlib
import hmac
import os
import struct
import time
import zlib

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def client(service, keys=None):
    given = {}
    if keys:
        given = {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys.get("SessionToken"),
        }
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}), **given)


def refusal(call, **params):
    try:
        call(**params)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    raise AssertionError("not refused")


def code(seed, step):
    digest = hmac.new(base64.b32decode(seed), struct.pack(">q", step), hashlib.sha1).digest()
    at = digest[19] & 15
    return "%06d" % ((struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF) % 1000000)


def rows_of_png(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert crc == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    pixels = zlib.decompress(chunks[b"IDAT"])
    assert len(pixels) == height * (1 + (width + 7) // 8)
    return width, height


iam, sts = client("iam"), client("sts")
assert iam.get_user()["User"]["Arn"] == "arn:aws:iam::111122223333:user/team/sue"
assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
assert iam.list_mfa_devices()["MFADevices"] == []

# Without MFA the sample policy lets a user enrol a device, and nothing else.
made = iam.create_virtual_mfa_device(VirtualMFADeviceName="sue")["VirtualMFADevice"]
serial, seed = made["SerialNumber"], made["Base32StringSeed"]
assert serial == "arn:aws:iam::111122223333:mfa/sue" and len(seed) == 64
width, height = rows_of_png(made["QRCodePNG"])
assert width == height > 100
assert refusal(iam.delete_virtual_mfa_device, SerialNumber=serial) == (403, "AccessDenied")
assert refusal(iam.list_access_keys, UserName="sue") == (403, "AccessDenied")
who = {"UserName": "sue", "SerialNumber": serial}
wrong = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
assert refusal(iam.enable_mfa_device, **who, **wrong) == (403, "InvalidAuthenticationCode")
while time.time() % 30 > 27:
    time.sleep(0.2)
step = int(time.time()) // 30
assert iam.enable_mfa_device(
    **who, AuthenticationCode1=code(seed, step - 2), AuthenticationCode2=code(seed, step - 1)
)
(listed,) = iam.list_mfa_devices(UserName="sue")["MFADevices"]
assert listed["SerialNumber"] == serial and listed["UserName"] == "sue" and listed["EnableDate"]
assert refusal(sts.get_session_token, SerialNumber=serial, TokenCode=code(seed, step - 1)) == (403, "AccessDenied")
plain = client("iam", sts.get_session_token()["Credentials"])
assert refusal(plain.list_access_keys, UserName="sue") == (403, "InvalidClientTokenId")

# With MFA the user rotates the own key.
session = sts.get_session_token(SerialNumber=serial, TokenCode=code(seed, step))["Credentials"]
iam = client("iam", session)
assert refusal(iam.list_access_keys) == (400, "ValidationError")
(old,) = iam.list_access_keys(UserName="sue")["AccessKeyMetadata"]
new = iam.create_access_key(UserName="sue")["AccessKey"]
assert new["Status"] == "Active" and new["CreateDate"] >= old["CreateDate"]
assert refusal(iam.create_access_key, UserName="sue") == (409, "LimitExceeded")
never = iam.get_access_key_last_used(AccessKeyId=new["AccessKeyId"])
assert never["UserName"] == "sue" and never["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
client("sts", new).get_caller_identity()
used = iam.get_access_key_last_used(AccessKeyId=new["AccessKeyId"])["AccessKeyLastUsed"]
assert (used["ServiceName"], used["Region"]) == ("sts", "us-east-1") and used["LastUsedDate"]
iam.update_access_key(UserName="sue", AccessKeyId=old["AccessKeyId"], Status="Inactive")
assert refusal(sts.get_caller_identity) == (403, "InvalidClientTokenId")

# The server lists one entry an answer.
pages = list(iam.get_paginator("list_access_keys").paginate(UserName="sue"))
statuses = {key["AccessKeyId"]: key["Status"] for page in pages for key in page["AccessKeyMetadata"]}
assert len(pages) == 2
assert statuses == {old["AccessKeyId"]: "Inactive", new["AccessKeyId"]: "Active"}
iam.delete_access_key(UserName="sue", AccessKeyId=old["AccessKeyId"])
assert refusal(iam.delete_access_key, UserName="sue", AccessKeyId=old["AccessKeyId"]) == (404, "NoSuchEntity")

codes = {"AuthenticationCode1": code(seed, step + 1), "AuthenticationCode2": code(seed, step + 2)}
iam.resync_mfa_device(**who, **codes)
iam.create_virtual_mfa_device(VirtualMFADeviceName="second")
pages = list(iam.get_paginator("list_virtual_mfa_devices").paginate(AssignmentStatus="Any"))
assert [len(page["VirtualMFADevices"]) for page in pages] == [1, 1]
assert pages[1]["VirtualMFADevices"][0]["User"]["UserName"] == "sue"
iam.deactivate_mfa_device(**who)
assert refusal(iam.delete_virtual_mfa_device, SerialNumber=serial) == (403, "AccessDenied")

# An administrator may.
admin = client("iam", {"AccessKeyId": os.environ["ADMIN_KEY"], "SecretAccessKey": os.environ["ADMIN_SECRET"]})
assert admin.list_account_aliases()["AccountAliases"] == ["example"]
admin.delete_virtual_mfa_device(SerialNumber=serial)
assert refusal(admin.delete_virtual_mfa_device, SerialNumber=serial) == (404, "NoSuchEntity")
print("good")
