"""Faults: who has one, and what each of them does on the wire."""
import threading
import time

from case import KIB, MIB, TIMEOUT_S, UPLOAD, Case, crc_of, path_of
from faults import PRESETS, BadRule, Facts, Faults, Rule

GRANULE = 256 * KIB


class Rules(Case):
    """Which requests a rule chooses."""

    def chosen(self, match, count=6, facts=None):
        """The numbers of the requests that a rule takes."""
        faults = Faults()
        faults.add({"match": match, "action": {"status": 503}})
        facts = facts or Facts("GET", "objects.get.media", "bkt", "in/a", {"alt": "media"},
                               {"range": "bytes=0-9"}, 100, (0, 99))
        return [n for n in range(1, count + 1) if faults.choose(facts)[0]]

    def test_an_empty_match_takes_every_request(self):
        self.assertEqual([1, 2, 3, 4, 5, 6], self.chosen({}))

    def test_nth_is_one_or_several_of_them(self):
        self.assertEqual([2], self.chosen({"nth": 2}))
        self.assertEqual([1, 4], self.chosen({"nth": [1, 4]}))

    def test_count_and_after(self):
        self.assertEqual([1, 2], self.chosen({"count": 2}))
        self.assertEqual([4, 5], self.chosen({"count": 2, "after": 3}))
        self.assertEqual([5], self.chosen({"nth": 2, "after": 3}))

    def test_an_operation_takes_in_what_is_below_it_or_a_pattern(self):
        for operation, is_chosen in (("objects.get.media", True), ("objects.get", True),
                                     ("objects", True), ("objects.get.*", True), ("*.media", True),
                                     ("objects.ge", False), ("objects.list", False)):
            self.assertEqual([1] if is_chosen else [],
                             self.chosen({"operation": operation}, 1), operation)

    def test_every_other_part_must_hold(self):
        for match, is_chosen in (({"method": "GET"}, True), ({"method": "PUT"}, False),
                                 ({"object": "^in/"}, True), ({"object": "^a"}, False),
                                 ({"bucket": "bkt"}, True), ({"bucket": "x"}, False),
                                 ({"query": {"alt": "media"}}, True),
                                 ({"query": {"alt": "json"}}, False),
                                 ({"header": {"range": "=0-"}}, True),
                                 ({"header": {"range": "=1-"}}, False),
                                 ({"min_bytes": 100}, True), ({"min_bytes": 101}, False),
                                 ({"crosses": 100}, True), ({"crosses": 101}, False)):
            self.assertEqual([1] if is_chosen else [], self.chosen(match, 1), match)

    def test_probability_is_the_same_for_the_same_seed(self):
        first = self.chosen({"probability": 0.3, "seed": 7}, 1000)
        self.assertEqual(first, self.chosen({"probability": 0.3, "seed": 7}, 1000))
        self.assertNotEqual(first, self.chosen({"probability": 0.3, "seed": 8}, 1000))
        self.assertTrue(200 < len(first) < 400, len(first))

    def test_a_sequence_does_one_after_the_other_and_is_over(self):
        rule = Rule({"actions": [{"status": 503}, {}, {"status": 408}]})
        faults = Faults()
        faults.rules.append(rule)
        facts = Facts("GET", "objects.get")
        self.assertEqual([{"status": 503}, {}, {"status": 408}, {}],
                         [faults.choose(facts)[1] for _ in range(4)])
        self.assertTrue(rule.tell()["is_over"])

    def test_a_step_of_a_sequence_waits_for_the_piece_it_wants(self):
        faults = Faults()
        faults.add({"actions": [{"status": 503, "crosses": 300}, {"status": 408}]})
        pieces = [(0, 99), (100, 299), (300, 399)]
        self.assertEqual([{}, {"status": 503, "crosses": 300}, {"status": 408}],
                         [faults.choose(Facts("PUT", "x", piece=piece))[1] for piece in pieces])

    def test_the_first_rule_has_it_but_all_count(self):
        faults = Faults()
        faults.add([{"name": "a", "match": {"nth": 1}, "action": {"status": 503}},
                    {"name": "b", "match": {"nth": [1, 2]}, "action": {"status": 408}}])
        facts = Facts("GET", "objects.get")
        self.assertEqual(["a", "b", None], [faults.choose(facts)[0] for _ in range(3)])

    def test_what_nobody_understands_is_refused_by_name(self):
        for rule, word in (({"match": {"operatoin": "x"}}, "operatoin"),
                           ({"action": {"statsu": 1}}, "statsu"), ({"rule": 1}, "rule"),
                           ({"actions": [{"when": "never"}]}, "when"), ({"preset": "S9"}, "S9"),
                           (7, "object")):
            with self.assertRaisesRegex(BadRule, word):
                Faults().add(rule)

    def test_over_http_that_is_400(self):
        answer = self.ask("POST", "/_control/faults", {}, b'{"match": {"x": 1}}')
        self.assertEqual(400, answer.status)
        self.assertIn("unknown key: x", answer.json()["error"]["message"])

    def test_rules_can_be_asked_for_and_forgotten(self):
        self.put("a", b"one")
        self.fault("objects.get", {"status": 503}, nth=1)
        self.get("a")
        self.get("a")
        rule = self.control("faults")["rules"][0]
        self.assertEqual((2, 1), (rule["seen"], rule["taken"]))
        self.ask("DELETE", "/_control/faults")
        self.assertEqual([], self.control("faults")["rules"])


