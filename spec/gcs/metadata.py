"""metadata: the metadata server of a machine of Compute Engine, below /computeMetadata/v1/.

Values are texts under paths ("instance/preempted": "FALSE"), which /_control/metadata changes. As
with Google: Metadata-Flavor: Google is demanded (403) and answered; X-Forwarded-For is refused; a
path that ends with "/" lists what is below; recursive=true is JSON of it; wait_for_change=true
hangs until the value changes, with last_etag until it is not that one any more, with timeout_sec
no longer than that, and answers the value in any case.

service-accounts/default/token answers the same token until little of its life is left, and a new
one when that has been revoked or is used up: it is one of Tokens (state.py).

Operations: metadata.get, metadata.wait, metadata.token.
"""
import hashlib
import json
import threading
import time
import urllib.parse

from api import Call
from problem import Problem
from wire import Reply

ROOT = "/computeMetadata/v1/"
HANG_MAX_S = 3600  # seconds that a hanging GET without timeout_sec lasts
EARLY_S = 300      # seconds of life left at which a new token is made: less for short lives
EMAIL = "mrlua@proj1.iam.gserviceaccount.com"
ACCOUNT = "instance/service-accounts/default/"
VALUES = {
    "project/project-id": "proj1",
    "project/numeric-project-id": "123456789012",
    "instance/id": "4520031799277581759",
    "instance/name": "mrlua-worker-1",
    "instance/hostname": "mrlua-worker-1.us-central1-a.c.proj1.internal",
    "instance/zone": "projects/123456789012/zones/us-central1-a",
    "instance/machine-type": "projects/123456789012/machineTypes/n2-standard-4",
    "instance/preempted": "FALSE",
    "instance/maintenance-event": "NONE",
    "instance/scheduling/preemptible": "TRUE",
    ACCOUNT + "email": EMAIL,
    ACCOUNT + "aliases": "default",
    ACCOUNT + "scopes": "https://www.googleapis.com/auth/devstorage.read_write\n"
                        "https://www.googleapis.com/auth/cloud-platform",
}


def _camel(name, is_key):
    """JSON has projectId for project-id; keys of attributes stay as they are."""
    first, *rest = name.split("-")
    return name if is_key else first + "".join(word.capitalize() for word in rest)


