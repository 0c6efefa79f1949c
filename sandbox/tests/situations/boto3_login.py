"""Refreshes a session of `aws login` with botocore's own provider, and prints "good" at its end.

botocore takes elliptic curves from awscrt alone. Where that is not installed, OpenSSL stands in for its five calls: all
else, from the proof to the file, is botocore's.
"""

import glob
import json
import os

import boto3
import botocore.credentials
from botocore.exceptions import ClientError, LoginRefreshRequired


def stand_in():
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    class EC:
        def __init__(self, key):
            self.key = key

        @classmethod
        def new_key_from_der_data(cls, data):
            return cls(serialization.load_der_private_key(data, None))

        def get_public_coords(self):
            point = self.key.public_key().public_numbers()
            return point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")

        def sign(self, digest):
            return self.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

        @staticmethod
        def decode_der_signature_to_padded_pair(signature, pad_to):
            r, s = utils.decode_dss_signature(signature)
            return r.to_bytes(pad_to, "big") + s.to_bytes(pad_to, "big")

    return EC


if botocore.credentials.EC is None:
    botocore.credentials.EC = stand_in()
(path,) = glob.glob(os.environ["AWS_LOGIN_CACHE_DIRECTORY"] + "/*.json")


def read():
    with open(path) as file:
        return json.load(file)


def write(content):
    with open(path, "w") as file:
        json.dump(content, file)


def expire(file):
    return {**file, "accessToken": {**file["accessToken"], "expiresAt": "2020-01-01T00:00:00Z"}}


def client():
    return boto3.Session(profile_name="alice").client("sts")


first = read()
assert client().get_caller_identity()["Arn"] == os.environ["ARN"]
assert read() == first
write(expire(first))
assert client().get_caller_identity()["Arn"] == os.environ["ARN"]
fresh = read()
assert fresh["accessToken"]["accessKeyId"] != first["accessToken"]["accessKeyId"]
assert fresh["refreshToken"] != first["refreshToken"] and fresh["dpopKey"] == first["dpopKey"]
assumed = client().assume_role(RoleArn=os.environ["ROLE"], RoleSessionName="from-login")
assert assumed["AssumedRoleUser"]["Arn"].endswith(":assumed-role/dev/from-login")

# A refresh token is used once.
write(expire(first))
try:
    client().get_caller_identity()
    raise AssertionError("not refused")
except LoginRefreshRequired:
    pass
print("good")
