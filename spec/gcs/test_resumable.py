"""Resumable uploads: what is kept, what is refused, who owns a session."""
import json

from case import KIB, MIB, UPLOAD, Case, crc_of, path_of, wait_for

GRANULE = 256 * KIB
DATA = bytes(range(256)) * 2048 + b"tail"  # 512 KiB and 4 bytes
TOTAL = len(DATA)


class Session(Case):
    def finish(self, session):
        return self.piece(session, f"0-{TOTAL - 1}/{TOTAL}", DATA)

    def ranges(self, answer):
        return answer.status, answer.headers["Range"]


class Pieces(Session):
    def test_pieces_of_256_kib_and_a_last_one_make_an_object(self):
        session = self.start("a")
        first = self.piece(session, f"0-{GRANULE - 1}/*", DATA[:GRANULE])
        self.assertEqual((308, f"bytes=0-{GRANULE - 1}"), self.ranges(first))
        second = self.piece(session, f"{GRANULE}-{2 * GRANULE - 1}/*", DATA[GRANULE:2 * GRANULE])
        self.assertEqual((308, f"bytes=0-{2 * GRANULE - 1}"), self.ranges(second))
        last = self.piece(session, f"{2 * GRANULE}-{TOTAL - 1}/{TOTAL}", DATA[2 * GRANULE:])
        self.assertEqual((200, str(TOTAL), crc_of(DATA)),
                         (last.status, last.json()["size"], last.json()["crc32c"]))
        self.assertEqual(DATA, self.get("a").body)

    def test_the_object_is_not_there_before_the_end(self):
        session = self.start("a")
        self.piece(session, f"0-{GRANULE - 1}/*", DATA[:GRANULE])
        self.assertEqual(404, self.get("a").status)
        self.assertNotIn("items", self.ask("GET", "/storage/v1/b/bkt/o").json())

    def test_a_piece_that_is_no_multiple_of_256_kib_is_400_and_a_violation(self):
        session = self.start("a")
        for size in (1, GRANULE - 1, GRANULE + 1):
            answer = self.piece(session, f"0-{size - 1}/*", DATA[:size])
            self.assertEqual((400, "badRequest"), (answer.status, answer.reason()))
            answer = self.piece(session, f"0-{size - 1}/{TOTAL}", DATA[:size])
            self.assertEqual(400, answer.status)
        self.assertEqual(6, self.violations()["piece-size"])
        self.assertEqual((308, None), self.ranges(self.piece(session, "*/*")))

    def test_a_gap_is_400_and_a_violation(self):
        session = self.start("a")
        answer = self.piece(session, f"{GRANULE}-{2 * GRANULE - 1}/*", DATA[:GRANULE])
        self.assertEqual(400, answer.status)
        self.assertEqual(1, self.violations()["offset-gap"])
        self.assertEqual((308, None), self.ranges(self.piece(session, "*/*")))

    def test_a_gap_can_be_503(self):
        self.control("settings", {"gap_status": 503})
        session = self.start("a")
        self.assertEqual(503, self.piece(session, f"{GRANULE}-{TOTAL - 1}/{TOTAL}",
                                         DATA[GRANULE:]).status)

    def test_bytes_that_are_there_already_are_passed_over(self):
        session = self.start("a")
        self.piece(session, f"0-{GRANULE - 1}/*", b"x" * GRANULE)
        answer = self.piece(session, f"0-{TOTAL - 1}/{TOTAL}", DATA)
        self.assertEqual(200, answer.status)
        self.assertEqual(b"x" * GRANULE + DATA[GRANULE:], self.get("a").body)
        self.assertEqual(1, self.violations()["resent"])

    def test_a_total_that_changes_is_400(self):
        session = self.start("a", headers={"X-Upload-Content-Length": str(TOTAL)})
        self.assertEqual(400, self.piece(session, f"0-{GRANULE - 1}/{TOTAL + 1}",
                                         DATA[:GRANULE]).status)
        self.assertEqual(200, self.finish(session).status)

    def test_a_total_less_than_what_is_there_is_400(self):
        session = self.start("a")
        self.piece(session, f"0-{GRANULE - 1}/*", DATA[:GRANULE])
        self.assertEqual(400, self.piece(session, f"*/{GRANULE - 1}").status)

    def test_a_content_range_that_says_nothing_is_400(self):
        session = self.start("a")
        for text in ("0-10", "10-5/*", "x", "0-99/50", "-5/10"):
            self.assertEqual(400, self.piece(session, text, b"x").status, text)

    def test_a_body_of_another_length_than_its_range_is_400(self):
        session = self.start("a")
        self.assertEqual(400, self.piece(session, "0-9/10", b"12345").status)
        answer = self.ask("PUT", session, {"Content-Range": "bytes 0-9/10"}, [b"12345"])
        self.assertEqual(400, answer.status)
        self.assertEqual((308, None), self.ranges(self.piece(session, "*/*")))

    def test_post_on_the_session_is_as_good_as_put(self):
        session = self.start("a")
        self.assertEqual(200, self.ask("POST", session,
                                       {"Content-Range": f"bytes 0-{TOTAL - 1}/{TOTAL}"},
                                       DATA).status)

    def test_a_body_without_content_range_is_the_whole_object(self):
        self.assertEqual(200, self.ask("PUT", self.start("a"), {}, DATA).status)
        self.assertEqual(DATA, self.get("a").body)

    def test_a_range_without_end_brings_all_the_rest(self):
        session = self.start("a")
        self.piece(session, f"0-{GRANULE - 1}/*", DATA[:GRANULE])
        self.assertEqual(200, self.piece(session, f"{GRANULE}-*/*", DATA[GRANULE:]).status)
        self.assertEqual(DATA, self.get("a").body)
        session = self.start("b")
        self.assertEqual(400, self.piece(session, f"0-*/{TOTAL + 1}", DATA).status)
        self.assertEqual(200, self.piece(session, f"0-*/{TOTAL}", DATA).status)

    def test_so_is_one_in_chunks(self):
        answer = self.ask("PUT", self.start("a"), {}, [DATA[:99999], DATA[99999:]])
        self.assertEqual(200, answer.status)
        self.assertEqual(DATA, self.get("a").body)

    def test_a_piece_in_chunks_is_a_piece(self):
        session = self.start("a")
        answer = self.ask("PUT", session, {"Content-Range": f"bytes 0-{GRANULE - 1}/*"},
                          [DATA[:1000], DATA[1000:GRANULE]])
        self.assertEqual((308, f"bytes=0-{GRANULE - 1}"), self.ranges(answer))

    def test_no_bytes_are_an_empty_object(self):
        self.assertEqual("0", self.piece(self.start("a"), "*/0").json()["size"])
        self.assertEqual("0", self.ask("PUT", self.start("b")).json()["size"])

    def test_the_guploader_that_wants_no_308_gets_200(self):
        session = self.start("a")
        answer = self.piece(session, f"0-{GRANULE - 1}/*", DATA[:GRANULE],
                            {"X-GUploader-No-308": "yes"})
        self.assertEqual((200, "308", f"bytes=0-{GRANULE - 1}"),
                         (answer.status, answer.headers["X-Http-Status-Code-Override"],
                          answer.headers["Range"]))


