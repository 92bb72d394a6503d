"""accounts: Google's token endpoint and Secret Manager, as far as a worker needs them.

    POST /token    grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=JWT
                   grant_type=refresh_token&client_id=&client_secret=&refresh_token=
    GET  /v1/projects/P/secrets/S/versions/V:access     V a number or "latest"

The JWT of a service account is checked as Google does: RS256 by the key that is known for the
account, unpadded base64url, the audience of Google's own endpoint, an hour at most, a scope. The
openssl command verifies the signature. What is known is told by /_control/accounts and
/_control/secrets; the tokens are Tokens (state.py).

Operations: oauth.token, secrets.access.
"""
import base64
import json
import os
import re
import subprocess
import tempfile
import threading
import time
import urllib.parse

import crc32c
from api import Call, json_reply
from problem import Problem
from wire import Reply

FORM_MAX = 64 * 1024
AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_MAX_S = 3600
SKEW_S = 300  # seconds that a client's clock may be wrong
OPENSSL_S = 20


class Refused(Exception):
    """What the token endpoint answers instead of a token."""

    def __init__(self, error, why, status=400):
        super().__init__(why)
        self.error = error
        self.status = status


def _unpadded(text):
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise Refused("invalid_grant", "Invalid JWT: not unpadded base64url.")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def public_key(private_key):
    """The public key of a private one, PEM both."""
    done = subprocess.run(["openssl", "pkey", "-pubout"], input=private_key.encode(),
                          capture_output=True, timeout=OPENSSL_S, check=True)
    return done.stdout.decode()


def is_signed(data, signature, key):
    """Whether `key`, a public one in PEM, has signed `data` by RS256."""
    with tempfile.TemporaryDirectory() as folder:
        key_path, signature_path = os.path.join(folder, "key"), os.path.join(folder, "signature")
        with open(key_path, "w", encoding="ascii") as file:
            file.write(key)
        with open(signature_path, "wb") as file:
            file.write(signature)
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", key_path, "-signature", signature_path],
            input=data, capture_output=True, timeout=OPENSSL_S, check=False)
        return done.returncode == 0


class Accounts:
    """Service accounts, users who have logged in, and secrets."""

    def __init__(self, tokens, settings):
        self.tokens = tokens
        self.settings = settings
        self.lock = threading.Lock()
        self.keys = {}      # (email, key id): public key
        self.users = {}     # refresh token: (client id, client secret)
        self.secrets = {}   # (project, name): the versions
        self.count = 0

    def add(self, told):
        """{"email", "key_id", "public_key"}, a key file ({"client_email", "private_key_id",
        "private_key"}), or {"client_id", "client_secret", "refresh_token"}."""
        with self.lock:
            if "refresh_token" in told:
                self.users[told["refresh_token"]] = told["client_id"], told["client_secret"]
            elif "private_key" in told:
                key = told["client_email"], told["private_key_id"]
                self.keys[key] = public_key(told["private_key"])
            else:
                self.keys[told["email"], told["key_id"]] = told["public_key"]

    def add_secret(self, told):
        """{"project", "secret", "data" or "data_base64"}: a new version."""
        data = told["data"].encode() if "data" in told else base64.b64decode(told["data_base64"])
        with self.lock:
            self.secrets.setdefault((told["project"], told["secret"]), []).append(data)

    def _issue(self, kind, scope):
        with self.lock:
            self.count += 1
            text = f"ya29.{kind}-{self.count}"
        life = self.settings["token_lifetime_s"]
        self.tokens.add(text, self.settings["token_requests"] or None, life, scope)
        return {"access_token": text, "expires_in": life, "token_type": "Bearer"}

    def grant(self, form):
        """The answer of the token endpoint, or Refused."""
        if form.get("grant_type") == GRANT:
            return self._issue("account", self._check_jwt(form.get("assertion", "")))
        if form.get("grant_type") == "refresh_token":
            known = self.users.get(form.get("refresh_token"))
            if known is None:
                raise Refused("invalid_grant", "Token has been expired or revoked.")
            if known != (form.get("client_id"), form.get("client_secret")):
                raise Refused("invalid_client", "The OAuth client was not found.", 401)
            return self._issue("user", "https://www.googleapis.com/auth/cloud-platform")
        raise Refused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")

    def _check_jwt(self, text):
        """The scope that a good JWT asks for."""
        parts = text.split(".")
        if len(parts) != 3:
            raise Refused("invalid_grant", "Invalid JWT: three parts are wanted.")
        try:
            head, claims = (json.loads(_unpadded(part)) for part in parts[:2])
        except ValueError as error:
            raise Refused("invalid_grant", "Invalid JWT: not JSON.") from error
        if head.get("alg") != "RS256" or head.get("typ") != "JWT":
            raise Refused("invalid_grant", "Invalid JWT: alg is RS256 and typ JWT.")
        key = self.keys.get((claims.get("iss"), head.get("kid")))
        if key is None:
            raise Refused("invalid_grant", "Invalid grant: account not found")
        signature = _unpadded(parts[2])
        if not is_signed(f"{parts[0]}.{parts[1]}".encode(), signature, key):
            raise Refused("invalid_grant", "Invalid JWT Signature.")
        if claims.get("aud") != AUDIENCE:
            raise Refused("invalid_grant", f"Invalid JWT: the audience is {AUDIENCE}.")
        begin, end, now = claims.get("iat", 0), claims.get("exp", 0), time.time()
        if not (now - LIFE_MAX_S - SKEW_S < begin <= now + SKEW_S and now < end
                and end - begin <= LIFE_MAX_S):
            raise Refused("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 "
                          "minutes) and in a reasonable timeframe. Check your iat and exp values.")
        if not claims.get("scope"):
            raise Refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return claims["scope"]


