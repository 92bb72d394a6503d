"""Reading objects: ranges, checksums, generations, transcoding."""
import gzip

from case import MIB, Case, crc_of, path_of

BYTES = b"0123456789"


class Ranges(Case):
    def setUp(self):
        super().setUp()
        self.put("ten", BYTES)
        self.put("none", b"")

    def range_of(self, text, name="ten"):
        return self.get(name, {"Range": text})

    def test_a_range_is_206_with_content_range(self):
        answer = self.range_of("bytes=2-4")
        self.assertEqual((206, b"234", "bytes 2-4/10"),
                         (answer.status, answer.body, answer.headers["Content-Range"]))

    def test_an_open_range_goes_to_the_end(self):
        answer = self.range_of("bytes=7-")
        self.assertEqual((206, b"789", "bytes 7-9/10"),
                         (answer.status, answer.body, answer.headers["Content-Range"]))

    def test_a_suffix_is_the_last_bytes(self):
        answer = self.range_of("bytes=-3")
        self.assertEqual((206, b"789", "bytes 7-9/10"),
                         (answer.status, answer.body, answer.headers["Content-Range"]))

    def test_a_suffix_longer_than_the_object_is_all_of_it(self):
        self.assertEqual((206, BYTES), (self.range_of("bytes=-99").status,
                                        self.range_of("bytes=-99").body))

    def test_a_range_is_cut_at_the_end(self):
        answer = self.range_of("bytes=8-99")
        self.assertEqual((206, b"89", "bytes 8-9/10"),
                         (answer.status, answer.body, answer.headers["Content-Range"]))

    def test_a_range_behind_the_end_is_416_with_the_size(self):
        answer = self.range_of("bytes=10-12")
        self.assertEqual((416, "bytes */10"), (answer.status, answer.headers["Content-Range"]))

    def test_any_range_of_an_empty_object_is_416(self):
        for text in ("bytes=0-0", "bytes=0-", "bytes=-1"):
            self.assertEqual(416, self.range_of(text, "none").status, text)

    def test_a_range_that_makes_no_sense_is_ignored(self):
        for text in ("bytes=4-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5",
                     "bytes=-5-2"):
            answer = self.range_of(text)
            self.assertEqual((200, BYTES), (answer.status, answer.body), text)

    def test_an_empty_object_without_a_range_is_200(self):
        answer = self.get("none")
        self.assertEqual((200, b"", "0"),
                         (answer.status, answer.body, answer.headers["Content-Length"]))

    def test_chunked_replies_have_no_length_and_the_same_bytes(self):
        self.control("settings", {"chunked": True})
        answer = self.range_of("bytes=2-4")
        self.assertEqual((206, b"234", "chunked", None),
                         (answer.status, answer.body, answer.headers["Transfer-Encoding"],
                          answer.headers["Content-Length"]))

    def test_a_large_object_comes_whole_and_in_pieces(self):
        data = bytes(range(256)) * 12289
        self.put("large", data)
        self.assertEqual(data, self.get("large").body)
        cut = len(data) // 3
        parts = [self.range_of(f"bytes={at}-{at + cut - 1}", "large").body
                 for at in range(0, len(data), cut)]
        self.assertEqual(data, b"".join(parts))


class Hashes(Case):
    def hashes(self):
        return self.get("a", {"Range": "bytes=1-1"}).headers.get_all("X-Goog-Hash")

    def test_metadata_has_the_crc32c_big_endian_in_base64(self):
        self.assertEqual("4waSgw==", self.put("a", b"123456789")["crc32c"])

    def test_metadata_has_the_md5_in_base64(self):
        self.assertEqual("JfnnlDI7RTiF9RgfG2JNCw==", self.put("a", b"123456789")["md5Hash"])

    def test_x_goog_hash_covers_the_whole_object_even_of_a_range(self):
        made = self.put("a", b"123456789")
        self.assertEqual([f"crc32c={made['crc32c']},md5={made['md5Hash']}"], self.hashes())

    def test_x_goog_hash_can_be_spaced_or_repeated(self):
        made = self.put("a", b"123456789")
        crc, md5 = f"crc32c={made['crc32c']}", f"md5={made['md5Hash']}"
        self.control("settings", {"hash_style": "spaced"})
        self.assertEqual([f"{crc}, {md5}"], self.hashes())
        self.control("settings", {"hash_style": "repeated"})
        self.assertEqual([crc, md5], self.hashes())

    def test_an_object_beyond_md5_max_has_no_md5(self):
        self.control("settings", {"md5_max": 8})
        self.assertIn("md5Hash", self.put("a", b"12345678"))
        self.assertNotIn("md5Hash", self.put("a", b"123456789"))


