"""Runs a service of a root file system as systemd would, as far as its unit says: user, group,
environment, command line, limits, condition, working directory, restart. It is no systemd: it is
there because systemd must not be started on a machine where people work.

    python3 run_unit.py ROOT UNIT [NAME=VALUE...]

ROOT is the file system; the unit is read from there. NAME=VALUE is added to the environment (on a
real machine it is not needed: it says where the pretended Google is). SIGTERM is passed on, and
ends the restarts. A condition that does not hold ends it with code 3.
"""

import os
import pwd
import grp
import re
import resource
import shlex
import signal
import subprocess
import sys
import threading

UNKNOWN_IS_AN_ERROR = {  # of [Service]: what is done here, and what only systemd can do
    "User", "Group", "EnvironmentFile", "Environment", "ExecStart", "ExecStop", "WorkingDirectory",
    "Restart", "RestartSec", "TimeoutStopSec", "TimeoutStartSec", "Type", "RemainAfterExit",
    "LimitNOFILE", "LimitCORE", "NoNewPrivileges",
    "KillMode", "OOMPolicy", "OOMScoreAdjust", "TasksMax", "ProtectSystem", "ProtectHome",
    "PrivateTmp", "StandardError", "StandardOutput",
}


def read_unit(path):
    unit, section = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if line.startswith("["):
                section = line[1:-1]
            elif line and not line.startswith("#"):
                name, _, value = line.partition("=")
                unit.setdefault((section, name), []).append(value)
                if section == "Service" and name not in UNKNOWN_IS_AN_ERROR:
                    raise SystemExit(f"{path}: the runner does not know {name}")
    return unit


def one(unit, section, name, otherwise=None):
    return unit.get((section, name), [otherwise])[-1]


def read_environment(unit):
    values = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8"}
    for path in unit.get(("Service", "EnvironmentFile"), []):
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    name, _, value = line.rstrip("\n").partition("=")
                    values[name] = value
    return values


def command_of(text, environment):
    """${NAME} is one word, whatever is in it; $NAME alone is as many as it has."""
    words = []
    for word in shlex.split(text):
        alone = re.fullmatch(r"\$(\w+)", word)
        if alone:
            words += environment.get(alone[1], "").split()
        else:
            words.append(re.sub(r"\$\{(\w+)\}", lambda m: environment.get(m[1], ""), word))
    return words


def enter(unit):
    """In the child: limits, groups, user. Google's and systemd's business is not repeated here."""
    files = one(unit, "Service", "LimitNOFILE")
    if files:  # as many as this machine, which may be a container, can give
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        count = int(files) if hard == resource.RLIM_INFINITY else min(int(files), hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.setsid()
    group, user = one(unit, "Service", "Group"), one(unit, "Service", "User")
    if group:
        os.setgroups([])
        os.setgid(grp.getgrnam(group).gr_gid)
    if user:
        os.setuid(pwd.getpwnam(user).pw_uid)
    os.chdir(one(unit, "Service", "WorkingDirectory", "/"))


def main(root, name, settings):
    os.chroot(root)
    os.chdir("/")
    unit = read_unit(f"/usr/lib/systemd/system/{name}")
    for condition in unit.get(("Unit", "ConditionPathExists"), []):
        if not os.path.exists(condition):
            return 3
    said = one(unit, "Service", "StandardError", "")
    errors = open(said.removeprefix("append:"), "ab") if said.startswith("append:") else None
    ended = threading.Event()
    running = []

    def end(*_):
        ended.set()
        for process in running[-1:]:
            process.terminate()

    signal.signal(signal.SIGTERM, end)
    while True:
        environment = read_environment(unit)
        command = command_of(one(unit, "Service", "ExecStart"), environment)
        if one(unit, "Service", "NoNewPrivileges") == "yes":
            command = ["/usr/bin/setpriv", "--no-new-privs"] + command
        environment.update(pair.split("=", 1) for pair in settings)
        process = subprocess.Popen(command, env=environment, stderr=errors,
                                   preexec_fn=lambda: enter(unit))
        running.append(process)
        code = process.wait()
        restart = one(unit, "Service", "Restart")
        again = restart == "always" or (restart == "on-failure" and code != 0)
        if not again or ended.wait(float(one(unit, "Service", "RestartSec", "0.1"))):
            return 128 - code if code < 0 else code


sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
