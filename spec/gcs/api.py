"""api: the JSON API of Cloud Storage: which request is which operation, and what it answers.

    call = route(request)     None if it is nobody's
    call.facts()              what rules of faults ask about
    reply = call.run(state, action)

Operations: objects.{get, get.media, list, delete, patch, update, compose, rewrite, copy, move},
objects.insert.{simple, multipart}, objects.insert.resumable.{init, chunk, final, query, cancel},
buckets.{get, insert, list, layout}, batch. "final" is a piece with which the upload is complete; a
finish ("bytes */TOTAL") is a query.
"""
import json
import re
import urllib.parse
import zlib

import crc32c
import listing
import uploads
from faults import Facts
from objects import COMPOSE_MAX, Conditions, check_name, stamp
from problem import Problem
from wire import BLOCK, FileBody, Reply, StreamBody

JSON_MAX = 1 << 20  # bytes of a request's JSON


def quote(name):
    """A name as a part of a path."""
    return urllib.parse.quote(name, safe="")


def unquote(text):
    """A part of a path as a name."""
    return urllib.parse.unquote(text, errors="surrogateescape")


def json_reply(value, status=200, headers=(), fields=None):
    """A reply of JSON; `fields` is what fields= asks for. In one line, unlike Google's: Python
    takes five times as long for several."""
    text = json.dumps(listing.project(value, fields), ensure_ascii=False) + "\n"
    return Reply(status, [("Content-Type", "application/json; charset=UTF-8"),
                          ("Cache-Control", "no-cache"), *headers],
                 text.encode("utf-8", "surrogateescape"))


def problem_reply(problem, state, is_media=False):
    """A reply that refuses. Of media it may be plain text, as with Google."""
    size = state.settings["error_bytes"]
    if problem.status == 304:
        return Reply(304, problem.headers)
    if is_media:
        text = problem.message.encode().ljust(size)
        return Reply(problem.status, [("Content-Type", "text/html; charset=UTF-8"),
                                      *problem.headers], text)
    return Reply(problem.status, [("Content-Type", "application/json; charset=UTF-8"),
                                  *problem.headers], problem.body(size))


def parse_range(text, size):
    """(first, last) of "bytes=..."; None if it is to be ignored, 416 if it is behind the end."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text.strip())
    if not match or not (match[1] or match[2]):
        return None
    if match[1]:
        first = int(match[1])
        last = min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < first:
            return None
    else:
        first, last = max(0, size - int(match[2])), size - 1
        if int(match[2]) == 0:
            first = size
    if first >= size:
        raise Problem(416, headers=[("Content-Range", f"bytes */{size}")])
    return first, last


class Call:
    """One request and what it is."""

    def __init__(self, request, operation, handler, bucket="", name="", **more):
        self.request = request
        self.operation = operation
        self.handler = handler
        self.bucket = bucket
        self.name = name
        self.more = more     # of rewrite, move: the other bucket and name
        self.is_session = False
        self.session = None
        self.piece = None
        self.state = None
        self.action = {}
        self.entry = {}
        host = request.headers.get("host", "localhost")
        self.base = f"http://{host}"

    def facts(self):
        """What rules of faults ask about."""
        request = self.request
        span = self.piece.span() if self.piece else None
        return Facts(request.method, self.operation, self.bucket, self.name, request.query,
                     request.headers, request.body.length or 0, span)

    def is_media(self):
        """Whether it asks for bytes."""
        return self.operation == "objects.get.media"

    def needs_token(self):
        """All but what a session's own name allows."""
        return not self.is_session

    def run(self, state, action):
        """Does it; answers the reply, raises Problem."""
        self.state = state
        self.action = action
        return self.handler(self)

    def json(self):
        """The request's JSON."""
        text = self.request.body.read_all(JSON_MAX)
        if text is None:
            raise Problem(413)
        return uploads.read_fields(text)

    def conditions(self, prefix="if"):
        """Its preconditions; of a change, notes that there are none."""
        conditions = Conditions(self.request.query, prefix)
        if prefix == "if" and not conditions.is_pinned() and not self.operation.startswith(
                "objects.get"):
            self.violate("no-precondition")
        return conditions

    def violate(self, kind):
        """Counts a violation of this request."""
        self.state.log.violate(kind, f"{self.operation} {self.name}")

    def object_reply(self, found, headers=()):
        """The JSON of an object."""
        resource = found.resource(self.base, quote)
        if self.action.get("wrong_crc"):
            resource["crc32c"] = crc32c.encode(found.crc ^ 1)
        if self.action.get("no_hash"):
            resource.pop("crc32c", None)
            resource.pop("md5Hash", None)
        return json_reply(resource, 200, [("ETag", found.etag()), *headers],
                          self.request.query.get("fields"))


