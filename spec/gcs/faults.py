"""faults: which requests go wrong, and how.

A rule is {"name", "match", "action"} or {"name", "match", "actions": [...]}:

    match    operation   "objects.insert", which takes in "objects.insert.simple", or a pattern with
                         *: "objects.insert.*.final" (server.py lists the operations)
             method      "GET"
             bucket, object
                         regular expressions, found anywhere in the name
             query       {"alt": "media"}: parameters that must be there, with these values
             header      {"range": "^bytes=0-"}: regular expressions, names in lower case
             crosses     N: a piece of a resumable upload that holds the upload's byte N - 1 and
                         does not begin behind it
             min_bytes   N: the request's body has that many
             after       N: the first N that match are let through
             nth         N or [N, M]: only these of those that match, from 1
             count       N: no more than N
             probability 0 to 1, drawn by a generator that starts from "seed" (0)
    action   what is done to each request that is chosen
    actions  what is done to the first, the second, ...; {} lets one through; then the rule is over.
             An action may have a "crosses" of its own: it waits for such a request.

All rules count what they match; the first that wants a request has it. Actions, which combine:

    status          reply with it ("reason", "message", "body", "headers", "retry_after",
                    "body_bytes": the error is filled up to so many bytes), and
    when            "start": before the body is read; "before" (the default): after it is read,
                    nothing done; "after": all is done, only the reply is lost
    reset           end the connection: "start", "before" or "after" as above, "body": after
                    "after_bytes" bytes of the body were read
    delay           seconds before anything is done
    stall_body      {"after_bytes", "seconds"}: stop reading the body for a while
    persist         keep so many bytes of this piece of a resumable upload (whole 256 KiB)
    persist_to      the same, counted from the beginning of the upload
    gone            404 or 410: the session ends, and says so
    corrupt_stored  turn a bit of that byte of the body as it is stored
    break_after     end the connection after so many bytes of the reply's body,
                    "break_how": "reset" or "close"; Content-Length promises all of it
    stall_after     send nothing for "stall_seconds" after so many bytes
    corrupt         turn a bit of that byte of the reply's body
    rate            so many bytes a second
    ignore_range    200 and everything, though a range was asked for
    shift_range     206 with a range that begins so many bytes later
    wrong_crc       checksums in the reply are wrong
    no_hash         the reply has no checksums
    chunked         the reply is sent in chunks
    empty_page      a page of a list without items, and a token for the next one
    page_max        a page of at most so many
"""
import fnmatch
import random
import re

MATCH_KEYS = {"operation", "method", "bucket", "object", "query", "header", "crosses", "min_bytes",
              "after", "nth", "count", "probability", "seed"}
ACTION_KEYS = {"status", "reason", "message", "body", "headers", "retry_after", "body_bytes",
               "when", "reset", "after_bytes", "delay", "stall_body", "persist", "persist_to",
               "gone", "corrupt_stored", "break_after", "break_how", "stall_after",
               "stall_seconds", "corrupt", "rate", "ignore_range", "shift_range", "wrong_crc",
               "no_hash", "chunked", "empty_page", "page_max", "crosses"}
CHOICES = {"when": {"start", "before", "after"}, "reset": {"start", "body", "before", "after"},
           "break_how": {"reset", "close"}, "gone": {404, 410}}

_CHUNK = {"operation": "objects.insert.resumable"}
_MEDIA = {"operation": "objects.get.media"}
_503, _408, _RESET = {"status": 503}, {"status": 408}, {"reset": "before"}
_BREAK = {"break_after": 0}


def _after_bytes(count):
    return {"status": 503, "persist_to": count, "crosses": count}


# The cases of Google's conformance tests for clients (retry_tests.json), by scenario: S1 always
# idempotent, S2 idempotent with a precondition (the same faults), S5 and S6 never retried, S7
# resumable uploads, S8 downloads.
PRESETS = {
    "S1.503-503": (None, [_503, _503]),
    "S1.reset-reset": (None, [_RESET, _RESET]),
    "S1.reset-503": (None, [_RESET, _503]),
    "S5.400": (None, [{"status": 400}]),
    "S5.401": (None, [{"status": 401}]),
    "S6.503-400": (None, [_503, {"status": 400}]),
    "S6.reset-401": (None, [_RESET, {"status": 401}]),
    "S7.reset-503": (_CHUNK, [_RESET, _503]),
    "S7.408": (_CHUNK, [_408]),
    "S7.503-after-256K": (_CHUNK, [_after_bytes(256 << 10)]),
    "S7.503-after-8192K-408": (_CHUNK, [_after_bytes(8192 << 10), _408]),
    "S8.broken-broken": (_MEDIA, [_BREAK, _BREAK]),
    "S8.broken-after-256K": (_MEDIA, [{"break_after": 256 << 10}]),
}
for _name in ("503-503", "reset-reset", "reset-503"):
    PRESETS["S2." + _name] = PRESETS["S1." + _name]