class Errors(Case):
    def setUp(self):
        super().setUp()
        self.put("a", b"one")

    def test_a_status_comes_with_a_body_as_google_has_it(self):
        self.fault("objects.get", {"status": 503, "retry_after": 7})
        answer = self.ask("GET", path_of("a"))
        self.assertEqual((503, "backendError", "7"),
                         (answer.status, answer.reason(), answer.headers["Retry-After"]))

    def test_reason_message_headers_and_body_can_be_chosen(self):
        self.fault("objects.get", {"status": 429, "reason": "x", "message": "y",
                                   "headers": {"X-Y": "z"}}, nth=1)
        answer = self.ask("GET", path_of("a"))
        self.assertEqual(("x", "y", "z"), (answer.reason(), answer.json()["error"]["message"],
                                           answer.headers["X-Y"]))
        self.fault("objects.get", {"status": 500, "body": "<html>oops"})
        self.assertEqual(b"<html>oops", self.ask("GET", path_of("a")).body)

    def test_an_error_can_be_megabytes_long(self):
        self.fault("objects.get", {"status": 503, "body_bytes": 4 * MIB}, nth=1)
        self.assertGreaterEqual(len(self.ask("GET", path_of("a")).body), 4 * MIB)
        self.control("settings", {"error_bytes": 2 * MIB})
        answer = self.ask("GET", path_of("none"))
        self.assertEqual((404, "notFound"), (answer.status, answer.reason()))
        self.assertGreaterEqual(len(answer.body), 2 * MIB)

    def test_before_it_is_done_nothing_is_done(self):
        self.fault("objects.delete", {"status": 503})
        self.assertEqual(503, self.ask("DELETE", path_of("a")).status)
        self.assertEqual(200, self.get("a").status)

    def test_after_it_is_done_the_reply_is_lost(self):
        self.fault("objects.delete", {"status": 503, "when": "after"})
        self.assertEqual(503, self.ask("DELETE", path_of("a")).status)
        self.assertEqual(404, self.get("a").status)

    def test_at_the_start_the_body_is_not_read(self):
        self.fault("objects.insert", {"status": 503, "when": "start"})
        plug = self.plug()
        plug.sendall(f"POST {UPLOAD}media&name=b HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n"
                     .encode())
        self.assertTrue(plug.recv(100).startswith(b"HTTP/1.1 503"))

    def test_retrying_before_retry_after_is_a_violation(self):
        self.fault("objects.get", {"status": 503, "retry_after": 60}, nth=1)
        self.get("a")
        self.get("a")
        self.assertEqual(1, self.violations()["early-retry"])

    def test_retrying_what_is_hopeless_is_a_violation(self):
        self.fault("objects.get", {"status": 400}, nth=1)
        self.fault("objects.delete", {"status": 503}, nth=1)
        self.get("a")
        self.get("a")
        self.ask("DELETE", path_of("a"))
        self.ask("DELETE", path_of("a"))
        self.assertEqual(1, self.violations()["hopeless-retry"])