class Metadata:
    """All values, and who waits for one to change."""

    def __init__(self, tokens, settings):
        self.tokens = tokens
        self.settings = settings
        self.values = dict(VALUES)
        self.changed = threading.Condition()
        self.token = None  # (text, when it ends)
        self.token_count = 0

    def set(self, changes):
        """Changes values; None removes one."""
        with self.changed:
            for path, value in changes.items():
                if value is None:
                    self.values.pop(path, None)
                else:
                    self.values[path] = str(value)
            self.changed.notify_all()

    def rotate(self):
        """The next token is another one; the last one stays good."""
        with self.changed:
            self.token = None

    def make_token(self):
        """The answer of .../token."""
        with self.changed:
            now, life = time.monotonic(), self.settings["token_lifetime_s"]
            early = min(EARLY_S, life / 4)
            if self.token and (self.token[1] - early < now or not self.tokens.is_good(
                    self.token[0])):
                self.token = None
            if self.token is None:
                self.token_count += 1
                text = f"ya29.metadata-{self.token_count}"
                self.tokens.add(text, self.settings["token_requests"] or None, life,
                                self.values.get(ACCOUNT + "scopes", ""))
                self.token = text, now + life
            left = int(self.token[1] - now)
            return {"access_token": self.token[0], "expires_in": left, "token_type": "Bearer"}

    def _below(self, path):
        return {name[len(path):]: value for name, value in self.values.items()
                if name.startswith(path)}

    def _tree(self, path):
        tree = {}
        for name, value in self._below(path).items():
            at, parts = tree, name.split("/")
            full = path.strip("/").split("/")
            for index, part in enumerate(parts[:-1]):
                at = at.setdefault(_camel(part, (full + parts[:index])[-1:] == ["attributes"]), {})
            key = _camel(parts[-1], (full + parts[:-1])[-1] == "attributes")
            at[key] = value.split("\n") if key in ("scopes", "aliases") else value
        return tree

    def read(self, path, is_recursive):
        """(text, type) of a path, or None. The caller holds `changed`."""
        if path in self.values:
            if is_recursive:
                return json.dumps(self.values[path]), "application/json"
            return self.values[path], "application/text"
        folder = path if path.endswith("/") or not path else path + "/"
        below = self._below(folder)
        if not below:
            # A folder that a machine always has, though it may be empty.
            is_known = folder in ("instance/attributes/", "project/attributes/")
            return ("{}" if is_recursive else "", "application/json") if is_known else None
        if is_recursive:
            return json.dumps(self._tree(folder)), "application/json"
        names = {name.split("/")[0] + ("/" if "/" in name else "") for name in below}
        if folder == ACCOUNT:
            names.add("token")
        return "".join(name + "\n" for name in sorted(names)), "application/text"

    def wait(self, path, query):
        """(text, type, etag) of a path, at once or once it has changed; None if it is not there."""
        is_recursive = query.get("recursive", "").lower() == "true"
        last = query.get("last_etag")
        is_waiting = query.get("wait_for_change", "").lower() == "true"
        hang = min(float(query.get("timeout_sec") or HANG_MAX_S), HANG_MAX_S)
        deadline = time.monotonic() + hang
        with self.changed:
            while True:
                found = self.read(path, is_recursive)
                etag = _etag(found)
                if last is None:
                    last = etag if is_waiting else ""
                left = deadline - time.monotonic()
                if not is_waiting or etag != last or left <= 0:
                    return None if found is None else (*found, etag)
                self.changed.wait(left)


def _etag(found):
    return "0" if found is None else hashlib.blake2b(found[0].encode(), digest_size=8).hexdigest()


class MetadataCall(Call):
    """A request to the metadata server."""

    def __init__(self, request, operation, metadata):
        super().__init__(request, operation, self._answer)
        self.name = urllib.parse.unquote(request.path[len(ROOT):])
        self.metadata = metadata

    def needs_token(self):
        return False

    @staticmethod
    def _reply(text, kind, etag="0"):
        return Reply(200, [("Metadata-Flavor", "Google"), ("Server", "Metadata Server for VM"),
                           ("Content-Type", kind), ("ETag", etag)], text.encode())

    def _answer(self, _call):
        headers = self.request.headers
        if self.request.path == "/":
            return self._reply("computeMetadata/\n", "application/text")
        if headers.get("metadata-flavor") != "Google" or "x-forwarded-for" in headers:
            raise Problem(403, message="Missing Metadata-Flavor:Google header.")
        if self.request.method != "GET":
            raise Problem(405)
        if self.operation == "metadata.token":
            return self._reply(json.dumps(self.metadata.make_token()), "application/json")
        found = self.metadata.wait(self.name, self.request.query)
        if found is None:
            raise Problem(404, message=f"there is no {self.name}",
                          headers=[("Metadata-Flavor", "Google")])
        text, kind, etag = found
        return self._reply(text, kind, etag)


def route(request, metadata):
    """The call of a request to the metadata server, or None."""
    if request.path == "/":
        return MetadataCall(request, "metadata.get", metadata)
    if not request.path.startswith(ROOT):
        return None
    path = request.path[len(ROOT):]
    account = path.split("/")
    if (len(account) == 4 and account[:2] == ["instance", "service-accounts"]
            and account[2] in ("default", EMAIL) and account[3] == "token"):
        return MetadataCall(request, "metadata.token", metadata)
    kind = "wait" if request.query.get("wait_for_change", "").lower() == "true" else "get"
    return MetadataCall(request, "metadata." + kind, metadata)