def get_object(call):
    """objects.get: the JSON."""
    found = call.state.store.find(call.bucket, call.name, call.request.query.get("generation"))
    call.conditions().check(found, is_read=True)
    return call.object_reply(found)


def hash_headers(call, found):
    """x-goog-hash, as it is set to be."""
    if call.action.get("no_hash"):
        return []
    hashes = found.hashes()
    if call.action.get("wrong_crc"):
        hashes[0] = f"crc32c={crc32c.encode(found.crc ^ 1)}"
    style = call.state.settings["hash_style"]
    if style == "repeated":
        return [("X-Goog-Hash", one) for one in hashes]
    return [("X-Goog-Hash", (", " if style == "spaced" else ",").join(hashes))]


def media_headers(call, found):
    """What a reply with bytes says beside them."""
    fields = found.fields
    headers = [
        ("Content-Type", fields.get("contentType", "application/octet-stream")),
        ("ETag", found.etag()), ("Accept-Ranges", "bytes"),
        ("Last-Modified", _http_date(found.updated)),
        ("X-Goog-Generation", found.generation),
        ("X-Goog-Metageneration", found.metageneration),
        ("X-Goog-Storage-Class", "STANDARD"),
        ("X-Goog-Stored-Content-Length", found.size),
        ("X-Goog-Stored-Content-Encoding", fields.get("contentEncoding", "identity")),
        ("Cache-Control", fields.get("cacheControl", "private, max-age=0")),
    ]
    for name, key in (("Content-Disposition", "contentDisposition"),
                      ("Content-Language", "contentLanguage")):
        if key in fields:
            headers.append((name, fields[key]))
    return headers + hash_headers(call, found)


