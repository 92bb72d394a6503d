"""Google's APIs for the real gcloud: as much of Compute Engine, IAM, Secret Manager, Resource
Manager, Service Usage and Cloud Storage as the scripts of gce/ make it ask for.

    python3 compute.py FOLDER        prints "listens on 127.0.0.1:PORT" and serves until it is ended

It keeps what is created and answers with it, so that gcloud's own checks see a project. Every
request that changes something is written to FOLDER/changes: method, path, body with sorted keys;
every other one to FOLDER/questions. GET /left lists what there is. FOLDER/refuse may hold lines
REGEX TAB CODE TAB MESSAGE TAB COUNT: the next COUNT matching changes are refused, by an operation
that fails.

It proves command lines, their order and what gcloud makes of them. It knows nothing of quotas,
rights or machines: a group's machines run as soon as it is there.
"""

import base64
import json
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlparse

FOLDER = sys.argv[1]
LOCK = threading.RLock()
THINGS = {}     # path -> resource
POLICIES = {}   # path -> IAM policy
FINGERPRINT = base64.b64encode(b"12345678").decode()
NEXT = [1000]
COMPUTE = "/compute/v1/projects/"
HOST = {}


def next_id():
    NEXT[0] += 1
    return str(NEXT[0])


def link(path):
    return f"http://{HOST['address']}{path}"


def refusal(line):
    path = os.path.join(FOLDER, "refuse")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        faults = [one.rstrip("\n").split("\t") for one in file if one.strip()]
    for i, (pattern, code, message, count) in enumerate(faults):
        if re.search(pattern, line):
            faults[i][3] = str(int(count) - 1)
            with open(path, "w", encoding="utf-8") as file:
                file.writelines("\t".join(one) + "\n" for one in faults if one[3] != "0")
            return code, message
    return None


def operation(path, target, error=None):
    place = re.match(COMPUTE + r"[^/]+/(zones/[^/]+|regions/[^/]+|global)", path)
    where = place[0] if place else path
    one = {"kind": "compute#operation", "id": next_id(), "name": f"operation-{NEXT[0]}",
           "status": "DONE", "operationType": "insert", "progress": 100,
           "targetLink": link(target)}
    one["selfLink"] = link(f"{where}/operations/{one['name']}")
    scope = place and place[1].split("/")
    if scope and len(scope) == 2:
        one[scope[0][:-1]] = link(where)
    if error:
        one["error"] = {"errors": [{"code": error[0], "message": error[1]}]}
    return one


def complete(path, one):
    """What Compute Engine adds to a resource."""
    one.update(id=next_id(), selfLink=link(path), fingerprint=FINGERPRINT,
               creationTimestamp="2026-11-29T12:00:00.000-00:00")
    place = re.match(COMPUTE + r"[^/]+/(zones|regions)/([^/]+)/", path)
    if place:
        one[place[1][:-1]] = link(path[:place.end() - 1])
    if "/instances/" in path:
        one["status"] = "RUNNING"
        for disk in one.get("disks", []):
            source = urlparse(disk.get("source", "")).path
            if source in THINGS:
                THINGS[source]["lastAttachTimestamp"] = "2026-11-29T12:00:01.000-00:00"
    if "/instanceGroupManagers/" in path:
        one.update(status={"isStable": True}, currentActions={"none": one["targetSize"]},
                   instanceGroup=link(path.replace("Managers", "s")))
    return one


def managed(path):
    group = THINGS[path]
    zone = path.split("/instanceGroupManagers/")[0]
    return [{"instance": link(f"{zone}/instances/{group['baseInstanceName']}-{i:04d}"),
             "instanceStatus": "RUNNING", "currentAction": "NONE"}
            for i in range(1, group["targetSize"] + 1)]


def create(path, body):
    name = body["name"]
    target = f"{path}/{name}"
    if target in THINGS:
        return 409, {"error": {"code": 409, "message": f"The resource '{target}' already exists",
                               "errors": [{"reason": "alreadyExists", "message": "exists"}]}}
    THINGS[target] = complete(target, dict(body))
    return 200, operation(path, target)


def children(path, text):
    """A list, with the only filter that gcloud sends for us: name = "X", in several spellings."""
    names = re.findall(r'name (?:eq|=) "?([\w.*-]+)"?', text or "")
    found = [one for key, one in sorted(THINGS.items())
             if key.rpartition("/")[0] == path and (not names or one["name"] in names)]
    return found


def aggregated(path):
    project, _, kind = path.partition("/aggregated/")
    items = {}
    for key, one in sorted(THINGS.items()):
        place = rf"/(zones/[^/]+|regions/[^/]+|global)/{kind}/[^/]+"
        found = re.fullmatch(re.escape(project) + place, key)
        if found:
            items.setdefault(found[1], {kind: []})[kind].append(one)
    return {"items": items}