class Resets(Case):
    def setUp(self):
        super().setUp()
        self.put("a", b"one")

    def test_before_anything_is_done(self):
        for when in ("start", "before"):
            self.fault("objects.delete", {"reset": when}, nth=1)
            self.assertEqual(0, self.ask("DELETE", path_of("a")).status)
            self.assertEqual(200, self.get("a").status)
            self.ask("DELETE", "/_control/faults")

    def test_after_it_is_done(self):
        self.fault("objects.insert", {"reset": "after"})
        self.assertEqual(0, self.ask("POST", UPLOAD + "media&name=b", {}, b"two").status)
        self.assertEqual(b"two", self.get("b").body)

    def test_in_the_middle_of_the_body(self):
        self.fault("objects.insert", {"reset": "body", "after_bytes": 1000})
        answer = self.ask("POST", UPLOAD + "media&name=b", {}, b"x" * MIB)
        self.assertEqual((0, 404), (answer.status, self.get("b").status))
        entry = self.control("requests?operation=objects.insert&object=b")["requests"][0]
        self.assertEqual((0, 1000), (entry["status"], entry["bytes_in"]))

    def test_in_the_middle_of_a_piece_whole_256_kib_stay(self):
        self.fault("objects.insert.resumable.final", {"reset": "body",
                                                      "after_bytes": GRANULE + 5})
        session = self.start("b")
        self.assertEqual(0, self.piece(session, f"0-{MIB - 1}/{MIB}", b"x" * MIB).status)
        self.assertEqual(f"bytes=0-{GRANULE - 1}", self.piece(session, "*/*").headers["Range"])

    def test_the_next_connection_is_served(self):
        self.fault("objects.get", {"reset": "before"}, nth=1)
        self.assertEqual(0, self.get("a").status)
        self.assertEqual(b"one", self.get("a").body)


class Bodies(Case):
    """What becomes of a reply's body on its way."""

    def setUp(self):
        super().setUp()
        self.data = bytes(range(251)) * 10000
        self.put("a", self.data)

    def test_it_breaks_after_so_many_bytes(self):
        for how in ("reset", "close"):
            self.fault("objects.get.media", {"break_after": 700001, "break_how": how}, nth=1)
            answer = self.get("a")
            self.assertEqual((200, True, str(len(self.data)), self.data[:700001]),
                             (answer.status, answer.is_broken, answer.headers["Content-Length"],
                              answer.body), how)
            self.ask("DELETE", "/_control/faults")

    def test_it_breaks_before_its_first_byte(self):
        self.fault("objects.get.media", {"break_after": 0})
        answer = self.get("a")
        self.assertEqual((200, True, b""), (answer.status, answer.is_broken, answer.body))

    def test_a_chunked_one_breaks_too(self):
        self.fault("objects.get.media", {"break_after": 700001, "chunked": True,
                                         "break_how": "close"})
        answer = self.get("a")
        self.assertEqual((True, self.data[:700001]), (answer.is_broken, answer.body))

    def test_a_byte_is_turned_and_the_checksum_is_not(self):
        self.fault("objects.get.media", {"corrupt": 1500000})
        answer = self.get("a")
        wrong = [at for at, pair in enumerate(zip(self.data, answer.body)) if pair[0] != pair[1]]
        self.assertEqual([1500000], wrong)
        self.assertIn(f"crc32c={crc_of(self.data)}", answer.headers["X-Goog-Hash"])

    def test_checksums_can_be_wrong_or_missing(self):
        self.fault("objects.get", {"wrong_crc": True}, nth=[1, 2])
        self.assertNotIn(f"crc32c={crc_of(self.data)}", self.get("a").headers["X-Goog-Hash"])
        self.assertNotEqual(crc_of(self.data), self.ask("GET", path_of("a")).json()["crc32c"])
        self.ask("DELETE", "/_control/faults")
        self.fault("objects.get", {"no_hash": True})
        self.assertIsNone(self.get("a").headers["X-Goog-Hash"])
        self.assertNotIn("crc32c", self.ask("GET", path_of("a")).json())

    def test_a_range_can_be_ignored(self):
        self.fault("objects.get.media", {"ignore_range": True})
        answer = self.get("a", {"Range": "bytes=0-9"})
        self.assertEqual((200, self.data), (answer.status, answer.body))

    def test_a_range_can_be_another_one(self):
        self.fault("objects.get.media", {"shift_range": 5})
        answer = self.get("a", {"Range": "bytes=0-9"})
        self.assertEqual((206, self.data[5:15], f"bytes 5-14/{len(self.data)}"),
                         (answer.status, answer.body, answer.headers["Content-Range"]))

    def test_it_stalls_for_a_while_and_goes_on(self):
        self.fault("objects.get.media", {"stall_after": 1000, "stall_seconds": 0.3})
        began = time.monotonic()
        answer = self.get("a")
        self.assertEqual(self.data, answer.body)
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_it_comes_slowly(self):
        self.put("b", b"x" * 1000)
        self.fault("objects.get.media", {"rate": 4000})
        began = time.monotonic()
        self.assertEqual(b"x" * 1000, self.get("b").body)
        self.assertGreaterEqual(time.monotonic() - began, 0.15)

    def test_it_comes_late(self):
        self.fault("objects.get.media", {"delay": 0.2})
        began = time.monotonic()
        self.assertEqual(self.data, self.get("a").body)
        self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_a_small_reply_can_be_cut_too(self):
        self.fault("objects.list", {"break_after": 10, "break_how": "close"})
        answer = self.ask("GET", "/storage/v1/b/bkt/o")
        self.assertEqual((True, 10), (answer.is_broken, len(answer.body)))


