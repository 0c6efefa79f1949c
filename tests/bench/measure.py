"""Measure a cached `credential-process` answer, and what people and shells wait for when there are many profiles.

measure.py TWOLOCK FLOOR SANDBOX, all of which tests/bench/run builds.
"""

import base64
import collections
import contextlib
import hashlib
import hmac
import json
import os
import re
import resource
import shlex
import struct
import subprocess
import sys
import tempfile
import time

SIZES = (10, 500, 10_000)
CALLERS = 1_000
ACCOUNT = "111122223333"
PROFILE = "work"
# What a person or a shell waits for; the goal is 100 ms with the most profiles.
WAITED_FOR = {
    "twolock": [],
    "profile list": ["profile", "list"],
    "profile list --json": ["profile", "list", "--json"],
    "profile show": ["profile", "show", PROFILE],
    "complete -- env ''": ["complete", "--", "env", ""],
}

# What each verb costs with ten times the profiles; a change is only shown.
GROWING = {
    **{name: words for name, words in WAITED_FOR.items() if name != "twolock"},
    "status": ["status"],
    "doctor": ["doctor"],
    "profile set": ["profile", "set", PROFILE, "output", "text", "--dry-run"],
    "profile unset": ["profile", "unset", PROFILE, "region", "--dry-run"],
    "profile rename": ["profile", "rename", PROFILE, "other", "--dry-run"],
    "profile remove": ["profile", "remove", PROFILE, "--dry-run"],
    "profile adopt --only": ["profile", "adopt", PROFILE, "--only", "--dry-run"],
    "profile adopt": ["profile", "adopt", PROFILE, "--dry-run"],
    "profile adopt --all": ["profile", "adopt", "--all", "--dry-run"],
    "remove, repeated": ["profile", "remove", "repeated", "--dry-run"],
}
FEW, MANY = 1_600, 16_000


# ---- a world: one user and device for each size, since a code is good for one call


def user(size):
    return {
        "arn": f"arn:aws:iam::{ACCOUNT}:user/bench-{size}",
        "devices": [{"name": f"bench-{size}"}],
    }