def compute_verb(method, path, verb, query, body):
    """POST .../NAME/VERB"""
    if verb == "resize":
        THINGS[path]["targetSize"] = int(query["size"][0])
    elif verb == "listManagedInstances":
        return 200, {"managedInstances": managed(path)}
    elif verb == "listErrors":
        return 200, {"items": []}
    elif verb in ("stop", "start"):
        THINGS[path]["status"] = {"stop": "TERMINATED", "start": "RUNNING"}[verb]
    elif verb == "deprecate":
        THINGS[path]["deprecated"] = body
    elif verb == "deleteInstances":
        THINGS[path]["targetSize"] -= len(body["instances"])
    elif verb == "serialPort":
        return 200, {"contents": "mrlua-image: done " + os.environ.get("BUILD_TOKEN", "")}
    return 200, operation(path, path)


def compute_get(path, query):
    if "/operations/" in path:
        return 200, {"kind": "compute#operation", "name": path.rpartition("/")[2], "status": "DONE"}
    if "/aggregated/" in path:
        return 200, aggregated(path)
    if path in THINGS:
        return 200, THINGS[path]
    if re.fullmatch(COMPUTE + r"[^/]+(/zones/[^/]+|/regions/[^/]+)?", path):
        return 200, {"name": path.rpartition("/")[2], "selfLink": link(path)}
    family = re.fullmatch(r"(.*/images)/family/([^/]+)", path)
    if family:
        return 200, {"name": family[2] + "-1", "selfLink": link(f"{family[1]}/{family[2]}-1")}
    if path.rpartition("/")[2] in ("instances", "disks", "images", "instanceTemplates", "zones",
                                   "autoscalers", "instanceGroupManagers", "instanceGroups"):
        return 200, {"items": children(path, query.get("filter", [""])[0])}
    return 404, {"error": {"code": 404, "message": f"The resource '{path[12:]}' was not found",
                           "errors": [{"reason": "notFound"}]}}


def compute(method, path, query, body):
    verb = re.fullmatch(r"(.*/(?:instanceGroupManagers|instances|images)/[^/]+)/(\w+)", path)
    if verb and verb[1] in THINGS and (method == "POST" or verb[2] in ("serialPort", "listErrors")):
        return compute_verb(method, verb[1], verb[2], query, body)
    if method == "GET":
        return compute_get(path, query)
    if method == "POST" and "/operations/" in path:
        return 200, {"kind": "compute#operation", "status": "DONE", "name": path.split("/")[-2]}
    if method == "POST":
        return create(path, body)
    if path not in THINGS:
        return 404, {"error": {"code": 404, "message": f"The resource '{path}' was not found"}}
    if method == "DELETE":
        del THINGS[path]
    else:
        THINGS[path].update(body)
    return 200, operation(path, path)


def policy(path, body):
    if "policy" in body or "bindings" in body:
        POLICIES[path] = body.get("policy", body)
    return 200, dict(POLICIES.get(path, {"bindings": []}), etag=FINGERPRINT, version=3)


def other(method, path, query, body):
    """IAM, Secret Manager, Resource Manager, Service Usage: /v1/projects/..."""
    thing, _, verb = path.partition(":")
    if verb in ("getIamPolicy", "setIamPolicy"):
        return policy(thing, body)
    if verb == "batchEnable":
        return 200, {"name": "operations/enable", "done": True, "response": {}}
    if path.startswith("/v1/operations/"):
        return 200, {"name": path[4:], "done": True, "response": {}}
    if verb == "addVersion":
        THINGS[f"{thing}/versions/1"] = {"name": f"{thing[4:]}/versions/1", "state": "ENABLED",
                                         "clientSpecifiedPayloadChecksum": True}
        return 200, THINGS[f"{thing}/versions/1"]
    if verb == "queryTestablePermissions":  # gcloud looks which of a role's are for custom roles
        return 200, {"permissions": [{"name": name} for name in (
            "compute.instanceGroupManagers.get", "compute.instanceGroupManagers.update",
            "compute.instanceGroupManagers.delete", "compute.instances.get",
            "compute.instances.stop")]}
    if verb == "undelete":
        THINGS[thing].pop("deleted", None)
        return 200, THINGS[thing]
    if method == "POST":
        return create_other(path, query, body)
    if path.endswith("/versions"):
        return 200, {"versions": [one for key, one in THINGS.items() if key.startswith(path + "/")]}
    if path not in THINGS:
        return 404, {"error": {"code": 404, "status": "NOT_FOUND", "message": f"{path} not found"}}
    if method == "DELETE" and "/roles/" in path:
        THINGS[path]["deleted"] = True
        return 200, THINGS[path]
    if method == "DELETE":
        del THINGS[path]
        return 200, {}
    return 200, THINGS[path]


