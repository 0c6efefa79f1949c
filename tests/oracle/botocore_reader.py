"""Reads pairs of AWS files as botocore does: JSON in, JSON out, one process for all of them.

Bytes travel as text with one character a byte (latin-1).
"""

import json
import os
import sys
import tempfile

import botocore.session
from botocore.exceptions import ConfigParseError

session = botocore.session.Session()


def read(config, credentials):
    session._config = None
    try:
        return {"profiles": session.full_config["profiles"]}
    except ConfigParseError as error:
        return {"refused": str(error)}


def main():
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("config", "credentials")]
        session.set_config_variable("config_file", paths[0])
        session.set_config_variable("credentials_file", paths[1])
        answers = []
        for pair in json.load(sys.stdin):
            for path, text in zip(paths, pair):
                with open(path, "wb") as file:
                    file.write(text.encode("latin-1"))
            answers.append(read(*pair))
        json.dump(answers, sys.stdout)


main()
