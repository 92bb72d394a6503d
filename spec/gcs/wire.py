"""wire: HTTP/1.1 by hand, so that everything a server must never do can be done on purpose.

A Connection reads requests, one after the other, and writes replies. Bodies are never held in
memory: a request's Body is read into a buffer of the caller's, a reply's FileBody goes out by
sendfile. What harms a reply on its way is a Harm: where it breaks, stalls, lies.

A client that goes away while its body is read sets Body.is_broken; while a reply is written,
ConnectionError is raised. Nothing here knows what the requests are about.
"""
import fcntl
import os
import socket
import struct
import termios
import time
import urllib.parse

HEAD_MAX = 64 * 1024    # bytes of a request's head: curl sends less than one
LINE_MAX = 4096         # bytes of a line of a chunked body
BLOCK = 1 << 20         # bytes of one read of a body, of one chunk, of one harmed step
SEND_MAX = 1 << 30      # bytes of one sendfile
DRAIN_MAX = 64 << 20    # bytes of a body that is read to no purpose; beyond, the connection ends
RESET_WAIT_S = 2        # seconds that a reset waits for a client that does not read
LINGER_S = 2            # seconds that a client may go on sending what nobody wants
IDLE_S = 300            # seconds without a byte after which a connection ends
REASONS = {
    100: "Continue", 200: "OK", 201: "Created", 204: "No Content", 206: "Partial Content",
    304: "Not Modified", 308: "Resume Incomplete", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
    409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed",
    413: "Payload Too Large", 416: "Requested Range Not Satisfiable", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 499: "Client Closed Request",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout",
}


class Malformed(Exception):
    """What came is not HTTP/1.1."""


class Reset(Exception):
    """The connection is to be reset, without another word."""


class FileBody:
    """Bytes of a file: `count` from `offset`. The descriptor is closed once they are sent."""

    def __init__(self, descriptor, offset, count):
        self.descriptor = descriptor
        self.offset = offset
        self.count = count

    def close(self):
        os.close(self.descriptor)


class StreamBody:
    """Bytes whose number is not known before: pieces of an iterator. Always sent in chunks."""

    def __init__(self, pieces):
        self.pieces = pieces


class Reply:
    """What is answered; `body` is bytes, a FileBody or a StreamBody."""

    def __init__(self, status, headers=(), body=b"", is_chunked=False):
        self.status = status
        self.headers = list(headers)
        self.body = body
        self.is_chunked = is_chunked or isinstance(body, StreamBody)
        self.is_head = False  # the body is told of, not sent

    def discard(self):
        """It is not sent after all."""
        if isinstance(self.body, FileBody):
            self.body.close()

    def size(self):
        """Bytes of the body; None if nobody knows."""
        if isinstance(self.body, StreamBody):
            return None
        return self.body.count if isinstance(self.body, FileBody) else len(self.body)