class Generations(Case):
    def test_a_pinned_generation_is_read_while_it_lives(self):
        made = self.put("a", b"one")
        answer = self.get("a", query=f"alt=media&generation={made['generation']}")
        self.assertEqual((200, b"one", made["generation"]),
                         (answer.status, answer.body, answer.headers["X-Goog-Generation"]))

    def test_a_pinned_generation_is_404_once_it_is_replaced(self):
        made = self.put("a", b"one")
        self.put("a", b"two")
        self.assertEqual(404, self.get("a", query=f"alt=media&generation={made['generation']}")
                         .status)

    def test_generations_grow(self):
        made = [int(self.put("a", b"x")["generation"]) for _ in range(20)]
        self.assertEqual(sorted(set(made)), made)

    def test_a_reader_keeps_the_bytes_of_an_object_that_is_replaced_meanwhile(self):
        data = b"1" * (8 * MIB)
        self.put("a", data)
        plug = self.plug()
        plug.sendall(f"GET {path_of('a')}?alt=media HTTP/1.1\r\nHost: x\r\n"
                     "Connection: close\r\n\r\n".encode())
        head = plug.recv(1)
        self.put("a", b"2" * (8 * MIB))
        whole = [head]
        while part := plug.recv(MIB):
            whole.append(part)
        self.assertEqual(data, b"".join(whole).partition(b"\r\n\r\n")[2])

    def test_media_is_below_download_too_as_media_link_says(self):
        made = self.put("a/b", b"one")
        target = made["mediaLink"].partition(f":{self.port}")[2]
        self.assertTrue(target.startswith("/download/storage/v1/b/bkt/o/a%2Fb?generation="))
        self.assertEqual(b"one", self.ask("GET", target).body)

    def test_media_errors_are_plain_text(self):
        answer = self.get("none")
        self.assertEqual((404, b"No such object: bkt/none"), (answer.status, answer.body))
        self.assertIn("text/html", answer.headers["Content-Type"])

    def test_a_slash_that_is_not_encoded_finds_nothing_and_is_a_violation(self):
        self.put("a/b", b"one")
        self.assertEqual(404, self.ask("GET", "/storage/v1/b/bkt/o/a/b?alt=media").status)
        self.assertEqual(1, self.violations()["slash-in-name"])

    def test_a_read_without_generation_is_a_violation(self):
        made = self.put("a", b"one")
        gzip_too = {"Accept-Encoding": "gzip"}
        self.get("a", gzip_too, f"alt=media&generation={made['generation']}")
        self.assertNotIn("unpinned-read", self.violations())
        self.get("a", gzip_too)
        self.assertEqual(1, self.violations()["unpinned-read"])


class Transcoding(Case):
    def setUp(self):
        super().setUp()
        self.stored = gzip.compress(b"all of these bytes " * 1000)
        self.made = self.put("z", self.stored, "&contentEncoding=gzip")

    def test_without_accept_encoding_it_comes_unzipped_and_without_a_length(self):
        answer = self.get("z")
        self.assertEqual((200, b"all of these bytes " * 1000), (answer.status, answer.body))
        self.assertIsNone(answer.headers["Content-Length"])
        self.assertIsNone(answer.headers["Content-Encoding"])
        self.assertEqual("gunzipped",
                         answer.headers["X-Guploader-Response-Body-Transformations"])

    def test_then_a_range_is_ignored(self):
        answer = self.get("z", {"Range": "bytes=0-4"})
        self.assertEqual((200, 19000), (answer.status, len(answer.body)))

    def test_then_the_hash_is_that_of_the_stored_bytes(self):
        self.assertIn(f"crc32c={crc_of(self.stored)}", self.get("z").headers["X-Goog-Hash"])

    def test_with_accept_encoding_it_comes_as_it_is_stored(self):
        answer = self.get("z", {"Accept-Encoding": "gzip"})
        self.assertEqual((200, self.stored, "gzip"),
                         (answer.status, answer.body, answer.headers["Content-Encoding"]))

    def test_then_a_range_is_one_of_the_stored_bytes(self):
        answer = self.get("z", {"Accept-Encoding": "gzip", "Range": "bytes=0-4"})
        self.assertEqual((206, self.stored[:5]), (answer.status, answer.body))

    def test_no_transform_keeps_it_as_it_is_stored(self):
        self.ask("PATCH", path_of("z"), {}, b'{"cacheControl": "no-transform"}')
        self.assertEqual(self.stored, self.get("z").body)

    def test_metadata_says_content_encoding(self):
        self.assertEqual("gzip", self.made["contentEncoding"])

    def test_a_name_in_gz_alone_means_nothing(self):
        self.put("z.gz", self.stored)
        self.assertEqual(self.stored, self.get("z.gz").body)
