"""The resources of a pretended project: what the gcloud of stub/ and compute.py have in common.

    with cloud.changed(path) as state:      locked; written back when the block ends well
        cloud.put(state, "compute instances", "us-central1-a", "mrlua-master",
                  {"status": "RUNNING"})

A state is {kind: {"ZONE/NAME": resource}}; what is in no zone has an empty one. A kind is the words
of gcloud's command.
"""

import contextlib
import fcntl
import json
import os

INSTANCES, GROUPS = "compute instances", "compute instance-groups managed"


@contextlib.contextmanager
def changed(path):
    with open(path + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                state = json.load(file)
        yield state
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(state, file, indent=1, sort_keys=True)
        os.rename(path + ".new", path)


def all_of(state, kind):
    return state.setdefault(kind, {})


def find(state, kind, name, zone=None):
    """Its key, or None."""
    for key, one in all_of(state, kind).items():
        if one["name"] == name and zone in (None, one.get("zone", "")):
            return key
    return None


def put(state, kind, zone, name, resource):
    all_of(state, kind)[f"{zone}/{name}"] = dict(resource, name=name, zone=zone)


def members(state, group):
    """The machines of a group, by key."""
    return {key: one for key, one in all_of(state, INSTANCES).items()
            if one.get("group") == group["name"] and one["zone"] == group["zone"]}


def set_size(state, group, size):
    """What a managed group does: it makes machines from its template, or deletes some."""
    group["targetSize"] = size
    machines = members(state, group)
    for key in sorted(machines)[size:]:
        del all_of(state, INSTANCES)[key]
    if group.get("errors"):
        return
    template = all_of(state, "compute instance-templates")["/" + group["instanceTemplate"]]
    number = 0
    while len(members(state, group)) < size:
        number += 1
        name = f"{group['base']}-{number:04d}"
        if find(state, INSTANCES, name) is None:
            put(state, INSTANCES, group["zone"], name,
                dict(template["machine"], status="RUNNING", group=group["name"]))


def delete_group(state, key):
    for machine in members(state, all_of(state, GROUPS)[key]):
        del all_of(state, INSTANCES)[machine]
    del all_of(state, GROUPS)[key]