class Queries(Session):
    def test_a_query_of_a_new_session_is_308_without_a_range(self):
        self.assertEqual((308, None), self.ranges(self.piece(self.start("a"), "*/*")))
        self.assertEqual((308, None), self.ranges(self.piece(self.start("b"), f"*/{TOTAL}")))

    def test_a_query_says_what_is_there_and_finishes_nothing(self):
        session = self.start("a")
        self.piece(session, f"0-{GRANULE - 1}/*", DATA[:GRANULE])
        for text in ("*/*", f"*/{TOTAL}", "*/*"):
            self.assertEqual((308, f"bytes=0-{GRANULE - 1}"),
                             self.ranges(self.piece(session, text)))
        self.assertEqual(404, self.get("a").status)

    def test_the_total_of_what_is_there_finishes_it(self):
        session = self.start("a")
        self.piece(session, f"0-{2 * GRANULE - 1}/*", DATA[:2 * GRANULE])
        answer = self.piece(session, f"*/{2 * GRANULE}")
        self.assertEqual((200, str(2 * GRANULE)), (answer.status, answer.json()["size"]))

    def test_a_session_that_is_done_answers_its_object_for_ever(self):
        session = self.start("a")
        made = self.finish(session).json()
        self.assertEqual(made, self.piece(session, "*/*").json())
        self.assertEqual(made, self.finish(session).json())
        self.ask("DELETE", path_of("a"))
        self.assertEqual(made, self.piece(session, "*/*").json())

    def test_a_query_with_a_body_is_400(self):
        self.assertEqual(400, self.piece(self.start("a"), "*/*", b"x").status)

    def test_whoever_leaves_in_the_middle_of_a_piece_finds_whole_256_kib(self):
        session = self.start("a")
        plug = self.plug()
        plug.sendall((f"PUT {session} HTTP/1.1\r\nContent-Length: {TOTAL}\r\n"
                      f"Content-Range: bytes 0-{TOTAL - 1}/{TOTAL}\r\n\r\n").encode()
                     + DATA[:GRANULE + 1000])
        plug.close()
        kept = self.wait_for_turn(session).blob
        wait_for(lambda: kept.size)  # a query before that would take the session over
        self.assertEqual((308, f"bytes=0-{GRANULE - 1}"),
                         self.ranges(self.piece(session, "*/*")))
        last = self.piece(session, f"{GRANULE}-{TOTAL - 1}/{TOTAL}", DATA[GRANULE:])
        self.assertEqual((200, crc_of(DATA)), (last.status, last.json()["crc32c"]))

    def test_the_newest_request_owns_the_session(self):
        session = self.start("a")
        old = self.plug()
        old.sendall((f"PUT {session} HTTP/1.1\r\nContent-Length: {TOTAL}\r\n"
                     f"Content-Range: bytes 0-{TOTAL - 1}/{TOTAL}\r\n\r\n").encode()
                    + DATA[:GRANULE])
        self.wait_for_turn(session)
        self.assertEqual((308, None), self.ranges(self.piece(session, "*/*")))
        answer = self.finish(session)
        self.assertEqual(200, answer.status)
        generation = answer.json()["generation"]
        try:
            old.sendall(DATA[GRANULE:])
            self.assertEqual(b"", old.recv(1000))
        except ConnectionError:
            pass
        self.assertEqual(generation, self.ask("GET", path_of("a")).json()["generation"])


