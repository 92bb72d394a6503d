"""clients: what Google's client for Python sees of the storage server. For clients_spec.lua.

    STORAGE_EMULATOR_HOST=URL python3 clients.py

Prints a line per claim that holds; ends with 1 at the first that does not. The client retries as
Google's conformance tests want, so that the presets of faults are checked by it too.
"""
import json
import os
import random
import traceback
import urllib.request

from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage

MIB = 1 << 20
DATA = random.Random(1).randbytes(12 * MIB + 7)
client = storage.Client(project="proj1", credentials=AnonymousCredentials())
bucket = client.bucket("bkt")


def fault(preset, operation):
    """A preset of faults, for an operation."""
    rule = {"preset": preset, "match": {"operation": operation}}
    control = os.environ["STORAGE_EMULATOR_HOST"] + "/_control/faults"
    with urllib.request.urlopen(control, json.dumps(rule).encode()) as reply:
        reply.read()


def unfinished():
    """The names of the presets that were not taken to their end."""
    control = os.environ["STORAGE_EMULATOR_HOST"] + "/_control/faults"
    with urllib.request.urlopen(control) as reply:
        return [one["name"] for one in json.load(reply)["rules"] if not one["is_over"]]


def upload_by_parts():
    """a resumable upload in pieces is read back with its checksum"""
    bucket.blob("large", chunk_size=3 * MIB).upload_from_string(DATA, checksum="crc32c")
    assert bucket.blob("large").download_as_bytes(checksum="crc32c") == DATA


def upload_at_once():
    """a multipart upload is read back"""
    bucket.blob("a b/ü").upload_from_string(b"some bytes", checksum="md5")
    assert bucket.blob("a b/ü").download_as_bytes() == b"some bytes"


def read_range():
    """a range is that range"""
    assert bucket.blob("large").download_as_bytes(start=5, end=9) == DATA[5:10]


def read_pages():
    """pages of one are all of it"""
    assert [one.name for one in client.list_blobs("bkt", page_size=1)] == ["a b/ü", "large"]


def create_only():
    """create-only of what is there is 412"""
    try:
        bucket.blob("large").upload_from_string(b"x", if_generation_match=0)
    except exceptions.PreconditionFailed:
        return
    raise AssertionError("it was written over")


def compose_and_copy():
    """compose, copy, rename, metadata and delete go well"""
    whole = bucket.blob("all")
    whole.compose([bucket.blob("a b/ü"), bucket.blob("large")])
    assert whole.size == 10 + len(DATA)
    bucket.rename_blob(bucket.copy_blob(whole, bucket, "copy"), "renamed")
    renamed = bucket.get_blob("renamed")
    renamed.metadata = {"k": "v"}
    renamed.patch()
    assert bucket.get_blob("renamed").metadata == {"k": "v"}
    renamed.delete(if_generation_match=renamed.generation)
    assert bucket.get_blob("renamed") is None


def survive_uploads():
    """uploads survive every case of S7"""
    for preset in ("S7.reset-503", "S7.408", "S7.503-after-256K", "S7.503-after-8192K-408"):
        fault(preset, "objects.insert.resumable.*")
        bucket.blob(preset, chunk_size=3 * MIB).upload_from_string(
            DATA, if_generation_match=0, checksum="crc32c")
        assert bucket.blob(preset).download_as_bytes() == DATA, preset
    assert unfinished() == []


def survive_downloads():
    """downloads survive every case of S8"""
    for preset in ("S8.broken-broken", "S8.broken-after-256K"):
        fault(preset, "objects.get.media")
        assert bucket.blob("large").download_as_bytes(checksum="crc32c") == DATA, preset
    assert unfinished() == []


def survive_lists():
    """lists survive every case of S1"""
    for preset in ("S1.503-503", "S1.reset-reset", "S1.reset-503"):
        fault(preset, "objects.list")
        assert list(client.list_blobs("bkt")), preset
    assert unfinished() == []


def give_up():
    """the cases of S5 and S6 end as they must"""
    for preset in ("S5.400", "S5.401", "S6.503-400", "S6.reset-401"):
        fault(preset, "objects.get")
        try:
            bucket.get_blob("large")
        except (exceptions.ClientError, GoogleAuthError):  # the latter for 401: no new token
            continue
        raise AssertionError(preset + " was retried")
    assert unfinished() == []


CLAIMS = (upload_at_once, upload_by_parts, read_range, read_pages, create_only, compose_and_copy,
          survive_uploads, survive_downloads, survive_lists, give_up)


def main():
    """All claims, to the first that does not hold."""
    for claim in CLAIMS:
        try:
            claim()
        except Exception:
            traceback.print_exc()
            raise SystemExit(1) from None
        print(claim.__doc__, flush=True)


main()
