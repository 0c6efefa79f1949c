"""Run a command; name and end every process it leaves behind, daemons included, and fail if there was one."""

import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
# A daemon whose bus has just gone needs a moment to notice.
GRACE_SECONDS = 5


def adopt_orphans():
    """Makes orphans below us our children instead of init's, so that no double fork hides one."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def wait_for(main):
    """Waits for the command, reaping adopted orphans meanwhile: a zombie would look alive to a test."""
    while True:
        pid, status = os.wait()
        if pid == main:
            return os.waitstatus_to_exitcode(status)


def reap_the_ended():
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def children():
    """Returns our children as {pid: command line}, without the `ps` that lists them."""
    listing = ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())]
    with subprocess.Popen(listing, stdout=subprocess.PIPE, text=True) as ps:
        rows = [line.split(None, 1) for line in ps.stdout]
    return {int(pid): args.strip() for pid, args in rows if int(pid) != ps.pid}


def end_leftovers():
    """Returns the command lines of what was still running after the grace, all of it ended now."""
    deadline = time.monotonic() + GRACE_SECONDS
    named = []
    while True:
        reap_the_ended()
        left = children()
        if not left:
            return named
        if time.monotonic() > deadline:
            # Ending one hands us its children, so the loop goes on until nothing is left.
            named += left.values()
            for pid in left:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def main():
    adopt_orphans()
    try:
        # Gives back the signals that Python ignores; a plain spawn would pass that on.
        command = subprocess.Popen(sys.argv[1:], restore_signals=True)
        code = wait_for(command.pid)
    except KeyboardInterrupt:
        code = 130
    left = end_leftovers()
    for args in left:
        print(f"tests/run: left running, now ended: {args}", file=sys.stderr)
    return code if code > 0 else 1 if code or left else 0


if __name__ == "__main__":
    sys.exit(main())
