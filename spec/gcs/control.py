"""control: what specs ask of the server itself, below /_control; JSON both ways.

    GET    /_control/requests     every request, in order; ?operation= ?object= ?status= narrow it
    DELETE /_control/requests     forget them, and the violations
    GET    /_control/state        objects, upload sessions, settings
    GET    /_control/violations   {"counts": {kind: n}, "details": [...]}
    GET    /_control/faults       the rules, and how often each was taken
    POST   /_control/faults       a rule, a list of them, or {"preset": NAME}: faults.py
    DELETE /_control/faults       none any more
    GET    /_control/presets      their names
    POST   /_control/settings     {name: value}: state.py
    POST   /_control/tokens       {"token", "requests", "lifetime_s"}: one is good;
                                  {"revoke": TOKEN}, {"revoke_all": true}; from then on one is
                                  needed; {"needed": false}: not any more
    POST   /_control/metadata     {path: text or null}: metadata.py
    POST   /_control/rotate       {}: the metadata server's next token is another one
    POST   /_control/accounts     whose token requests are good: accounts.py
    POST   /_control/secrets      {"project", "secret", "data" or "data_base64"}: a new version
    POST   /_control/sessions     {"upload_id", "status": 404 or 410}: ends one
"""
import json

from api import json_reply
from faults import PRESETS, BadRule
from problem import Problem

BODY_MAX = 16 << 20


def _requests(state, request, _body):
    if request.method == "DELETE":
        state.log.clear()
        return {}
    query = request.query
    with state.log.lock:
        entries = [{key: value for key, value in entry.items() if key != "began"}
                   for entry in state.log.entries]
    return {"requests": [
        entry for entry in entries
        if (entry["operation"] + ".").startswith(query.get("operation", entry["operation"]) + ".")
        and entry["object"] == query.get("object", entry["object"])
        and str(entry["status"]) == query.get("status", str(entry["status"]))]}


def _state(state, request, _body):
    base = "http://" + request.headers.get("host", "localhost")
    with state.store.lock:
        objects = {name: [bucket.objects[one].resource(base, lambda text: text)
                          for one in bucket.names]
                   for name, bucket in state.store.buckets.items()}
    return {"buckets": objects, "sessions": state.uploads.tell(), "settings": state.settings,
            "token_needed": state.tokens.is_needed}


def _violations(state, _request, _body):
    with state.log.lock:
        return {"counts": dict(state.log.violations), "details": list(state.log.details)}


def _faults(state, request, body):
    with state.faults_lock:
        if request.method == "DELETE":
            state.faults.clear()
        elif request.method == "POST":
            try:
                return {"added": state.faults.add(body)}
            except BadRule as error:
                raise Problem(400, message=str(error)) from error
        return {"rules": state.faults.tell()}


def _presets(_state, _request, _body):
    return {"presets": sorted(PRESETS)}


def _settings(state, _request, body):
    try:
        state.set(body or {})
    except ValueError as error:
        raise Problem(400, message=str(error)) from error
    return state.settings


def _tokens(state, _request, body):
    tokens = state.tokens
    tokens.is_needed = body.get("needed", True)
    if "revoke" in body:
        tokens.revoke(body["revoke"])
    if body.get("revoke_all"):
        tokens.revoke()
    if "token" in body:
        tokens.add(body["token"], body.get("requests"), body.get("lifetime_s"))
    return {}


def _sessions(state, _request, body):
    session = state.uploads.sessions.get(body.get("upload_id"))
    if session is None:
        raise Problem(404, message="no such session")
    with session.lock:
        session.end("gone", body.get("status", 404))
    return {}


def _metadata(state, _request, body):
    state.metadata.set(body)
    return {}


def _rotate(state, _request, _body):
    state.metadata.rotate()
    return {}


def _told(call):
    """A handler that hands the body to a function, which may miss something in it."""
    def handler(state, _request, body):
        try:
            call(state)(body)
        except (KeyError, ValueError) as error:
            raise Problem(400, message=f"missing or wrong: {error}") from error
        return {}
    return handler


TABLE = {"metadata": _metadata, "rotate": _rotate,
         "accounts": _told(lambda state: state.accounts.add),
         "secrets": _told(lambda state: state.accounts.add_secret),
         "requests": _requests, "state": _state, "violations": _violations, "faults": _faults,
         "presets": _presets, "settings": _settings, "tokens": _tokens, "sessions": _sessions}


def answer(request, state):
    """The reply to a request below /_control."""
    handler = TABLE.get(request.segments()[1] if len(request.segments()) > 1 else "")
    if handler is None:
        raise Problem(404, message=f"there is no {request.path}; there are {sorted(TABLE)}")
    text = request.body.read_all(BODY_MAX) if request.method == "POST" else b""
    try:
        body = json.loads(text) if text else None
    except ValueError as error:
        raise Problem(400, message=f"not JSON: {error}") from error
    if request.method == "POST" and handler is not _faults and not isinstance(body, dict):
        raise Problem(400, message="an object is wanted")
    return json_reply(handler(state, request, body))
