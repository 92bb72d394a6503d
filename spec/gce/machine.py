"""What a machine of a pretended project reaches: its metadata, Secret Manager, Compute Engine.

    python3 machine.py FOLDER        prints "listens on 127.0.0.1:PORT" and serves until it is ended

FOLDER holds machine.json, what the machine is:

    {"name": "c-worker-0001", "zone": "us-central1-a", "project": "p", "token": "t",
     "attributes": {"mrlua-role": "worker"}, "secrets": {"c-secret": "mrlua-secret 1 ..."}}

and may hold state.json, the project (cloud.py), and a file `preempted`: its machine is about to be
taken away. It is asked by curl and by mrlua. Requests are written to FOLDER/requests, a line each.

Strict where Google is: no metadata without "Metadata-Flavor: Google", no API without the token.
"""

import base64
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import cloud  # noqa: E402

FOLDER = sys.argv[1]
LOCK = threading.Lock()
WAIT_SECONDS = 60  # a hanging GET that nothing happens to


def machine():
    with open(os.path.join(FOLDER, "machine.json"), encoding="utf-8") as file:
        return json.load(file)


def is_preempted():
    return os.path.exists(os.path.join(FOLDER, "preempted"))


def metadata_values(one):
    host = f"{one['name']}.{one['zone']}.c.{one['project']}.internal"
    values = {
        "instance/name": one["name"], "instance/hostname": one.get("hostname", host),
        "instance/zone": f"projects/123/zones/{one['zone']}",
        "instance/id": "4242", "project/project-id": one["project"],
        "instance/service-accounts/default/token": json.dumps(
            {"access_token": one["token"], "expires_in": 3599, "token_type": "Bearer"}),
    }
    for name, value in one.get("attributes", {}).items():
        values["instance/attributes/" + name] = value
    return values


def delete_group(zone, name):
    with cloud.changed(os.path.join(FOLDER, "state.json")) as state:
        key = cloud.find(state, cloud.GROUPS, name, zone)
        if key:
            cloud.delete_group(state, key)
        return key is not None


def stop_machine(zone, name):
    with cloud.changed(os.path.join(FOLDER, "state.json")) as state:
        key = cloud.find(state, cloud.INSTANCES, name, zone)
        if key:
            cloud.all_of(state, cloud.INSTANCES)[key]["status"] = "TERMINATED"
        return key is not None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body, kind="application/json", **headers):
        data = body.encode() if isinstance(body, str) else json.dumps(body, indent=2).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Metadata-Flavor", "Google")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, code, message):
        self.answer(code, {"error": {"code": code, "message": message}})

    def preempted(self, query):
        until = time.monotonic() + WAIT_SECONDS
        if query.get("wait_for_change") == ["true"]:
            last = query.get("last_etag", ["0"])[0]
            while str(int(is_preempted())) == last and time.monotonic() < until:
                time.sleep(0.02)
        gone = is_preempted()
        self.answer(200, "TRUE" if gone else "FALSE", "application/text", ETag=str(int(gone)))

    def metadata(self, path, query):
        if self.headers.get("Metadata-Flavor") != "Google":
            return self.refuse(403, "Missing Metadata-Flavor:Google header.")
        if path == "instance/preempted":
            return self.preempted(query)
        value = metadata_values(machine()).get(path)
        if value is None:
            return self.answer(404, "not found", "text/html")
        return self.answer(200, value, "application/text")

    def secret(self, project, name):
        one = machine()
        text = one.get("secrets", {}).get(name)
        if project != one["project"] or text is None:
            return self.refuse(404, f"Secret [{name}] not found")
        return self.answer(200, {"name": self.path, "payload": {
            "data": base64.b64encode(text.encode()).decode(), "dataCrc32c": "0"}})

    def api(self, method, path):
        if self.headers.get("Authorization") != "Bearer " + machine()["token"]:
            return self.refuse(401, "Request had invalid authentication credentials.")
        found = re.fullmatch(r"/v1/projects/([^/]+)/secrets/([^/]+)/versions/latest:access", path)
        if found and method == "GET":
            return self.secret(*found.groups())
        if method == "POST" and re.fullmatch(r"/v3/projects/[^/]+/timeSeries", path):
            return self.answer(200, {})
        found = re.fullmatch(r"/compute/v1/projects/[^/]+/zones/([^/]+)/(instanceGroupManagers|"
                             r"instances)/([^/]+)(/stop)?", path)
        done = None
        if found and method == "DELETE" and found[2] == "instanceGroupManagers":
            done = delete_group(found[1], found[3])
        elif found and method == "POST" and found[2] == "instances" and found[4]:
            done = stop_machine(found[1], found[3])
        if done:
            return self.answer(200, {"kind": "compute#operation", "status": "DONE"})
        return self.refuse(404, "The resource was not found")

    def handle_request(self):
        method, address = self.command, urlparse(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with LOCK, open(os.path.join(FOLDER, "requests"), "a", encoding="utf-8") as file:
            file.write(" ".join([method, self.path] + body.split()) + "\n")
        if address.path.startswith("/computeMetadata/v1/"):
            self.metadata(address.path[len("/computeMetadata/v1/"):], parse_qs(address.query))
        else:
            self.api(method, address.path)

    do_GET = do_POST = do_DELETE = handle_request


server = ThreadingHTTPServer((os.environ.get("MACHINE_HOST", "127.0.0.1"),
                              int(os.environ.get("MACHINE_PORT", "0"))), Handler)
print(f"listens on {server.server_address[0]}:{server.server_address[1]}", flush=True)
server.serve_forever()
