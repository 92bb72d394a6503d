"""exchange: one request and its reply, with what goes wrong on purpose, and the entry in the log.

    is_going_on = exchange(connection, request, state, others)

`others(request)` answers the call of requests that are not Cloud Storage's, or None. A request
with the header X-Spec is a spec's own hand in the storage: it needs no token, meets no fault,
violates nothing, and is not in the log.
"""
import json
import time

import api
from problem import Problem
from wire import Harm, Malformed, Reply, Reset

LOGGED = ("range", "content-range", "content-length", "content-type", "content-encoding",
          "transfer-encoding", "accept-encoding", "authorization", "user-agent", "expect",
          "connection", "metadata-flavor")
LOGGED_BEGINNINGS = ("x-", "if-")


def _begin_entry(call, request, connection_number):
    headers = {name: value for name, value in request.headers.items()
               if name in LOGGED or name.startswith(LOGGED_BEGINNINGS)}
    return {"operation": call.operation, "method": request.method, "path": request.path,
            "bucket": call.bucket, "object": call.name, "query": request.query,
            "headers": headers, "status": None, "bytes_in": 0, "bytes_out": 0, "fault": None,
            "connection": connection_number, "upload_id": request.query.get("upload_id"),
            "began": time.monotonic()}


class Nobody(api.Call):
    """A request that nobody knows."""

    def __init__(self, request):
        super().__init__(request, "unknown", self._refuse)

    @staticmethod
    def _refuse(_call):
        raise Problem(404, message="Not Found")

    def needs_token(self):
        return False


class _Stall:
    """A request's body that stops for a while, or ends the connection, after some bytes."""

    def __init__(self, body, after, seconds):
        self.body = body
        self.after = after
        self.seconds = seconds  # None: the connection is reset
        self.read = body.readinto
        body.readinto = self._readinto

    def _readinto(self, view):
        if self.body.got < self.after:
            return self.read(view[:self.after - self.body.got])
        if self.seconds is None:
            raise Reset()
        time.sleep(self.seconds)
        self.body.readinto = self.read
        return self.read(view)


def _fault_reply(action, state):
    """The error that an action asks for."""
    if action["status"] < 400:
        body = action.get("body", "")
        text = body if isinstance(body, str) else json.dumps(body)
        return Reply(action["status"], list(action.get("headers", {}).items()), text.encode())
    problem = Problem(action["status"], action.get("reason"), action.get("message"))
    headers = list(action.get("headers", {}).items())
    if "retry_after" in action:
        headers.append(("Retry-After", action["retry_after"]))
    problem.headers = headers
    reply = api.problem_reply(problem, state)
    if "body" in action:
        text = action["body"]
        reply.body = (text if isinstance(text, str) else json.dumps(text)).encode()
    elif "body_bytes" in action:
        reply.body = problem.body(action["body_bytes"])
    return reply


def _before(call, action, state):
    """What goes wrong before anything is done; answers a reply if that is all."""
    body = call.request.body
    if "delay" in action:
        time.sleep(action["delay"])
    reset, when = action.get("reset"), action.get("when", "before")
    if reset == "start":
        raise Reset()
    if reset == "body":
        _Stall(body, action.get("after_bytes", 0), None)
    if "stall_body" in action:
        _Stall(body, action["stall_body"].get("after_bytes", 0), action["stall_body"]["seconds"])
    keeps_some = "persist" in action or "persist_to" in action
    if "status" in action and when == "start":
        return _fault_reply(action, state)
    if reset == "before" and not keeps_some:
        body.drain()
        raise Reset()
    if "status" in action and when == "before" and not keeps_some:
        body.drain()
        return _fault_reply(action, state)
    return None


def _after(action, reply, state):
    """What goes wrong once all is done; answers the reply."""
    if action.get("reset") in ("after", "before"):
        reply.discard()
        raise Reset()
    if "status" in action:
        reply.discard()
        return _fault_reply(action, state)
    if "retry_after" in action:
        reply.headers.append(("Retry-After", action["retry_after"]))
    return reply


def _answer(call, state, action):
    """The reply, whatever it is."""
    try:
        reply = _before(call, action, state)
        if reply is not None:
            return reply
        is_own = "x-spec" in call.request.headers
        if call.needs_token() and not is_own:
            state.tokens.check(call.request.headers.get("authorization", ""),
                               call.request.method not in ("GET", "HEAD"))
        reply = call.run(state, action)
    except Problem as problem:
        reply = api.problem_reply(problem, state, call.is_media())
    except ConnectionError:
        raise
    except OSError as error:  # its own disk
        reply = api.problem_reply(Problem(500, message=str(error)), state)
    return _after(action, reply, state)


def _judged(call):
    """What makes two requests the same, for those who count retries."""
    return call.request.method, call.request.target, call.request.headers.get("content-range")


def exchange(connection, request, state, others, connection_number):
    """Does all of it; answers whether the connection goes on."""
    try:
        call = api.route(request, state) or others(request) or Nobody(request)
    except Problem as problem:  # a piece that nobody understands
        call = Nobody(request)
        call.operation = "objects.insert.resumable.chunk"
        call.handler = _raiser(problem)
    entry = call.entry = _begin_entry(call, request, connection_number)
    is_own = "x-spec" in request.headers
    state.log.be_quiet(is_own)
    key, action = None, {}
    if not is_own:
        state.log.add(entry)
        with state.faults_lock:
            entry["fault"], action = state.faults.choose(call.facts())
        key = _judged(call)
        state.judge(key, f"{call.operation} {call.name}")
    try:
        reply = _answer(call, state, action)
    except Reset:
        entry["status"] = 0
        _end_entry(entry, request)
        connection.reset()
        return False
    except Malformed as error:
        reply = api.problem_reply(Problem(400, message=str(error)), state)
        connection.buffer.clear()
        request.body.is_broken = True
    return _send(connection, call, reply, Harm(action), state, key)


def _raiser(problem):
    def refuse(_call):
        raise problem
    return refuse


def _end_entry(entry, request):
    entry["bytes_in"] = request.body.got
    entry["ms"] = round((time.monotonic() - entry.pop("began")) * 1000, 1)


def _send(connection, call, reply, harm, state, key):
    request, entry = call.request, call.entry
    keeps = (request.body.drain() and request.headers.get("connection", "").lower() != "close"
             and reply.status != 0)
    reply.is_head = request.method == "HEAD"
    if key is not None:
        retry_after = dict(reply.headers).get("Retry-After")
        state.remember(key, reply.status, float(retry_after) if retry_after else 0)
    entry["status"] = reply.status
    entry["content_range"] = dict(reply.headers).get("Content-Range")
    entry["bytes_out"] = reply.size()  # before the client can ask for it
    _end_entry(entry, request)
    try:
        sent, is_going_on = connection.reply(reply, harm, not keeps)
    except ConnectionError:
        entry["is_cut"] = True
        return False
    if sent != entry["bytes_out"]:
        entry["bytes_out"] = sent
    elif not request.body.is_ended:
        connection.linger()
    return is_going_on
