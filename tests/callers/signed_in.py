"""As identity.py, with the elliptic curves that `aws login` needs.

botocore takes them from awscrt alone. Where that is not installed, OpenSSL stands in for its calls: all else, from the
proof to the file, is botocore's.
"""

import sys

import botocore.credentials

import identity


class EC:
    def __init__(self, key):
        self.key = key

    @classmethod
    def new_key_from_der_data(cls, data):
        from cryptography.hazmat.primitives.serialization import load_der_private_key

        return cls(load_der_private_key(data, None))

    def get_public_coords(self):
        point = self.key.public_key().public_numbers()
        return point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")

    def sign(self, digest):
        from cryptography.hazmat.primitives.asymmetric import ec, utils
        from cryptography.hazmat.primitives.hashes import SHA256

        return self.key.sign(digest, ec.ECDSA(utils.Prehashed(SHA256())))

    @staticmethod
    def decode_der_signature_to_padded_pair(signature, pad_to):
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        r, s = decode_dss_signature(signature)
        return r.to_bytes(pad_to, "big") + s.to_bytes(pad_to, "big")


if botocore.credentials.EC is None:
    botocore.credentials.EC = EC
sys.exit(identity.main())