@contextlib.contextmanager
def sandbox(program, folder):
    """Serves STS until the block ends; yields what the sandbox says of itself."""
    world = os.path.join(folder, "world.json")
    with open(world, "w") as file:
        json.dump({"users": [user(size) for size in SIZES]}, file)
    with subprocess.Popen([program, world], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield json.loads(server.stdout.readline())
        finally:
            # It serves until its standard input ends.
            server.stdin.close()


def profiles(size, known, url):
    """Returns ~/.aws/config and ~/.aws/credentials: roles of a usual length, and last of all the one we ask for."""
    filler = "".join(
        f"[profile team-{n:05}-admin]\n"
        f"role_arn = arn:aws:iam::{ACCOUNT}:role/team-{n:05}-admin\n"
        f"source_profile = {PROFILE}\nregion = eu-central-1\noutput = json\n"
        f"# asked for in ticket {n}\nrole_session_name = bench\n\n"
        for n in range(size - 1)
    )
    config = filler + (
        f"[profile {PROFILE}]\nregion = eu-central-1\nendpoint_url = {url}\n"
        f"mfa_serial = {known['devices'][0]['serial']}\n"
    )
    credentials = (
        f"[{PROFILE}]\naws_access_key_id = {known['access_key_id']}\n"
        f"aws_secret_access_key = {known['secret_access_key']}\n"
    )
    return config, credentials


def make_home(folder, size, known, url):
    home = os.path.join(folder, f"home-{size}")
    os.makedirs(os.path.join(home, ".aws"), mode=0o700)
    for name, text in zip(("config", "credentials"), profiles(size, known, url)):
        with open(os.open(os.path.join(home, ".aws", name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    return home


def code_of(seed):
    """Returns the device's current code (RFC 6238)."""
    key = base64.b32decode(seed + "=" * (-len(seed) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    number = struct.unpack_from(">I", digest, digest[-1] & 15)[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


# ---- the program


def environment(home, **more):
    return {"HOME": home, "USER": "bench", "PATH": "/usr/bin:/bin", **more}


def command(twolock):
    return [twolock, "credential-process", "--profile", PROFILE]


def answer(twolock, home, **more):
    done = subprocess.run(
        command(twolock), env=environment(home, **more), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(f"measure: error: {home}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def sign_in(twolock, home, known):
    """Gets a session with a code, and shows that it is then answered without one."""
    first = answer(twolock, home, TWOLOCK_MFA_CODE=code_of(known["devices"][0]["seed"]))
    if answer(twolock, home) != first:
        sys.exit("measure: error: the second answer is not the first one: nothing was cached")


def forget(twolock, home):
    """Takes the sealing key out of the keyrings again; the homes go with their folder."""
    subprocess.run([twolock, "logout", "--all"], env=environment(home), stdin=subprocess.DEVNULL, check=True)


# ---- what is measured


def timings(names, folder, runs):
    """Returns {(name, size): (min, median)} in ms of the named command lines, all of one hyperfine call, so that noise
    hits all alike.
    """
    home, result = os.path.join(folder, "home"), os.path.join(folder, "hyperfine.json")
    subprocess.run(
        # An `env` before each call would cost more than the call: HOME is a link, turned between the sizes.
        ["hyperfine", "-N", "--style=none", f"--warmup={runs // 10}", f"--runs={runs}", "--export-json", result]
        + ["--parameter-list", "size", ",".join(map(str, SIZES)), "--setup", f"ln -sfn home-{{size}} {home}"]
        + list(names),
        env=environment(home),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    with open(result) as file:
        rows = json.load(file)["results"]
    return {
        (names[row["command"]], int(row["parameters"]["size"])): (row["min"] * 1e3, row["median"] * 1e3)
        for row in rows
    }


def print_timings(rows):
    print(f"{'program':<12}{'profiles':>9}{'min ms':>9}{'med ms':>9}{'min ratio':>11}{'med ratio':>11}")
    for (name, size), (least, median) in sorted(rows.items(), key=lambda row: (row[0][1], row[1])):
        ratios = [mine / floor for mine, floor in zip((least, median), rows["floor", size])]
        print(f"{name:<12}{size:>9}{least:>9.3f}{median:>9.3f}{ratios[0]:>11.2f}{ratios[1]:>11.2f}")
    grown = rows["twolock", SIZES[-1]][0] - rows["twolock", SIZES[0]][0]
    print(f"{SIZES[-1]:,} profiles cost {grown:.2f} ms more than {SIZES[0]} (budget: 50 ms)")


def print_waits(rows):
    print(f"{'what is waited for':<22}" + "".join(f"{size:>12,}" for size in SIZES) + "  profiles: median ms")
    for name in WAITED_FOR:
        print(f"{name:<22}" + "".join(f"{rows[name, size][1]:>12.1f}" for size in SIZES))


def growth(twolock, folder, url):
    """Returns {verb: (seconds with FEW, with MANY)}: profiles, and for one verb sections of one profile."""
    known = {"devices": [{"serial": f"arn:aws:iam::{ACCOUNT}:mfa/x"}], "access_key_id": "AKIAIOSFODNN7EXAMPLE"}
    known["secret_access_key"] = "x" * 40
    took = collections.defaultdict(list)
    for size in (FEW, MANY):
        homes = {"profiles": make_home(folder, size, known, url)}
        homes["sections"] = os.path.join(folder, f"repeated-{size}")
        os.makedirs(os.path.join(homes["sections"], ".aws"), mode=0o700)
        with open(os.path.join(homes["sections"], ".aws", "config"), "w") as file:
            file.writelines(f"[profile repeated]\nkey{n} = v\n" for n in range(size))
        for name, words in GROWING.items():
            home = homes["sections" if "repeated" in words else "profiles"]
            runs = [seconds_of([twolock, *words], home) for _ in range(3)]
            took[name].append(min(runs))
    return took


def seconds_of(words, home):
    start = time.monotonic()
    done = subprocess.run(words, env=environment(home), stdin=subprocess.DEVNULL, capture_output=True)
    # `doctor` says 3 where it finds something.
    if done.returncode not in (0, 3):
        sys.exit(f"measure: error: {words}: exit {done.returncode}: {done.stderr.decode()}")
    return time.monotonic() - start


def print_growth(took):
    print(f"{'growth of each verb':<22}{FEW:>12,}{MANY:>12,}  profiles or sections: ms, and the ratio")
    for name, (few, many) in took.items():
        print(f"{name:<22}{few * 1e3:>12.1f}{many * 1e3:>12.1f}{many / few:>8.1f}")


def resident_kib(program, home):
    """Returns the largest resident set; measured by a small program, since a child counts its parent's pages too."""
    done = subprocess.run(
        ["/usr/bin/time", "-f", "%M", *program],
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(done.stderr)


SYSCALL = re.compile(r"^\d+ +(\w+)\((.*)$")


def system_calls(twolock, home, folder):
    trace = os.path.join(folder, "strace")
    subprocess.run(
        ["strace", "-f", "-qq", "-o", trace, *command(twolock)],
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    with open(trace) as file:
        return [found.groups() for found in map(SYSCALL.match, file) if found]


def forbidden(calls):
    """Returns what a cached answer must not do, with how often it did."""
    counts = collections.Counter(name for name, _ in calls)
    created = sum(1 for name, arguments in calls if name in ("open", "openat") and "O_CREAT" in arguments)
    locked = sum(1 for name, arguments in calls if name == "fcntl" and "SETLK" in arguments)
    return {
        "sockets": counts["socket"] + counts["connect"],
        "locks": counts["flock"] + locked,
        "files made": created + counts["creat"] + counts["memfd_create"],
        "renames, removals": sum(counts[name] for name in ("rename", "renameat", "renameat2", "unlink", "unlinkat")),
        "threads, children": sum(counts[name] for name in ("clone", "clone3", "fork", "vfork")),
    }


def print_system_calls(calls):
    """Prints the facts; returns whether all that must be nought is."""
    opened = sum(1 for name, _ in calls if name in ("open", "openat"))
    keys = sum(1 for name, _ in calls if name == "keyctl")
    print(f"one cached answer: {len(calls)} system calls, {opened} files opened, {keys} keyring calls")
    facts = forbidden(calls)
    for name, count in facts.items():
        print(f"  {name:<18} {count:>3}  {'ok' if count == 0 else 'NOT QUIET'}")
    return not any(facts.values())


def many_callers(twolock, home):
    """Returns how long so many callers at once take in all, and how many were answered alike."""
    wanted = 2 * CALLERS + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    start = time.monotonic()
    callers = [
        subprocess.Popen(
            command(twolock),
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(CALLERS)
    ]
    answers = collections.Counter(caller.communicate()[0] for caller in callers)
    text, alike = answers.most_common(1)[0]
    return time.monotonic() - start, alike if text else 0


def main():
    twolock, floor, server = map(os.path.abspath, sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="twolock-bench-") as folder, sandbox(server, folder) as world:
        homes = {size: make_home(folder, size, known, world["url"]) for size, known in zip(SIZES, world["users"])}
        try:
            for (size, home), known in zip(homes.items(), world["users"]):
                sign_in(twolock, home, known)

            print(f"\n{twolock}: {os.path.getsize(twolock) / 1e6:.2f} MB\n")
            cached = {shlex.quote(floor): "floor", "/bin/true": "/bin/true", shlex.join(command(twolock)): "twolock"}
            print_timings(timings(cached, folder, runs=300))
            print()
            waited_for = {shlex.join([twolock, *words]): name for name, words in WAITED_FOR.items()}
            print_waits(timings(waited_for, folder, runs=20))
            print()
            print_growth(growth(twolock, folder, world["url"]))
            print()
            for name, program in (("floor", [floor]), ("twolock", command(twolock))):
                print(f"largest resident set of {name:<8} {resident_kib(program, homes[SIZES[0]]):>6} KiB")
            print()
            quiet = print_system_calls(system_calls(twolock, homes[SIZES[0]], folder))
            seconds, alike = many_callers(twolock, homes[SIZES[0]])
            print(f"{CALLERS:,} callers at once: {alike:,} answered alike in {seconds:.1f} s (budget: 20 s)")
        finally:
            for home in homes.values():
                forget(twolock, home)
    return 0 if quiet and alike == CALLERS else 1


if __name__ == "__main__":
    sys.exit(main())
