"""Run the AWS CLI once for each set of variables in a JSON list on stdin; print what came of each as JSON.

The CLI is loaded once and forked, because loading it is most of its time.
"""

import json
import os
import sys
import tempfile

import awscli.clidriver


def run(variables, args):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.environ.update(variables)
            sys.argv = ["aws", *args]
            code = 255
            try:
                code = awscli.clidriver.main()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code or 0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = [stream.seek(0) or stream.read().decode() for stream in (out, err)]
    return {"code": code, "stdout": texts[0], "stderr": texts[1].strip()}


def main():
    asked = json.load(sys.stdin)
    json.dump([run(variables, sys.argv[1:]) for variables in asked], sys.stdout)


if __name__ == "__main__":
    main()