def _http_date(seconds):
    text = stamp(seconds)  # 2026-11-29T18:47:34.123Z
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    days = "Mon Tue Wed Thu Fri Sat Sun".split()
    day = days[int(seconds // 86400 + 3) % 7]
    return f"{day}, {text[8:10]} {months[int(text[5:7]) - 1]} {text[:4]} {text[11:19]} GMT"


def get_media(call):
    """objects.get, alt=media: the bytes."""
    query, headers = call.request.query, call.request.headers
    if "generation" not in query:
        call.violate("unpinned-read")
    takes_gzip = "gzip" in headers.get("accept-encoding", "")
    if not takes_gzip:
        call.violate("no-accept-encoding")
    found = call.state.store.find(call.bucket, call.name, query.get("generation"))
    call.conditions().check(found, is_read=True)
    reply_headers = media_headers(call, found)
    if found.fields.get("contentEncoding") == "gzip":
        if not takes_gzip and "no-transform" not in found.fields.get("cacheControl", ""):
            return _unzipped(call, found, reply_headers)
        reply_headers.append(("Content-Encoding", "gzip"))
    wanted = None
    if "range" in headers and not call.action.get("ignore_range"):
        wanted = parse_range(headers["range"], found.size)
    is_chunked = bool(call.action.get("chunked", call.state.settings["chunked"]))
    if wanted is None:
        body = FileBody(_open(found), 0, found.size)
        return Reply(200, reply_headers, body, is_chunked)
    first, last = wanted
    shift = min(call.action.get("shift_range", 0), found.size - 1 - last)
    first, last = first + shift, last + shift
    reply_headers.append(("Content-Range", f"bytes {first}-{last}/{found.size}"))
    return Reply(206, reply_headers, FileBody(_open(found), first, last - first + 1), is_chunked)


def _open(found):
    try:
        return found.open()
    except FileNotFoundError as error:  # it was deleted since it was found
        raise Problem(404, message=f"No such object: {found.bucket}/{found.name}") from error


def _unzipped(call, found, headers):
    """Decompressive transcoding: no range, no length, the checksums of what is stored."""
    headers += [("Warning", "214 UploadServer gunzipped"), ("Vary", "Accept-Encoding"),
                ("X-Guploader-Response-Body-Transformations", "gunzipped")]

    def pieces():
        unzip = zlib.decompressobj(31)
        with open(_open(found), "rb") as file:
            while block := file.read(BLOCK):
                while block:
                    if piece := unzip.decompress(block, BLOCK):
                        yield piece
                    block = unzip.unconsumed_tail
        if piece := unzip.flush():
            yield piece

    call.entry["transcoded"] = True
    return Reply(200, headers, StreamBody(pieces()))


def list_objects(call):
    """objects.list."""
    state, query = call.state, call.request.query
    with state.store.lock:
        bucket = state.store.bucket(call.bucket)
        state.list_count += 1
        items, prefixes, token = listing.page(bucket, query, state.settings, call.action,
                                              state.list_count)
    answer = {"kind": "storage#objects"}
    if token:
        answer["nextPageToken"] = token
    if prefixes:
        answer["prefixes"] = prefixes
    if items:
        answer["items"] = [one.resource(call.base, quote) for one in items]
    return json_reply(answer, fields=query.get("fields"))


def delete_object(call):
    """objects.delete."""
    call.state.store.delete(call.bucket, call.name, call.request.query.get("generation"),
                            call.conditions())
    return Reply(204)


def change_object(call):
    """objects.patch and objects.update."""
    fields = call.json()
    found = call.state.store.change(call.bucket, call.name, call.request.query.get("generation"),
                                    call.conditions(), fields,
                                    call.operation == "objects.update")
    return call.object_reply(found)


def compose_objects(call):
    """objects.compose."""
    wanted = call.json()
    listed = wanted.get("sourceObjects")
    if not isinstance(listed, list) or not 1 <= len(listed) <= COMPOSE_MAX:
        raise Problem(400, message=f"The number of source components provided must be between 1 "
                      f"and {COMPOSE_MAX}.")
    sources = []
    for one in listed:
        generation = one.get("generation")
        source = call.state.store.find(call.bucket, one.get("name"),
                                       None if generation is None else str(generation))
        match = (one.get("objectPreconditions") or {}).get("ifGenerationMatch")
        if match is not None and str(match) != str(source.generation):
            raise Problem(412)
        sources.append(source)
    fields = dict(wanted.get("destination") or {})
    fields.setdefault("contentType", sources[0].fields.get("contentType"))
    return call.object_reply(call.state.store.compose(call.bucket, sources, call.name, fields,
                                                      call.conditions()))


def _copied_fields(call, source):
    """What a copy says of itself: what the request has, or what the source has."""
    given = call.json()
    return given if given else source.fields


def rewrite_object(call):
    """objects.rewrite: to be called again with its token until it is done."""
    query, state = call.request.query, call.state
    source = state.store.find(call.bucket, call.name, query.get("sourceGeneration"))
    call.conditions("ifSource").check(source)
    conditions = call.conditions()
    fields = _copied_fields(call, source)
    step = int(query.get("maxBytesRewrittenPerCall", 0)) or state.settings["rewrite_bytes"]
    token = query.get("rewriteToken")
    if token is not None and token not in state.rewrites:
        raise Problem(400, message="Invalid rewriteToken")
    done = state.rewrites.get(token, 0) + step
    answer = {"kind": "storage#rewriteResponse", "objectSize": str(source.size)}
    if step and done < source.size:
        conditions.check(state.store.live(call.more["to_bucket"], call.more["to_name"]))
        token = token or f"rewrite-{len(state.rewrites) + 1}-{source.generation}"
        state.rewrites[token] = done
        return json_reply({**answer, "done": False, "totalBytesRewritten": str(done),
                           "rewriteToken": token}, fields=query.get("fields"))
    new = state.store.copy(source, call.more["to_bucket"], call.more["to_name"], fields,
                           conditions)
    state.rewrites.pop(token, None)
    return json_reply({**answer, "done": True, "totalBytesRewritten": str(source.size),
                       "resource": new.resource(call.base, quote)}, fields=query.get("fields"))


def copy_object(call):
    """objects.copy."""
    source = call.state.store.find(call.bucket, call.name,
                                   call.request.query.get("sourceGeneration"))
    call.conditions("ifSource").check(source)
    return call.object_reply(call.state.store.copy(
        source, call.more["to_bucket"], call.more["to_name"], _copied_fields(call, source),
        call.conditions()))


def move_object(call):
    """objects.move: atomic."""
    return call.object_reply(call.state.store.move(
        call.bucket, call.name, call.more["to_name"], call.conditions(),
        call.conditions("ifSource")))


def _named(call, name):
    """Notes the name of an object that is written, once it is known."""
    if not name:
        raise Problem(400, "required", "Required object name.")
    check_name(name)
    call.name = name
    call.entry["object"] = name
    call.state.store.bucket(call.bucket)
    call.conditions()
    return name


def _has_hash(call):
    return "crc32c=" in call.request.headers.get("x-goog-hash", "")


def insert_simple(call):
    """objects.insert, uploadType=media."""
    name = _named(call, call.request.query.get("name"))
    if not _has_hash(call):
        call.violate("no-crc32c")
    return call.object_reply(uploads.insert_simple(call.state.store, call.bucket, name,
                                                   call.request, call.action))


def insert_multipart(call):
    """objects.insert, uploadType=multipart."""
    call.state.store.bucket(call.bucket)

    def note(name, has_crc):
        if not (has_crc or _has_hash(call)):
            call.violate("no-crc32c")
        return _named(call, name)

    return call.object_reply(uploads.insert_multipart(call.state.store, call.bucket, call.request,
                                                      call.action, note))


def start_resumable(call):
    """objects.insert, uploadType=resumable: the session."""
    request = call.request
    fields = call.json()
    name = _named(call, request.query.get("name") or fields.get("name"))
    session = call.state.uploads.start(call.bucket, name, request, fields)
    call.entry["upload_id"] = session.id
    where = (f"{call.base}{request.path}?uploadType=resumable&name={quote(name)}"
             f"&upload_id={session.id}")
    return Reply(200, [("Location", where), ("X-GUploader-UploadID", session.id),
                       ("Cache-Control", "no-cache")])


def take_piece(call):
    """A PUT on a session."""
    session, request = call.session, call.request
    found = call.state.uploads.take(session, call.piece, request, call.action)
    if found is not None:
        if "crc32c" not in session.fields and not _has_hash(call) and not call.piece.is_query:
            call.violate("no-crc32c")
        return call.object_reply(found, [("X-GUploader-UploadID", session.id)])
    headers = [("X-GUploader-UploadID", session.id)]
    if session.blob.size > 0:
        headers.append(("Range", f"bytes=0-{session.blob.size - 1}"))
    if request.headers.get("x-guploader-no-308", "").lower() == "yes":
        return Reply(200, [*headers, ("X-HTTP-Status-Code-Override", "308")])
    return Reply(308, headers)


def refuse_session(_call):
    """Anything on a session that nobody knows."""
    raise Problem(404, message="No such upload session.")


def cancel_session(call):
    """A DELETE on a session: always 499."""
    call.state.uploads.cancel(call.session)


def get_bucket(call):
    """buckets.get."""
    return json_reply(call.state.store.bucket(call.bucket).resource(call.base),
                      fields=call.request.query.get("fields"))


def get_layout(call):
    """buckets.getStorageLayout: gcloud asks before it moves."""
    bucket = call.state.store.bucket(call.bucket)
    return json_reply({"kind": "storage#storageLayout", "bucket": bucket.name,
                       "location": "US-CENTRAL1", "locationType": "region",
                       "hierarchicalNamespace": {"enabled": False}},
                      fields=call.request.query.get("fields"))


def insert_bucket(call):
    """buckets.insert."""
    fields = call.json()
    bucket = call.state.store.add_bucket(str(fields.pop("name", "")), fields)
    return json_reply(bucket.resource(call.base))


def list_buckets(call):
    """buckets.list."""
    with call.state.store.lock:
        buckets = sorted(call.state.store.buckets)
        items = [call.state.store.buckets[name].resource(call.base) for name in buckets]
    return json_reply({"kind": "storage#buckets", "items": items},
                      fields=call.request.query.get("fields"))


def refuse_batch(call):
    """batch: nobody here needs it."""
    raise Problem(501, message="batch requests: send single ones")


def _route_upload(request, bucket, state):
    """What is below /upload."""
    query, method = request.query, request.method
    if "upload_id" in query:
        call = Call(request, "objects.insert.resumable.chunk", take_piece, bucket,
                    query.get("name", ""))
        call.is_session = True
        call.session = state.uploads.sessions.get(query["upload_id"])
        if call.session is None:
            call.handler = refuse_session
        else:
            call.name = call.session.name
        if method == "DELETE":
            call.operation = "objects.insert.resumable.cancel"
            call.handler = cancel_session if call.session else refuse_session
        else:
            call.piece = uploads.Piece(request.headers, request.body.length)
            if call.piece.is_query:
                call.operation = "objects.insert.resumable.query"
            elif call.piece.is_final():
                call.operation = "objects.insert.resumable.final"
        return call if method in ("PUT", "POST", "DELETE") else None
    kinds = {"media": ("simple", insert_simple), "multipart": ("multipart", insert_multipart),
             "resumable": ("resumable.init", start_resumable)}
    kind = query.get("uploadType")
    if method != "POST" or kind not in kinds:
        return None
    name, handler = kinds[kind]
    return Call(request, "objects.insert." + name, handler, bucket, query.get("name", ""))


def _route_object(request, bucket, name):
    method = request.method
    if method in ("GET", "HEAD"):
        if request.query.get("alt") == "media":
            return Call(request, "objects.get.media", get_media, bucket, name)
        return Call(request, "objects.get", get_object, bucket, name)
    table = {"DELETE": ("delete", delete_object), "PATCH": ("patch", change_object),
             "PUT": ("update", change_object)}
    if method not in table:
        return None
    return Call(request, "objects." + table[method][0], table[method][1], bucket, name)


def _route_copy(request, bucket, name, rest):
    """What stands behind an object's name: compose, rewriteTo/b/B/o/O, moveTo/o/O."""
    if request.method != "POST":
        return None
    if rest == ["compose"]:
        return Call(request, "objects.compose", compose_objects, bucket, name)
    if len(rest) == 5 and rest[1] == "b" and rest[3] == "o":
        table = {"rewriteTo": ("rewrite", rewrite_object), "copyTo": ("copy", copy_object)}
        if rest[0] in table:
            operation, handler = table[rest[0]]
            return Call(request, "objects." + operation, handler, bucket, name,
                        to_bucket=unquote(rest[2]), to_name=unquote(rest[4]))
    if len(rest) == 3 and rest[:2] == ["moveTo", "o"]:
        return Call(request, "objects.move", move_object, bucket, name, to_name=unquote(rest[2]))
    return None


def _route_bucket(request, parts):
    """What is below /b."""
    if not parts:
        table = {"GET": ("buckets.list", list_buckets), "POST": ("buckets.insert", insert_bucket)}
        return Call(request, *table[request.method]) if request.method in table else None
    bucket = unquote(parts[0])
    if len(parts) == 1:
        if request.method in ("GET", "HEAD"):
            return Call(request, "buckets.get", get_bucket, bucket)
        return None
    if parts[1:] == ["storageLayout"] and request.method == "GET":
        return Call(request, "buckets.layout", get_layout, bucket)
    if parts[1] != "o":
        return None
    if len(parts) == 2:
        if request.method == "GET":
            return Call(request, "objects.list", list_objects, bucket)
        return None
    name = unquote(parts[2])
    if len(parts) == 3:
        return _route_object(request, bucket, name)
    return _route_copy(request, bucket, name, parts[3:])


def route(request, state):
    """The call that a request is, or None."""
    parts = request.segments()
    if parts[:2] == ["resumable", "upload"]:
        parts = parts[1:]
    is_upload = parts[0] == "upload"
    if parts[0] in ("upload", "download"):
        parts = parts[1:]
    if parts[:2] == ["batch", "storage"]:
        return Call(request, "batch", refuse_batch)
    if parts[:3] != ["storage", "v1", "b"]:
        return None
    if is_upload:
        is_insert = len(parts) == 5 and parts[4] == "o"
        return _route_upload(request, unquote(parts[3]), state) if is_insert else None
    call = _route_bucket(request, parts[3:])
    if call is None and len(parts) > 6 and parts[4] == "o":
        state.log.violate("slash-in-name", request.path)
    return call
