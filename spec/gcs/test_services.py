"""Who may ask, and what a machine asks before it asks for data: tokens, metadata, secrets."""
import base64
import json
import subprocess
import threading
import time
import urllib.parse

import crc32c
from case import TIMEOUT_S, UPLOAD, Case, path_of, wait_for
from metadata import ACCOUNT, ROOT

FLAVOR = {"Metadata-Flavor": "Google"}
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"


class Tokens(Case):
    needs_token = True

    def setUp(self):
        super().setUp()
        self.state.tokens.add("good")

    def status(self, token, method="GET", target=path_of("none")):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.ask(method, target, headers).status

    def test_without_a_good_one_it_is_401(self):
        for token, status in ((None, 401), ("bad", 401), ("good", 404)):
            self.assertEqual(status, self.status(token))

    def test_401_says_why(self):
        answer = self.ask("GET", path_of("a"))
        self.assertEqual("authError", answer.reason())
        self.assertIn("invalid_token", answer.headers["WWW-Authenticate"])

    def test_every_operation_needs_one(self):
        for method, target in (("GET", "/storage/v1/b/bkt/o"), ("DELETE", path_of("a")),
                               ("POST", UPLOAD + "media&name=a"), ("GET", "/storage/v1/b"),
                               ("POST", UPLOAD + "resumable&name=a"),
                               ("GET", path_of("a") + "?alt=media"),
                               ("GET", "/v1/projects/p/secrets/s/versions/latest:access")):
            self.assertEqual(401, self.status(None, method, target), target)

    def test_a_session_needs_none(self):
        answer = self.ask("POST", UPLOAD + "resumable&name=a", {"Authorization": "Bearer good"})
        where = urllib.parse.urlsplit(answer.headers["Location"])
        self.assertEqual(200, self.ask("PUT", f"{where.path}?{where.query}", {}, b"x").status)

    def test_one_is_good_for_so_many_requests(self):
        self.control("tokens", {"token": "few", "requests": 2})
        self.assertEqual([404, 404, 401], [self.status("few") for _ in range(3)])

    def test_one_is_good_for_so_long(self):
        self.control("tokens", {"token": "short", "lifetime_s": 0})
        self.assertEqual(401, self.status("short"))

    def test_one_is_good_until_it_is_revoked(self):
        self.control("tokens", {"revoke": "good"})
        self.assertEqual(401, self.status("good"))

    def test_all_can_be_revoked(self):
        self.control("tokens", {"token": "other"})
        self.control("tokens", {"revoke_all": True})
        self.assertEqual([401, 401], [self.status("good"), self.status("other")])

    def test_a_spec_itself_needs_none(self):
        self.assertEqual(404, self.ask("GET", path_of("a"), {"X-Spec": "yes"}).status)


class Scopes(Case):
    needs_token = True

    def test_a_token_for_reading_reads_and_changes_nothing(self):
        self.control("metadata", {ACCOUNT + "scopes":
                                  "https://www.googleapis.com/auth/devstorage.read_only"})
        token = self.ask("GET", ROOT + ACCOUNT + "token", FLAVOR).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        self.assertEqual(200, self.ask("GET", "/storage/v1/b/bkt/o", headers).status)
        answer = self.ask("POST", UPLOAD + "media&name=a", headers, b"x")
        self.assertEqual((403, "insufficientPermissions"), (answer.status, answer.reason()))


class Metadata(Case):
    def value(self, path, query=""):
        answer = self.ask("GET", ROOT + path + query, FLAVOR)
        self.assertEqual(200, answer.status, answer.body)
        return answer.body.decode()

    def test_without_the_header_it_is_403(self):
        for headers in ({}, {"Metadata-Flavor": "google"},
                        {**FLAVOR, "X-Forwarded-For": "1.2.3.4"}):
            self.assertEqual(403, self.ask("GET", ROOT + "instance/id", headers).status)

    def test_the_reply_has_the_header_and_an_etag(self):
        answer = self.ask("GET", ROOT + "instance/preempted", FLAVOR)
        self.assertEqual(("Google", b"FALSE"), (answer.headers["Metadata-Flavor"], answer.body))
        self.assertEqual(16, len(answer.headers["ETag"]))

    def test_the_root_tells_that_it_is_one(self):
        self.assertEqual("Google", self.ask("GET", "/").headers["Metadata-Flavor"])

    def test_a_machine_has_a_zone_a_name_an_id_and_a_project(self):
        for path in ("instance/zone", "instance/name", "instance/id", "project/project-id",
                     "project/numeric-project-id", "instance/machine-type"):
            self.assertRegex(self.value(path), "^[^\n]+$")

    def test_attributes_can_be_set_and_removed(self):
        self.control("metadata", {"instance/attributes/master": "10.0.0.2:7070"})
        self.assertEqual("10.0.0.2:7070", self.value("instance/attributes/master"))
        self.assertEqual("master\n", self.value("instance/attributes/"))
        self.control("metadata", {"instance/attributes/master": None})
        self.assertEqual(404, self.ask("GET", ROOT + "instance/attributes/master", FLAVOR).status)
        self.assertEqual("", self.value("instance/attributes/"))

    def test_a_folder_lists_what_is_below(self):
        self.assertEqual("aliases\nemail\nscopes\ntoken\n", self.value(ACCOUNT))
        self.assertEqual("default/\n", self.value("instance/service-accounts/"))

    def test_recursive_is_json(self):
        self.control("metadata", {"instance/attributes/my-key": "v"})
        tree = json.loads(self.value("instance/", "?recursive=true"))
        self.assertEqual(({"my-key": "v"}, "FALSE"), (tree["attributes"], tree["preempted"]))
        account = json.loads(self.value(ACCOUNT, "?recursive=true"))
        self.assertEqual(["default"], account["aliases"])
        self.assertIn("projectId", json.loads(self.value("project/", "?recursive=true")))

    def test_only_get_is_allowed(self):
        self.assertEqual(405, self.ask("PUT", ROOT + "instance/id", FLAVOR, b"x").status)


