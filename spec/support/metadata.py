"""The part of Compute Engine's metadata server that tells of a preemption.

    python3 metadata.py FOLDER      prints its port; FOLDER/preempted, once there, is the notice

Strict where a client may be wrong: it wants the Metadata-Flavor header, and hangs up to
timeout_sec for a value other than that of last_etag.
"""
import http.server
import os
import sys
import time
import urllib.parse

PATH = "/computeMetadata/v1/instance/preempted"
LOOK_S = 0.02


def value():
    return ("TRUE", "e2") if os.path.exists(sys.argv[1] + "/preempted") else ("FALSE", "e1")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if self.headers.get("Metadata-Flavor") != "Google":
            return self.send_error(403)
        if url.path != PATH:
            return self.send_error(404)
        ends = time.monotonic() + float(query.get("timeout_sec", "3600"))
        if query.get("wait_for_change") == "true":
            while value()[1] == query.get("last_etag") and time.monotonic() < ends:
                time.sleep(LOOK_S)
        text, etag = value()
        self.send_response(200)
        for name, content in (("Metadata-Flavor", "Google"), ("ETag", etag),
                              ("Content-Type", "application/text"),
                              ("Content-Length", str(len(text)))):
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format, *args):
        with open(sys.argv[1] + "/asked", "a") as asked:
            print(format % args, file=asked)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