class BadRule(ValueError):
    """A rule that says something nobody understands."""


def _check(what, table, known):
    if not isinstance(table, dict):
        raise BadRule(f"{what} is not an object")
    unknown = sorted(set(table) - known)
    if unknown:
        raise BadRule(f"{what} has an unknown key: {unknown[0]}")
    for key, choices in CHOICES.items():
        if key in table and table[key] not in choices:
            raise BadRule(f"{what}: {key} is one of {sorted(choices)}")


class Facts:
    """What a rule may ask of a request."""

    def __init__(self, method, operation, bucket="", name="", query=(), headers=(), length=0,
                 piece=None):
        self.method = method
        self.operation = operation
        self.bucket = bucket
        self.name = name
        self.query = dict(query)
        self.headers = dict(headers)
        self.length = length
        self.piece = piece  # (first, last): the bytes of an upload that this request brings

    def crosses(self, byte):
        """Whether the piece holds what makes the upload `byte` bytes long."""
        return self.piece is not None and self.piece[0] < byte <= self.piece[1] + 1


class Rule:
    """One rule, and how often it was asked and taken."""

    def __init__(self, spec):
        _check("the rule", spec, {"name", "match", "action", "actions"})
        self.match = spec.get("match", {})
        self.name = spec.get("name", "unnamed")
        self.actions = spec.get("actions")
        self.action = spec.get("action", {})
        _check("match", self.match, MATCH_KEYS)
        for action in [self.action] + (self.actions or []):
            _check("action", action, ACTION_KEYS)
        self.seen = 0
        self.taken = 0
        self.random = random.Random(self.match.get("seed", 0))

    def matches(self, facts):
        """Whether it is about such requests at all."""
        match = self.match
        operation = match.get("operation", facts.operation)
        return (
            (facts.operation == operation or facts.operation.startswith(operation + ".")
             or fnmatch.fnmatchcase(facts.operation, operation))
            and match.get("method", facts.method) == facts.method
            and re.search(match.get("bucket", ""), facts.bucket) is not None
            and re.search(match.get("object", ""), facts.name) is not None
            and all(facts.query.get(key) == value
                    for key, value in match.get("query", {}).items())
            and all(re.search(pattern, facts.headers.get(key, ""))
                    for key, pattern in match.get("header", {}).items())
            and ("crosses" not in match or facts.crosses(match["crosses"]))
            and facts.length >= match.get("min_bytes", 0))

    def choose(self, facts):
        """Counts a request that matches; answers the action if it is chosen."""
        self.seen += 1
        at = self.seen - self.match.get("after", 0)
        nth = self.match.get("nth", at)
        if at < 1 or (at not in nth if isinstance(nth, list) else at != nth):
            return None
        if self.taken >= self.match.get("count", self.taken + 1):
            return None
        if "probability" in self.match and self.random.random() >= self.match["probability"]:
            return None
        if self.actions is None:
            return self.action
        if self.taken >= len(self.actions):
            return None
        action = self.actions[self.taken]
        if "crosses" in action and not facts.crosses(action["crosses"]):
            return None
        return action

    def tell(self):
        """For people and specs."""
        return {"name": self.name, "match": self.match, "seen": self.seen, "taken": self.taken,
                "is_over": self.actions is not None and self.taken >= len(self.actions)}


class Faults:
    """All rules, in order. The caller holds a lock."""

    def __init__(self):
        self.rules = []

    def add(self, spec):
        """Adds a rule, a list of them, or {"preset": NAME, "match": more of a match}."""
        if isinstance(spec, list):
            rules = [self._read(one) for one in spec]
        else:
            rules = [self._read(spec)]
        self.rules += rules
        return [rule.name for rule in rules]

    @staticmethod
    def _read(spec):
        if not isinstance(spec, dict):
            raise BadRule("a rule is an object")
        if "preset" not in spec:
            return Rule(spec)
        _check("the preset", spec, {"preset", "match"})
        if spec["preset"] not in PRESETS:
            raise BadRule(f"no such preset: {spec['preset']}; there are {', '.join(PRESETS)}")
        match, actions = PRESETS[spec["preset"]]
        return Rule({"name": spec["preset"], "match": {**(match or {}), **spec.get("match", {})},
                     "actions": actions})

    def clear(self):
        """Forgets all rules."""
        self.rules = []

    def choose(self, facts):
        """The name and the action of the rule that has this request; None, {} if none has."""
        chosen = None, {}
        for rule in self.rules:
            if not rule.matches(facts):
                continue
            action = rule.choose(facts)
            if action is not None and chosen[0] is None:
                rule.taken += 1
                chosen = rule.name, action
        return chosen

    def tell(self):
        """All rules, for people and specs."""
        return [rule.tell() for rule in self.rules]
