"""uploads: how bytes become objects: in one request (simple, multipart), or resumable.

A resumable session keeps what has arrived in whole 256 KiB: a client that goes away in the middle
of a piece finds them when it asks. The newest request on a session owns it: an earlier one that
still waits for bytes keeps nothing of them any more, as with Google, where it may sit on another
machine. A session that is done answers with its object for ever; one that was refused, cancelled
or has expired is gone.
"""
import json
import re
import secrets
import threading
import time

from objects import Conditions, Object
from problem import Problem
from wire import BLOCK, Reset

GRANULE = 256 * 1024       # bytes: what a session keeps is a multiple, its last piece apart
RESOURCE_MAX = 1 << 20     # bytes of the JSON of an object
PART_HEAD_MAX = 16 * 1024  # bytes of the headers of a part
_local = threading.local()


def buffer():
    """This thread's buffer for bodies."""
    if not hasattr(_local, "buffer"):
        _local.buffer = memoryview(bytearray(BLOCK))
    return _local.buffer


def read_json(text):
    """The object that a body of JSON is; an empty body is an empty one."""
    if not text or not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Problem(400, "parseError", "Parse Error") from error
    if value is None:
        return {}  # some clients say so
    if not isinstance(value, dict):
        raise Problem(400, "parseError", "Parse Error")
    return value


def read_fields(text):
    """What a body of JSON says of an object."""
    fields = read_json(text)
    metadata = fields.get("metadata")
    if metadata is not None and not (isinstance(metadata, dict) and all(
            value is None or isinstance(value, str) for value in metadata.values())):
        raise Problem(400, message="Invalid value for: metadata: a table of strings")
    return fields


def header_hashes(headers):
    """What x-goog-hash says of crc32c and md5."""
    found = dict(re.findall(r"(crc32c|md5)=([A-Za-z0-9+/=]+)", headers.get("x-goog-hash", "")))
    return found.get("crc32c"), found.get("md5") or headers.get("content-md5")


class Sink:
    """Takes the bytes of a request's body to a blob, and spoils them on the way if it is told."""

    def __init__(self, blob, action):
        self.blob = blob
        self.corrupt = action.get("corrupt_stored")
        self.taken = 0

    def take(self, view):
        """The next bytes: a writable memoryview."""
        if self.corrupt is not None and self.taken <= self.corrupt < self.taken + len(view):
            view[self.corrupt - self.taken] ^= 1
        self.taken += len(view)
        self.blob.append(view)


class PartSplitter:
    """The parts of a multipart/related body: JSON, then the bytes. Lines may end in LF alone."""

    def __init__(self, content_type, body):
        match = re.search(r"boundary=(\"[^\"]+\"|'[^']+'|[^;\s]+)", content_type)
        if not re.match(r"multipart/related\b", content_type) or not match:
            raise Problem(400, "badContent", "a multipart upload is multipart/related, and has a "
                          "boundary")
        self.mark = b"--" + match[1].strip("\"'").encode("latin-1")
        self.body = body
        self.rest = bytearray()

    def _more(self):
        view = buffer()
        count = self.body.readinto(view)
        self.rest += view[:count]
        return count

    def _part_head(self, limit):
        """Reads up to the empty line behind the next mark; answers the part's headers."""
        while not (match := re.search(rb"\r?\n\r?\n", self.rest)):
            if len(self.rest) > limit or not self._more():
                raise Problem(400, "badContent", "Malformed multipart body.")
        head = bytes(self.rest[:match.start()])
        del self.rest[:match.end()]
        first, *lines = re.split(rb"\r?\n", head.lstrip(b"\r\n"))
        if first.strip() != self.mark:
            raise Problem(400, "badContent", "Malformed multipart body.")
        headers = {}
        for line in lines:
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return headers

    def read_json(self):
        """The first part."""
        self._part_head(PART_HEAD_MAX)
        ends = re.compile(rb"\r?\n" + re.escape(self.mark))
        while not (match := ends.search(self.rest)):
            if len(self.rest) > RESOURCE_MAX or not self._more():
                raise Problem(400, "badContent", "Malformed multipart body.")
        text = bytes(self.rest[:match.start()])
        del self.rest[:match.end() - len(self.mark)]
        return read_fields(text)

    def read_media(self, sink):
        """The second part goes to the sink; answers its type, None if it has none."""
        headers = self._part_head(PART_HEAD_MAX)
        ends = re.compile(rb"\r?\n" + re.escape(self.mark) + rb"--")
        keep = len(self.mark) + 4
        while not (match := ends.search(self.rest)):
            ready = len(self.rest) - keep
            if ready > 0:
                sink.take(memoryview(bytearray(self.rest[:ready])))
                del self.rest[:ready]
            if not self._more():
                raise Problem(400, "badContent", "Malformed multipart body.")
        sink.take(memoryview(bytearray(self.rest[:match.start()])))
        self.body.drain()
        return headers.get("content-type")