class Harm:
    """What goes wrong with a reply; offsets count bytes of its body."""

    def __init__(self, action):
        self.break_after = action.get("break_after")      # end the connection there,
        self.break_how = action.get("break_how", "reset")  # by a reset, or like a good end: close
        self.stall_after = action.get("stall_after")      # send nothing there,
        self.stall_seconds = action.get("stall_seconds", 0)  # for so long
        self.corrupt = action.get("corrupt")              # turn a bit of the byte there
        self.rate = action.get("rate")                    # bytes per second, 20 times a second
        self.step = BLOCK if self.rate is None else max(1, min(self.rate // 20, BLOCK))

    def is_any(self):
        """Whether the reply is to be sent in steps."""
        return not (self.break_after is None and self.stall_after is None
                    and self.corrupt is None and self.rate is None)

    def next_stop(self, at, end):
        """Where the next piece from `at` must end."""
        stops = [end, at + self.step]
        for stop in (self.break_after, self.stall_after):
            if stop is not None and at < stop:
                stops.append(stop)
        return min(stops)

    def arrive(self, at):
        """Does what is due once `at` bytes are sent; answers how the connection is to end, if."""
        if self.stall_after == at:
            self.stall_after = None
            time.sleep(self.stall_seconds)
        return self.break_how if self.break_after == at else None

    def spoil(self, piece, at):
        """The piece that stands at `at`, with the byte turned if it is in it."""
        if self.corrupt is None or not at <= self.corrupt < at + len(piece):
            return piece
        spoilt = bytearray(piece)
        spoilt[self.corrupt - at] ^= 1
        return bytes(spoilt)


class Request:
    """A request's head, and its body to be read."""

    def __init__(self, method, target, headers, body):
        self.method = method
        self.target = target
        self.headers = headers  # names in lower case
        self.body = body
        self.path, _, query = target.partition("?")
        self.query = dict(reversed(urllib.parse.parse_qsl(
            query, keep_blank_values=True, errors="surrogateescape")))

    def segments(self):
        """The path's parts, still encoded: an object's name may hold an encoded slash."""
        return self.path.strip("/").split("/")


class Body:
    """A request's body. `is_broken` once the client went away before its end."""

    def __init__(self, connection, length, is_chunked, is_expected):
        self.connection = connection
        self.length = length            # None: in chunks
        self.left = 0 if is_chunked else length
        self.is_chunked = is_chunked
        self.is_ended = not is_chunked and length == 0
        self.is_broken = False
        self.is_expected = is_expected  # the client waits for "100 Continue"
        self.got = 0

    def readinto(self, view):
        """Fills `view`, or less at the end of the body or of the connection; answers how much."""
        if self.is_expected:
            self.is_expected = False
            self.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        filled = 0
        while filled < len(view) and not (self.is_ended or self.is_broken):
            if self.left == 0:
                self._begin_chunk()
                continue
            want = min(len(view) - filled, self.left)
            count = self.connection.readinto(view[filled:filled + want])
            filled += count
            self.left -= count
            if count < want:
                self.is_broken = True
            elif self.left == 0:
                self._end_piece()
        self.got += filled
        return filled

    def _begin_chunk(self):
        line = self.connection.read_line()
        if line is None:
            self.is_broken = True
            return
        try:
            self.left = int(line.split(b";")[0], 16)
        except ValueError as error:
            raise Malformed(f"chunk size {line[:20]!r}") from error
        if self.left == 0:
            while self.connection.read_line():
                pass  # trailers
            self.is_ended = True

    def _end_piece(self):
        if not self.is_chunked:
            self.is_ended = True
        elif self.connection.read_line() is None:
            self.is_broken = True

    def read_all(self, limit):
        """The whole of a small body; None if it has more than `limit` bytes."""
        buffer = memoryview(bytearray(limit + 1))
        count = self.readinto(buffer)
        return None if count > limit else bytes(buffer[:count])

    def drain(self):
        """Reads the rest to no purpose; answers whether the next request can follow."""
        if self.is_ended:
            return True
        if self.is_expected or self.is_broken or (self.left or 0) > DRAIN_MAX:
            return False
        buffer = memoryview(bytearray(BLOCK))
        limit = self.got + DRAIN_MAX
        while self.got < limit and self.readinto(buffer):
            pass
        return self.is_ended


class Connection:
    """One client's connection."""

    def __init__(self, plug, is_open=lambda: True):
        timeout = struct.pack("ll", IDLE_S, 0)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Not settimeout(): that makes the socket non-blocking and every call two.
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        self.plug = plug
        self.is_open = is_open
        self.buffer = bytearray()

    def _receive(self):
        try:
            data = self.plug.recv(HEAD_MAX)
        except OSError:
            data = b""
        self.buffer += data
        return len(data)

    def read_request(self):
        """The next request, None at the end of the connection."""
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            if len(self.buffer) > HEAD_MAX:
                raise Malformed(f"a head of more than {HEAD_MAX} bytes")
            if not self._receive():
                return None
        if end > HEAD_MAX:
            raise Malformed(f"a head of more than {HEAD_MAX} bytes")
        head = bytes(self.buffer[:end]).lstrip(b"\r\n").decode("latin-1")
        del self.buffer[:end + 4]
        return self._parse(head)

    def _parse(self, head):
        first, *lines = head.split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
            raise Malformed(f"request line {first[:80]!r}")
        headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            name, value = name.lower(), value.strip()
            if not colon or not name or name != name.strip():
                raise Malformed(f"header {line[:80]!r}")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        text = headers.get("content-length", "0")
        if not text.isdecimal() or ("transfer-encoding" in headers and not is_chunked):
            raise Malformed("content-length or transfer-encoding")
        is_expected = headers.get("expect", "").lower() == "100-continue"
        body = Body(self, None if is_chunked else int(text), is_chunked, is_expected)
        return Request(words[0], words[1], headers, body)

    def read_line(self):
        """The next line of a chunked body without its end; None if the connection ends."""
        while (end := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > LINE_MAX:
                raise Malformed("a chunk size without end")
            if not self._receive():
                return None
        line = bytes(self.buffer[:end]).rstrip(b"\r")
        del self.buffer[:end + 1]
        return line

    def readinto(self, view):
        """Fills `view`; less only if the connection ends."""
        filled = min(len(self.buffer), len(view))
        view[:filled] = self.buffer[:filled]
        del self.buffer[:filled]
        while filled < len(view):
            try:
                count = self.plug.recv_into(view[filled:])
            except OSError:
                break
            if count == 0:
                break
            filled += count
        return filled

    def send(self, data, flags=0):
        """Sends all of it, or raises ConnectionError."""
        view = memoryview(data)
        while view:
            try:
                view = view[self.plug.send(view, flags | socket.MSG_NOSIGNAL):]
            except OSError as error:
                raise ConnectionError(str(error)) from error

    def reset(self):
        """Ends the connection with a reset, once the client's machine has what was sent."""
        self.plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # pushes what waits
        deadline = time.monotonic() + RESET_WAIT_S
        while self._unsent() and time.monotonic() < deadline:
            time.sleep(0.001)
        self.plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def _unsent(self):
        count = fcntl.ioctl(self.plug.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return struct.unpack("i", count)[0]

    def linger(self):
        """Ends it though the client may still be sending: so that it reads the reply first."""
        self.plug.shutdown(socket.SHUT_WR)
        self.plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                             struct.pack("ll", LINGER_S, 0))
        buffer = memoryview(bytearray(BLOCK))
        deadline = time.monotonic() + LINGER_S
        while time.monotonic() < deadline and self.plug.recv_into(buffer):
            pass

    def close(self):
        """Ends it well."""
        self.plug.close()

    def reply(self, reply, harm, is_last):
        """Sends a reply; answers how many bytes of its body went out, and whether the connection
        goes on."""
        size = reply.size()
        lines = [f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Other')}"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        has_body = reply.status not in (204, 304) and reply.status >= 200
        if has_body:
            is_chunked = reply.is_chunked
            lines.append("Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {size}")
        if is_last:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        try:
            if not has_body or reply.is_head:
                self.send(head)
                return 0, not is_last
            return self._send_body(head, reply, harm, size, is_last)
        finally:
            reply.discard()

    def _send_body(self, head, reply, harm, size, is_last):
        if isinstance(reply.body, bytes) and not reply.is_chunked and not harm.is_any():
            self.send(head + reply.body)
            return size, not is_last
        self.send(head, socket.MSG_MORE if size != 0 else 0)
        if isinstance(reply.body, FileBody) and not reply.is_chunked and not harm.is_any():
            return self._send_file(reply.body), not is_last
        return self._send_pieces(reply, harm, size, is_last)

    def _send_file(self, body):
        at, end = body.offset, body.offset + body.count
        while at < end:
            try:
                count = os.sendfile(self.plug.fileno(), body.descriptor, at,
                                    min(end - at, SEND_MAX))
            except OSError as error:
                raise ConnectionError(str(error)) from error
            if count == 0:
                raise ConnectionError("the file is shorter than it was")
            at += count
        return body.count

    def _send_pieces(self, reply, harm, size, is_last):
        """In steps: chunked, or to be harmed on the way."""
        sent = 0
        for piece in _pieces(reply.body, harm, size):
            end = harm.arrive(sent)
            if end:
                return self._break(end, sent)
            started = time.monotonic()
            piece = harm.spoil(piece, sent)
            if reply.is_chunked:
                self.send(b"%x\r\n" % len(piece), socket.MSG_MORE)
                self.send(piece, socket.MSG_MORE)
                self.send(b"\r\n")
            else:
                self.send(piece)
            sent += len(piece)
            if harm.rate:
                time.sleep(max(0.0, len(piece) / harm.rate - (time.monotonic() - started)))
        end = harm.arrive(sent)
        if end:
            return self._break(end, sent)
        if reply.is_chunked:
            self.send(b"0\r\n\r\n")
        return sent, not is_last

    def _break(self, how, sent):
        if how == "reset":
            self.reset()
        return sent, False


def _pieces(body, harm, size):
    """The body in pieces that end where the harm has something to do. Never an empty one."""
    if isinstance(body, StreamBody):
        at = 0
        for block in body.pieces:
            view = memoryview(block)
            while view:
                stop = harm.next_stop(at, at + len(view))
                yield bytes(view[:stop - at])
                view, at = view[stop - at:], stop
        return
    at = 0
    while at < size:
        stop = harm.next_stop(at, size)
        if isinstance(body, FileBody):
            yield os.pread(body.descriptor, stop - at, body.offset + at)
        else:
            yield body[at:stop]
        at = stop
