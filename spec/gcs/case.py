"""case: what the tests of the server share: a fresh server for each, and a client without manners.

    class Download(Case):
        settings = {"md5_max": 0}
        def test_something(self):
            self.put("a", b"bytes")
            answer = self.ask("GET", "/storage/v1/b/bkt/o/a?alt=media", {"Range": "bytes=0-1"})
            self.assertEqual(206, answer.status)

The server runs in threads of the test's own process.
"""
import http.client
import json
import shutil
import socket
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

sys.dont_write_bytecode = True

import accounts  # noqa: E402
import crc32c  # noqa: E402
import metadata  # noqa: E402
from server import Server  # noqa: E402
from state import State  # noqa: E402

TIMEOUT_S = 20
KIB, MIB = 1 << 10, 1 << 20
UPLOAD = "/upload/storage/v1/b/bkt/o?uploadType="


def path_of(name, bucket="bkt"):
    """The path of an object."""
    return f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}"


class Answer:
    """A reply; `is_broken` if it ended before its end. Without a head its status is 0."""

    def __init__(self, status, headers, body, is_broken):
        self.status = status
        self.headers = headers
        self.body = body
        self.is_broken = is_broken

    def json(self):
        """Its JSON."""
        return json.loads(self.body)

    def reason(self):
        """Why it refuses."""
        return self.json()["error"]["errors"][0]["reason"]


class Client:
    """A connection that is kept."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def ask(self, method, target, headers=None, body=None):
        """One request; a body that is a list goes in chunks."""
        connection = self.connection
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        is_chunked = isinstance(body, list)
        if is_chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body or b"")))
        try:
            connection.endheaders()
            if is_chunked:
                body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in body) + b"0\r\n\r\n"
            if body:
                connection.send(body)
        except OSError:
            pass  # it may have answered already
        return self.read()

    def read(self):
        """The reply."""
        try:
            reply = self.connection.getresponse()
        except (OSError, http.client.BadStatusLine):
            self.connection.close()
            return Answer(0, {}, b"", True)
        parts, left = [], reply.length  # None: in chunks
        try:
            while left != 0:
                part = reply.fp.read1(min(left, MIB)) if left else reply.read1(MIB)
                if not part:
                    break
                parts.append(part)
                left = left and left - len(part)
        except (OSError, http.client.HTTPException):
            left = -1
        reply.close()
        if left:
            self.connection.close()
        return Answer(reply.status, reply.headers, b"".join(parts), bool(left))

    def close(self):
        """The client goes away."""
        self.connection.close()


def wait_for(condition):
    """Asks until the condition holds; AssertionError at the deadline."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it does not come true")
        time.sleep(0.002)


class Case(unittest.TestCase):
    """A test with a server and a client."""

    settings = {}
    needs_token = False

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mrlua-gcs-")
        self.state = State(self.folder)
        self.state.set(self.settings)
        self.state.metadata = metadata.Metadata(self.state.tokens, self.state.settings)
        self.state.accounts = accounts.Accounts(self.state.tokens, self.state.settings)
        self.state.tokens.is_needed = self.needs_token
        self.state.store.add_bucket("bkt", {})
        self.server = Server(self.state, 0)
        self.port = self.server.port
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        self.clients = []
        self.addCleanup(self._end)  # also when the rest of a setUp fails
        self.client = self.connect()

    def _end(self):
        for client in self.clients:
            client.close()
        self.server.stop()
        self.thread.join(TIMEOUT_S)
        shutil.rmtree(self.folder)

    def connect(self):
        """Another connection."""
        client = Client(self.port)
        self.clients.append(client)
        return client

    def plug(self):
        """A bare socket."""
        plug = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S)
        self.addCleanup(plug.close)
        return plug

    def raw(self, data):
        """Sends bytes on a connection of their own; answers all that comes back."""
        plug = self.plug()
        plug.sendall(data)
        plug.shutdown(socket.SHUT_WR)
        parts = []
        while part := plug.recv(65536):
            parts.append(part)
        return b"".join(parts)

    def ask(self, method, target, headers=None, body=None):
        """One request of the test's client."""
        return self.client.ask(method, target, headers, body)

    def get(self, name, headers=None, query="alt=media"):
        """An object's bytes."""
        return self.ask("GET", f"{path_of(name)}?{query}", headers)

    def put(self, name, body=b"", query="", headers=None):
        """A simple upload that must succeed; answers the metadata."""
        name = urllib.parse.quote(name, safe="")
        answer = self.ask("POST", f"{UPLOAD}media&name={name}{query}", headers, body)
        self.assertEqual(200, answer.status, answer.body)
        return answer.json()

    def control(self, what, body=None):
        """A request to /_control that must succeed."""
        answer = self.ask("GET" if body is None else "POST", "/_control/" + what, {},
                          None if body is None else json.dumps(body).encode())
        self.assertEqual(200, answer.status, answer.body)
        return answer.json()

    def fault(self, operation, action, **match):
        """Adds a rule."""
        self.control("faults", {"match": {"operation": operation, **match}, "action": action})

    def wait_for_request(self, operation):
        """Waits until the server has the head of one."""
        wait_for(lambda: [one for one in list(self.state.log.entries)
                          if one["operation"] == operation])

    def violations(self):
        """How many of which kind."""
        return self.control("violations")["counts"]

    def start(self, name, query="", headers=None, resource=None):
        """Begins a resumable upload; answers the session's target."""
        body = json.dumps({"name": name, **(resource or {})}).encode()
        answer = self.ask("POST", f"{UPLOAD}resumable{query}",
                          {"Content-Type": "application/json", **(headers or {})}, body)
        self.assertEqual(200, answer.status, answer.body)
        where = urllib.parse.urlsplit(answer.headers["Location"])
        return f"{where.path}?{where.query}"

    def wait_for_turn(self, session):
        """Waits until the first request on a session has it; answers what is known of it."""
        known = self.state.uploads.sessions[session.partition("upload_id=")[2]]
        wait_for(lambda: known.epoch)
        return known

    def piece(self, session, content_range, body=b"", headers=None):
        """A request on a session; the range without "bytes "."""
        return self.ask("PUT", session, {"Content-Range": "bytes " + content_range,
                                         **(headers or {})}, body)


def crc_of(data):
    """A checksum as JSON has it."""
    return crc32c.encode(crc32c.update(0, data))
