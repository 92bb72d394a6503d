"""server: a Cloud Storage for tests: strict where Google is, and broken where it is told to be.

    python3 spec/gcs/server.py --dir DIR [--port N] [--ready-file FILE] [--bucket NAME]...
                               [--auth] [--token T]... [--account FILE]... [--set NAME=JSON]...
                               [--parent PID]

Listens on 127.0.0.1, on any free port unless told; prints the port, and writes it to the ready
file once it listens. Keeps its objects in DIR, which it does not empty. Ends at SIGTERM, and when
process PID, its parent unless given, is no more. Without --token and --auth nobody needs a token;
with --auth those that it hands out itself are good. An account's FILE is a key file as Google
makes them, or one of an authorized user. There is a bucket "bkt" unless others are named.

The JSON API (api.py has the operations by name):

    /storage/v1/b                                   buckets: list, insert
    /storage/v1/b/B                                 get
    /storage/v1/b/B/o                               list: prefix delimiter pageToken maxResults
                                                    startOffset endOffset matchGlob fields
    /storage/v1/b/B/o/O                             get delete patch update; alt=media: the bytes
    /download/storage/v1/b/B/o/O?alt=media          the same: what mediaLink says
    /upload/storage/v1/b/B/o?uploadType=            media multipart resumable; PUT on the session
    /resumable/upload/storage/v1/b/B/o              the same
    /storage/v1/b/B/o/O/compose                     and rewriteTo/b/B/o/O copyTo/b/B/o/O moveTo/o/O

A machine's metadata server, to be named by GCE_METADATA_HOST, is below /computeMetadata/v1/
(metadata.py); Google's token endpoint is /token, Secret Manager /v1/projects/... (accounts.py).

And /_control/..., where specs look into it and tell it what is to go wrong: control.py. How faults
are told is in faults.py, what of its behaviour can be set in state.py.

Why threads: what is many here is bytes. A thread per connection sends with sendfile and receives
into its own buffer, all of it system calls and checksums without the interpreter's lock.
"""
import argparse
import ctypes
import json
import os
import signal
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True  # the tree stays as it is

import accounts  # noqa: E402
import control  # noqa: E402
import metadata  # noqa: E402
from api import problem_reply  # noqa: E402
from exchange import exchange  # noqa: E402
from problem import Problem  # noqa: E402
from state import State  # noqa: E402
from wire import Connection, Harm, Malformed  # noqa: E402

PARENT_CHECK_S = 0.5
PR_SET_PDEATHSIG = 1
BACKLOG = 1024


class Server:
    """A listening socket and what is behind it."""

    def __init__(self, state, port):
        self.state = state
        self.connection_count = 0
        self.plug = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        self.port = self.plug.getsockname()[1]

    def others(self, request):
        """The call of a request that is not Cloud Storage's, or None."""
        return (metadata.route(request, self.state.metadata)
                or accounts.route(request, self.state.accounts))

    def run(self):
        """Takes connections, until stop()."""
        while True:
            try:
                plug, _ = self.plug.accept()
            except OSError:
                return
            self.connection_count += 1
            threading.Thread(target=self.serve, args=(plug, self.connection_count),
                             daemon=True).start()

    def stop(self):
        """Takes no more connections."""
        self.plug.shutdown(socket.SHUT_RDWR)
        self.plug.close()

    def serve(self, plug, number):
        """One connection, to its end."""
        connection = Connection(plug)
        try:
            while self.step(connection, number):
                pass
        except (ConnectionError, OSError):
            pass  # the client is gone
        finally:
            connection.close()

    def step(self, connection, number):
        """One request; answers whether there may be another."""
        try:
            request = connection.read_request()
        except Malformed as error:
            reply = problem_reply(Problem(400, message=f"Malformed request: {error}"), self.state)
            connection.reply(reply, Harm({}), True)
            return False
        if request is None:
            return False
        if not request.path.startswith("/_control"):
            return exchange(connection, request, self.state, self.others, number)
        try:
            reply = control.answer(request, self.state)
        except Problem as problem:
            reply = problem_reply(problem, self.state)
        return connection.reply(reply, Harm({}), not request.body.drain())[1]


def watch(parent):
    """Ends this process when `parent` is no more."""
    while True:
        try:
            os.kill(parent, 0)
        except ProcessLookupError:
            os._exit(0)
        time.sleep(PARENT_CHECK_S)


def parse(words):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--dir", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file")
    parser.add_argument("--bucket", action="append", default=[])
    parser.add_argument("--auth", action="store_true")
    parser.add_argument("--token", action="append", default=[])
    parser.add_argument("--account", action="append", default=[], metavar="FILE")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument("--parent", type=int)
    return parser.parse_args(words)


def make_state(options):
    """A state as the command line wants it."""
    state = State(options.dir)
    state.metadata = metadata.Metadata(state.tokens, state.settings)
    state.accounts = accounts.Accounts(state.tokens, state.settings)
    for pair in options.set:
        name, _, value = pair.partition("=")
        state.set({name: json.loads(value)})
    for name in options.bucket or ["bkt"]:
        state.store.add_bucket(name, {})
    state.tokens.is_needed = options.auth or bool(options.token)
    for token in options.token:
        state.tokens.add(token)
    for path in options.account:
        with open(path, encoding="utf-8") as file:
            state.accounts.add(json.load(file))
    return state


def main():
    """Runs one until it is told to end."""
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if options.parent is None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    server = Server(make_state(options), options.port)
    threading.Thread(target=watch, args=(options.parent or os.getppid(),), daemon=True).start()
    print(server.port, flush=True)
    if options.ready_file:
        with open(options.ready_file + ".new", "w", encoding="ascii") as file:
            file.write(f"{server.port}\n")
        os.rename(options.ready_file + ".new", options.ready_file)
    server.run()


if __name__ == "__main__":
    main()