def take_body(body, sink, action):
    """All of a body, to the sink."""
    view = buffer()
    while count := body.readinto(view):
        sink.take(view[:count])
    if body.is_broken:
        raise Reset()


def insert_simple(store, bucket, name, request, action):
    """uploadType=media: the body is the object."""
    blob = store.new_blob()
    try:
        take_body(request.body, Sink(blob, action), action)
        blob.check(*header_hashes(request.headers))
        fields = {"contentType": request.headers.get("content-type", "application/octet-stream"),
                  "contentEncoding": request.query.get("contentEncoding")}
        return store.commit(bucket, name, blob, fields, Conditions(request.query))
    except (Problem, Reset):
        blob.discard()
        raise


def insert_multipart(store, bucket, request, action, note):
    """uploadType=multipart: the JSON of the object, then its bytes. `note` is told its name and
    whether it has a checksum, once they are known."""
    splitter = PartSplitter(request.headers.get("content-type", ""), request.body)
    blob = store.new_blob()
    try:
        fields = splitter.read_json()
        name = note(request.query.get("name") or fields.get("name"), "crc32c" in fields)
        kind = splitter.read_media(Sink(blob, action))
        crc, md5 = header_hashes(request.headers)
        blob.check(fields.get("crc32c") or crc, fields.get("md5Hash") or md5)
        fields.setdefault("contentType", kind or "application/octet-stream")
        return store.commit(bucket, name, blob, fields, Conditions(request.query))
    except Problem as error:
        blob.discard()
        if request.body.is_broken:
            raise Reset() from error
        raise


class Piece:
    """What a request on a session brings: `first` to `last` of `total`. Without `last` it is all
    the rest, without `total` nobody knows yet. A query or a finish brings nothing."""

    def __init__(self, headers, length):
        text = headers.get("content-range")
        self.first, self.last, self.total = 0, None, None
        self.is_query = False
        if text is None:  # the whole object
            if length is not None:
                self.last, self.total = length - 1, length
            return
        match = re.fullmatch(r"bytes (?:(\d+)-(\d+|\*)|\*)/(\d+|\*)", text)
        if not match:
            raise Problem(400, "badRequest", f"Failed to parse Content-Range header: {text}")
        self.total = None if match[3] == "*" else int(match[3])
        self.is_query = match[1] is None
        if self.is_query:
            if length:
                raise Problem(400, "badRequest", "a query of an upload has no body")
            return
        self.first = int(match[1])
        if match[2] == "*":  # all the rest
            return
        self.last = int(match[2])
        if self.last < self.first or (self.total is not None and self.last >= self.total):
            raise Problem(400, "badRequest", f"Invalid Content-Range: {text}")
        if length is not None and length != self.last - self.first + 1:
            raise Problem(400, "badRequest", f"Content-Range {text} and {length} bytes of body")

    def is_final(self):
        """Whether the upload is complete with it."""
        return not self.is_query and (self.last is None or self.last + 1 == self.total)

    def span(self):
        """(first, last), None if it brings nothing or nobody knows how much."""
        return None if self.is_query or self.last is None else (self.first, self.last)


