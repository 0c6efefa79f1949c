"""Looks for an object of S3 as the C++ SDK does, at an address where nobody listens."""

from pyarrow.fs import S3FileSystem

S3FileSystem(region="eu-west-1", scheme="http", endpoint_override="127.0.0.1:9").get_file_info("bucket/object")
