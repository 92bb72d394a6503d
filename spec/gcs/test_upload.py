"""Making objects in one request: simple and multipart uploads, names, checksums."""
import base64
import hashlib
import json
import urllib.parse

from case import KIB, MIB, UPLOAD, Case, crc_of, path_of

DATA = b"some bytes\r\n--not the end"


class Simple(Case):
    def test_the_body_is_the_object(self):
        made = self.put("a", DATA, headers={"Content-Type": "text/plain"})
        self.assertEqual(("25", "text/plain", "1"),
                         (made["size"], made["contentType"], made["metageneration"]))
        self.assertEqual(DATA, self.get("a").body)

    def test_an_object_has_all_that_clients_ask_for(self):
        made = self.put("a", DATA)
        for key in ("kind", "id", "selfLink", "mediaLink", "bucket", "generation", "etag",
                    "timeCreated", "updated", "storageClass", "md5Hash", "crc32c"):
            self.assertIn(key, made)

    def test_a_body_in_chunks_is_one_body(self):
        answer = self.ask("POST", f"{UPLOAD}media&name=a", {}, [b"some ", b"x" * 100000, b"end"])
        self.assertEqual("100008", answer.json()["size"])
        self.assertEqual(b"some " + b"x" * 100000 + b"end", self.get("a").body)

    def test_many_megabytes_arrive_as_they_were_sent(self):
        data = bytes(range(251)) * 40000
        self.assertEqual(crc_of(data), self.put("a", data)["crc32c"])
        self.assertEqual(data, self.get("a").body)

    def test_resumable_upload_is_another_name_of_the_same_path(self):
        answer = self.ask("POST", "/resumable" + UPLOAD + "media&name=a", {}, DATA)
        self.assertEqual(200, answer.status)

    def test_a_wrong_crc32c_is_400_and_no_object(self):
        answer = self.ask("POST", f"{UPLOAD}media&name=a", {"X-Goog-Hash": "crc32c=AAAAAA=="},
                          DATA)
        self.assertEqual((400, "invalid"), (answer.status, answer.reason()))
        self.assertEqual(404, self.get("a").status)

    def test_a_crc32c_that_is_none_is_400(self):
        for text in ("AAAA", "????"):
            body = self.multipart_with({"name": "a", "crc32c": text})
            self.assertEqual(400, body.status, text)

    def multipart_with(self, resource):
        text = json.dumps(resource).encode()
        return self.ask("POST", f"{UPLOAD}multipart",
                        {"Content-Type": "multipart/related; boundary=x"},
                        b"--x\r\n\r\n" + text + b"\r\n--x\r\n\r\nbytes\r\n--x--")

    def test_a_right_crc32c_and_md5_are_good(self):
        md5 = base64.b64encode(hashlib.md5(DATA).digest()).decode()
        self.put("a", DATA, headers={"X-Goog-Hash": f"crc32c={crc_of(DATA)},md5={md5}"})

    def test_a_wrong_md5_is_400(self):
        answer = self.ask("POST", f"{UPLOAD}media&name=a",
                          {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, DATA)
        self.assertEqual(400, answer.status)

    def test_a_client_that_leaves_in_the_middle_leaves_nothing(self):
        plug = self.plug()
        plug.sendall(f"POST {UPLOAD}media&name=a HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf"
                     .encode())
        plug.close()
        self.assertEqual(404, self.get("a").status)

    def test_a_client_is_told_to_continue_when_it_waits_for_that(self):
        plug = self.plug()
        plug.sendall(f"POST {UPLOAD}media&name=a HTTP/1.1\r\nContent-Length: 4\r\n"
                     "Expect: 100-continue\r\n\r\n".encode())
        self.assertEqual(b"HTTP/1.1 100 Continue\r\n\r\n", plug.recv(1000))
        plug.sendall(b"body")
        self.assertTrue(plug.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_an_upload_without_checksum_and_precondition_is_two_violations(self):
        self.put("a", DATA)
        self.assertEqual((1, 1), (self.violations()["no-crc32c"],
                                  self.violations()["no-precondition"]))

    def test_an_upload_with_both_is_none(self):
        self.put("a", DATA, "&ifGenerationMatch=0", {"X-Goog-Hash": f"crc32c={crc_of(DATA)}"})
        self.assertEqual({}, self.violations())


class Names(Case):
    def answer(self, name):
        name = urllib.parse.quote_from_bytes(name, safe="")
        return self.ask("POST", f"{UPLOAD}media&name={name}", {}, b"x")

    def test_1024_bytes_are_a_name(self):
        self.assertEqual(200, self.answer(b"n" * 1024).status)

    def test_1025_bytes_are_none(self):
        self.assertEqual(400, self.answer(b"n" * 1025).status)

    def test_the_limit_counts_bytes_of_utf_8(self):
        self.assertEqual(200, self.answer("é".encode() * 512).status)
        self.assertEqual(400, self.answer("é".encode() * 513).status)

    def test_line_ends_dots_and_nothing_are_no_names(self):
        for name in (b"a\rb", b"a\nb", b".", b"..", b""):
            self.assertEqual(400, self.answer(name).status, name)

    def test_what_is_not_utf_8_is_no_name(self):
        self.assertEqual(400, self.answer(b"\xff").status)

    def test_any_other_character_is_good_in_a_name(self):
        name = "a/b c?d#e%f+g&h=é漢\U0001f600"
        self.put(name, b"odd")
        self.assertEqual(b"odd", self.get(name).body)
        listed = self.ask("GET", "/storage/v1/b/bkt/o").json()["items"]
        self.assertEqual([name], [one["name"] for one in listed])


class Multipart(Case):
    def upload(self, body, kind="multipart/related; boundary=xyz", query=""):
        return self.ask("POST", f"{UPLOAD}multipart{query}", {"Content-Type": kind}, body)

    def parts(self, resource, media=DATA, end=b"\r\n", mark=b"xyz",
              kind=b"Content-Type: text/css\r\n"):
        head = b"Content-Type: application/json; charset=UTF-8"
        return end.join([b"--" + mark, head, b"", json.dumps(resource).encode(), b"--" + mark,
                         kind.replace(b"\r\n", end) + end + media, b"--" + mark + b"--", b""])

    def test_json_and_bytes_make_an_object(self):
        answer = self.upload(self.parts({"name": "a", "metadata": {"k": "v"}}))
        self.assertEqual(({"k": "v"}, "text/css"),
                         (answer.json()["metadata"], answer.json()["contentType"]))
        self.assertEqual(DATA, self.get("a").body)

    def test_lines_may_end_in_lf_alone(self):
        answer = self.upload(self.parts({"name": "a"}, end=b"\n"))
        self.assertEqual(200, answer.status, answer.body)
        self.assertEqual(DATA, self.get("a").body)

    def test_the_boundary_may_be_quoted_either_way(self):
        for quote in "'\"":
            kind = f"multipart/related; boundary={quote}xy z=={quote}"
            answer = self.upload(self.parts({"name": "a"}, mark=b"xy z=="), kind)
            self.assertEqual(200, answer.status, answer.body)
            self.assertEqual(DATA, self.get("a").body)

    def test_the_bytes_need_no_type(self):
        answer = self.upload(self.parts({"name": "a"}, kind=b""))
        self.assertEqual("application/octet-stream", answer.json()["contentType"])

    def test_the_json_has_a_type_before_the_part(self):
        answer = self.upload(self.parts({"name": "a", "contentType": "x/y"}))
        self.assertEqual("x/y", answer.json()["contentType"])

    def test_the_body_may_come_in_chunks_cut_anywhere(self):
        whole = self.parts({"name": "a"})
        answer = self.ask("POST", f"{UPLOAD}multipart",
                          {"Content-Type": "multipart/related; boundary=xyz"},
                          [whole[at:at + 7] for at in range(0, len(whole), 7)])
        self.assertEqual(200, answer.status, answer.body)
        self.assertEqual(DATA, self.get("a").body)

    def test_many_megabytes_of_what_looks_like_a_boundary_arrive(self):
        data = b"\r\n--xy\r\n--xyw--\n--xy" * 150000
        answer = self.upload(self.parts({"name": "a"}, data))
        self.assertEqual((str(len(data)), crc_of(data)),
                         (answer.json()["size"], answer.json()["crc32c"]))
        self.assertEqual(data, self.get("a").body)

    def test_no_bytes_are_an_empty_object(self):
        self.assertEqual("0", self.upload(self.parts({"name": "a"}, b"")).json()["size"])

    def test_the_query_may_name_it(self):
        self.assertEqual("q", self.upload(self.parts({}), query="&name=q").json()["name"])

    def test_a_wrong_crc32c_is_400_and_no_object(self):
        answer = self.upload(self.parts({"name": "a", "crc32c": "AAAAAA=="}))
        self.assertEqual(400, answer.status)
        self.assertEqual(404, self.get("a").status)

    def test_what_is_not_multipart_is_400(self):
        good = self.parts({"name": "a"})
        for body, kind in ((good, "application/json"), (good, "multipart/related"),
                           (good, "multipart/related; boundary=other"), (b"", None),
                           (good[:-9], None), (good.replace(b"{", b"["), None)):
            answer = self.upload(body, kind or "multipart/related; boundary=xyz")
            self.assertEqual(400, answer.status, body)
        self.assertEqual(404, self.get("a").status)

    def test_without_a_name_it_is_400(self):
        self.assertEqual(400, self.upload(self.parts({})).status)

    def test_metadata_that_is_no_table_of_strings_is_400(self):
        for wrong in ([], {"a": 1}, "x"):
            self.assertEqual(400, self.upload(self.parts({"name": "a", "metadata": wrong})).status)


class Rate(Case):
    settings = {"limit_rate": True}

    def test_a_second_change_of_a_name_within_a_second_is_429(self):
        self.put("a", b"one")
        answer = self.ask("POST", f"{UPLOAD}media&name=a", {}, b"two")
        self.assertEqual((429, "rateLimitExceeded"), (answer.status, answer.reason()))
        self.assertEqual(429, self.ask("DELETE", path_of("a")).status)
        self.assertEqual(b"one", self.get("a").body)

    def test_other_names_are_not_limited(self):
        for number in range(10):
            self.put(f"a{number}", b"one")

    def test_after_the_interval_it_is_changed(self):
        self.control("settings", {"write_interval_s": 0.0})
        self.put("a", b"one")
        self.put("a", b"two")
        self.assertEqual(b"two", self.get("a").body)

    def test_off_it_is_a_violation_only(self):
        self.control("settings", {"limit_rate": False})
        self.put("a", b"one")
        self.put("a", b"two")
        self.assertEqual(1, self.violations()["hot-name"])


class Sizes(Case):
    def test_sizes_around_the_block_are_all_good(self):
        for size in (1, 256 * KIB - 1, 256 * KIB, MIB - 1, MIB, MIB + 1):
            data = b"x" * size
            made = self.put("a", data)
            self.assertEqual((str(size), crc_of(data)), (made["size"], made["crc32c"]))
            self.assertEqual(size, len(self.get("a").body))