class Uploads(Case):
    def test_less_of_a_piece_is_kept_than_was_sent(self):
        session = self.start("a")
        self.fault("objects.insert.resumable.chunk", {"persist": GRANULE}, nth=1)
        answer = self.piece(session, f"0-{MIB - 1}/*", b"x" * MIB)
        self.assertEqual((308, f"bytes=0-{GRANULE - 1}"),
                         (answer.status, answer.headers["Range"]))

    def test_nothing_of_a_piece_is_kept(self):
        session = self.start("a")
        self.fault("objects.insert.resumable", {"persist": 0}, nth=1)
        answer = self.piece(session, f"0-{MIB - 1}/{MIB}", b"x" * MIB)
        self.assertEqual((308, None), (answer.status, answer.headers["Range"]))

    def test_some_is_kept_and_503_is_answered(self):
        session = self.start("a")
        self.fault("objects.insert.resumable", {"persist": GRANULE + 9, "status": 503}, nth=1)
        self.assertEqual(503, self.piece(session, f"0-{MIB - 1}/{MIB}", b"x" * MIB).status)
        self.assertEqual(f"bytes=0-{GRANULE - 1}", self.piece(session, "*/*").headers["Range"])

    def test_some_is_kept_and_the_connection_is_reset(self):
        session = self.start("a")
        self.fault("objects.insert.resumable", {"persist": GRANULE, "reset": "before"}, nth=1)
        self.assertEqual(0, self.piece(session, f"0-{MIB - 1}/{MIB}", b"x" * MIB).status)
        self.assertEqual(f"bytes=0-{GRANULE - 1}", self.piece(session, "*/*").headers["Range"])

    def test_all_is_kept_and_the_reply_is_lost(self):
        session = self.start("a")
        self.fault("objects.insert.resumable.final", {"reset": "after"}, nth=1)
        self.assertEqual(0, self.piece(session, f"0-{MIB - 1}/{MIB}", b"x" * MIB).status)
        self.assertEqual((200, str(MIB)), (self.piece(session, "*/*").status,
                                           self.piece(session, "*/*").json()["size"]))

    def test_a_session_goes(self):
        for status in (404, 410):
            session = self.start("a")
            self.fault("objects.insert.resumable.final", {"gone": status})
            self.assertEqual(status, self.piece(session, f"0-{MIB - 1}/{MIB}", b"x" * MIB).status)
            self.ask("DELETE", "/_control/faults")
            self.assertEqual(status, self.piece(session, "*/*").status)

    def test_a_byte_is_turned_before_it_is_stored(self):
        self.fault("objects.insert", {"corrupt_stored": 3}, nth=[1, 2])
        answer = self.ask("POST", UPLOAD + "media&name=a",
                          {"X-Goog-Hash": "crc32c=" + crc_of(b"0123456789")}, b"0123456789")
        self.assertEqual((400, 404), (answer.status, self.get("a").status))
        made = self.put("a", b"0123456789")
        self.assertEqual((b"0122456789", crc_of(b"0122456789")),
                         (self.get("a").body, made["crc32c"]))

    def test_a_byte_of_an_upload_in_pieces_is_turned(self):
        session = self.start("a", resource={"crc32c": crc_of(b"x" * MIB)})
        self.fault("objects.insert.resumable.final", {"corrupt_stored": 700000})
        self.assertEqual(400, self.piece(session, f"0-{MIB - 1}/{MIB}", b"x" * MIB).status)

    def test_reading_stops_for_a_while(self):
        self.fault("objects.insert", {"stall_body": {"after_bytes": 100, "seconds": 0.2}})
        began = time.monotonic()
        self.put("a", b"x" * 1000)
        self.assertGreaterEqual(time.monotonic() - began, 0.2)
        self.assertEqual(b"x" * 1000, self.get("a").body)

    def test_the_session_can_be_had_while_an_earlier_request_stalls(self):
        session = self.start("a")
        self.fault("objects.insert.resumable.final",
                   {"stall_body": {"after_bytes": GRANULE, "seconds": 1}}, nth=1)
        other = self.connect()
        answers = []
        slow = threading.Thread(target=lambda: answers.append(other.ask(
            "PUT", session, {"Content-Range": f"bytes 0-{MIB - 1}/{MIB}"}, b"x" * MIB)))
        slow.start()
        self.wait_for_turn(session)
        kept = int((self.piece(session, "*/*").headers["Range"] or "0-").split("-")[1] or -1) + 1
        self.assertIn(kept, (0, GRANULE))
        answer = self.piece(session, f"{kept}-{MIB - 1}/{MIB}", b"y" * (MIB - kept))
        self.assertEqual(200, answer.status)
        slow.join(TIMEOUT_S)
        self.assertEqual(0, answers[0].status)
        self.assertEqual(b"x" * kept + b"y" * (MIB - kept), self.get("a").body)