class Session:
    """A resumable upload."""

    def __init__(self, blob, bucket, name, fields, conditions, length, lifetime_s):
        self.id = "ABg" + secrets.token_urlsafe(40)
        self.bucket = bucket
        self.name = name
        self.fields = fields
        self.conditions = conditions
        self.total = length
        self.blob = blob
        self.lock = threading.Lock()  # of all below
        self.epoch = 0                # counts the requests: only the newest may add
        self.state = "open"           # done, refused, cancelled, gone, expired
        self.gone_status = 404
        self.object = None            # when refused, what it would have been
        self.ends_at = time.monotonic() + lifetime_s

    def tell(self):
        """For people and specs."""
        return {"upload_id": self.id, "bucket": self.bucket, "name": self.name,
                "state": self.state, "persisted": self.blob.size, "total": self.total,
                "metadata": self.fields.get("metadata"), "contentType":
                self.fields.get("contentType"), "conditions": self.conditions.values}

    def end(self, state, status=404):
        """It takes no more."""
        self.state = state
        self.gone_status = status
        self.blob.discard()

    def enter(self):
        """A request begins; answers its turn. Refused when there is nothing to add to any more."""
        with self.lock:
            if self.state == "open" and time.monotonic() > self.ends_at:
                self.end("expired", 410)
            if self.state not in ("open", "done"):
                status = self.gone_status
                raise Problem(status, "notFound" if status == 404 else "gone",
                              f"No such upload session: it is {self.state}.")
            self.epoch += 1
            return self.epoch


