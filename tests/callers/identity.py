"""Call GetCallerIdentity as boto3 does: N times, by threads or by processes; one line of JSON a call."""

import argparse
import json
import os
import sys
import threading
import time

import boto3


def who(session):
    credentials = session.get_credentials().get_frozen_credentials()
    answer = session.client("sts").get_caller_identity()
    return {"arn": answer["Arn"], "account": answer["Account"], "key": credentials.access_key}


def say(line):
    os.write(1, (json.dumps(line) + "\n").encode())


def new_session(profile):
    return boto3.Session(profile_name=profile) if profile else boto3.Session()


def one_after_the_other(args):
    session = new_session(args.profile)
    client = session.client("sts")
    for call in range(args.calls):
        time.sleep(args.pause if call else 0)
        answer = client.get_caller_identity()
        credentials = session.get_credentials().get_frozen_credentials() if args.look else None
        say({"arn": answer["Arn"], "key": credentials and credentials.access_key})


def by_threads(args):
    problems = []

    def run():
        try:
            # A session each: boto3's own lock in one session would hide ours.
            say(who(new_session(args.profile)))
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(args.calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def by_processes(args):
    children = []
    for _ in range(args.calls):
        pid = os.fork()
        if pid == 0:
            say(who(new_session(args.profile)))
            os._exit(0)
        children.append(pid)
    return max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0, help="seconds between two calls in turn")
    parser.add_argument("--by", choices=["turns", "threads", "processes"], default="turns")
    parser.add_argument("--look", action="store_true", help="read the credentials after each call too")
    args = parser.parse_args()
    run = {"turns": one_after_the_other, "threads": by_threads, "processes": by_processes}[args.by]
    return run(args) or 0


if __name__ == "__main__":
    sys.exit(main())
