"""state: what a server knows: settings, objects, sessions, tokens, faults, and who asked for what.

    settings   how it behaves where Google's own behaviour varies or is not known: SETTINGS
    log        every request: what was asked, what was answered; never those to /_control
    violations what no client of ours may do, though the server puts up with it: VIOLATIONS

All of it may be asked for and changed while it runs: control.py.
"""
import collections
import os
import threading
import time

from faults import Faults
from objects import Store
from problem import Problem
from uploads import Uploads

LOG_MAX = 50_000         # requests that are kept, about 1 KB each; the oldest go
VIOLATIONS_MAX = 10_000  # details that are kept; all are counted
ANSWERS_MAX = 10_000     # refusals whose retries are looked for

SETTINGS = {
    "chunked": False,              # bodies of objects are sent in chunks, without a length
    "hash_style": "one",           # x-goog-hash: "one" header, "spaced" (", "), "repeated"
    "page_max": 1000,              # items and prefixes of a page: less, never more
    "empty_every": 0,              # every n-th list answers an empty page first; 0: none
    "limit_rate": False,           # 429 for a change of a name within
    "write_interval_s": 1.0,       # so many seconds of the last one
    "precondition_at_init": True,  # of a resumable upload; at its end they are checked anyway
    "refused_is_done": False,      # a query of an upload that was refused with 412 answers 200
    "gap_status": 400,             # of a piece that leaves a gap: 400 or 503
    "session_lifetime_s": 604800,  # then 410
    "error_bytes": 0,              # the body of an error has at least so many
    "md5_max": 64 << 20,           # objects beyond have no md5Hash, as composed ones have none
    "rewrite_bytes": 0,            # a rewrite copies so many bytes a call; 0: all
    "token_lifetime_s": 3600,      # what expires_in says, and when the token ends
    "token_requests": 0,           # tokens that are handed out are good for so many; 0: any number
}
CHOICES = {"hash_style": ("one", "spaced", "repeated"), "gap_status": (400, 503)}

VIOLATIONS = {
    "piece-size": "a piece of a resumable upload, not the last, is no multiple of 256 KiB",
    "offset-gap": "a piece begins behind what is there",
    "resent": "a piece begins before what is there: bytes are sent twice",
    "no-precondition": "a change without ifGenerationMatch: no retry of it is safe",
    "no-crc32c": "an upload without a checksum",
    "unpinned-read": "an object's bytes are read without generation=",
    "no-accept-encoding": "bytes are read without Accept-Encoding: gzip: they may come unzipped",
    "hot-name": "a name is changed more than once a second",
    "early-retry": "the same is asked for again before Retry-After has passed",
    "hopeless-retry": "the same is asked for again after an error that stays",
    "slash-in-name": "a name's slash is not encoded",
}
HOPELESS = (400, 403)

WRITE_SCOPES = ("cloud-platform", "devstorage.read_write", "devstorage.full_control")
CHALLENGE = ("WWW-Authenticate",
             'Bearer realm="https://accounts.google.com/", error="invalid_token"')


class Log:
    """The requests, in the order of their arrival."""

    def __init__(self):
        self.lock = threading.Lock()
        self.entries = collections.deque(maxlen=LOG_MAX)
        self.count = 0
        self.violations = collections.Counter()
        self.details = []
        self.local = threading.local()

    def be_quiet(self, is_quiet):
        """What this thread does is a spec's own doing: it violates nothing."""
        self.local.is_quiet = is_quiet

    def add(self, entry):
        """Begins an entry: a dictionary that the server goes on to fill."""
        with self.lock:
            self.count += 1
            entry["n"] = self.count
            entry["time"] = time.time()
            self.entries.append(entry)
        return entry

    def violate(self, kind, detail):
        """Counts something that no client may do."""
        assert kind in VIOLATIONS, kind
        if getattr(self.local, "is_quiet", False):
            return
        with self.lock:
            self.violations[kind] += 1
            if len(self.details) < VIOLATIONS_MAX:
                self.details.append({"kind": kind, "detail": detail, "n": self.count})

    def clear(self):
        """Forgets all."""
        with self.lock:
            self.entries.clear()
            self.violations.clear()
            self.details.clear()


class Tokens:
    """Who may ask. Nobody is asked for a token until there is one."""

    def __init__(self):
        self.lock = threading.Lock()
        self.is_needed = False
        self.tokens = {}  # token: {"requests": left or None, "ends": when or None, "writes"}

    def add(self, token, requests=None, lifetime_s=None, scope="cloud-platform"):
        """A token is good from now on; `scope` says whether for changes too."""
        ends = None if lifetime_s is None else time.monotonic() + lifetime_s
        writes = any(word in scope for word in WRITE_SCOPES)
        with self.lock:
            self.tokens[token] = {"requests": requests, "ends": ends, "writes": writes}

    def is_good(self, token):
        """Whether a request with it would go on."""
        known = self.tokens.get(token)
        return (known is not None and known["requests"] != 0
                and (known["ends"] is None or time.monotonic() <= known["ends"]))

    def revoke(self, token=None):
        """It, or all of them, are good no more."""
        with self.lock:
            if token is None:
                self.tokens.clear()
            else:
                self.tokens.pop(token, None)

    def check(self, authorization, is_change):
        """Refuses a request with this header if it may not go on; counts it."""
        if not self.is_needed:
            return
        kind, _, token = authorization.partition(" ")
        with self.lock:
            if kind != "Bearer" or not self.is_good(token):
                raise Problem(401, headers=[CHALLENGE])
            known = self.tokens[token]
            if known["requests"] is not None:
                known["requests"] -= 1
        if is_change and not known["writes"]:
            raise Problem(403, "insufficientPermissions",
                          "Request had insufficient authentication scopes.")


class State:
    """All of it."""

    def __init__(self, folder):
        self.settings = dict(SETTINGS)
        self.log = Log()
        self.faults = Faults()
        self.faults_lock = threading.Lock()
        self.tokens = Tokens()
        self.store = Store(os.path.join(folder, "objects"), self.settings, self.log.violate)
        self.uploads = Uploads(self.store, self.settings, self.log.violate)
        self.metadata = None  # metadata.py and accounts.py: they stand above this module
        self.accounts = None
        self.list_count = 0
        self.rewrites = {}   # token: bytes that are copied
        self.answers = {}    # what was asked: (status, until when Retry-After holds)

    def set(self, changes):
        """Changes settings; ValueError names one that is unknown."""
        for key, value in changes.items():
            if key not in SETTINGS:
                raise ValueError(f"no such setting: {key}")
            if value not in CHOICES.get(key, (value,)) or (
                    isinstance(SETTINGS[key], str) != isinstance(value, str)):
                raise ValueError(f"setting {key} is not {value!r}")
        self.settings.update(changes)

    def judge(self, key, log_key):
        """A request begins: is it a retry that comes too early, or that is hopeless?"""
        status, until = self.answers.get(key, (None, 0))
        if until > time.monotonic():
            self.log.violate("early-retry", log_key)
        elif status in HOPELESS:
            self.log.violate("hopeless-retry", f"{log_key} after {status}")

    def remember(self, key, status, retry_after):
        """What a request was answered."""
        if status >= 400:
            until = time.monotonic() + retry_after if retry_after else 0
            if len(self.answers) >= ANSWERS_MAX:
                self.answers.clear()
            self.answers[key] = status, until
        else:
            self.answers.pop(key, None)