class Uploads:
    """All sessions."""

    def __init__(self, store, settings, violate):
        self.store = store
        self.settings = settings
        self.violate = violate  # violate(kind, detail)
        self.sessions = {}

    def start(self, bucket, name, request, fields):
        """uploadType=resumable: a new session."""
        conditions = Conditions(request.query)
        headers = request.headers
        found = self.store.live(bucket, name)
        if self.settings["precondition_at_init"]:
            conditions.check(found)
        fields.setdefault("contentType", headers.get("x-upload-content-type",
                                                     "application/octet-stream"))
        text = headers.get("x-upload-content-length")
        if text is not None and not text.isdecimal():
            raise Problem(400, message="Invalid X-Upload-Content-Length")
        session = Session(self.store.new_blob(), bucket, name, fields, conditions,
                          int(text) if text else None, self.settings["session_lifetime_s"])
        with self.store.lock:
            self.sessions[session.id] = session
        return session

    def cancel(self, session):
        """Ends it, if there is anything to end."""
        session.enter()
        with session.lock:
            if session.state == "open":
                session.end("cancelled")
        raise Problem(499)

    def take(self, session, piece, request, action):
        """A request on a session. Answers the object once it is done, None before."""
        if "gone" in action:
            with session.lock:
                session.end("gone", action["gone"])
        if session.state == "refused" and self.settings["refused_is_done"]:
            request.body.drain()
            return session.object
        epoch = session.enter()
        if session.state == "done":
            request.body.drain()
            return session.object
        self._check(session, piece)
        if piece.is_query:
            if piece.total is not None and piece.total == session.blob.size:
                return self._finish(session, epoch, request)
            return None
        if self._receive(session, piece, request, action, epoch):
            return self._finish(session, epoch, request)
        return None

    def _check(self, session, piece):
        """Refuses what a session cannot take."""
        size = session.blob.size
        if piece.total is not None:
            if session.total is not None and piece.total != session.total:
                raise Problem(400, "badRequest", f"Invalid request. The upload has {session.total}"
                              f" bytes, not {piece.total}.")
            if piece.total < size:
                raise Problem(400, "badRequest", f"Invalid request. {size} bytes are there, more "
                              f"than {piece.total}.")
        if piece.is_query:
            return
        if piece.first > size:
            self.violate("offset-gap", f"{session.name}: {piece.first} where {size} are there")
            raise Problem(self.settings["gap_status"], "badRequest", "Invalid request.  According "
                          f"to the Content-Range header, the upload offset is {piece.first} "
                          f"byte(s), which exceeds already uploaded size of {size} byte(s).")
        if piece.first < size:
            self.violate("resent", f"{session.name}: {piece.first} where {size} are there")
        if not piece.is_final() and (piece.last - piece.first + 1) % GRANULE != 0:
            self.violate("piece-size", f"{session.name}: {piece.last - piece.first + 1} bytes")
            raise Problem(400, "badRequest", "Invalid request. The number of bytes uploaded is "
                          "required to be a multiple of 262144, except for the final request.")

    def _receive(self, session, piece, request, action, epoch):
        """Adds the body; answers whether that was the end of the upload."""
        body, view = request.body, buffer()
        limit = self._limit(session, piece, action)
        sink = Sink(session.blob, action)
        skip = session.blob.size - piece.first  # bytes that are there already are read again
        sink.taken = skip
        while skip > 0 and (count := body.readinto(view[:min(skip, len(view))])):
            skip -= count
        while not body.is_ended and not body.is_broken:
            count = body.readinto(view)
            if body.is_ended and piece.last is not None:
                self._check_length(piece, body)
            is_end = body.is_ended and limit is None
            keep = count if is_end else count // GRANULE * GRANULE
            if limit is not None:
                keep = max(0, min(keep, limit - session.blob.size))
            self._append(session, sink, view[:keep], epoch)
            if limit is not None and keep < count:
                body.drain()
                return False
        if body.is_broken:
            raise Reset()
        if piece.total is not None and piece.total == session.blob.size:
            return True
        if piece.last is None and piece.total is not None:
            raise Problem(400, "badRequest", f"{session.blob.size} bytes are there at the end, "
                          f"not {piece.total}")
        return piece.last is None

    @staticmethod
    def _check_length(piece, body):
        if body.got != piece.last - piece.first + 1:  # it came in chunks
            raise Problem(400, "badRequest", f"Content-Range ends at {piece.last}, but the body "
                          f"had {body.got} bytes")

    @staticmethod
    def _limit(session, piece, action):
        """Where the upload is to end for now, if not all that comes is to be kept."""
        if "persist" in action:
            at = session.blob.size + action["persist"]
        elif "persist_to" in action:
            at = action["persist_to"]
        else:
            return None
        return at // GRANULE * GRANULE

    @staticmethod
    def _append(session, sink, view, epoch):
        with session.lock:
            if session.epoch != epoch or session.state != "open":
                raise Reset()  # somebody else has the session now
            if len(view):
                sink.take(view)

    def _finish(self, session, epoch, request):
        """The upload becomes an object."""
        with session.lock:
            if session.state == "done":
                return session.object
            if session.epoch != epoch or session.state != "open":
                raise Reset()
            crc, md5 = header_hashes(request.headers)
            fields = session.fields
            try:
                session.blob.check(fields.get("crc32c"), fields.get("md5Hash"))
                session.blob.check(crc, md5)
                session.object = self.store.commit(session.bucket, session.name, session.blob,
                                                   fields, session.conditions)
            except Problem as error:
                if error.status != 429:
                    session.object = Object(session.bucket, session.name, session.blob, fields, 1)
                    session.end("refused", 410 if error.status == 400 else 404)
                raise
            session.state = "done"
            session.total = session.blob.size
            return session.object

    def tell(self):
        """All sessions, for people and specs."""
        with self.store.lock:
            return [session.tell() for session in self.sessions.values()]
