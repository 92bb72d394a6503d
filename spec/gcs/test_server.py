"""The server as a process and on the wire: keep-alive, bad requests, the log, start and end."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import crc32c
from case import MIB, TIMEOUT_S, UPLOAD, Case, Client, crc_of, path_of, wait_for

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server.py")


class Connections(Case):
    def test_one_connection_carries_many_requests(self):
        for _ in range(50):
            self.put("a", b"one")
            self.get("a")
            self.get("none")
        numbers = {one["connection"] for one in self.control("requests")["requests"]}
        self.assertEqual({1}, numbers)

    def test_it_ends_when_the_client_says_so(self):
        answer = self.raw(f"GET {path_of('a')} HTTP/1.1\r\nConnection: close\r\n\r\n".encode() * 2)
        self.assertEqual(1, answer.count(b"HTTP/1.1 404"))
        self.assertIn(b"Connection: close\r\n", answer)

    def test_requests_in_a_row_are_answered_in_order(self):
        one = b"GET /storage/v1/b/bkt HTTP/1.1\r\n\r\n"
        answer = self.raw(one + one.replace(b"bkt", b"none") + one)
        self.assertEqual([b"200", b"404", b"200"],
                         [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]])

    def test_an_error_does_not_end_it(self):
        body = b"x" * 100000
        answer = self.ask("POST", UPLOAD.replace("bkt", "none") + "media&name=a", {}, body)
        self.assertEqual(404, answer.status)
        self.assertEqual(404, self.get("a").status)
        self.assertEqual(1, self.server.connection_count)

    def test_many_clients_at_a_time_write_and_read_their_own(self):
        failures = []

        def work(number):
            client = self.connect()
            data = bytes([number]) * (MIB + number)
            for turn in range(4):
                name = f"n{number}-{turn}"
                made = client.ask("POST", f"{UPLOAD}media&name={name}", {}, data).json()
                read = client.ask("GET", path_of(name) + "?alt=media").body
                if made["crc32c"] != crc_of(data) or read != data:
                    failures.append(name)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT_S)
        self.assertEqual([], failures)
        items = self.ask("GET", "/storage/v1/b/bkt/o").json()["items"]
        self.assertEqual(64, len({one["generation"] for one in items}))

    def test_of_many_that_create_one_name_one_succeeds(self):
        statuses, start = [], threading.Barrier(12)

        def work():
            client = self.connect()
            start.wait(TIMEOUT_S)
            statuses.append(client.ask("POST", f"{UPLOAD}media&name=a&ifGenerationMatch=0", {},
                                       b"x" * 100000).status)

        threads = [threading.Thread(target=work) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT_S)
        self.assertEqual([200] + [412] * 11, sorted(statuses))

    def test_replies_that_are_lost_cost_no_descriptor(self):
        self.put("a", b"x" * MIB)
        self.get("a")
        before = len(os.listdir("/proc/self/fd"))
        for action in ({"status": 503, "when": "after"}, {"reset": "after"}, {"break_after": 10}):
            self.fault("objects.get.media", action, nth=[1, 2, 3])
            for _ in range(3):
                self.get("a")
            self.ask("DELETE", "/_control/faults")
        self.get("none")
        wait_for(lambda: len(os.listdir("/proc/self/fd")) <= before)

    def test_a_disk_that_is_gone_is_500(self):
        shutil.rmtree(os.path.join(self.folder, "objects"))
        answer = self.ask("POST", UPLOAD + "media&name=a", {}, b"x")
        self.assertEqual((500, "backendError"), (answer.status, answer.reason()))


class BadRequests(Case):
    def test_what_is_not_http_is_400_and_the_end(self):
        for text in (b"hello\r\n\r\n", b"GET / HTTP/2\r\n\r\n",
                     b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
                     b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                     b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
                     b"GET / HTTP/1.1\r\nX: " + b"x" * 70000 + b"\r\n\r\n"):
            answer = self.raw(text)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400"), text[:50])
            self.assertIn(b"Connection: close", answer)

    def test_a_chunk_without_a_size_is_400(self):
        answer = self.raw(f"POST {UPLOAD}media&name=a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
                          "\r\nhello\r\n".encode())
        self.assertTrue(answer.startswith(b"HTTP/1.1 400"), answer)

    def test_what_nobody_serves_is_404(self):
        for method, target in (("GET", "/nothing"), ("POST", "/storage/v1/b/bkt/o"),
                               ("PUT", "/storage/v1/b/bkt/o"), ("GET", UPLOAD + "media"),
                               ("POST", UPLOAD + "other"), ("GET", "/_control/none")):
            self.assertEqual(404, self.ask(method, target).status, target)

    def test_settings_that_do_not_exist_are_400(self):
        for body in (b'{"none": 1}', b'{"hash_style": "x"}', b'{"hash_style": 7}', b"7", b"{"):
            self.assertEqual(400, self.ask("POST", "/_control/settings", {}, body).status, body)


class TheLog(Case):
    def test_it_has_what_was_asked_and_answered_in_order(self):
        self.put("a/b", b"four")
        self.get("a/b", {"Range": "bytes=1-2"}, "alt=media&generation=0")
        self.get("a/b", {"Range": "bytes=1-2"})
        made = self.control("requests")["requests"]
        self.assertEqual([("objects.insert.simple", "POST", "a/b", 200, 4),
                          ("objects.get.media", "GET", "a/b", 404, 0),
                          ("objects.get.media", "GET", "a/b", 206, 0)],
                         [tuple(one[key] for key in ("operation", "method", "object", "status",
                                                     "bytes_in")) for one in made])
        self.assertEqual((2, "bytes 1-2/4", "bytes=1-2", {"alt": "media"}),
                         (made[2]["bytes_out"], made[2]["content_range"],
                          made[2]["headers"]["range"], made[2]["query"]))

    def test_it_can_be_narrowed_and_forgotten(self):
        self.put("a", b"one")
        self.get("a")
        self.get("b")
        for query, count in (("operation=objects", 3), ("operation=objects.get", 2),
                             ("operation=objects.ge", 0), ("object=a", 2), ("status=404", 1)):
            self.assertEqual(count, len(self.control("requests?" + query)["requests"]), query)
        self.ask("DELETE", "/_control/requests")
        self.assertEqual(([], {}), (self.control("requests")["requests"], self.violations()))

    def test_it_names_the_operation_of_every_request(self):
        session = self.start("a")
        self.piece(session, f"0-{MIB - 1}/*", b"x" * MIB)
        self.piece(session, "*/*")
        self.piece(session, f"{MIB}-{MIB + 1}/{MIB + 2}", b"xx")
        self.ask("DELETE", self.start("b"))
        self.ask("POST", path_of("c") + "/compose", {}, b'{"sourceObjects": [{"name": "a"}]}')
        self.assertEqual(["init", "chunk", "query", "final", "init", "cancel", "compose"],
                         [one["operation"].rpartition(".")[2]
                          for one in self.control("requests")["requests"]])

    def test_it_names_the_fault_that_a_request_met(self):
        self.control("faults", {"name": "mine", "action": {"status": 503}})
        self.get("a")
        self.assertEqual("mine", self.control("requests")["requests"][0]["fault"])

    def test_it_counts_what_went_out_before_a_break(self):
        self.put("a", b"x" * 1000)
        self.fault("objects.get.media", {"break_after": 10})
        self.get("a")
        wait_for(lambda: self.control("requests?operation=objects.get")  # the client knows first
                 ["requests"][0]["bytes_out"] == 10)

    def test_what_a_spec_does_itself_is_not_in_it(self):
        self.fault("objects", {"status": 503})
        answer = self.ask("POST", UPLOAD + "media&name=a", {"X-Spec": "yes"}, b"one")
        self.assertEqual(200, answer.status)
        self.assertEqual(([], {}), (self.control("requests")["requests"], self.violations()))


class Checksums(unittest.TestCase):
    def test_the_table_answers_what_the_library_does(self):
        for data in (b"", b"123456789", bytes(range(256)) * 5):
            self.assertEqual(crc32c.update_by_table(0, data), crc32c.update(0, data))
            self.assertEqual(crc32c.update_by_table(7, data), crc32c.update(7, data))
        self.assertEqual(0xE3069283, crc32c.update(0, b"123456789"))

    def test_checksums_of_parts_combine(self):
        data = bytes(range(251)) * 9
        for cut in (0, 1, 7, 256, 2000, len(data)):
            one, two = (crc32c.update(0, part) for part in (data[:cut], data[cut:]))
            self.assertEqual(crc32c.update(0, data), crc32c.combine(one, two, len(data) - cut))


class Process(unittest.TestCase):
    """The command."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mrlua-gcs-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.ready = os.path.join(self.folder, "ready")

    def words(self, *more):
        return [sys.executable, SERVER, "--dir", os.path.join(self.folder, "d"),
                "--ready-file", self.ready, *more]

    def start(self, *more):
        process = subprocess.Popen(self.words(*more), stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        port = int(process.stdout.readline())
        wait_for(lambda: os.path.exists(self.ready))
        with open(self.ready, encoding="ascii") as file:
            self.assertEqual(port, int(file.read()))
        return process, port

    def ask(self, port, method, target, headers=None, body=None):
        client = Client(port)
        self.addCleanup(client.close)
        return client.ask(method, target, headers, body)

    def test_it_tells_its_port_and_ends_at_sigterm(self):
        process, port = self.start()
        self.assertEqual(200, self.ask(port, "GET", "/storage/v1/b/bkt").status)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.wait(TIMEOUT_S))

    def test_its_options_are_settings_buckets_and_tokens(self):
        _, port = self.start("--bucket", "one", "--bucket", "two", "--token", "t", "--set",
                             'hash_style="spaced"')
        good = {"Authorization": "Bearer t"}
        self.assertEqual(401, self.ask(port, "GET", "/storage/v1/b").status)
        listed = self.ask(port, "GET", "/storage/v1/b", good).json()["items"]
        self.assertEqual(["one", "two"], [one["name"] for one in listed])
        settings = self.ask(port, "GET", "/_control/state").json()["settings"]
        self.assertEqual("spaced", settings["hash_style"])

    def test_with_auth_only_what_it_hands_out_is_good(self):
        key = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True)
        path = os.path.join(self.folder, "key.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump({"client_email": "a@b", "private_key_id": "k",
                       "private_key": key.stdout.decode()}, file)
        _, port = self.start("--auth", "--account", path)
        self.assertEqual(401, self.ask(port, "GET", "/storage/v1/b").status)
        token = self.ask(port, "GET", "/computeMetadata/v1/instance/service-accounts/default/token",
                         {"Metadata-Flavor": "Google"}).json()["access_token"]
        self.assertEqual(200, self.ask(port, "GET", "/storage/v1/b",
                                       {"Authorization": "Bearer " + token}).status)

    def test_it_ends_when_its_parent_does(self):
        middle = subprocess.run(
            [sys.executable, "-c", "import subprocess, sys, time, os\n"
             "child = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL)\n"
             "while not os.path.exists(sys.argv[1]): time.sleep(0.01)\n"
             "print(child.pid)", self.ready] + self.words(),
            capture_output=True, check=True, timeout=TIMEOUT_S)
        pid = int(middle.stdout)
        wait_for(lambda: not _is_alive(pid))

    def test_it_ends_when_the_process_it_watches_does(self):
        watched = subprocess.Popen(["sleep", "60"])
        process, _ = self.start("--parent", str(watched.pid))
        watched.kill()
        watched.wait()
        self.assertEqual(0, process.wait(TIMEOUT_S))


def _is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