class Waiting(Case):
    def hang(self, query):
        """Asks in a thread; answers the thread and where its answer will be."""
        client, answers = self.connect(), []
        thread = threading.Thread(target=lambda: answers.append(client.ask(
            "GET", ROOT + "instance/preempted?wait_for_change=true" + query, FLAVOR)))
        thread.start()
        self.wait_for_request("metadata.wait")
        return thread, answers

    def etag(self):
        return self.ask("GET", ROOT + "instance/preempted", FLAVOR).headers["ETag"]

    def test_it_hangs_until_the_value_changes(self):
        thread, answers = self.hang("")
        self.control("metadata", {"instance/attributes/other": "x"})
        self.assertEqual([], answers)
        self.control("metadata", {"instance/preempted": "TRUE"})
        thread.join(TIMEOUT_S)
        self.assertEqual([b"TRUE"], [one.body for one in answers])

    def test_with_the_last_etag_too(self):
        thread, answers = self.hang("&last_etag=" + self.etag())
        self.control("metadata", {"instance/preempted": "TRUE"})
        thread.join(TIMEOUT_S)
        self.assertEqual([b"TRUE"], [one.body for one in answers])

    def test_an_older_etag_is_answered_at_once(self):
        old = self.etag()
        self.control("metadata", {"instance/preempted": "TRUE"})
        for tag in (old, "0"):
            answer = self.ask("GET", ROOT + "instance/preempted?wait_for_change=true&last_etag="
                              + tag, FLAVOR)
            self.assertEqual(b"TRUE", answer.body)

    def test_the_timeout_answers_what_there_is(self):
        answer = self.ask("GET", ROOT + "instance/preempted?wait_for_change=true&timeout_sec=0.05",
                          FLAVOR)
        self.assertEqual((200, b"FALSE", self.etag()),
                         (answer.status, answer.body, answer.headers["ETag"]))


class MachineTokens(Case):
    needs_token = True

    def token(self):
        answer = self.ask("GET", ROOT + ACCOUNT + "token", FLAVOR)
        self.assertEqual(200, answer.status)
        return answer.json()

    def test_it_is_good_and_says_how_long(self):
        made = self.token()
        self.assertEqual("Bearer", made["token_type"])
        self.assertIn(made["expires_in"], (3599, 3600))
        answer = self.ask("GET", "/storage/v1/b/bkt/o",
                          {"Authorization": "Bearer " + made["access_token"]})
        self.assertEqual(200, answer.status)

    def test_the_same_one_is_handed_out_while_it_lives(self):
        self.assertEqual(self.token()["access_token"], self.token()["access_token"])

    def test_another_one_when_it_is_revoked_used_up_or_rotated(self):
        first = self.token()["access_token"]
        self.control("tokens", {"revoke": first})
        second = self.token()["access_token"]
        self.assertNotEqual(first, second)
        self.control("rotate", {})
        third = self.token()["access_token"]
        self.assertNotEqual(second, third)
        self.assertTrue(self.state.tokens.is_good(second))

    def test_another_one_shortly_before_its_end(self):
        self.control("settings", {"token_lifetime_s": 1})
        first = self.token()["access_token"]
        wait_for(lambda: self.token()["access_token"] != first)

    def test_without_the_header_there_is_none(self):
        self.assertEqual(403, self.ask("GET", ROOT + ACCOUNT + "token").status)