def create_other(path, query, body):
    if path.endswith("/serviceAccounts"):
        project = path.split("/")[3]
        name = f"{body['accountId']}@{project}.iam.gserviceaccount.com"
        one = dict(body.get("serviceAccount", {}), email=name)
    elif path.endswith("/roles"):
        name, one = body["roleId"], body["role"]
    else:
        name, one = query["secretId"][0], body
    target = f"{path}/{name}"
    if target in THINGS:
        return 409, {"error": {"code": 409, "status": "ALREADY_EXISTS",
                               "message": "already exists"}}
    THINGS[target] = dict(one, name=target[4:])
    return 200, THINGS[target]


def storage(method, path, query, body):
    if path.endswith("/iam"):
        return policy(path, body)
    if method == "POST":
        target = f"{path}/{body['name']}"
        THINGS[target] = dict(body, kind="storage#bucket", id=body["name"], metageneration="1")
        return 200, THINGS[target]
    if path not in THINGS:
        return 404, {"error": {"code": 404, "message": "The specified bucket does not exist."}}
    if method == "PATCH":
        THINGS[path].update(body)
    return 200, THINGS[path]


def left():
    """What an account would still be charged for, or find in a list."""
    return sorted(key for key, one in THINGS.items()
                  if not one.get("deleted") and "/versions/" not in key)


def is_change(method, path):
    question = path.endswith((":getIamPolicy", "/wait", "/listManagedInstances", "/listErrors",
                              ":queryTestablePermissions"))
    return method != "GET" and not question


def record(method, address, body):
    change = is_change(method, address.path)
    if "payload" in body:
        body = dict(body, payload={"data": "SECRET"})
    for key in ("etag",):
        body.get("policy", body).pop(key, None)
    query = "&".join(f"{name}={value[0]}" for name, value in sorted(parse_qs(address.query).items())
                     if name not in ("alt", "requestId", "prettyPrint", "quotaUser"))
    line = f"{method} {unquote(address.path)}{'?' + query if query else ''}"
    text = json.dumps(body, sort_keys=True).replace(HOST["address"], "HOST") if body else ""
    with open(os.path.join(FOLDER, "changes" if change else "questions"), "a",
              encoding="utf-8") as file:
        file.write(f"{line} {text}".rstrip() + "\n")
    return line if change else ""


def answer(method, target, raw):
    address = urlparse(target.replace("/projects/-/", "/projects/proj-1/"))
    path = unquote(address.path)
    body = json.loads(raw) if raw.strip() else {}
    query = parse_qs(address.query)
    with LOCK:
        line = record(method, address, dict(body))
        refused = line and refusal(line)
        if path.startswith(COMPUTE):
            if refused:
                return 200, operation(path, path, refused)
            return compute(method, path, query, body)
        if path.startswith("/storage/"):
            return storage(method, path, query, body)
        return other(method, path, query, body)


def batch(raw, kind):
    """multipart/mixed: gcloud's way to ask for several things at once."""
    boundary = re.search(r'boundary="?([^";]+)"?', kind)[1]
    parts = []
    for part in raw.decode().split("--" + boundary)[1:-1]:
        head, _, inner = part.lstrip("\r\n").replace("\r\n", "\n").partition("\n\n")
        ident = re.search(r"(?i)content-id: <?([^>\n]+)>?", head)[1]
        request, _, body = inner.partition("\n\n")
        method, target = request.split(" ")[:2]
        code, reply = answer(method, target, body)
        text = json.dumps(reply)
        parts.append(f"--reply\r\nContent-Type: application/http\r\nContent-ID: <response-{ident}>"
                     f"\r\n\r\nHTTP/1.1 {code} OK\r\nContent-Type: application/json\r\n"
                     f"Content-Length: {len(text)}\r\n\r\n{text}\r\n")
    return "".join(parts) + "--reply--\r\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_request(self):
        if self.path == "/left":
            code, kind, data = 200, "text/plain", ("\n".join(left()) + "\n").encode()
            return self.reply(code, kind, data)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/batch/"):
            code, kind = 200, "multipart/mixed; boundary=reply"
            data = batch(raw, self.headers["Content-Type"]).encode()
        else:
            code, reply = answer(self.command, self.path, raw)
            kind, data = "application/json", json.dumps(reply).encode()
        return self.reply(code, kind, data)

    def reply(self, code, kind, data):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
HOST["address"] = f"127.0.0.1:{server.server_address[1]}"
print(f"listens on {HOST['address']}", flush=True)
server.serve_forever()