class TokenCall(Call):
    """A request to the token endpoint."""

    def __init__(self, request, accounts):
        super().__init__(request, "oauth.token", self._answer)
        self.accounts = accounts

    def needs_token(self):
        return False

    def _answer(self, _call):
        text = self.request.body.read_all(FORM_MAX) or b""
        kind = self.request.headers.get("content-type", "")
        if not kind.startswith("application/x-www-form-urlencoded"):
            raise Problem(400, message="a form is wanted: application/x-www-form-urlencoded")
        form = dict(urllib.parse.parse_qsl(text.decode("latin-1")))
        self.entry["grant_type"] = form.get("grant_type")
        try:
            return json_reply(self.accounts.grant(form))
        except Refused as refused:
            answer = {"error": refused.error, "error_description": str(refused)}
            return Reply(refused.status, [("Content-Type", "application/json; charset=utf-8")],
                         json.dumps(answer).encode())


class SecretCall(Call):
    """A request to Secret Manager."""

    def __init__(self, request, accounts, where):
        super().__init__(request, "secrets.access", self._answer, name=where[1])
        self.accounts = accounts
        self.where = where

    def _answer(self, _call):
        project, name, version = self.where
        path = f"projects/{project}/secrets/{name}"
        versions = self.accounts.secrets.get((project, name))
        if versions is None:
            raise Problem(404, message=f"Secret [{path}] not found or has no versions.")
        number = len(versions) if version == "latest" else int(version)
        if not 1 <= number <= len(versions):
            raise Problem(404, message=f"Secret Version [{path}/versions/{version}] not found.")
        data = versions[number - 1]
        return json_reply({"name": f"{path}/versions/{number}", "payload": {
            "data": base64.b64encode(data).decode(),
            "dataCrc32c": str(crc32c.update(0, data))}})


def route(request, accounts):
    """The call of a request to one of them, or None."""
    if request.path == "/token" and request.method == "POST":
        return TokenCall(request, accounts)
    match = re.fullmatch(r"/v1/projects/([^/]+)/secrets/([^/]+)/versions/(latest|\d+):access",
                         request.path)
    if match and request.method == "GET":
        return SecretCall(request, accounts, match.groups())
    return None