def encode(data):
    """base64url, unpadded."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class ServiceAccounts(Case):
    """JWTs signed by the openssl command, good and bad ones."""

    needs_token = True
    key = None

    @classmethod
    def setUpClass(cls):
        cls.key, cls.other = (subprocess.run(
            ["openssl", "genrsa", "2048"], capture_output=True, check=True).stdout.decode()
            for _ in range(2))

    def setUp(self):
        super().setUp()
        self.control("accounts", {"type": "service_account", "client_email": "a@p.iam",
                                  "private_key_id": "k1", "private_key": self.key})

    def sign(self, text, key):
        path = f"{self.folder}/key"
        with open(path, "w", encoding="ascii") as file:
            file.write(key)
        return subprocess.run(["openssl", "dgst", "-sha256", "-sign", path],
                              input=text.encode(), capture_output=True, check=True).stdout

    def ask_token(self, head=None, claims=None, key=None, change=lambda text: text):
        now = int(time.time())
        head = {"typ": "JWT", "alg": "RS256", "kid": "k1", **(head or {})}
        claims = {"iss": "a@p.iam", "iat": now, "exp": now + 3600, "scope": SCOPE,
                  "aud": "https://oauth2.googleapis.com/token", **(claims or {})}
        text = encode(json.dumps(head).encode()) + "." + encode(json.dumps(claims).encode())
        jwt = change(text + "." + encode(self.sign(text, key or self.key)))
        form = urllib.parse.urlencode({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": jwt})
        return self.ask("POST", "/token", {"Content-Type": "application/x-www-form-urlencoded"},
                        form.encode())

    def test_a_good_one_gets_a_token_that_is_good(self):
        answer = self.ask_token()
        self.assertEqual((200, 3600), (answer.status, answer.json()["expires_in"]))
        headers = {"Authorization": "Bearer " + answer.json()["access_token"]}
        self.assertEqual(200, self.ask("POST", UPLOAD + "media&name=a", headers, b"x").status)

    def test_every_wrong_one_is_400_invalid_grant(self):
        now = int(time.time())
        for what in ({"key": self.other}, {"head": {"alg": "HS256"}}, {"head": {"kid": "k2"}},
                     {"claims": {"iss": "b@p.iam"}}, {"claims": {"aud": "http://x/token"}},
                     {"claims": {"exp": now + 3601 + 60}}, {"claims": {"exp": now - 1}},
                     {"claims": {"iat": now - 7200, "exp": now - 3600}},
                     {"claims": {"iat": now + 1000, "exp": now + 2000}},
                     {"change": lambda text: text + "="},
                     {"change": lambda text: text.rpartition(".")[0]},
                     {"change": lambda text: text[:5] + "A" + text[6:]}):
            answer = self.ask_token(**what)
            self.assertEqual((400, "invalid_grant"), (answer.status, answer.json()["error"]), what)

    def test_without_a_scope_it_is_invalid_scope(self):
        self.assertEqual("invalid_scope", self.ask_token(claims={"scope": ""}).json()["error"])

    def test_a_public_key_is_enough(self):
        public = subprocess.run(["openssl", "pkey", "-pubout"], input=self.other.encode(),
                                capture_output=True, check=True).stdout.decode()
        self.control("accounts", {"email": "b@p.iam", "key_id": "k9", "public_key": public})
        answer = self.ask_token({"kid": "k9"}, {"iss": "b@p.iam"}, self.other)
        self.assertEqual(200, answer.status)

    def test_an_account_that_misses_something_is_400(self):
        answer = self.ask("POST", "/_control/accounts", {}, b'{"email": "x"}')
        self.assertEqual(400, answer.status)


class Users(Case):
    def refresh(self, **form):
        form = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s",
                "refresh_token": "r", **form}
        return self.ask("POST", "/token", {"Content-Type": "application/x-www-form-urlencoded"},
                        urllib.parse.urlencode(form).encode())

    def setUp(self):
        super().setUp()
        self.control("accounts", {"type": "authorized_user", "client_id": "c",
                                  "client_secret": "s", "refresh_token": "r"})

    def test_a_refresh_token_gets_a_new_token_each_time(self):
        first, second = (self.refresh().json()["access_token"] for _ in range(2))
        self.assertNotEqual(first, second)
        self.assertTrue(self.state.tokens.is_good(first))

    def test_wrong_ones_are_refused(self):
        for form, status, error in (({"refresh_token": "x"}, 400, "invalid_grant"),
                                    ({"client_secret": "x"}, 401, "invalid_client"),
                                    ({"grant_type": "x"}, 400, "unsupported_grant_type")):
            answer = self.refresh(**form)
            self.assertEqual((status, error), (answer.status, answer.json()["error"]))

    def test_what_is_no_form_is_400(self):
        self.assertEqual(400, self.ask("POST", "/token", {"Content-Type": "application/json"},
                                       b"{}").status)


class Secrets(Case):
    def access(self, version="latest", name="cluster"):
        return self.ask("GET", f"/v1/projects/proj1/secrets/{name}/versions/{version}:access")

    def setUp(self):
        super().setUp()
        self.control("secrets", {"project": "proj1", "secret": "cluster", "data": "old"})
        self.control("secrets", {"project": "proj1", "secret": "cluster",
                                 "data_base64": base64.b64encode(b"\0new\xff").decode()})

    def test_the_latest_version_and_its_checksum(self):
        self.assertEqual({"name": "projects/proj1/secrets/cluster/versions/2", "payload": {
            "data": base64.b64encode(b"\0new\xff").decode(),
            "dataCrc32c": str(crc32c.update(0, b"\0new\xff"))}}, self.access().json())

    def test_an_older_version(self):
        self.assertEqual("b2xk", self.access(1).json()["payload"]["data"])

    def test_what_is_not_there_is_404(self):
        for answer in (self.access(3), self.access(0), self.access(name="other")):
            self.assertEqual(404, answer.status)