class Lists(Case):
    def test_a_page_can_be_empty_or_short_once(self):
        for name in "abc":
            self.put(name, b"x")
        self.fault("objects.list", {"empty_page": True}, nth=1)
        page = self.ask("GET", "/storage/v1/b/bkt/o").json()
        self.assertEqual({"kind", "nextPageToken"}, set(page))
        self.fault("objects.list", {"page_max": 2}, nth=1)
        page = self.ask("GET", "/storage/v1/b/bkt/o?pageToken=" + page["nextPageToken"]).json()
        self.assertEqual(["a", "b"], [one["name"] for one in page["items"]])


class Presets(Case):
    """The cases of Google's conformance tests, each as a client sees it."""

    def preset(self, name, **match):
        self.control("faults", {"preset": name, "match": match})

    def statuses(self, count, ask):
        return [ask().status for _ in range(count)]

    def test_their_names(self):
        self.assertEqual(sorted(PRESETS), self.control("presets")["presets"])

    def test_s1_and_s2_are_two_faults_and_then_it_goes_well(self):
        self.put("a", b"one")
        for number in "12":
            for faults, wanted in (("503-503", [503, 503, 200]), ("reset-503", [0, 503, 200]),
                                   ("reset-reset", [0, 0, 200])):
                self.preset(f"S{number}.{faults}", operation="objects.get")
                self.assertEqual(wanted, self.statuses(3, lambda: self.ask("GET", path_of("a"))))

    def test_s5_and_s6_end_in_what_is_not_retried(self):
        self.put("a", b"one")
        for name, wanted in (("S5.400", [400]), ("S5.401", [401]), ("S6.503-400", [503, 400]),
                             ("S6.reset-401", [0, 401])):
            self.preset(name, operation="objects.get")
            self.assertEqual(wanted, self.statuses(len(wanted),
                                                   lambda: self.ask("GET", path_of("a"))))

    def test_s7_reset_and_503(self):
        self.preset("S7.reset-503", operation="objects.insert.resumable.final")
        session = self.start("a")
        self.assertEqual([0, 503, 200], self.statuses(
            3, lambda: self.piece(session, "0-3/4", b"four")))

    def test_s7_408(self):
        self.preset("S7.408", operation="objects.insert.resumable.init")
        self.assertEqual([408, 200], self.statuses(
            2, lambda: self.ask("POST", UPLOAD + "resumable&name=a")))

    def test_s7_503_after_256k_keeps_these(self):
        self.preset("S7.503-after-256K")
        session = self.start("a")
        self.assertEqual(503, self.piece(session, f"0-{MIB - 1}/{MIB}", b"x" * MIB).status)
        self.assertEqual(f"bytes=0-{GRANULE - 1}", self.piece(session, "*/*").headers["Range"])
        self.assertEqual(200, self.piece(session, f"{GRANULE}-{MIB - 1}/{MIB}",
                                         b"x" * (MIB - GRANULE)).status)

    def test_s7_503_after_8192k_waits_for_them_and_408_follows(self):
        self.preset("S7.503-after-8192K-408")
        session, at, seen = self.start("a"), 0, []
        total = 12 * MIB
        while at < total:
            end = min(at + 3 * MIB, total)
            answer = self.piece(session, f"{at}-{end - 1}/{total}", b"x" * (end - at))
            seen.append(answer.status)
            at = end
            if answer.status == 503:
                self.assertEqual(408, self.piece(session, "*/*").status)
                answer = self.piece(session, "*/*")
                self.assertEqual(f"bytes=0-{8192 * KIB - 1}", answer.headers["Range"])
                at = 8192 * KIB
        self.assertEqual([308, 308, 503, 308, 200], seen)
        self.assertEqual(str(total), answer.json()["size"])

    def test_s8_broken_streams(self):
        self.put("a", b"x" * MIB)
        self.preset("S8.broken-broken")
        self.assertEqual([True, True, False], [self.get("a").is_broken for _ in range(3)])
        self.preset("S8.broken-after-256K")
        answer = self.get("a")
        self.assertEqual((True, GRANULE), (answer.is_broken, len(answer.body)))
        self.assertEqual(MIB, len(self.get("a").body))