class Ends(Session):
    def test_cancelling_is_499_and_then_404(self):
        session = self.start("a")
        self.assertEqual(499, self.ask("DELETE", session).status)
        self.assertEqual(404, self.finish(session).status)
        self.assertEqual(404, self.piece(session, "*/*").status)
        self.assertEqual(404, self.ask("DELETE", session).status)

    def test_a_session_nobody_knows_is_404(self):
        session = self.start("a").replace("upload_id=", "upload_id=x")
        self.assertEqual(404, self.finish(session).status)

    def test_a_session_that_has_expired_is_410(self):
        self.control("settings", {"session_lifetime_s": 0})
        session = self.start("a")
        self.assertEqual(410, self.piece(session, "*/*").status)

    def test_a_session_can_be_made_to_go(self):
        for status in (404, 410):
            session = self.start("a")
            self.control("sessions", {"upload_id": session.partition("upload_id=")[2],
                                      "status": status})
            self.assertEqual(status, self.piece(session, "*/*").status)

    def test_a_wrong_crc32c_is_400_and_no_object(self):
        session = self.start("a", resource={"crc32c": "AAAAAA=="})
        self.assertEqual(400, self.finish(session).status)
        self.assertEqual(404, self.get("a").status)
        self.assertEqual(410, self.piece(session, "*/*").status)

    def test_a_wrong_hash_with_the_last_piece_is_400(self):
        answer = self.piece(self.start("a"), f"0-{TOTAL - 1}/{TOTAL}", DATA,
                            {"X-Goog-Hash": "crc32c=AAAAAA=="})
        self.assertEqual(400, answer.status)

    def test_a_right_crc32c_is_good(self):
        session = self.start("a", resource={"crc32c": crc_of(DATA)})
        self.assertEqual(200, self.finish(session).status)

    def test_metadata_and_type_come_from_the_beginning(self):
        session = self.start("a", headers={"X-Upload-Content-Type": "text/plain"},
                             resource={"metadata": {"attempt": "7"}})
        made = self.finish(session).json()
        self.assertEqual(({"attempt": "7"}, "text/plain"), (made["metadata"], made["contentType"]))

    def test_a_session_that_is_left_leaves_no_file_when_it_ends(self):
        session = self.start("a")
        self.piece(session, f"0-{GRANULE - 1}/*", DATA[:GRANULE])
        self.ask("DELETE", session)
        self.assertEqual([], [one for one in self.control("state")["sessions"]
                              if one["state"] == "open"])


class Preconditions(Session):
    def test_create_only_is_refused_at_the_beginning_when_the_object_is_there(self):
        self.put("a", b"one")
        answer = self.ask("POST", f"{UPLOAD}resumable&ifGenerationMatch=0", {},
                          json.dumps({"name": "a"}).encode())
        self.assertEqual((412, "conditionNotMet"), (answer.status, answer.reason()))

    def test_that_can_be_left_to_the_end(self):
        self.control("settings", {"precondition_at_init": False})
        self.put("a", b"one")
        self.assertEqual(412, self.finish(self.start("a", "&ifGenerationMatch=0")).status)

    def test_of_two_sessions_that_create_the_first_wins_and_the_other_is_412(self):
        first, second = (self.start("a", "&ifGenerationMatch=0",
                                    resource={"metadata": {"attempt": str(n)}}) for n in (1, 2))
        self.assertEqual(200, self.finish(second).status)
        self.assertEqual(412, self.finish(first).status)
        self.assertEqual({"attempt": "2"}, self.ask("GET", path_of("a")).json()["metadata"])

    def test_the_loser_is_gone_afterwards(self):
        session = self.start("a", "&ifGenerationMatch=0")
        self.put("a", b"one")
        self.finish(session)
        self.assertEqual(404, self.piece(session, "*/*").status)

    def test_or_it_lies_that_it_is_done_as_the_testbench_does(self):
        self.control("settings", {"refused_is_done": True})
        session = self.start("a", "&ifGenerationMatch=0")
        self.put("a", b"one")
        self.assertEqual(412, self.finish(session).status)
        self.assertEqual(200, self.piece(session, "*/*").status)
        self.assertEqual(b"one", self.get("a").body)

    def test_replacing_a_generation_that_has_gone_is_412(self):
        old = self.put("a", b"one")
        session = self.start("a", f"&ifGenerationMatch={old['generation']}")
        self.put("a", b"two")
        self.assertEqual(412, self.finish(session).status)

    def test_replacing_the_live_generation_is_good(self):
        old = self.put("a", b"one")
        session = self.start("a", f"&ifGenerationMatch={old['generation']}")
        self.assertEqual(200, self.finish(session).status)


class Large(Session):
    def test_pieces_of_many_sizes_make_the_same_object(self):
        data = bytes(range(251)) * 20000  # 4.8 MiB
        for size in (GRANULE, 3 * GRANULE, MIB, 2 * MIB + GRANULE):
            session, at = self.start("a"), 0
            while at < len(data):
                part = data[at:at + size]
                total = len(data) if at + size >= len(data) else "*"
                answer = self.piece(session, f"{at}-{at + len(part) - 1}/{total}", part)
                at += size
            self.assertEqual((200, crc_of(data)), (answer.status, answer.json()["crc32c"]))
